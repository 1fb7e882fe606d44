"""What a caller of the API gets when no view answers: the same kind of object as for every other failure."""

import sys

from django.core.exceptions import RequestDataTooBig, TooManyFieldsSent, TooManyFilesSent
from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import is_valid_path
from django.utils.translation import gettext_lazy as _
from django.views import defaults

from chat.api.openai import error_object
from tenants.errors import BodyTooLarge, Invalid, NotFound, PlatformError
from tenants.problems import problem_response


class InternalError(PlatformError):
    code = "internal_error"
    status = 500
    default_detail = _("Something went wrong on our side. Try again; if it stays, tell the operator the request_id.")


class Unavailable(PlatformError):
    code = "unavailable"
    status = 503
    default_detail = _("The service is busy or restarting; try again in a moment.")


class BadRequest(PlatformError):
    code = "bad_request"
    status = 400
    default_detail = _("The request is not one that is answered here.")


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Django's `handler400`: what it refuses before, or while, a view reads the request."""
    error: PlatformError = BadRequest()
    match exception:
        case RequestDataTooBig():
            error = BodyTooLarge()
        case TooManyFieldsSent() | TooManyFilesSent():
            error = Invalid(_("The form has too many fields or files."))
    return told(request, error) or defaults.bad_request(request, exception)


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Django's `handler404`."""
    is_short = not request.path_info.endswith("/") and is_valid_path(f"{request.path_info}/")
    error = NotFound(_("This address needs a slash at its end.")) if is_short else NotFound()
    return told(request, error) or defaults.page_not_found(request, exception)


def server_error(request: HttpRequest) -> HttpResponse:
    """Django's `handler500`. The log has the traceback; a database that is away passes."""
    is_away = isinstance(sys.exc_info()[1], OperationalError | InterfaceError)
    error = Unavailable(headers={"Retry-After": "2"}) if is_away else InternalError()
    return told(request, error) or defaults.server_error(request)


def told(request: HttpRequest, error: PlatformError) -> HttpResponse | None:
    """In the words of the API that was called; None for a page."""
    if request.path.startswith("/api/"):
        return problem_response(error, request)
    if request.path.startswith("/v1/"):
        return JsonResponse(error_object(error), status=error.status, headers=error.headers)
    return None
