"""Django's handler for HTTP, and beside it a shorter way for the calls of programs."""

import asyncio
from io import SEEK_END
from typing import Any

from django.core.exceptions import RequestAborted
from django.core.handlers.asgi import ASGIHandler, get_script_prefix
from django.core.handlers.exception import convert_exception_to_response
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.middleware.clickjacking import XFrameOptionsMiddleware
from django.middleware.common import CommonMiddleware
from django.middleware.locale import LocaleMiddleware
from django.middleware.security import SecurityMiddleware
from django.urls import Resolver404, ResolverMatch, resolve, set_script_prefix

from config.middleware import RequestIdMiddleware, refuse_unstorable


class BodyHandler(ASGIHandler):
    """Django's, but for bodies that come in chunks and state no length: it would take them for empty ones."""

    def create_request(self, scope: Any, body_file: Any) -> Any:
        """Called with the whole body."""
        if size := body_file.seek(0, SEEK_END):
            others = [header for header in scope["headers"] if header[0] != b"content-length"]
            scope = {**scope, "headers": [*others, (b"content-length", b"%d" % size)]}
        body_file.seek(0)
        return super().create_request(scope, body_file)


class Handler(BodyHandler):
    """Leads calls with an API key to asynchronous views past what only pages need."""

    def __init__(self) -> None:
        super().__init__()
        self._calls = CallHandler()

    async def handle(self, scope: Any, receive: Any, send: Any) -> None:
        match = _matched(scope["path"].removeprefix(scope.get("root_path", "")))
        if match and getattr(match.func, "is_for_callers", False):
            await self._calls.handle_call(match, scope, receive, send)
        else:
            await super().handle(scope, receive, send)


class CallHandler(BodyHandler):
    """Sessions, sign-in, forms and messages are of no use to a call, nor is a thread to tidy connections on before and
    after it: its view holds none. Each of these is a change of thread, more than all the rest that Django does for it.
    """

    def load_middleware(self, is_async: bool = False) -> None:
        # None of these waits for anything.
        needed = (SecurityMiddleware, LocaleMiddleware, CommonMiddleware, XFrameOptionsMiddleware)
        self._around: list[Any] = [each(self._lead) for each in needed]
        chain: Any = RequestIdMiddleware(convert_exception_to_response(self._lead))
        self._middleware_chain = convert_exception_to_response(chain)

    async def handle_call(self, match: ResolverMatch, scope: Any, receive: Any, send: Any) -> None:
        """What Django does in `handle`."""
        try:
            body = await self.read_body(receive)
        except RequestAborted:
            return
        with body:
            set_script_prefix(get_script_prefix(scope))
            request, refusal = self.create_request(scope, body)
            if request is None:
                await self.send_response(refusal, send)
                return
            request.resolver_match = match
            answering = asyncio.create_task(self._answer(request, send))
            leaving = asyncio.create_task(self.listen_for_disconnect(receive))
            await asyncio.wait((answering, leaving), return_when=asyncio.FIRST_COMPLETED)
            is_answered = answering.done()
            answering.cancel()
            leaving.cancel()
            await asyncio.gather(answering, leaving, return_exceptions=True)
            if is_answered:
                answering.result()

    async def _answer(self, request: HttpRequest, send: Any) -> None:
        response = await self.run_get_response(request)
        try:
            await self.send_response(response, send)
        finally:
            response.close()

    async def _lead(self, request: HttpRequest) -> HttpResponseBase:
        match: Any = request.resolver_match
        refuse_unstorable(match.kwargs)
        for each in self._around:
            if answer := _step(each, "process_request", request):
                return answer
        response: HttpResponseBase = await match.func(request, *match.args, **match.kwargs)
        for each in reversed(self._around):
            response = _step(each, "process_response", request, response) or response
        return response


def _matched(path: str) -> ResolverMatch | None:
    try:
        return resolve(path)
    except Resolver404:
        return None


def _step(middleware: Any, name: str, *args: Any) -> HttpResponseBase | None:
    step = getattr(middleware, name, None)
    return step(*args) if step else None
