"""Between bot and people: who has a conversation, how it changes hands, what a person says in it."""

from chat.handover import errors
from chat.handover.agents import HANDLERS, Agent, agent_of, agent_of_member
from chat.handover.states import handoff_settings, mark_read, note, release, request_person
from chat.handover.states import say as reply
from chat.handover.taking import close, take_over, transfer
from chat.handover.visitors import leave_contact, rate

__all__ = [
    "HANDLERS", "Agent", "agent_of", "agent_of_member", "close", "errors", "handoff_settings", "leave_contact",
    "mark_read", "note", "rate", "release", "reply", "request_person", "take_over", "transfer",
]  # fmt: skip
