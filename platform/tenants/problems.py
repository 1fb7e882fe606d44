"""The one place where failures become RFC 9457 answers."""

import json
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from rest_framework import exceptions
from rest_framework.response import Response
from rest_framework.views import set_rollback

from tenants.errors import (
    BodyTooLarge,
    Invalid,
    NotFound,
    PlatformError,
    RateLimited,
    ScopeMissing,
    Unauthenticated,
)


class MethodNotAllowed(PlatformError):
    code = "method_not_allowed"
    status = 405


class UnsupportedMediaType(PlatformError):
    code = "unsupported_media_type"
    status = 415
    default_detail = gettext_lazy("This content type is not taken here.")


def problem(error: PlatformError, request: HttpRequest | None = None) -> dict[str, Any]:
    """The body of an `application/problem+json` answer."""
    body: dict[str, Any] = {
        "type": f"urn:troupe:problem:{error.code}",
        "title": error.code.replace("_", " ").capitalize(),
        "status": error.status,
        "detail": _sayable(error.detail),
        "code": error.code,
        "request_id": getattr(request, "request_id", ""),
        **error.extra,
    }
    if error.errors or error.status == Invalid.status:
        body["errors"] = [{name: _sayable(value) for name, value in each.items()} for each in error.errors]
    return body


def _sayable(text: Any) -> str:
    """The text without half characters, which a refusal may repeat and no answer can hold."""
    return str(text).encode("utf-8", "replace").decode()


def problem_response(error: PlatformError, request: HttpRequest | None = None) -> HttpResponse:
    """A finished answer, for middleware and for views outside DRF."""
    body = json.dumps(problem(error, request), ensure_ascii=False)
    response = HttpResponse(body, status=error.status, content_type="application/problem+json")
    for name, value in _headers(error).items():
        response[name] = value
    return response


def exception_handler(failure: Exception, context: dict[str, Any]) -> Response | None:
    """DRF's hook. A failure that nobody foresaw goes on to become a 500, loudly."""
    error = _as_platform_error(failure)
    if error is None:
        return None
    set_rollback()
    request = context["request"]
    return Response(
        problem(error, getattr(request, "_request", request)),
        status=error.status,
        headers=_headers(error),
        content_type="application/problem+json",
    )


def _headers(error: PlatformError) -> dict[str, str]:
    challenge = {"WWW-Authenticate": "Bearer"} if error.status == 401 else {}
    return challenge | error.headers


def _as_platform_error(failure: Exception) -> PlatformError | None:
    from django.core.exceptions import PermissionDenied, RequestDataTooBig
    from django.http import Http404

    match failure:
        case PlatformError():
            return failure
        case exceptions.ValidationError():
            return Invalid(errors=list(field_errors(failure.detail)))
        case exceptions.ParseError():
            return Invalid(_("The body could not be read: %(why)s") % {"why": failure.detail})
        case exceptions.NotAuthenticated() | exceptions.AuthenticationFailed():
            return Unauthenticated()
        case exceptions.PermissionDenied() | PermissionDenied():
            return ScopeMissing()
        case exceptions.NotFound() | Http404():
            return NotFound()
        case exceptions.MethodNotAllowed():
            return MethodNotAllowed(str(failure.detail))
        case exceptions.UnsupportedMediaType():
            return UnsupportedMediaType(str(failure.detail))
        case exceptions.Throttled():
            return RateLimited(headers={"Retry-After": str(int(getattr(failure, "wait", None) or 1))})
        case RequestDataTooBig():
            return BodyTooLarge()
        case RecursionError() if "JSON" in str(failure):  # the body, not our own code
            return Invalid(_("The body could not be read: %(why)s") % {"why": _("it is nested too deeply")})
    return None


def field_errors(detail: Any, path: str = "") -> Any:
    """DRF's nested error detail as flat `{"field", "detail"}` rows."""
    if isinstance(detail, dict):
        for name, inner in detail.items():
            step = "" if name == "non_field_errors" else str(name)
            yield from field_errors(inner, ".".join(part for part in (path, step) if part))
    elif isinstance(detail, list):
        for number, inner in enumerate(detail):
            nested = isinstance(inner, dict | list)
            yield from field_errors(inner, f"{path}.{number}" if nested else path)
    else:
        yield {"field": path, "detail": str(detail)}
