"""How a conversation changes hands: between the bot, a queue, and a person. In the tenant's scope.

Each change locks the conversation, writes a `Handoff`, and is told to all who follow once it is committed.
"""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.utils import timezone
from django.utils.translation import gettext as _

from chat.errors import ConversationClosed
from chat.events import CREATED
from chat.handover.agents import Agent, colleague, name_of
from chat.handover.errors import HandoffOff, HeldByAnother, NotTakenOver
from chat.handover.hours import is_open, opens_at
from chat.models import Conversation, Handoff, Message, Turn
from chat.outside import own_block, tell_desk_later, tell_on_commit
from chat.posting import lock_conversation
from chat.preparing import running_persona
from chat.presenting import handoff_told
from chat.rendering import render_said
from chat.telling import about_conversation, tell_message
from personas.schema import Handoff as HandoffSettings
from tenants.errors import Invalid
from tenants.models import AuditEntry
from webhooks.emitting import emit, listeners
from webhooks.models import EventType

State = Conversation.State
By = Handoff.By

# Why the form is offered, for clients.
OUTSIDE_HOURS, NOBODY_FREE, FORM_RECEIVED, TRANSFER = "outside_hours", "nobody_free", "form_received", "transfer"
MAX_REASON_CHARACTERS = 500


# --- Asking for a person --------------------------------------------------------------------------------
def request_person(conversation_id: UUID, *, reason: str = "", by: str) -> Conversation:
    """Put a conversation in line for a person; outside office hours the form may be offered instead.

    `reason` is what agents read. One who waits already, or talks with a person, is left where he is. Raises
    ConversationNotFound, ConversationClosed, and HandoffOff where the persona offers no person.
    """
    conversation = lock_conversation(conversation_id)
    if conversation.state == State.CLOSED:
        raise ConversationClosed
    if conversation.state != State.BOT:
        return conversation
    settings = handoff_settings(conversation)
    if not settings.enabled or (by == By.VISITOR and not settings.on_request):
        raise HandoffOff
    now, detail = timezone.now(), reason[:MAX_REASON_CHARACTERS]
    is_there = is_open(settings.hours, now)
    if not is_there and settings.outside_hours == "form":
        until = opens_at(settings.hours, now)
        return change(conversation, State.BOT, by, detail, reason=OUTSIDE_HOURS, until=until, offers_form=True)
    conversation.requested_at, conversation.handoff_reason = now, detail
    conversation.is_bot_silent = not settings.bot_while_waiting
    conversation.wait_until = _wait_until(settings, now)
    return change(conversation, State.REQUESTED, by, detail, until=conversation.wait_until)


def _wait_until(settings: HandoffSettings, now: datetime) -> datetime | None:
    """From now, or from when people come, nobody is kept waiting for longer."""
    begins = opens_at(settings.hours, now) or now
    return begins + timedelta(seconds=settings.max_wait_s) if settings.max_wait_s else None


def handoff_settings(conversation: Conversation) -> HandoffSettings:
    """What the persona's settings say of people, as it runs now."""
    return running_persona(conversation.persona, is_test=conversation.is_test).settings.handoff


def give_up_waiting(conversation_id: UUID) -> None:
    """Nobody came in time: say so, and offer the form. Does nothing for who does not wait any more."""
    conversation = lock_conversation(conversation_id)
    overdue = conversation.wait_until is not None and conversation.wait_until <= timezone.now()
    if conversation.state == State.REQUESTED and overdue:
        give_to_bot(conversation)
        change(conversation, State.BOT, By.SYSTEM, reason=NOBODY_FREE, offers_form=True)


# --- A person is there ----------------------------------------------------------------------------------
def take(conversation_id: UUID, agent: Agent) -> Conversation:
    """Give the conversation to the agent and raise its fence: no bot's answer from before can be stored any more.

    But for the turn that speaks right now, which may leave what it had said until `end_yielding`. Taking what one
    has already changes nothing. Raises ConversationNotFound, ConversationClosed, HeldByAnother.
    """
    conversation = lock_conversation(conversation_id)
    if conversation.state == State.CLOSED:
        raise ConversationClosed
    if conversation.state == State.HUMAN:
        _check_has(agent, conversation)
        return conversation
    _raise_fence(conversation)
    _give_to(conversation, agent)
    _audit(conversation, agent, "take_over")
    return change(conversation, State.HUMAN, By.AGENT)


