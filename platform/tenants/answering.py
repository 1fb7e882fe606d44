"""How a synchronous API view is called: in its tenant's scope, in one transaction that a failed answer undoes."""

from collections.abc import Callable
from typing import Any, cast

from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.template.response import SimpleTemplateResponse

from tenants.authentication import Caller
from tenants.idempotency import answer_once
from tenants.scope import tenant_scope


def answer_for(
    caller: Caller, request: HttpRequest, view: Callable[..., HttpResponseBase], args: Any, kwargs: Any
) -> HttpResponse:
    """Call a view for a caller whose right to be here is checked. Raises what its `before_scope` raises.

    A view class that calls a provider says `enters_scope_itself = True`: it gets the caller and no transaction. One
    that has something slow to do first has a `before_scope(request, caller)`.
    """
    request.caller = caller  # type: ignore[attr-defined]
    view_class = getattr(view, "cls", None)
    if getattr(view_class, "enters_scope_itself", False):
        return rendered(view(request, *args, **kwargs))
    if before_scope := getattr(view_class, "before_scope", None):
        before_scope(request, caller)
    with tenant_scope(caller.tenant_id):
        response = answer_once(request, lambda: rendered(view(request, *args, **kwargs)))
        if response.status_code >= 400:
            transaction.set_rollback(True)
        return response


def rendered(response: HttpResponseBase) -> HttpResponse:
    """The response with its template rendered, while the tenant's rows can still be read."""
    if isinstance(response, SimpleTemplateResponse) and not response.is_rendered:
        response.render()
    return cast(HttpResponse, response)
