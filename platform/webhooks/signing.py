"""Signatures by Standard Webhooks 1.0 (github.com/standard-webhooks/standard-webhooks, spec/standard-webhooks.md).

Whoever is called checks them with the libraries of that project, or by the few lines of `signature`.
"""

import base64
import hashlib
import hmac
import secrets
from collections.abc import Sequence

PREFIX = "whsec_"


def key_of(secret: str) -> bytes:
    """The key in a secret: base64 behind `whsec_`, and else the text itself. Raises ValueError."""
    if secret.startswith(PREFIX):
        return base64.b64decode(secret.removeprefix(PREFIX), validate=True)
    return secret.encode()


def signature(secret: str, message_id: str, timestamp_s: int, body: bytes) -> str:
    signed = b"%s.%d.%s" % (message_id.encode(), timestamp_s, body)
    return "v1," + base64.b64encode(hmac.digest(key_of(secret), signed, hashlib.sha256)).decode()


def signed_headers(keys: Sequence[str], message_id: str, timestamp_s: int, body: bytes) -> dict[str, str]:
    """Signed by each of the secrets: while one takes the other's place, a receiver may know either."""
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(timestamp_s),
        "webhook-signature": " ".join(signature(key, message_id, timestamp_s, body) for key in keys),
    }


def new_secret() -> str:
    """256 bits."""
    return PREFIX + base64.b64encode(secrets.token_bytes(32)).decode()
