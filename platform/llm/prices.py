"""The price lists that hold for a tenant: its own and the operator's."""

import time
from uuid import UUID

from django.db.models import CharField, F, Value

from llm.money import PlatformPrice, Price
from llm.tariffs import Tariff
from tenants.scope import current_tenant_id

# So long may a process go by what the lists were. A price that begins later is in them already.
KEPT_S = 10.0
TENANTS_KEPT = 10_000

_FIELDS = ("model", "input", "cached", "output", "currency", "valid_from")
_kept: dict[UUID, tuple[float, tuple[Tariff, ...]]] = {}


def tariffs_for(route: str) -> tuple[Tariff, ...]:
    """What may hold on a route of the current tenant's; outside any scope nothing does."""
    tenant_id = current_tenant_id()
    if tenant_id is None:
        return ()
    return tuple(tariff for tariff in _listed(tenant_id) if tariff.route in ("", route))


def forget_prices() -> None:
    """They were changed here; other processes see it some seconds later."""
    _kept.clear()


def _listed(tenant_id: UUID) -> tuple[Tariff, ...]:
    now = time.monotonic()
    kept = _kept.get(tenant_id)
    if kept is None or kept[0] < now:
        kept = now + KEPT_S, _read(tenant_id)
        if len(_kept) >= TENANTS_KEPT:
            _kept.clear()
        _kept[tenant_id] = kept
    return kept[1]


def _read(tenant_id: UUID) -> tuple[Tariff, ...]:
    """One statement for both lists."""
    nowhere = Value("", output_field=CharField())
    own = Price.objects.for_tenant(tenant_id).annotate(on=F("route"), own=Value(1))
    platform = PlatformPrice.objects.annotate(on=nowhere, own=Value(0))
    columns = (*_FIELDS, "on", "own")
    rows = own.order_by().values_list(*columns).union(platform.order_by().values_list(*columns), all=True)
    return tuple(
        # A price on one route goes before one on all of them.
        Tariff(model, input_, cached, output, currency, valid_from, route, rank=own + bool(route))
        for model, input_, cached, output, currency, valid_from, route, own in rows
    )
