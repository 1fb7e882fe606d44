"""Asynchronous views for API keys: they may wait or stream, since they hold no transaction.

They share `authenticate` with the synchronous ones, and enter the tenant's scope by `in_tenant` for a query.
"""

import json
from collections.abc import Awaitable, Callable
from functools import cache, wraps
from typing import Any

import orjson
from django.core.exceptions import RequestDataTooBig
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_exempt
from rest_framework.exceptions import ValidationError
from rest_framework.serializers import Serializer

from tenants.errors import BodyTooLarge, Invalid, PlatformError
from tenants.limits.admitting import Admission
from tenants.problems import MethodNotAllowed, field_errors, problem_response
from tenants.scope import off_loop

MAX_BODY_BYTES = 256 * 1024

AsyncView = Callable[..., Awaitable[HttpResponseBase]]
Refuse = Callable[[PlatformError, HttpRequest], HttpResponseBase]


def for_callers(
    scope: str, *methods: str, refuse: Refuse = problem_response, admits: bool = False
) -> Callable[[AsyncView], Callable[..., Any]]:
    """A view for API keys with this scope: `async def view(request, caller, …)`. Failures become problem+json, or what
    `refuse` makes of them.

    One that `admits` is given an Admission in place of a caller, to be asked before anything is told or done.
    """

    def decorate(view: AsyncView) -> Callable[..., Any]:
        @csrf_exempt
        @wraps(view)
        async def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            try:
                if request.method not in methods:
                    raise MethodNotAllowed(
                        _("Use %(methods)s.") % {"methods": ", ".join(methods)}, headers={"Allow": ", ".join(methods)}
                    )
                admission = Admission(request, scope)
                if not admits:
                    return await view(request, await off_loop(admission.admit), *args, **kwargs)
                try:
                    return await view(request, admission, *args, **kwargs)
                except PlatformError:
                    if not admission.was_asked:  # what is wrong with a call only callers are told
                        await off_loop(admission.admit)
                    raise
            except PlatformError as error:
                return refuse(error, request)

        guarded.is_for_callers = True  # type: ignore[attr-defined]  # for `config.handler.Handler`
        return guarded

    return decorate


def json_body(request: HttpRequest) -> dict[str, Any]:
    """The body as an object. Raises BodyTooLarge, Invalid."""
    try:
        sent = request.body
    except RequestDataTooBig:
        raise BodyTooLarge from None
    if len(sent) > MAX_BODY_BYTES:
        raise BodyTooLarge
    try:
        body = lenient_json(sent or b"{}")
    except ValueError:
        raise Invalid(_("The body must be one JSON object.")) from None
    if not isinstance(body, dict):
        raise Invalid(_("The body must be one JSON object."))
    return body


def lenient_json(text: str | bytes) -> Any:
    """Parse JSON, leaving out lone surrogates, which are no characters. Raises ValueError."""
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        pass
    try:
        # What the forgiving parser takes beyond surrogates (NaN, deeper nesting) the strict one then refuses.
        cleaned = json.dumps(json.loads(text), ensure_ascii=False).encode("utf-8", "ignore")
    except RecursionError:
        raise ValueError("nested too deeply") from None
    return orjson.loads(cleaned)


def validated(serializer: type[Serializer[Any]], data: Any) -> dict[str, Any]:
    """What a serializer takes of the data. Raises Invalid, as DRF's own views would answer."""
    try:
        return dict(_made(serializer).run_validation(data))
    except ValidationError as error:
        raise Invalid(errors=list(field_errors(error.detail))) from None
    except RecursionError:
        # Our parser goes deeper than Python, by which a field that takes any JSON is looked at.
        raise Invalid(_("The body could not be read: %(why)s") % {"why": _("it is nested too deeply")}) from None


@cache
def _made(serializer: type[Serializer[Any]]) -> Serializer[Any]:
    """One for all calls: to check data changes nothing in it, and to make one takes longer than that."""
    return serializer()
