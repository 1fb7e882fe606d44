"""Secrets at rest: AES-256-GCM under a key derived from `SECRET_KEY`."""

import os
from functools import cache

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings

NONCE_BYTES = 12


class SecretUnreadable(ValueError):
    """Sealed under another SECRET_KEY, for another owner, or damaged."""


def seal(secret: str, *, owner: bytes) -> bytes:
    """Encrypt a secret. It opens for the same `owner` alone, so that no other row can use it."""
    return seal_bytes(secret.encode(), owner=owner)


def seal_bytes(secret: bytes, *, owner: bytes) -> bytes:
    """As `seal`, for what is no text."""
    nonce = os.urandom(NONCE_BYTES)
    return nonce + _cipher(settings.SECRET_KEY).encrypt(nonce, secret, owner)


def unseal(sealed: bytes, *, owner: bytes) -> str:
    """Decrypt what `seal` made, also under a key in `SECRET_KEY_FALLBACKS`. Raises SecretUnreadable."""
    return unseal_bytes(sealed, owner=owner).decode()


def unseal_bytes(sealed: bytes, *, owner: bytes) -> bytes:
    """As `unseal`, for what is no text."""
    nonce, encrypted = sealed[:NONCE_BYTES], sealed[NONCE_BYTES:]
    for key in (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS):
        try:
            return _cipher(key).decrypt(nonce, encrypted, owner)
        except (InvalidTag, ValueError):
            continue
    raise SecretUnreadable


@cache
def _cipher(secret_key: str) -> AESGCM:
    derived = HKDF(SHA256(), length=32, salt=None, info=b"troupe: secrets at rest").derive(secret_key.encode())
    return AESGCM(derived)
