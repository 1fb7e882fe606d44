"""Which buckets stand for a call or a turn, and how large they are.

The limits that everybody has keep one tenant from taking the machine from the others. They are far above what people
do: an office of hundreds behind one address, or a game with all its characters, never meets them.
"""

import ipaddress
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from uuid import UUID

from tenants.limits.buckets import Bucket, Limit
from tenants.models import RateLimit
from tenants.scope import tenant_scope

Of = RateLimit.Of

# A tenant's own numbers may replace them; what is not here is not limited unless a tenant says so.
DEFAULTS: Mapping[str, Limit] = {
    Of.TENANT_REQUESTS: Limit(12_000, 60),
    Of.KEY_REQUESTS: Limit(6_000, 60),
    Of.ADDRESS_REQUESTS: Limit(1_200, 60),
    Of.TENANT_TURNS: Limit(6_000, 60),
    Of.END_USER_TURNS: Limit(120, 60),
    Of.PLAYER_TURNS: Limit(1_200, 60),
    Of.ADDRESS_TURNS: Limit(1_200, 60),
}
# Calls with keys that are none, from one address. They stand before any tenant.
STRANGERS = Limit(120, 60)
# What protects the others, so that only an operator may give a tenant more of it.
OPERATORS_ONLY = {Of.TENANT_REQUESTS, Of.TENANT_TURNS}

# So long may a process go by what a tenant's limits were.
KEPT_S = 5.0
TENANTS_KEPT = 10_000

Chosen = Mapping[tuple[str, UUID | None], Limit]
_kept: dict[UUID, tuple[float, Chosen]] = {}


@dataclass(frozen=True, slots=True)
class Asker:
    """Who asks, as far as limits and budgets go: by which key, from which address.

    A server's own address says nothing, and is left out; that of a visitor is told, with or without a key.
    """

    key_id: UUID | None = None
    address: str = ""


NOBODY = Asker()


def buckets_of_call(tenant_id: UUID, asker: Asker) -> list[Bucket]:
    """For one call of the API, or one socket."""
    chosen = limits_of(tenant_id)
    found = [_bucket(chosen, tenant_id, Of.TENANT_REQUESTS, tenant_id)]
    if asker.key_id:
        found.append(_bucket(chosen, tenant_id, Of.KEY_REQUESTS, asker.key_id))
    if asker.address:
        found.append(_of_address(chosen, tenant_id, Of.ADDRESS_REQUESTS, asker.address))
    return [bucket for bucket in found if bucket]


def buckets_of_turn(
    tenant_id: UUID,
    asker: Asker,
    *,
    persona_id: UUID | None = None,
    end_user_id: UUID | None = None,
    game_session_id: UUID | None = None,
) -> list[Bucket]:
    """For one turn of a chat or of a game."""
    return list(_of_turn(tenant_id, asker, persona_id, end_user_id, game_session_id))


def buckets_of_stranger(address: str) -> list[Bucket]:
    """For one try with a key that is none. None inside our own network, as for `_of_address`."""
    if not is_public(address):
        return []
    return [Bucket("strangers", f"limit:{{strangers}}:{network_of(address)}", STRANGERS)]


def _of_turn(
    tenant_id: UUID, asker: Asker, persona_id: UUID | None, end_user_id: UUID | None, game_session_id: UUID | None
) -> Iterator[Bucket]:
    chosen = limits_of(tenant_id)
    subjects = {
        Of.TENANT_TURNS: tenant_id,
        Of.KEY_TURNS: asker.key_id,
        Of.PERSONA_TURNS: persona_id,
        Of.END_USER_TURNS: end_user_id,
        Of.PLAYER_TURNS: game_session_id,
    }
    for of, subject in subjects.items():
        if subject and (bucket := _bucket(chosen, tenant_id, of, subject)):
            yield bucket
    if asker.address and (bucket := _of_address(chosen, tenant_id, Of.ADDRESS_TURNS, asker.address)):
        yield bucket


def _bucket(chosen: Chosen, tenant_id: UUID, of: Of, subject: UUID) -> Bucket | None:
    limit = chosen.get((of, subject)) or chosen.get((of, None)) or DEFAULTS.get(of)
    # All of a tenant's in one slot of a cluster, so that one script may take from them.
    return Bucket(of.value, f"limit:{{{tenant_id.hex}}}:{of.value}:{subject.hex}", limit) if limit else None


def _of_address(chosen: Chosen, tenant_id: UUID, of: Of, address: str) -> Bucket | None:
    """An address inside our own network is a proxy's that nobody told us of: it would limit all visitors as one."""
    network = network_of(address)
    limit = chosen.get((of, None)) or (DEFAULTS.get(of) if is_public(address) else None)
    return Bucket(of.value, f"limit:{{{tenant_id.hex}}}:{of.value}:{network}", limit) if limit and network else None


def exceeds_default(chosen: RateLimit) -> bool:
    """Whether a tenant asks for more than only an operator may give it."""
    default = DEFAULTS.get(chosen.of)
    if chosen.of not in OPERATORS_ONLY or default is None:
        return False
    # Neither more of them in the long run, nor more at once.
    return chosen.limit > default.limit or chosen.limit * default.window_s > default.limit * chosen.window_s


def network_of(address: str) -> str:
    """By what visitors are told apart: an IPv4 address, or the /64 that an IPv6 subscriber has to himself."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return ""
    if isinstance(found, ipaddress.IPv6Address):
        return str(found.ipv4_mapped or ipaddress.ip_network((int(found) >> 64 << 64, 64)))
    return str(found)


def is_public(address: str) -> bool:
    try:
        return ipaddress.ip_address(address).is_global
    except ValueError:
        return False


def limits_of(tenant_id: UUID) -> Chosen:
    """What the tenant has chosen, as it was at most some seconds ago."""
    now = time.monotonic()
    kept = _kept.get(tenant_id)
    if kept is None or kept[0] < now:
        with tenant_scope(tenant_id):
            rows = RateLimit.objects.for_tenant(tenant_id).values_list("of", "subject_id", "limit", "window_s")
            kept = now + KEPT_S, {(of, subject): Limit(limit, window_s) for of, subject, limit, window_s in rows}
        if len(_kept) >= TENANTS_KEPT:
            _kept.clear()
        _kept[tenant_id] = kept
    return kept[1]


def forget_limits(tenant_id: UUID) -> None:
    """They were changed here; other processes see it some seconds later."""
    _kept.pop(tenant_id, None)
