"""Where a hook may lead: to the public internet, and into networks that the operator names.

A world is written by a tenant, and calls to its hooks leave from inside the operator's network: without this, a hook
could ask the database next door, or a cloud's metadata service.
"""

import asyncio
import ipaddress
import socket
from typing import NamedTuple
from urllib.parse import urlsplit

from django.conf import settings

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

# Addresses within which others are hidden: IPv4 behind NAT64 and 6to4.
_HIDING = tuple(map(ipaddress.ip_network, ("64:ff9b::/96", "64:ff9b:1::/48", "2002::/16")))


class AddressForbidden(Exception):
    """A hook leads where it may not."""


class Target(NamedTuple):
    """A hook's address, resolved once: what was looked at is what is called."""

    url: str  # with the address in place of the name
    host: str  # as `Host` has it
    server_name: str  # that the certificate must be for


async def resolved(url: str) -> Target:
    """Raises AddressForbidden, and OSError for a name that does not resolve."""
    parts = urlsplit(url)
    name = parts.hostname or ""
    port = parts.port or (443 if parts.scheme == "https" else 80)
    found = await asyncio.get_running_loop().getaddrinfo(name, port, type=socket.SOCK_STREAM)
    addresses = [ipaddress.ip_address(str(one[4][0]).partition("%")[0]) for one in found]
    if not addresses or not all(is_allowed(address) for address in addresses):
        raise AddressForbidden
    address = addresses[0]
    place = f"[{address}]" if address.version == 6 else str(address)
    return Target(parts._replace(netloc=f"{place}:{port}", fragment="").geturl(), parts.netloc, name)


def is_allowed(address: Address) -> bool:
    """Whether hooks may be called there. Of several addresses of a name, each must be."""
    mapped = getattr(address, "ipv4_mapped", None) or address
    if any(mapped in network for network in settings.ENVIRONMENT.hook_networks):
        return True
    return mapped.is_global and not mapped.is_multicast and not any(mapped in network for network in _HIDING)
