"""Telling web processes, from a thread, that something happened to a conversation."""

import logging
from typing import Any
from uuid import UUID

import redis
from asgiref.sync import async_to_sync
from channels.layers import get_channel_layer

from chat.hub import control, group_of

logger = logging.getLogger(__name__)


def announce(tenant_id: UUID, conversation_id: UUID, kind: str, **fields: Any) -> None:
    """Send a control message to all who follow the conversation.

    It may get lost; they look by themselves, too.
    """
    message = control(tenant_id, conversation_id, kind, **fields)
    try:
        async_to_sync(get_channel_layer().group_send)(group_of(tenant_id, conversation_id), message)
    except (redis.RedisError, OSError) as error:
        logger.warning("Nobody was told; they look by themselves: %s", error)
