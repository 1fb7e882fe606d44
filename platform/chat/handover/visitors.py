"""What visitors leave besides messages: how to reach them, and how it was. In the tenant's scope."""

from typing import Any
from uuid import UUID

from django.utils.translation import gettext as _

from chat.errors import ConversationNotFound
from chat.handover.states import FORM_RECEIVED, By, State, change, give_to_bot
from chat.models import ContactRequest, Conversation
from chat.outside import tell_desk_later
from chat.posting import lock_conversation, storable
from tenants.errors import Invalid, RateLimited

MAX_COMMENT_CHARACTERS = 2_000
# One visitor who fills in a form again and again fills a mailbox.
MAX_OPEN_REQUESTS = 5


def leave_contact(conversation_id: UUID, *, name: str, contact: str, message: str) -> ContactRequest:
    """Ask to be called back. Who waited for a person waits no more. Raises ConversationNotFound, RateLimited."""
    conversation = lock_conversation(conversation_id)
    if conversation.contact_requests.filter(done_at=None).count() >= MAX_OPEN_REQUESTS:
        raise RateLimited(
            _("Your message is here already; somebody will get in touch."), headers={"Retry-After": "3600"}
        )
    request: ContactRequest = conversation.contact_requests.create(
        name=storable(name), contact=storable(contact), message=storable(message)
    )
    if conversation.state == State.REQUESTED:
        give_to_bot(conversation)
        change(conversation, State.BOT, By.VISITOR, reason=FORM_RECEIVED)
    else:
        tell_desk_later(conversation)
    return request


def rate(conversation_id: UUID, rating: Any, comment: Any = "") -> Conversation:
    """Say how it was, one to five; a later word replaces an earlier one. Raises ConversationNotFound, Invalid."""
    if not isinstance(rating, int) or isinstance(rating, bool) or not 1 <= rating <= 5:
        raise Invalid.field("rating", _("A whole number from 1 to 5 is needed."))
    comment = comment or ""
    if not isinstance(comment, str) or len(comment) > MAX_COMMENT_CHARACTERS:
        raise Invalid.field("comment", _("A text of at most 2,000 characters is needed."))
    conversation: Conversation | None = Conversation.objects.with_people().filter(pk=conversation_id).first()
    if conversation is None:
        raise ConversationNotFound
    conversation.satisfaction, conversation.satisfaction_comment = rating, storable(comment)
    conversation.save(update_fields=["satisfaction", "satisfaction_comment"])
    tell_desk_later(conversation)
    return conversation
