"""What an erasure says of itself afterwards, signed, so that nobody can say it of another day or another person."""

import hashlib
import hmac
import json
from typing import Any
from uuid import UUID

from django.conf import settings
from django.core import signing
from django.utils.crypto import salted_hmac

from chat.models import Erasure


def digest_of(tenant_id: UUID, external_id: str) -> str:
    """By what a receipt is found for a person's id, without holding it. Of no use without our secret."""
    return salted_hmac(f"chat.erasure.person:{tenant_id.hex}", external_id, algorithm="sha256").hexdigest()


def receipt_of(erasure: Erasure) -> dict[str, Any]:
    """What is signed."""
    return {
        "id": str(erasure.pk),
        "tenant_id": str(erasure.tenant_id),
        "person_digest": erasure.person_digest,
        "requested_at": erasure.requested_at.isoformat(),
        "finished_at": erasure.finished_at.isoformat() if erasure.finished_at else None,
        "found": erasure.found,
        "left": erasure.left,
        "total_left": sum(erasure.left.values()),
    }


def sign(erasure: Erasure) -> str:
    return _signer(erasure.tenant_id, settings.SECRET_KEY).signature(_canonical(erasure))


def is_genuine(erasure: Erasure) -> bool:
    """Whether the receipt is as it was signed, also by a former secret key."""
    keys = [settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS]
    return any(
        hmac.compare_digest(_signer(erasure.tenant_id, key).signature(_canonical(erasure)), erasure.signature)
        for key in keys
    )


def _canonical(erasure: Erasure) -> str:
    text = json.dumps(receipt_of(erasure), sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def _signer(tenant_id: UUID, key: str) -> signing.Signer:
    return signing.Signer(key=key, salt=f"chat.erasure:{tenant_id.hex}")
