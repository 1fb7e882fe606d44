"""Who may come in at /ask/: members, by the session that they have in the admin, to the tenant they chose there.

The pages ask the views of the API itself, mounted here a second time: a member takes the place of a key, and his role
says what he may change. Django's CSRF check is on, as for any view that a cookie opens.
"""

from collections.abc import Awaitable, Callable, Collection
from functools import update_wrapper
from inspect import unwrap
from typing import Any

from django.contrib.auth.views import redirect_to_login
from django.http import Http404, HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from tenants.adminsite.base import EDITORS, EVERYONE
from tenants.adminsite.seats import Seat, find_seat
from tenants.answering import answer_for
from tenants.authentication import Caller
from tenants.errors import NotFound, PlatformError, ScopeMissing, Unauthenticated
from tenants.models import Scope
from tenants.problems import MethodNotAllowed, problem_response
from tenants.scope import off_loop, tenant_scope

SyncView = Callable[..., HttpResponseBase]
AsyncView = Callable[..., Awaitable[HttpResponseBase]]

# Nothing from elsewhere, nothing inline: what stands in a cell can neither run nor report.
CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)


def page(view: SyncView) -> SyncView:
    """A page for whoever has a seat: `view(request, seat, …)`, in the tenant's scope. Others sign in or choose."""

    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        seat = find_seat(request)
        if seat is None:
            return _sent_away(request)
        try:
            with tenant_scope(seat.tenant):
                response: HttpResponseBase = view(request, seat, *args, **kwargs)
        except (NotFound, Http404):
            response = render(request, "ask/not_found.html", {"seat": seat}, status=404)
        response["Content-Security-Policy"] = CONTENT_SECURITY_POLICY
        response["Referrer-Policy"] = "same-origin"
        # What one member saw is not the next one's to see, on a machine that they share.
        response["Cache-Control"] = "no-store"
        return response

    return require_safe(update_wrapper(guarded, view))


def _sent_away(request: HttpRequest) -> HttpResponseBase:
    here = request.get_full_path()
    if not request.user.is_authenticated:
        return redirect_to_login(here, reverse("admin:login"))
    return redirect(f"{reverse('admin:choose')}?{urlencode({'next': here})}")


def for_members(
    view: SyncView, *, seen_by: Collection[str] = EVERYONE, changed_by: Collection[str] = EDITORS
) -> SyncView:
    """A view of the API as members get it: the two sets of roles say who may read by it, and who may change."""

    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        try:
            return answer_for(_admitted(request, seen_by, changed_by), request, view, args, kwargs)
        except PlatformError as error:
            return problem_response(error, request)

    # Not its attributes: one of them switches the CSRF check off.
    return update_wrapper(guarded, view, updated=())


def async_for_members(view: AsyncView, method: str, *, changed_by: Collection[str] = EVERYONE) -> AsyncView:
    """The same for one method of a view made by `for_callers`, whose check of a key is left out."""
    asked_of_callers: AsyncView = unwrap(view)

    async def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        try:
            if request.method != method:
                raise MethodNotAllowed(_("Use %(methods)s.") % {"methods": method}, headers={"Allow": method})
            caller = await off_loop(_admitted, request, EVERYONE, changed_by)
            return await asked_of_callers(request, caller, *args, **kwargs)
        except PlatformError as error:
            return problem_response(error, request)

    return update_wrapper(guarded, asked_of_callers, updated=())


def _admitted(request: HttpRequest, seen_by: Collection[str], changed_by: Collection[str]) -> Caller:
    """Whoever is signed in, as the API's views know callers. Raises Unauthenticated, ScopeMissing."""
    seat = find_seat(request)
    if seat is None:
        raise Unauthenticated(_("You have been signed out. Sign in again."))
    if seat.role not in (seen_by if request.method in ("GET", "HEAD", "OPTIONS") else changed_by):
        raise ScopeMissing(_("Your role in this tenant does not allow this."))
    return caller_in(seat)


def caller_in(seat: Seat) -> Caller:
    """A seat in a caller's shape."""
    return Caller(
        tenant_id=seat.tenant.pk,
        tenant_slug=seat.tenant.slug,
        tenant_name=seat.tenant.name,
        key_id=None,
        key_prefix="",
        scopes=frozenset({Scope.ANALYTICS, Scope.MANAGE} if seat.role in EDITORS else {Scope.ANALYTICS}),
        expires_at=None,
        member_id=seat.member_id,
    )
