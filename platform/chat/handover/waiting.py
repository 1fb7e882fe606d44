"""Each second: who has waited for a person for too long is told so, and what could not be told is told."""

import logging
from collections.abc import Callable
from uuid import UUID

from django.db.models.functions import Now

from chat.errors import ConversationNotFound
from chat.handover.states import give_up_waiting
from chat.models import Conversation, ConversationQuerySet
from chat.outside import tell
from jobs.relay import every_second
from tenants.scope import tenant_scope

logger = logging.getLogger(__name__)

AT_ONCE = 200


@every_second
def sweep_waiting() -> None:
    """Reads ids across tenants, then works in each one's scope."""
    conversations = Conversation.objects.using("system")
    waiting = conversations.filter(state=Conversation.State.REQUESTED, wait_until__lte=Now())
    _for_each(waiting, _give_up)
    # While a turn speaks its owner tells them; here they wait for nobody.
    speaking = conversations.filter(turns__holds_conversation=True).values("pk")
    _for_each(conversations.filter(is_untold=True).exclude(pk__in=speaking), tell)


def _for_each(found: ConversationQuerySet, act: Callable[[UUID, UUID], None]) -> None:
    for tenant_id, conversation_id in found.values_list("tenant_id", "pk")[:AT_ONCE]:
        try:
            act(tenant_id, conversation_id)
        except ConversationNotFound:
            continue
        except Exception:  # one of them keeps no other
            logger.exception("Conversation %s could not be looked after", conversation_id)


def _give_up(tenant_id: UUID, conversation_id: UUID) -> None:
    with tenant_scope(tenant_id):
        give_up_waiting(conversation_id)
