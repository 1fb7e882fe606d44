"""`Idempotency-Key`: the same call sent twice creates once and gets the first answer again."""

import hashlib
from collections.abc import Callable, Iterator

from django.db import IntegrityError, transaction
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _

from tenants.errors import FirstAnswerLost, IdempotencyMismatch, Invalid
from tenants.models import StoredAnswer
from tenants.secrets import SecretUnreadable, seal_bytes, unseal_bytes


def answer_once(request: HttpRequest, answer: Callable[[], HttpResponse]) -> HttpResponse:
    """Answer a request, or give back what the same `Idempotency-Key` got before.

    Runs inside the request's transaction: the key's row is written first, so that a second request which comes
    while the first runs waits for it. Only successes are kept; after a failure the key may be tried again.
    Raises IdempotencyMismatch when the key came with another body, FirstAnswerLost when SECRET_KEY was changed since.
    """
    if request.method != "POST" or not (key := key_of(request)):
        return answer()
    digest = _digest(request)
    stored, is_new = _claim(key, digest)
    if not is_new:
        return _replay(stored, digest)
    response = answer()
    if 200 <= response.status_code < 300:
        # Sealed: what is made may come with a secret that is shown this once.
        stored.status, stored.body = response.status_code, seal_bytes(response.content, owner=stored.pk.bytes)
        stored.content_type = response.headers.get("Content-Type", "")
        stored.save()
    return response


def key_of(request: HttpRequest) -> str:
    """The `Idempotency-Key`, "" without one. Raises Invalid."""
    key: str = request.headers.get("Idempotency-Key", "")
    if len(key) > 200 or not key.isprintable():
        raise Invalid.field("Idempotency-Key", _("At most 200 printable characters."))
    return key


def _claim(key: str, digest: str) -> tuple[StoredAnswer, bool]:
    try:
        with transaction.atomic():
            return StoredAnswer.objects.create(key=key, request_digest=digest), True
    except IntegrityError:
        return StoredAnswer.objects.get(key=key), False


def _replay(stored: StoredAnswer, digest: str) -> HttpResponse:
    if stored.request_digest != digest:
        raise IdempotencyMismatch
    try:
        body = unseal_bytes(bytes(stored.body), owner=stored.pk.bytes)
    except SecretUnreadable:
        raise FirstAnswerLost from None
    response = HttpResponse(body, status=stored.status, content_type=stored.content_type)
    response["Idempotent-Replayed"] = "true"
    return response


def _digest(request: HttpRequest) -> str:
    """Of method, path and body. A multipart body is read by its parts, since its boundary is new each time."""
    digest = hashlib.sha256(f"{request.method} {request.get_full_path()}".encode())
    for piece in _body(request):
        digest.update(piece)
        digest.update(b"\x00")
    return digest.hexdigest()


def _body(request: HttpRequest) -> Iterator[bytes]:
    if request.content_type != "multipart/form-data":
        yield request.body
        return
    for name, values in sorted(request.POST.lists()):
        yield from (f"{name}={value}".encode("utf-8", "surrogatepass") for value in values)
    for name, files in sorted(request.FILES.lists()):
        for file in files:
            yield f"{name}:{file.name}".encode("utf-8", "surrogatepass")
            yield from file.chunks()
            file.seek(0)
