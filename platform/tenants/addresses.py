"""Where tenants may make the platform call: the public internet, and networks that the operator names.

What a tenant writes down (a hook, a database) is called from inside the operator's network: without this, it could
reach the database next door, or a cloud's metadata service.
"""

import ipaddress
from collections.abc import Iterable

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

# Addresses within which others are hidden: IPv4 behind NAT64 and 6to4.
_HIDING = tuple(map(ipaddress.ip_network, ("64:ff9b::/96", "64:ff9b:1::/48", "2002::/16")))


class AddressForbidden(Exception):
    """A name leads where it may not."""


def allowed_address(found: Iterable[tuple[object, ...]], networks: Iterable[Network]) -> Address:
    """The first of the addresses that `getaddrinfo` found, each of which must be allowed. Raises AddressForbidden.

    What was looked at is what must be called: a name that is resolved again may lead elsewhere.
    """
    networks = tuple(networks)
    addresses = [ipaddress.ip_address(str(one[4][0]).partition("%")[0]) for one in found]  # type: ignore[index]
    if not addresses or not all(is_allowed(address, networks) for address in addresses):
        raise AddressForbidden
    return addresses[0]


def is_allowed(address: Address, networks: Iterable[Network]) -> bool:
    """Whether it is public, or in one of the networks."""
    mapped = getattr(address, "ipv4_mapped", None) or address
    if any(mapped in network for network in networks):
        return True
    return mapped.is_global and not mapped.is_multicast and not any(mapped in network for network in _HIDING)
