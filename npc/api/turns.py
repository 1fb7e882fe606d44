"""Turns over HTTP: whole, or as Server-Sent Events. Asynchronous views, which hold no transaction."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID, uuid5

import orjson
from django.http import HttpRequest, JsonResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.utils.translation import gettext as _
from rest_framework import serializers
from uuid_utils.compat import uuid7

from chat.api.streaming import after_of
from llm.text import scrub
from npc.sessions.opening import SEED_BITS
from npc.turns.asking import LONGEST_DEADLINE_MS, SHORTEST_DEADLINE_MS, USUAL_DEADLINE_MS, Asked
from npc.turns.running import Event, admit_turn, cancel_turn
from npc.worlds.plain import check_plain
from npc.worlds.problems import refuse
from tenants.asynchronous import for_callers, json_body, validated
from tenants.authentication import Caller
from tenants.errors import Invalid, PlatformError
from tenants.idempotency import key_of
from tenants.limits.admitting import Admission
from tenants.limits.policies import Asker
from tenants.serializing import NullsLeftOut

EVENT_STREAM = "text/event-stream"
# Proxies close streams that are silent for a minute.
KEEP_ALIVE_S = 15.0


class TurnEventField(NullsLeftOut, serializers.Serializer[Any]):
    type = serializers.RegexField(r"^\w[\w.\-]*$", max_length=64)
    text = serializers.CharField(max_length=2000, required=False, allow_blank=True, default="")

    # `data` is a word of a serializer's own.
    def get_fields(self) -> dict[str, Any]:
        return {**super().get_fields(), "data": serializers.DictField(required=False)}


class NpcTurnRequestSerializer(NullsLeftOut, serializers.Serializer[Any]):
    turn_id = serializers.UUIDField(required=False, allow_null=True)
    character = serializers.CharField(max_length=64, required=False, allow_null=True, default=None)
    speaker = serializers.CharField(max_length=190)
    text = serializers.CharField(max_length=4000, required=False, allow_blank=True, default="")
    event = TurnEventField(required=False, allow_null=True, default=None)
    state_patch = serializers.JSONField(required=False, allow_null=True, default=None)
    base_state_version = serializers.IntegerField(required=False, allow_null=True, min_value=0, default=None)
    scene = serializers.CharField(max_length=64, required=False, allow_null=True, default=None)
    present = serializers.ListField(
        child=serializers.CharField(max_length=190), required=False, allow_null=True, max_length=500, default=None
    )
    allowed_actions = serializers.ListField(
        child=serializers.CharField(max_length=64), required=False, allow_null=True, max_length=200, default=None
    )
    deadline_ms = serializers.IntegerField(
        required=False,
        allow_null=True,
        min_value=SHORTEST_DEADLINE_MS,
        max_value=LONGEST_DEADLINE_MS,
        default=USUAL_DEADLINE_MS,
    )
    seed = serializers.IntegerField(
        required=False, allow_null=True, min_value=0, max_value=2**SEED_BITS - 1, default=None
    )


class TurnActionSerializer(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    name = serializers.CharField()
    arguments = serializers.DictField()
    timing = serializers.ChoiceField(choices=["before_speech", "after_speech"])
    ttl_s = serializers.IntegerField()


class GoalStateSerializer(serializers.Serializer[Any]):
    id = serializers.CharField()
    state = serializers.ChoiceField(choices=["dormant", "open", "done", "failed"])


class NpcTurnAnswerSerializer(serializers.Serializer[Any]):
    """`character` says who answered, which the director may have picked."""

    turn_id = serializers.UUIDField()
    character = serializers.CharField()
    say = serializers.CharField()
    emotion = serializers.CharField()
    actions = TurnActionSerializer(many=True)
    state_version = serializers.IntegerField()
    affinity = serializers.DictField(child=serializers.FloatField())
    goals = GoalStateSerializer(many=True)
    fallback = serializers.ChoiceField(choices=["deadline", "budget", "provider", "guard"], allow_null=True)
    timing = serializers.DictField()
    usage = serializers.DictField()


@for_callers("npc", "POST", admits=True)
async def turns_view(request: HttpRequest, admission: Admission, session_id: UUID) -> HttpResponseBase:
    """Turn to a character and get its answer; or its events, with `Accept: text/event-stream`.

    Who lost the stream sends the same `turn_id` again with `Last-Event-ID`, and goes on behind it. Without a `turn_id`
    an `Idempotency-Key` makes one.
    """
    body = json_body(request)
    if body.get("turn_id") is None and (key := key_of(request)):
        body["turn_id"] = str(uuid5(session_id, key))
    run = await admit_turn(admission.tenant_id, session_id, asked_in(body), lambda: Asker(admission.admit().key_id))
    if EVENT_STREAM in request.headers.get("Accept", ""):
        return await event_stream(numbered(run.follow(), behind=after_of(request) or 0))
    return JsonResponse(await run.answer())


@for_callers("npc", "POST")
async def cancel_view(request: HttpRequest, caller: Caller, session_id: UUID, turn_id: UUID) -> HttpResponseBase:
    """The player walked away. What was said stays said; the answer is what the turn came to."""
    return JsonResponse(await cancel_turn(caller.tenant_id, session_id, turn_id))


def asked_in(body: dict[str, Any]) -> Asked:
    """A turn as a body or a frame asks for it. Raises Invalid."""
    asked = validated(NpcTurnRequestSerializer, body)
    if bool(asked["text"].strip()) == (asked["event"] is not None):
        raise Invalid.field("text", _("Either somebody says something, or an event happens."))
    refuse([*check_plain(asked["event"], "event"), *check_plain(asked["state_patch"], "state_patch")])
    return Asked(
        **{
            **asked,
            "turn_id": asked.get("turn_id") or uuid7(),
            "text": scrub(asked["text"].strip()),
            "deadline_ms": asked["deadline_ms"] or USUAL_DEADLINE_MS,
        }
    )


async def numbered(events: AsyncIterator[Event], *, behind: int = 0) -> AsyncIterator[tuple[int, Event]]:
    """The events behind a number, each with its own: the code points told so far, and one for each event after them.

    So they are the same when the turn is told again from the log, in fewer pieces; one of which a part is known comes
    without that.
    """
    number = 0
    async for event in events:
        number += len(event.body["text"]) if event.type == "speech.delta" else 1
        if number > behind:
            yield number, _rest(event, behind) if event.type == "speech.delta" else event


def _rest(delta: Event, behind: int) -> Event:
    offset = max(behind, delta.body["offset"])
    text = delta.body["text"][offset - delta.body["offset"] :]
    return Event(delta.type, {**delta.body, "offset": offset, "text": text})


async def event_stream(events: AsyncIterator[tuple[int, Event]]) -> StreamingHttpResponse:
    """Events as Server-Sent Events. What forbids the turn is raised before the stream begins."""
    first = await anext(events, None)
    response = StreamingHttpResponse(_lines(first, events), content_type=EVENT_STREAM)
    response["Cache-Control"] = "no-cache"
    response["X-Accel-Buffering"] = "no"
    return response


async def _lines(first: tuple[int, Event] | None, events: AsyncIterator[tuple[int, Event]]) -> AsyncIterator[bytes]:
    if first is None:  # who comes back has heard it all
        yield b": nothing more\n\n"
        return
    number, event = first
    yield _line(number, event)
    waiting: asyncio.Future[tuple[int, Event]] | None = None
    try:
        while True:
            waiting = waiting or asyncio.ensure_future(anext(events))
            if (await asyncio.wait([waiting], timeout=KEEP_ALIVE_S))[0]:
                (number, event), waiting = waiting.result(), None
                yield _line(number, event)
            else:
                yield b": still here\n\n"
    except StopAsyncIteration:
        return
    except PlatformError as error:  # the player has loaded a save meanwhile
        yield _line(number + 1, Event("error", {"code": error.code, "detail": str(error.detail)}))
    finally:
        if waiting:
            waiting.cancel()
            await asyncio.gather(waiting, return_exceptions=True)
        await events.aclose()  # type: ignore[attr-defined]


def _line(number: int, event: Event) -> bytes:
    data = orjson.dumps({"type": event.type, **event.body})
    return b"id: %d\nevent: %s\ndata: %s\n\n" % (number, event.type.encode(), data)
