"""What happens outside of turns: changes of hands, and what people say to each other.

Such an event has a block of numbers of its own. It is stored first, and told once no turn with lower numbers speaks
any more: a follower who has seen a number takes no lower one.
"""

from functools import partial
from uuid import UUID

from django.db import transaction

from chat.announcing import announce, announce_desk
from chat.history import events_outside_turns
from chat.log import append_blocking, stream_key
from chat.models import SEQ_BLOCK, Conversation, Turn
from tenants.scope import current_tenant_id, tenant_scope


def own_block(conversation: Conversation) -> int:
    """The first number of a block for something outside of turns. The caller has locked the row, and saves it."""
    first_seq: int = conversation.next_seq
    conversation.next_seq += SEQ_BLOCK
    conversation.is_untold = True
    return first_seq


def tell_on_commit(conversation: Conversation) -> None:
    """Once the transaction is committed, tell followers what is untold, and the agents' desk that it changed."""
    tell_later(conversation.pk)
    tell_desk_later(conversation)


def tell_later(conversation_id: UUID) -> None:
    """Tell followers once the transaction is committed. What cannot be told then the sweeper tells."""
    transaction.on_commit(partial(tell, _tenant(), conversation_id), robust=True)


def tell_desk_later(conversation: Conversation) -> None:
    """Once the transaction is committed, let agents' desks look at the conversation anew."""
    transaction.on_commit(partial(announce_desk, _tenant(), conversation.pk), robust=True)


def _tenant() -> UUID:
    tenant_id = current_tenant_id()
    if tenant_id is None:
        raise RuntimeError("outside of any tenant's scope nothing can be told")
    return tenant_id


def tell(tenant_id: UUID, conversation_id: UUID) -> None:
    """Tell what was stored outside of turns. While a turn speaks, what came after its beginning is left to its end.

    The row is locked meanwhile, so that two who tell cannot overtake each other.
    """
    with tenant_scope(tenant_id):
        found = Conversation.objects.select_for_update(no_key=True).filter(pk=conversation_id, is_untold=True)
        told_seq: int | None = found.values_list("told_seq", flat=True).first()
        if told_seq is None:
            return
        speaking = Turn.objects.filter(conversation_id=conversation_id, holds_conversation=True)
        limit: int | None = speaking.values_list("first_seq", flat=True).first()
        events = events_outside_turns(conversation_id, after=told_seq, upto=limit)
        if events:
            append_blocking(stream_key(tenant_id, conversation_id), events, events[0].first - 1)
            told_seq = events[-1].last
        Conversation.objects.filter(pk=conversation_id).update(told_seq=told_seq, is_untold=limit is not None)
    if events:
        announce(tenant_id, conversation_id, "moved", seq=events[0].first)