def end_yielding(conversation_id: UUID) -> Conversation:
    """The take-over is about to be answered: from here on the database takes no word of an older turn."""
    Conversation.objects.filter(pk=conversation_id).update(yielding_turn_id=None)
    conversation: Conversation = Conversation.objects.with_people().get(pk=conversation_id)
    return conversation


def say(conversation_id: UUID, agent: Agent, client_id: UUID, text: str) -> tuple[Conversation, Message]:
    """Say something to the visitor as the agent who took over. The same `client_id` again changes nothing.

    Raises ConversationNotFound, ConversationClosed, NotTakenOver, HeldByAnother.
    """
    conversation = lock_conversation(conversation_id)
    if said := _said_before(conversation, client_id, Message.Role.HUMAN):
        return conversation, said
    if conversation.state == State.CLOSED:
        raise ConversationClosed
    if conversation.state != State.HUMAN:
        raise NotTakenOver
    _check_has(agent, conversation)
    message = _message(conversation, agent, Message.Role.HUMAN, client_id, text)
    conversation.unread_by_agent = 0
    conversation.message_count += 1
    conversation.last_message_at = message.created_at
    conversation.save()
    tell_on_commit(conversation)
    tell_message(message, listeners(conversation.tenant_id, EventType.MESSAGE_CREATED), conversation)
    return conversation, message


def note(conversation_id: UUID, agent: Agent, client_id: UUID, text: str) -> tuple[Conversation, Message]:
    """Write something down for colleagues. No visitor ever gets it, and no client by an event."""
    conversation = lock_conversation(conversation_id)
    if written := _said_before(conversation, client_id, Message.Role.NOTE):
        return conversation, written
    was_untold = conversation.is_untold
    message = _message(conversation, agent, Message.Role.NOTE, client_id, text)
    conversation.is_untold = was_untold
    conversation.save(update_fields=["next_seq"])
    tell_desk_later(conversation)
    return conversation, message


def transfer(conversation_id: UUID, agent: Agent, to: UUID | None) -> Conversation:
    """Give the conversation to a colleague, or back in line. Any agent may: the one who has it may have gone home.

    Raises ConversationNotFound, NotTakenOver, Invalid for somebody who may not answer people.
    """
    conversation = lock_conversation(conversation_id)
    if conversation.state not in (State.HUMAN, State.REQUESTED):
        raise NotTakenOver
    _audit(conversation, agent, "transfer", to=str(to) if to else None)
    if to is None:
        settings, now = handoff_settings(conversation), timezone.now()
        _give_to(conversation, None)
        conversation.requested_at = now
        conversation.is_bot_silent = True  # the visitor was with a person, and waits for the next one
        conversation.wait_until = _wait_until(settings, now)
        until = conversation.wait_until
        return change(conversation, State.REQUESTED, By.AGENT, reason=TRANSFER, until=until)
    member = colleague(conversation.tenant_id, to)
    if conversation.state == State.REQUESTED:
        _raise_fence(conversation)
    _give_to(conversation, Agent(conversation.tenant_id, name_of(member), member_id=member.pk))
    return change(conversation, State.HUMAN, By.AGENT, reason=TRANSFER)


def release(conversation_id: UUID, agent: Agent) -> Conversation:
    """Give the conversation back to the bot, which goes on knowing what the person said.

    One that the bot has already is left as it is. Raises ConversationNotFound, ConversationClosed, HeldByAnother.
    """
    conversation = lock_conversation(conversation_id)
    if conversation.state == State.CLOSED:
        raise ConversationClosed
    if conversation.state == State.BOT:
        return conversation
    had_person = conversation.state == State.HUMAN
    if had_person:
        _check_has(agent, conversation)
    _audit(conversation, agent, "release")
    asks = had_person and handoff_settings(conversation).ask_satisfaction and conversation.satisfaction is None
    give_to_bot(conversation)
    return change(conversation, State.BOT, By.AGENT, asks_satisfaction=asks)


