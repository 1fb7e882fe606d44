"""Where a tenant's URL leads, looked at once: to the public internet, or into networks that the operator opens."""

import asyncio
import socket
from typing import NamedTuple
from urllib.parse import urlsplit

from django.conf import settings

from tenants.addresses import allowed_address


class Target(NamedTuple):
    """An address, resolved once: what was looked at is what is called."""

    url: str  # with the address in place of the name
    host: str  # as `Host` has it
    server_name: str  # that the certificate must be for


async def resolved(url: str) -> Target:
    """Raises AddressForbidden, and OSError for a name that does not resolve."""
    parts = urlsplit(url)
    name = parts.hostname or ""
    port = parts.port or (443 if parts.scheme == "https" else 80)
    found = await asyncio.get_running_loop().getaddrinfo(name, port, type=socket.SOCK_STREAM)
    address = allowed_address(found, settings.ENVIRONMENT.hook_networks)
    place = f"[{address}]" if address.version == 6 else str(address)
    return Target(parts._replace(netloc=f"{place}:{port}", fragment="").geturl(), parts.netloc, name)
