"""Telling web processes, from a thread, that something happened to a conversation."""

from typing import Any
from uuid import UUID

from channels.layers import get_channel_layer

from chat.hub import control, group_of, quietly
from tenants.looping import run_in_loop


def announce(tenant_id: UUID, conversation_id: UUID, kind: str, **fields: Any) -> None:
    """Send a control message to all who follow the conversation.

    It may get lost; they look by themselves, too.
    """
    message = control(tenant_id, conversation_id, kind, **fields)
    run_in_loop(_send(group_of(tenant_id, conversation_id), message))


def announce_desk(tenant_id: UUID, conversation_id: UUID) -> None:
    """Tell the tenant's desks that something about a conversation changed: they look at the database."""
    message = control(tenant_id, conversation_id, "desk.changed")
    run_in_loop(_send(desk_group(tenant_id), message))


def desk_group(tenant_id: UUID) -> str:
    """The channel layer's name for all processes where one of the tenant's desks is open."""
    return f"desk.{tenant_id.hex}"


async def _send(group: str, message: dict[str, Any]) -> None:
    async with quietly():
        await get_channel_layer().group_send(group, message)
