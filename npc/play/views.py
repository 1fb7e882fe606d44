"""What the page of the village asks its game server, with nothing but the token of a session. Asynchronous views.

Bodies and answers are the demo's own affair and no part of the API; failures are problem+json as everywhere.
"""

from collections.abc import AsyncIterator, Awaitable, Callable
from functools import wraps
from typing import Any, NamedTuple
from uuid import UUID

from django.http import HttpRequest, JsonResponse
from django.http.response import HttpResponseBase
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_exempt

from llm.text import scrub
from npc.api.turns import asked_in, event_stream, numbered
from npc.play import hosting, showing
from npc.play.demo import demo_tenant
from npc.sessions.tokens import read_token
from npc.turns.running import Event, TurnRun, start_turn
from tenants.asynchronous import json_body
from tenants.authentication import bearer
from tenants.errors import Invalid, NotFound, PlatformError
from tenants.limits.admitting import count_call
from tenants.limits.policies import Asker
from tenants.limits.visitors import address_of_request
from tenants.problems import MethodNotAllowed, problem_response
from tenants.scope import in_tenant, off_loop

NAME_LENGTH = 40


class Visitor(NamedTuple):
    tenant_id: UUID
    session_id: UUID


View = Callable[..., Awaitable[HttpResponseBase]]


def answering(method: str) -> Callable[[View], Callable[..., Any]]:
    """A view for one method, whose failures become problem+json. There is no cookie, so nothing to forge with one."""

    def decorate(view: View) -> Callable[..., Any]:
        @csrf_exempt
        @wraps(view)
        async def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            try:
                if request.method != method:
                    raise MethodNotAllowed(_("Use %(methods)s.") % {"methods": method}, headers={"Allow": method})
                return await view(request, *args, **kwargs)
            except PlatformError as error:
                return problem_response(error, request)

        return guarded

    return decorate


async def _admitted(request: HttpRequest) -> Visitor:
    """The session of the token, if it is one of the demo's. Raises Unauthenticated, NotFound."""
    admitted = read_token(bearer(request.headers.get("Authorization")))
    tenant = await off_loop(demo_tenant)
    if tenant is None or tenant.pk != admitted.tenant_id:
        raise NotFound
    return Visitor(admitted.tenant_id, admitted.session_id)


@answering("POST")
async def open_view(request: HttpRequest) -> HttpResponseBase:
    """A new story in one of the two languages."""
    tenant = await off_loop(demo_tenant)
    if tenant is None:
        raise NotFound
    await off_loop(count_call, request, tenant.pk)
    body = json_body(request)
    name = scrub(_text(body, "name")).strip()[:NAME_LENGTH]
    return JsonResponse(
        await in_tenant(tenant, lambda: showing.welcome(hosting.let_in(tenant.pk, _text(body, "language"), name))),
        status=201,
    )


@answering("GET")
async def session_view(request: HttpRequest) -> HttpResponseBase:
    """Come back to a story."""
    return await _shown(await _admitted(request), showing.welcome)


@answering("POST")
async def turns_view(request: HttpRequest) -> HttpResponseBase:
    """Talk to somebody. The turn's events, what the game makes of each proposal, and where the story stands then."""
    who, body = await _admitted(request), json_body(request)
    asked = asked_in({**{name: body.get(name) for name in ("turn_id", "character")}, **_said(body)})
    await in_tenant(who.tenant_id, hosting.expect_in_earshot, *who, asked.character or "")
    run = start_turn(*who, asked, asker=Asker(address=address_of_request(request)))
    told = _with_the_game(who, run, str(asked.turn_id), refuse=body.get("refuse") is True)
    return await event_stream(numbered(told))


def _said(body: dict[str, Any]) -> dict[str, Any]:
    return {"speaker": hosting.PLAYER, "text": _text(body, "text")}


async def _with_the_game(who: Visitor, run: TurnRun, turn_id: str, *, refuse: bool) -> AsyncIterator[Event]:
    async for event in run.follow():
        yield event
    for settled in await in_tenant(who.tenant_id, hosting.settle, *who, turn_id, refuse=refuse):
        yield Event("action.settled", settled)
    yield Event("story", {"story": await in_tenant(who.tenant_id, lambda: showing.story(hosting.at(*who)))})


@answering("POST")
async def moves_view(request: HttpRequest) -> HttpResponseBase:
    """Go to another scene."""
    return await _changed(request, lambda who, body: hosting.walk(*who, _text(body, "scene")))


@answering("POST")
async def rest_view(request: HttpRequest) -> HttpResponseBase:
    """Wait for the night, or for the morning."""
    return await _changed(request, lambda who, body: hosting.rest(*who))


@answering("POST")
async def events_view(request: HttpRequest) -> HttpResponseBase:
    """Let something happen that moves hearts."""
    return await _changed(request, lambda who, body: hosting.tell(*who, _text(body, "type")))


@answering("POST")
async def save_view(request: HttpRequest) -> HttpResponseBase:
    """Keep the story as it is now."""
    who = await _admitted(request)
    await in_tenant(who.tenant_id, hosting.keep, *who)
    return await _saves(who, status=201)


@answering("GET")
async def saves_view(request: HttpRequest) -> HttpResponseBase:
    """What can be loaded, newest first."""
    return await _saves(await _admitted(request))


@answering("POST")
async def load_view(request: HttpRequest) -> HttpResponseBase:
    """Go on from a save, or from behind an entry of the log."""

    def load(who: Visitor, body: dict[str, Any]) -> None:
        if isinstance(seq := body.get("seq"), int):
            return hosting.rewind(*who, seq)
        return hosting.load(*who, _id(_text(body, "save")))

    return await _changed(request, load)


@answering("GET")
async def sheet_view(request: HttpRequest, character: str) -> HttpResponseBase:
    """What a designer may see of a character."""
    return await _shown(await _admitted(request), lambda now: showing.sheet(now, character))


@answering("GET")
async def log_view(request: HttpRequest) -> HttpResponseBase:
    """The turns so far, newest first."""
    return await _shown(await _admitted(request), lambda now: {"turns": showing.chronicle(now)})


async def _changed(request: HttpRequest, change: Callable[[Visitor, dict[str, Any]], None]) -> HttpResponseBase:
    """Change the story, and show it as it is then."""
    who, body = await _admitted(request), json_body(request)

    def run() -> dict[str, Any]:
        hosting.at(*who)
        change(who, body)
        return showing.story(hosting.at(*who))

    return JsonResponse(await in_tenant(who.tenant_id, run))


async def _shown(who: Visitor, show: Callable[[Any], dict[str, Any]]) -> HttpResponseBase:
    return JsonResponse(await in_tenant(who.tenant_id, lambda: show(hosting.at(*who))))


async def _saves(who: Visitor, *, status: int = 200) -> HttpResponseBase:
    return JsonResponse({"saves": await in_tenant(who.tenant_id, hosting.saves, *who)}, status=status)


def _text(body: dict[str, Any], name: str) -> str:
    """Raises Invalid for what is no text."""
    value = body.get(name, "")
    if not isinstance(value, str):
        raise Invalid.field(name, _("This must be a text."))
    return value


def _id(text: str) -> UUID:
    """Raises NotFound for what is no id."""
    try:
        return UUID(text)
    except ValueError:
        raise NotFound from None