def shut(conversation_id: UUID, agent: Agent) -> Conversation:
    """End the conversation for good: nothing more can be said in it. Closing it again changes nothing.

    Raises ConversationNotFound, HeldByAnother.
    """
    conversation = lock_conversation(conversation_id)
    if conversation.state == State.CLOSED:
        return conversation
    had_person = conversation.state == State.HUMAN
    if had_person:
        _check_has(agent, conversation)
    _audit(conversation, agent, "close")
    _raise_fence(conversation)
    conversation.closed_at, conversation.wait_until = timezone.now(), None
    asks = had_person and handoff_settings(conversation).ask_satisfaction and conversation.satisfaction is None
    closed = change(conversation, State.CLOSED, By.AGENT, asks_satisfaction=asks)
    emit(conversation.tenant_id, "conversation.closed", {**about_conversation(conversation), "by": By.AGENT})
    return closed


def mark_read(conversation_id: UUID) -> None:
    """An agent has seen all that was said."""
    Conversation.objects.filter(pk=conversation_id).exclude(unread_by_agent=0).update(unread_by_agent=0)


# --- What they have in common ---------------------------------------------------------------------------
def _raise_fence(conversation: Conversation) -> None:
    """From now on answers of older turns are refused, but for the last words of the one that runs."""
    running = Turn.objects.filter(conversation=conversation, holds_conversation=True, status=Turn.Status.RUNNING)
    conversation.yielding_turn_id = running.values_list("pk", flat=True).first()
    conversation.fence += 1


def _give_to(conversation: Conversation, agent: Agent | None) -> None:
    conversation.agent_id = agent.member_id if agent else None
    conversation.agent_key_id = agent.key_id if agent else None
    conversation.agent_name = agent.name if agent else ""
    conversation.wait_until, conversation.is_bot_silent, conversation.unread_by_agent = None, False, 0


def give_to_bot(conversation: Conversation) -> None:
    _give_to(conversation, None)
    conversation.requested_at, conversation.handoff_reason = None, ""


def _check_has(agent: Agent, conversation: Conversation) -> None:
    if not agent.has(conversation):
        raise HeldByAnother(
            _("%(name)s has this conversation; have it transferred.") % {"name": conversation.agent_name}
        )


def change(conversation: Conversation, state: str, by: str, detail: str = "", **told: Any) -> Conversation:
    """Store a change of hands with its event, and have it told."""
    conversation.state = state
    handoff = Handoff(
        conversation=conversation,
        seq=own_block(conversation),
        state=state,
        by=by,
        detail=detail,
        agent_id=conversation.agent_id,
        agent_name=conversation.agent_name if state == State.HUMAN else "",
        **told,
    )
    handoff.save(force_insert=True)
    conversation.save()
    tell_on_commit(conversation)
    told_to_hooks = {**about_conversation(conversation), **handoff_told(handoff), "detail": detail}
    emit(conversation.tenant_id, "conversation.handoff", told_to_hooks)
    return conversation


def _said_before(conversation: Conversation, client_id: UUID, role: str) -> Message | None:
    said: Message | None = conversation.messages.filter(client_id=client_id).first()
    if said is not None and said.role != role:
        raise Invalid.field("client_id", _("This id was used before, for another message."))
    return said


def _message(conversation: Conversation, agent: Agent, role: str, client_id: UUID, text: str) -> Message:
    message = Message(
        conversation=conversation,
        seq=own_block(conversation) + CREATED,
        role=role,
        author=agent.name,
        text=text,
        html=render_said(text),
        client_id=client_id,
    )
    message.save(force_insert=True)
    return message


def _audit(conversation: Conversation, agent: Agent, action: str, **changes: Any) -> None:
    who = {"key_id": str(agent.key_id)} if agent.key_id else {}
    AuditEntry.objects.create(
        actor_id=agent.user_id,
        action=action,
        object_type=conversation._meta.label_lower,
        object_id=str(conversation.pk),
        object_name=str(conversation)[:200],
        changes={"agent": agent.name, **who, **changes},
    )
