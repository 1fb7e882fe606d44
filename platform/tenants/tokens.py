"""Tokens that carry their tenant, `tk_<tenant>_<secret>`: the scope is entered first, the secret looked up in it."""

import hashlib
import re
import secrets
from dataclasses import dataclass
from uuid import UUID

from tenants.errors import Unauthenticated

API_KEY = "tk"
PUBLISHABLE = "pk"
SESSION = "st"

_SHAPE = re.compile(r"(tk|pk|st)_([0-9a-f]{32})_([A-Za-z0-9_.\-]{8,2000})")


@dataclass(frozen=True)
class Token:
    """A token's parts. Nothing here says that it is valid."""

    kind: str
    tenant_id: UUID
    secret: str

    def __str__(self) -> str:
        return f"{self.kind}_{self.tenant_id.hex}_{self.secret}"

    @property
    def digest(self) -> str:
        """SHA-256, hexadecimal. The secret has 190 bits, so that a slow hash would add nothing."""
        return hashlib.sha256(self.secret.encode()).hexdigest()

    @property
    def prefix(self) -> str:
        """What may be shown, so that a person can tell keys apart."""
        return f"{self.kind}_…_{self.secret[:6]}"


def mint(kind: str, tenant_id: UUID) -> Token:
    """A new random token of this tenant."""
    alphabet = "ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz23456789"
    return Token(kind, tenant_id, "".join(secrets.choice(alphabet) for _ in range(33)))


def parse_token(text: str, kind: str) -> Token:
    """Take a token apart. Raises Unauthenticated when it has another kind or no token's shape."""
    match = _SHAPE.fullmatch(text)
    if match is None or match[1] != kind:
        raise Unauthenticated
    return Token(kind, UUID(match[2]), match[3])
