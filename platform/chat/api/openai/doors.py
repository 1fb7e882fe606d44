"""What all views of the door share: who may come in, and how a refusal is said."""

from collections.abc import Awaitable, Callable
from functools import wraps
from typing import Any

from django.http import HttpRequest, JsonResponse
from django.http.response import HttpResponseBase
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_exempt

from tenants.errors import PlatformError
from tenants.limits.admitting import admitted
from tenants.problems import MethodNotAllowed
from tenants.scope import off_loop

ERROR_TYPES = {
    401: "authentication_error",
    402: "insufficient_quota",
    403: "permission_error",
    429: "rate_limit_error",
}

View = Callable[..., Awaitable[HttpResponseBase]]


def openai_view(scope: str, method: str) -> Callable[[View], Callable[..., Any]]:
    """An asynchronous view whose failures have the shape that OpenAI's clients know."""

    def decorate(view: View) -> View:
        @csrf_exempt
        @wraps(view)
        async def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            try:
                if request.method != method:
                    raise MethodNotAllowed(_("Use %(methods)s.") % {"methods": method}, headers={"Allow": method})
                caller = await off_loop(admitted, request)
                caller.require(scope)
                return await view(request, caller, *args, **kwargs)
            except PlatformError as error:
                return refusal(error)

        return guarded

    return decorate


def refusal(error: PlatformError) -> JsonResponse:
    # Their clients know 400, not 422, for a request that is wrong.
    status = 400 if error.status == 422 else error.status
    return JsonResponse(error_object(error), status=status, headers=error.headers)


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
