"""What a socket needs to know when somebody comes in."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from chat.errors import ConversationNotFound
from chat.history import standing
from chat.models import Conversation
from chat.origins import check_origin
from chat.preparing import running_persona
from chat.presenting import handoff_standing, persona_card
from tenants.errors import Unauthenticated
from tenants.limits import take
from tenants.limits.policies import NOBODY, Asker, buckets_of_call
from tenants.statements import Param, Select

_VISITED: Select[Conversation] = Select(lambda: Conversation.objects.select_related("persona").filter(pk=Param("id")))
_NEXT_SEQ: Select[int] = Select(lambda: Conversation.objects.filter(pk=Param("id")).values_list("next_seq", flat=True))


@dataclass(frozen=True)
class Visit:
    """A conversation as somebody finds it who comes in."""

    conversation_id: UUID
    persona: dict[str, Any]
    seq: int
    is_open: bool
    handoff: dict[str, Any]
    has_documents: bool

    def ready(self) -> dict[str, Any]:
        """The frame that greets a socket."""
        return {
            "type": "ready",
            "conversation_id": str(self.conversation_id),
            "persona": self.persona,
            "seq": self.seq,
            "handoff": self.handoff,
        }


def visit(conversation_id: UUID, asker: Asker = NOBODY, page: tuple[str, str] | None = None) -> Visit:
    """Come in. `page`: of a public session, the origin of the page that it is used from, and our own host.

    Raises Unauthenticated when the conversation is gone, or the persona answers no more; OriginNotAllowed; RateLimited.
    """
    conversation = _VISITED.first(id=conversation_id)
    if conversation is None:
        raise Unauthenticated
    take(*buckets_of_call(conversation.tenant_id, asker))
    persona = conversation.persona
    if persona.live_version_id is None and not conversation.is_test:
        raise Unauthenticated
    if page is not None:
        check_origin(persona, *page)
    running = running_persona(persona, is_test=conversation.is_test)
    is_open, last_seq = standing(conversation_id)
    return Visit(
        conversation_id=conversation_id,
        persona=persona_card(persona.slug, running),
        seq=last_seq,
        is_open=is_open,
        handoff=handoff_standing(conversation, running.settings.handoff),
        has_documents=bool(running.settings.knowledge_bases),
    )


def next_seq(conversation_id: UUID) -> int:
    """The first number that no event of the conversation can have yet. Raises ConversationNotFound."""
    number = _NEXT_SEQ.first(id=conversation_id)
    if number is None:
        raise ConversationNotFound
    return number
