"""How far a question has come: each change is stored with a number, and told to those who follow."""

import asyncio
from collections.abc import AsyncIterator
from functools import cache, partial
from typing import Any
from uuid import UUID

from channels.layers import get_channel_layer
from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from analytics.models import Question
from chat.events import Event
from chat.hub import quietly
from tenants.looping import run_in_loop
from tenants.scope import in_tenant, tenant_scope
from tenants.statements import Param, Select, Update

ENDED = frozenset(
    {Question.Status.READY, Question.Status.FAILED, Question.Status.CANCELLED, Question.Status.NEEDS_CLARIFICATION}
)
# The channel layer may lose a message. So often do followers look for themselves.
LOOK_EVERY_S = 2.0
# Of a question that was asked back about again and again, the last ones.
MAX_EVENTS = 100


def _one() -> "QuerySet[Question]":
    return Question.objects.filter(tenant_id=Param("tenant_id"), id=Param("id"))


_HELD: Select[tuple[str, list[dict[str, Any]]]] = Select(
    lambda: _one().select_for_update().values_list("status", "events")
)


@cache
def _update_of(*fields: str) -> Update:
    return Update(_one, *fields)


def move(
    tenant_id: UUID,
    question_id: UUID,
    *statuses: Question.Status,
    expected: tuple[str, ...] = Question.OPEN,
    **fields: Any,
) -> bool:
    """Bring a question to a status, by way of others, with whatever else is now known of it.

    False if it is not where it should be.

    In a transaction of its own or in the caller's; who follows hears of it after the commit.
    """
    with tenant_scope(tenant_id):
        row = _HELD.first(tenant_id=tenant_id, id=question_id)
        if row is None or row[0] not in expected:
            return False
        before, events = row
        for status in statuses:
            if before != status or not events:
                events = [*events[-MAX_EVENTS:], next_event(events, status)]
                before = str(status)
        if events is not row[1]:
            fields |= {"status": before, "events": events}
            transaction.on_commit(partial(announce, tenant_id, question_id), robust=True)
        if fields:
            _update_of(*fields)(tenant_id=tenant_id, id=question_id, **fields)
        return True


def next_event(events: list[dict[str, Any]], status: str) -> dict[str, Any]:
    """The change to this status, numbered behind those before it."""
    seq = events[-1]["seq"] + 1 if events else 1
    return {"seq": seq, "status": str(status), "at": timezone.now().isoformat()}


def announce(tenant_id: UUID, question_id: UUID) -> None:
    """Tell all processes that a question has moved. It may get lost."""
    run_in_loop(_send(_group(tenant_id, question_id)))


async def _send(group: str) -> None:
    async with quietly():
        await get_channel_layer().group_send(group, {"type": "question.moved"})


def _group(tenant_id: UUID, question_id: UUID) -> str:
    return f"question.{tenant_id.hex}.{question_id.hex}"


async def follow(tenant_id: UUID, question_id: UUID, after: int) -> AsyncIterator[Event | None]:
    """The changes behind number `after`, past and to come, up to the one that ends it; first None.

    It ends without a word if the question is deleted.
    """
    layer, group = get_channel_layer(), _group(tenant_id, question_id)
    channel = await layer.new_channel()
    receiving: asyncio.Future[Any] | None = None
    try:
        async with quietly():
            await layer.group_add(group, channel)
        yield None
        while (events := await in_tenant(tenant_id, _events, question_id)) is not None:
            for event in events:
                if event["seq"] > after:
                    after = event["seq"]
                    yield Event(after, "status", {"id": str(question_id), **event})
            if events and events[-1]["status"] in ENDED:
                return
            receiving = receiving or asyncio.ensure_future(layer.receive(channel))
            done, _waiting = await asyncio.wait([receiving], timeout=LOOK_EVERY_S)
            if done:
                if receiving.exception():
                    await asyncio.sleep(LOOK_EVERY_S)
                receiving = None
    finally:
        if receiving is not None:
            receiving.cancel()
        async with quietly():
            await layer.group_discard(group, channel)


def _events(question_id: UUID) -> list[dict[str, Any]] | None:
    return Question.objects.filter(pk=question_id).values_list("events", flat=True).first()
