"""The admin's first page: how it goes this week, and for a newcomer what to do next."""

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any
from uuid import UUID

from django.db.models import Count, Q, Sum
from django.db.models.functions import TruncDate
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from chat.handover.agents import HANDLERS
from chat.models import Conversation, Turn
from knowledge.collecting import WORKING
from knowledge.models import Document, KnowledgeBase
from llm.models import ModelCall
from llm.routes import resolve_route
from personas.models import Persona
from tenants.adminsite.base import EDITORS, OWNERS, the_seat

DAYS = 7
RECENT = 5


@dataclass(frozen=True)
class Step:
    """One thing that a newcomer does. `url` is empty while it cannot be done yet."""

    title: str
    text: str
    url: str
    is_done: bool


@dataclass(frozen=True)
class Day:
    """One day's bar. `share` is of the week's highest, in percent."""

    day: date
    tokens: int
    answers: int
    failures: int
    share: int

    @property
    def name(self) -> str:
        return date_format(self.day, "D")


def dashboard(request: HttpRequest, context: dict[str, Any]) -> dict[str, Any]:
    """What the template shows, for unfold's DASHBOARD_CALLBACK."""
    seat = the_seat(request)
    days = _days(_week_begin())
    recent = Conversation.objects.filter(is_test=False).started().with_people()
    return context | {
        "documents": _documents(),
        "conversation_count": _conversations_since(_week_begin()),
        "days": days,
        "answers": sum(day.answers for day in days),
        "failures": sum(day.failures for day in days),
        "tokens": sum(day.tokens for day in days),
        "recent": recent.order_by("-last_message_at")[:RECENT],
        "steps": _steps(request) if seat.role in EDITORS else [],
        "reader_answers": resolve_route(seat.tenant.pk).is_reader,
        "may_add_route": seat.role in OWNERS,
        "may_answer": seat.role in HANDLERS,
    }


def _week_begin() -> datetime:
    """Midnight, six days ago, so that today is the seventh."""
    first = timezone.localdate() - timedelta(days=DAYS - 1)
    return timezone.make_aware(datetime.combine(first, time.min))


def _documents() -> dict[str, int]:
    rows = Document.objects.values("status").annotate(count=Count("id"))
    counts = {row["status"]: row["count"] for row in rows}
    return {
        "all": sum(counts.values()),
        "ready": counts.get(Document.Status.READY, 0),
        "working": sum(counts.get(status, 0) for status in WORKING),
        "failed": counts.get(Document.Status.FAILED, 0),
    }


def _conversations_since(begin: datetime) -> int:
    return Conversation.objects.filter(is_test=False, last_message_at__gte=begin).started().count()


def _days(begin: datetime) -> list[Day]:
    """The week's days, those without anything too. Test chats cost tokens, and count as no answers."""
    tokens = {
        row["day"]: row["tokens"]
        for row in ModelCall.objects.filter(at__gte=begin)
        .annotate(day=TruncDate("at"))
        .values("day")
        .annotate(tokens=Sum("input_tokens") + Sum("output_tokens"))
    }
    over = Q(status__in=[Turn.Status.FAILED, Turn.Status.INTERRUPTED])
    turns = {
        row["day"]: row
        for row in Turn.objects.filter(created_at__gte=begin, conversation__is_test=False)
        .annotate(day=TruncDate("created_at"))
        .values("day")
        .annotate(answers=Count("id", filter=Q(status=Turn.Status.COMPLETED)), failures=Count("id", filter=over))
    }
    highest = max(tokens.values(), default=0) or 1
    days = [timezone.localtime(begin).date() + timedelta(days=number) for number in range(DAYS)]
    return [
        Day(
            day=day,
            tokens=tokens.get(day, 0),
            answers=turns.get(day, {}).get("answers", 0),
            failures=turns.get(day, {}).get("failures", 0),
            share=round(100 * tokens.get(day, 0) / highest),
        )
        for day in days
    ]


def _steps(request: HttpRequest) -> list[Step]:
    """The way from nothing to a chat page. Empty once it has been walked to its end."""
    base_id: UUID | None = KnowledgeBase.objects.order_by("id").values_list("id", flat=True).first()
    persona = Persona.objects.order_by("live_version_id", "id").first()
    has_documents = Document.objects.filter(status=Document.Status.READY).exists()
    is_published = bool(persona and persona.live_version_id)
    has_visitors = is_published and Conversation.objects.filter(is_test=False).started().exists()
    add_base, add_persona = (
        reverse("admin:knowledge_knowledgebase_add"),
        reverse("admin:personas_persona_add"),
    )
    base_url = reverse("admin:knowledge_knowledgebase_change", args=[base_id]) if base_id else ""
    persona_url = reverse("admin:personas_persona_change", args=[persona.pk]) if persona else ""
    chat_url = request.build_absolute_uri(persona.chat_path) if persona and is_published else ""
    steps = [
        Step(
            _("Make a knowledge base"),
            _("A place for the documents to answer from."),
            add_base,
            bool(base_id),
        ),
        Step(
            _("Upload documents"),
            _("PDF, Word, Excel, Markdown, text: drop them in."),
            base_url,
            has_documents,
        ),
        Step(
            _("Make a persona"),
            _("Who answers: its name, its voice, what it knows."),
            add_persona,
            bool(persona),
        ),
        Step(_("Publish it"), _("Try the draft beside its form first."), persona_url, is_published),
        Step(_("Share the chat page"), chat_url or _("Its link appears here."), chat_url, has_visitors),
    ]
    return [] if all(step.is_done for step in steps) else steps
