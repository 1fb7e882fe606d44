"""From which address somebody calls, for all that can be believed."""

import ipaddress
from collections.abc import Iterable, Sequence
from typing import Any

from django.conf import settings

from tenants.addresses import Network


def address_of_request(request: Any) -> str:
    """The caller's address; "" where the server does not know any."""
    return believable(request.META.get("REMOTE_ADDR") or "", request.headers.get("X-Forwarded-For", ""))


def address_of_scope(scope: Any) -> str:
    """The same for a socket."""
    sent = [value.decode("latin-1") for name, value in scope.get("headers", ()) if name == b"x-forwarded-for"]
    return believable((scope.get("client") or ("",))[0], ",".join(sent))


def believable(peer: str, forwarded: str, proxies: Sequence[Network] | None = None) -> str:
    """Who stands before the proxies of ours, each of which added to the right whom it heard it from.

    Anybody may send the header: what stands to the left of the first that is no proxy of ours is hearsay.
    """
    proxies = settings.TRUSTED_PROXIES if proxies is None else proxies
    if not proxies:
        return peer
    address = peer
    for named in reversed([one.strip() for one in forwarded.split(",") if one.strip()]):
        if not _is_in(address, proxies):
            break
        address = named
    return address if _is_address(address) else peer


def _is_in(address: str, networks: Iterable[Network]) -> bool:
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return False
    found = getattr(found, "ipv4_mapped", None) or found
    return any(found in network for network in networks)


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True
