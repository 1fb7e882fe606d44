"""What goes with a persona, in the apps above that keep things outside of the database: they register themselves."""

from collections.abc import Callable

from personas.models import Persona

# Called before the rows go, in the transaction that deletes them.
Forget = Callable[[Persona], None]

_forgets: list[Forget] = []


def register_forget(forget: Forget) -> None:
    """Called in the `AppConfig.ready()` of an app."""
    _forgets.append(forget)


def forget_what_hangs_on(persona: Persona) -> None:
    for forget in _forgets:
        forget(persona)
