"""Who calls a person after a turn, and why: the visitor's words, the persona's rules, or the persona itself."""

import re
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from django.utils.translation import gettext as _

from chat.handover.hours import is_open
from chat.handover.moods import upset_by
from chat.handover.states import By, request_person
from chat.handover.wishing import asks_for_person, keyword_in
from chat.models import Turn
from llm.reader.phrases import CHINESE, ENGLISH
from personas.language import is_chinese
from personas.schema import Handoff as HandoffSettings
from tenants.errors import Conflict, NotFound

# Where a turn's trace says that the documents did not hold the answer.
UNSURE: Final = "is_unsure"
_REFUSES = re.compile(
    r"(?:没有|没|未|无法)(?:在.{0,12})?(?:找到|查到|提到|提及|写到|说明|相关|确认|回答)|资料里没有|文件里没有|不在.{0,6}资料|"
    r"\b(?:do|does|did|could|can)(?:\s+not|n't|not)\s+(?:say|find|mention|cover|contain|have\s+(?:any\s+)?information)|"
    r"\bnot\s+(?:mentioned|covered|in\s+(?:the|my)\s+documents)|\bno\s+information\b",
    re.IGNORECASE,
)

ASKED = {
    "en": "I have asked a colleague to join us; please wait a moment.",
    "zh": "已为您转接人工客服，请稍候。",
}
NOBODY_THERE = {
    "en": "Nobody is here right now. Please leave a message and how to reach you, and we will get back to you.",
    "zh": "现在不在服务时间。请留下您的问题和联系方式，我们会尽快回复您。",
}


@dataclass(frozen=True, slots=True)
class Wish:
    """Somebody, or a rule, calls a person. `streak`: only if so many answers in a row were not found."""

    by: str
    reason: str
    streak: int = 0


def answer_to_wish(settings: HandoffSettings, text: str, now: datetime) -> str:
    """What is said to who asks for a person, in place of asking the model; "" for any other message."""
    if not (settings.enabled and settings.on_request and asks_for_person(text)):
        return ""
    return words_of_call(settings, text, now)


def words_of_call(settings: HandoffSettings, text: str, now: datetime) -> str:
    """What is said to somebody, in the language of his message, when a person is called for him."""
    is_form = settings.outside_hours == "form" and not is_open(settings.hours, now)
    return (NOBODY_THERE if is_form else ASKED)["zh" if is_chinese(text) else "en"]


def is_unsure(*, refusal: str, answer: str, has_citations: bool) -> bool:
    """Whether an answer from documents says that they do not hold it. `refusal`: the persona's own words for that."""
    if has_citations:
        return False
    known = [words for words in (refusal, CHINESE.refusal, ENGLISH.refusal) if words]
    return any(words in answer for words in known) or bool(_REFUSES.search(answer))


def wish_of(settings: HandoffSettings, text: str, *, called: str | None, is_unsure: bool) -> Wish | None:
    """Who calls a person, by what was said in a turn. `called`: why the persona did, if it did."""
    if not settings.enabled:
        return None
    if called is not None:
        return Wish(By.PERSONA, called)
    if settings.on_request and (words := asks_for_person(text)):
        return Wish(By.VISITOR, _("asked for: «%(words)s»") % {"words": words})
    if word := keyword_in(text, tuple(settings.keywords)):
        return Wish(By.RULE, _("said «%(word)s»") % {"word": word})
    if settings.on_negative_sentiment and (words := upset_by(text)):
        return Wish(By.RULE, _("upset: «%(words)s»") % {"words": words})
    if settings.on_low_confidence and is_unsure:
        count = settings.on_low_confidence
        return Wish(By.RULE, _("%(count)s answers in a row were not found") % {"count": count}, streak=count)
    return None


def call_person(conversation_id: UUID, wish: Wish) -> None:
    """Ask for a person as the wish says. In the tenant's scope. What cannot be asked for any more is let be."""
    if wish.streak > 1:
        turns = Turn.objects.filter(conversation_id=conversation_id, status=Turn.Status.COMPLETED)
        last = turns.order_by("-first_seq").values_list(f"trace__{UNSURE}", flat=True)[: wish.streak]
        if list(last) != [True] * wish.streak:
            return
    with suppress(Conflict, NotFound):
        request_person(conversation_id, reason=wish.reason, by=wish.by)
