"""Names of rows that lower layers know by their ids alone, such as whose usage it was."""

from collections.abc import Callable, Mapping
from uuid import UUID

from tenants.models import ApiKey

Names = Mapping[UUID, str]
_namers: dict[str, Callable[[], Names]] = {}


def register_names(kind: str, namer: Callable[[], Names]) -> None:
    """`namer` names all rows of a kind that the current tenant has. Called when the app of the kind is ready."""
    _namers[kind] = namer


def names_of(kind: str) -> Names:
    """What the current tenant's rows of a kind are called, by id."""
    return _namers[kind]() if kind in _namers else {}


def _names_of_keys() -> Names:
    return {key.pk: str(key) for key in ApiKey.objects.all()}


register_names("key", _names_of_keys)
