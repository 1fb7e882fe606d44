"""What end users think of an answer."""

from typing import Any
from uuid import UUID

from django.utils.translation import gettext as _

from chat.models import Message
from chat.posting import storable
from chat.telling import tell_feedback
from tenants.errors import Invalid, NotFound

MAX_COMMENT_CHARACTERS = 2_000


def give_feedback(*, conversation_id: UUID, message_id: UUID, rating: Any, comment: Any = "") -> None:
    """Rate one of the persona's messages 1 or -1; a later rating takes the place of an earlier one."""
    if rating not in (1, -1) or isinstance(rating, bool):
        raise Invalid.field("rating", _("1 or -1 is needed."))
    comment = comment or ""
    if not isinstance(comment, str) or len(comment) > MAX_COMMENT_CHARACTERS:
        raise Invalid.field("comment", _("A text of at most 2,000 characters is needed."))
    answers = Message.objects.filter(pk=message_id, conversation_id=conversation_id, role=Message.Role.BOT)
    comment = storable(comment)
    if not answers.update(feedback=rating, feedback_comment=comment):
        raise NotFound
    tell_feedback(conversation_id, message_id, rating, comment)
