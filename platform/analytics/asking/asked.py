"""What comes from outside, before anything is done about it: the question, its language, its thread."""

import unicodedata
from collections.abc import Sequence
from uuid import UUID

from django.utils.translation import gettext as _

from analytics.models import Question
from llm.text import scrub
from personas.context import Language, Said
from personas.followups import search_query
from personas.language import is_chinese
from tenants.errors import Invalid, NotFound
from tenants.statements import Param, Select

MAX_CHARACTERS = 2000
# Of a thread, what a new question is understood by.
MAX_HISTORY = 5

_BEFORE: Select[Question] = Select(
    lambda: (
        Question.objects.filter(tenant_id=Param("tenant_id"), thread=Param("thread"), pk__lt=Param("id"))
        .without_result()
        .order_by("-id")[:MAX_HISTORY]
    )
)


def clean_question(text: str) -> str:
    """The question as it is kept. Raises Invalid for an empty one and one that is too long to be a question."""
    if len(text) > 4 * MAX_CHARACTERS:  # not even looked at
        raise _too_long()
    kept = "".join(letter for letter in scrub(text) if letter in "\n\t" or unicodedata.category(letter) != "Cc").strip()
    if not any(letter.isalnum() for letter in kept):
        raise Invalid.field("question", _("The question is empty."))
    if len(kept) > MAX_CHARACTERS:
        raise _too_long()
    return kept


def _too_long() -> Invalid:
    return Invalid.field("question", _("A question has at most %(most)d characters.") % {"most": MAX_CHARACTERS})


def language_of(question: str, otherwise: str) -> Language:
    """Which language a question is asked in; one without words in that of the asker."""
    if is_chinese(question):
        return "zh"
    return "en" if any(letter.isalpha() for letter in question) or otherwise != "zh" else "zh"


def normalised(text: str) -> str:
    """What is the same for all ways to write a question: width and case of letters, blanks, marks at the end."""
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split()).rstrip(" ?!.。？！、,，;；")


def in_full(question: str, history: Sequence[Question]) -> str:
    """A question with those before it that it leans on. Nothing leans on one that came to nothing."""
    answered = [earlier for earlier in history if earlier.status != Question.Status.FAILED]
    return search_query([Said("user", earlier.question) for earlier in answered], question)


def history_of(question: Question) -> list[Question]:
    """What was asked before in the same thread, oldest first, without results."""
    return _BEFORE.all(tenant_id=question.tenant_id, thread=question.thread, id=question.pk)[::-1]


def thread_of(tenant_id: UUID, dataset_id: UUID, conversation_id: UUID) -> list[Question]:
    """The last questions of a thread, oldest first. Raises NotFound for one that is not this tenant's and dataset's."""
    thread = Question.objects.for_tenant(tenant_id).filter(thread=conversation_id, dataset_id=dataset_id)
    found = list(thread.without_result().order_by("-id")[:MAX_HISTORY])
    if not found:
        raise NotFound(_("There is no conversation under this id."))
    return found[::-1]
