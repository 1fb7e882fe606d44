"""What all views of the door share: who may come in, and how a refusal is said."""

from functools import partial
from typing import Any

from django.http import HttpRequest, JsonResponse

from tenants.asynchronous import for_callers
from tenants.errors import PlatformError

ERROR_TYPES = {
    401: "authentication_error",
    402: "insufficient_quota",
    403: "permission_error",
    429: "rate_limit_error",
}


def refusal(error: PlatformError, request: HttpRequest) -> JsonResponse:
    """A failure in the shape that OpenAI's clients know."""
    # Their clients know 400, not 422, for a request that is wrong.
    status = 400 if error.status == 422 else error.status
    return JsonResponse(error_object(error), status=status, headers=error.headers)


openai_view = partial(for_callers, refuse=refusal)


def error_object(error: PlatformError) -> dict[str, Any]:
    """OpenAI's error object."""
    kind = ERROR_TYPES.get(error.status, "server_error" if error.status >= 500 else "invalid_request_error")
    wrong = error.errors[0] if error.errors else None
    detail = wrong["detail"] if wrong else error.detail
    param = wrong["field"] if wrong else None
    return {"error": {"message": _sayable(detail), "type": kind, "code": error.code, "param": param}}


def _sayable(text: Any) -> str:
    """Without half characters, which a refusal may repeat and no answer can hold."""
    return str(text).encode("utf-8", "replace").decode()
