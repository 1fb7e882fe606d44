"""The admin's half of the middleware: each page runs in its user's tenant, inside one transaction."""

from collections.abc import Callable
from typing import Any, TypeVar, cast
from uuid import UUID

from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.template.response import SimpleTemplateResponse, TemplateResponse
from django.utils.translation import gettext_lazy as _

from tenants.adminsite.seats import find_seat, seat_of
from tenants.errors import NotFound, PlatformError, ScopeMissing
from tenants.problems import problem_response
from tenants.scope import tenant_scope

ADMIN_PATH = "/admin/"

# What works before a tenant is chosen. Operators also keep the accounts of users, which belong to no tenant.
OUTSIDE = {
    *("choose", "enter", "leave", "found"),
    *("jsi18n", "login", "logout", "password_change", "password_change_done"),
}
OUTSIDE_FOR_OPERATORS = ("tenants_user_", "llm_platformprice_", "auth_user_password_change")

# Alpine, which draws unfold's menus, evaluates what stands in attributes: hence unsafe-eval. No script may
# stand in a page itself, and nothing is loaded from or sent elsewhere.
CONTENT_SECURITY_POLICY = (
    "default-src 'self'; script-src 'self' 'unsafe-eval'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data:; connect-src 'self'; frame-src 'self'; object-src 'none'; base-uri 'none'; "
    "form-action 'self'; frame-ancestors 'none'"
)

View = TypeVar("View", bound=Callable[..., Any])


def enters_scope_itself(view: View) -> View:
    """Mark a page that calls a provider: it gets no transaction, and enters its seat's scope by itself."""
    view.enters_scope_itself = True  # type: ignore[attr-defined]
    return view


def run_admin_view(request: HttpRequest, view: Callable[..., Any], args: Any, kwargs: Any) -> HttpResponseBase:
    """Call an admin view as the user who is signed in, and render its answer while its rows can be read."""
    request.seat = find_seat(request)  # type: ignore[attr-defined]
    response: HttpResponseBase
    try:
        if _must_choose(request):
            response = redirect("admin:choose")
        elif getattr(view, "enters_scope_itself", False):
            response = _rendered(view(request, *args, **kwargs))
        else:
            response = _inside(request, lambda: view(request, *args, **kwargs))
    except (Http404, PermissionDenied, PlatformError) as failure:
        error = _as_platform_error(failure)
        response = _inside(request, lambda: _refusal(request, error))
    response.headers.setdefault("Content-Security-Policy", CONTENT_SECURITY_POLICY)
    response.headers.setdefault("Referrer-Policy", "same-origin")
    return response


def _must_choose(request: HttpRequest) -> bool:
    name = (request.resolver_match and request.resolver_match.url_name) or ""
    if seat_of(request) is not None or not request.user.is_authenticated or name in OUTSIDE:
        return False
    return not (request.user.is_superuser and name.startswith(OUTSIDE_FOR_OPERATORS))


def _inside(request: HttpRequest, answer: Callable[[], HttpResponseBase]) -> HttpResponse:
    seat = seat_of(request)
    if seat is None:
        return _rendered(answer())
    with tenant_scope(seat.tenant):
        response = _rendered(answer())
        # A form that is shown again is an answer as good as any; only a failure undoes what came before it.
        if response.status_code >= 500:
            transaction.set_rollback(True)
        return response


def _rendered(response: HttpResponseBase) -> HttpResponse:
    if isinstance(response, SimpleTemplateResponse) and not response.is_rendered:
        response.render()
    return cast(HttpResponse, response)


def _as_platform_error(failure: Exception) -> PlatformError:
    match failure:
        case PlatformError():
            return failure
        case PermissionDenied():
            return ScopeMissing(_("Your role in this tenant does not allow this."))
    return NotFound()


def _refusal(request: HttpRequest, error: PlatformError) -> HttpResponse:
    """The same failure for scripts as for API clients, and a page for people."""
    if wants_json(request):
        return problem_response(error, request)
    from django.contrib import admin

    context = admin.site.each_context(request) | {"error": error, "title": _title(error)}
    return TemplateResponse(request, "admin/desk/refusal.html", context, status=error.status)


def _title(error: PlatformError) -> Any:
    match error.status:
        case 404:
            return _("Not found")
        case 403:
            return _("Not allowed")
    return _("This did not work")


def wants_json(request: HttpRequest) -> bool:
    """Whether a script asks, by what it takes or what it sends."""
    return "application/json" in (request.content_type, request.headers.get("Accept", "").split(",")[0])


def as_uuid(text: str) -> UUID:
    """An id from a form. Raises NotFound."""
    try:
        return UUID(text)
    except ValueError:
        raise NotFound from None
