"""What is answered only once the bot keeps silent: taking over, giving to a colleague, closing."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

from chat.handover import states
from chat.handover.agents import Agent
from chat.models import Conversation
from tenants.scope import in_tenant


async def take_over(conversation_id: UUID, agent: Agent) -> Conversation:
    """Give the conversation to the agent. Once this returns the bot says nothing more in it, in no process.

    An answer that is being written ends, and what was said of it is kept as stopped. Raises what `states.take`
    does, and StillSpeaking when its process neither stops nor dies within some seconds; asking again is safe.
    """
    return await _silently(states.take, conversation_id, agent)


async def transfer(conversation_id: UUID, agent: Agent, to: UUID | None) -> Conversation:
    """Give the conversation to a colleague, or back in line. Raises what `states.transfer` and `take_over` do."""
    return await _silently(states.transfer, conversation_id, agent, to)


async def close(conversation_id: UUID, agent: Agent) -> Conversation:
    """End the conversation for good. Raises what `states.shut` and `take_over` do."""
    return await _silently(states.shut, conversation_id, agent)


async def _silently(
    change: Callable[..., Conversation], conversation_id: UUID, agent: Agent, *args: Any
) -> Conversation:
    """Change hands, wait for the bot's silence, and only then let the database refuse even its last words."""
    from chat.engine import engine  # its turns look for wishes by another part of this package

    tenant_id = agent.tenant_id
    changed = await in_tenant(tenant_id, change, conversation_id, agent, *args)
    await engine().yield_to_person(tenant_id, conversation_id, changed.fence)
    return await in_tenant(tenant_id, states.end_yielding, conversation_id)
