"""Failures that clients may rely on: each has a stable `code`, a status and a sentence that says what to do."""

from collections.abc import Sequence
from typing import Any, ClassVar

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _


class PlatformError(Exception):
    """An expected failure. `config.problems` turns it into an RFC 9457 answer, sockets into an `error` frame.

    `errors` names the fields that are wrong, as `{"field": "settings.temperature", "detail": "…"}`.
    `headers` are added to an HTTP answer (`Retry-After`).
    """

    code: ClassVar[str] = "error"
    status: ClassVar[int] = 400
    default_detail: ClassVar[str | Promise] = _("The request could not be carried out.")

    def __init__(
        self,
        detail: str | Promise | None = None,
        *,
        errors: Sequence[dict[str, str]] = (),
        headers: dict[str, str] | None = None,
        **extra: Any,
    ) -> None:
        self.detail = self.default_detail if detail is None else detail
        self.errors = list(errors)
        self.headers = headers or {}
        self.extra = extra
        super().__init__(str(self.code))

    def __str__(self) -> str:
        return f"{self.code}: {self.detail}"


class Unauthenticated(PlatformError):
    code = "unauthenticated"
    status = 401
    default_detail = _("Send a valid key as «Authorization: Bearer tk_…».")


class ScopeMissing(PlatformError):
    code = "scope_missing"
    status = 403
    default_detail = _("This key lacks the scope that the call needs.")


class NotFound(PlatformError):
    """Another tenant's row and one that never was fail alike, so that ids give nothing away."""

    code = "not_found"
    status = 404
    default_detail = _("There is nothing here under this id.")


class Conflict(PlatformError):
    code = "conflict"
    status = 409
    default_detail = _("The thing has changed meanwhile, or is in a state that does not allow this.")


class IdempotencyMismatch(PlatformError):
    code = "idempotency_mismatch"
    status = 409
    default_detail = _("This Idempotency-Key was used before with another body.")


class FirstAnswerLost(Conflict):
    default_detail = _("This call was carried out before, and its answer cannot be read any more.")


class Invalid(PlatformError):
    code = "invalid"
    status = 422
    default_detail = _("Some fields are not as they should be.")

    @classmethod
    def field(cls, name: str, detail: str | Promise) -> "Invalid":
        """One wrong field, which is the usual case."""
        return cls(detail, errors=[{"field": name, "detail": str(detail)}])


class BodyTooLarge(PlatformError):
    code = "body_too_large"
    status = 413
    default_detail = _("The body is larger than this call takes.")


class RateLimited(PlatformError):
    code = "rate_limited"
    status = 429
    default_detail = _("Too many requests; wait as long as Retry-After says.")
