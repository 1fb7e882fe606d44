"""What happens around each request: an id for it, and the tenant's transaction."""

import re
from collections.abc import Awaitable, Callable, Mapping
from inspect import iscoroutinefunction
from typing import Any, cast

from asgiref.sync import markcoroutinefunction
from django.http import Http404, HttpRequest
from django.http.response import HttpResponseBase
from django.middleware.common import CommonMiddleware
from uuid_utils.compat import uuid7

from config import logs
from tenants.adminsite.entering import ADMIN_PATH, run_admin_view
from tenants.answering import answer_for
from tenants.errors import PlatformError
from tenants.limits.admitting import admitted
from tenants.problems import problem_response

_REQUEST_ID = re.compile(r"[A-Za-z0-9\-_.]{1,64}")

GetResponse = Callable[[HttpRequest], HttpResponseBase | Awaitable[HttpResponseBase]]


class RequestIdMiddleware:
    """Gives each request an id (the caller's own, if it sent a sane one), shown in answers and logs."""

    sync_capable = True
    async_capable = True

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response
        if iscoroutinefunction(get_response):
            markcoroutinefunction(self)

    def __call__(self, request: HttpRequest) -> Any:
        name_request(request)
        if iscoroutinefunction(self.get_response):
            return self._finish_later(request)
        return self._mark(request, cast(HttpResponseBase, self.get_response(request)))

    async def _finish_later(self, request: HttpRequest) -> HttpResponseBase:
        return self._mark(request, await cast(Awaitable[HttpResponseBase], self.get_response(request)))

    @staticmethod
    def _mark(request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        response["X-Request-Id"] = request.request_id  # type: ignore[attr-defined]
        for name, value in getattr(request, "limit_headers", {}).items():
            response.headers.setdefault(name, value)
        return response


def name_request(request: HttpRequest) -> str:
    """Give the request its id, for the answer and for whatever is logged from here on."""
    sent = request.headers.get("X-Request-Id", "")
    name = sent if _REQUEST_ID.fullmatch(sent) else str(uuid7())
    request.request_id = name  # type: ignore[attr-defined]
    logs.request_id.set(name)
    return name


class SlashMiddleware(CommonMiddleware):
    """Leads a page's visitor to the address with a slash at its end; a call that brings a body is refused instead.

    Clients follow a redirect without the body, or with GET: what was meant to be made would be lost without a word.
    """

    def should_redirect_with_slash(self, request: HttpRequest) -> bool:
        is_call = request.path_info.startswith("/api/") and request.method not in ("GET", "HEAD")
        return not is_call and super().should_redirect_with_slash(request)


def refuse_unstorable(kwargs: Mapping[str, Any]) -> None:
    """PostgreSQL holds no text with a NUL, and does not even look for it."""
    if any("\x00" in str(value) for value in kwargs.values()):
        raise Http404


class TenantMiddleware:
    """Runs a synchronous view inside its tenant's scope, in one transaction that a failed answer undoes.

    It calls the view itself, from `process_view`: there, unlike around `get_response`, we are on the view's
    own thread also under ASGI, and so on its database connection. Asynchronous views stream; they hold no
    transaction, and enter the scope by `in_tenant` for as long as a query takes.
    """

    sync_capable = True
    async_capable = True

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response
        if iscoroutinefunction(get_response):
            markcoroutinefunction(self)

    def __call__(self, request: HttpRequest) -> Any:
        return self.get_response(request)

    def process_view(
        self, request: HttpRequest, view: Callable[..., HttpResponseBase], args: Any, kwargs: Any
    ) -> HttpResponseBase | None:
        refuse_unstorable(kwargs)
        if iscoroutinefunction(view):
            return None
        if _is_for_api_keys(request.path):
            return self._for_key(request, view, args, kwargs)
        if request.path.startswith(ADMIN_PATH):
            return run_admin_view(request, view, args, kwargs)
        return None

    def _for_key(self, request: HttpRequest, view: Any, args: Any, kwargs: Any) -> HttpResponseBase:
        try:
            caller = admitted(request)
            return answer_for(caller, request, view, args, kwargs)
        except PlatformError as error:
            return problem_response(error, request)


def _is_for_api_keys(path: str) -> bool:
    return path.startswith("/api/v1/") and not path.startswith("/api/v1/public/")
