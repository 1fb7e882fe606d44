"""Pages of the admin around one answer: where it came from, the same question today, and what became of both."""

from typing import Any, cast
from uuid import UUID

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST, require_safe

from chat.admin_viewer import Said
from chat.models import Message, Replay, TestRun, Turn
from chat.tracing.comparing import compare, stored_answer
from chat.tracing.highlighting import highlighted
from chat.tracing.replaying import access_turn, start_replay
from chat.tracing.testing import create_test, made_of_turn, start_run
from knowledge.errors import in_readers_language
from knowledge.models import Document
from personas.access import access_persona
from tenants.adminsite.auditing import audit
from tenants.adminsite.base import EDITORS, EVERYONE, the_seat
from tenants.errors import NotFound, PlatformError
from tenants.models import User

SHOWN_REPLAYS = 10
FACT_NAMES = {
    "version": gettext_lazy("Version"),
    "route": gettext_lazy("Route"),
    "model": gettext_lazy("Model"),
    "supported": gettext_lazy("Claims with a source"),
    "input_tokens": gettext_lazy("Tokens in"),
    "output_tokens": gettext_lazy("Tokens out"),
    "cost": gettext_lazy("Cost"),
    "first_token_ms": gettext_lazy("First token, ms"),
    "total_ms": gettext_lazy("Whole answer, ms"),
}


@require_safe
def answer_page(request: HttpRequest, turn_id: UUID) -> HttpResponse:
    """Everything that an answer came from."""
    turn = _turn(request, turn_id)
    message = turn.answer
    cited = {citation["chunk_id"] for citation in message.citations} if message else set()
    context = {
        "title": _("Where this answer came from"),
        "turn": turn,
        "one": Said(message, turn),
        "found": _found(turn, cited),
        "parts": highlighted(message) if message else [],
        "claims": _counted(message),
        "replays": list(Replay.objects.filter(turn=turn).order_by("-id")[:SHOWN_REPLAYS]),
        "may_try": _may_try(request),
    }
    return _page(request, "admin/chat/answer.html", context)


@require_POST
def replay_action(request: HttpRequest, turn_id: UUID) -> HttpResponse:
    """Answer it once more under today's settings."""
    turn = _turn(request, turn_id, to_try=True)
    try:
        replay = start_replay(turn, by=_name(request))
    except PlatformError as error:
        messages.error(request, str(error.detail))
        return redirect("admin:chat_answer", turn.pk)
    audit(request, "replay", turn)
    return redirect("admin:chat_replay", turn.pk, replay.pk)


@require_safe
def replay_page(request: HttpRequest, turn_id: UUID, replay_id: UUID) -> HttpResponse:
    """Then and now, side by side."""
    turn = _turn(request, turn_id)
    replay = _replay(turn, replay_id)
    context = {
        "title": _("Then and now"),
        "turn": turn,
        "replay": replay,
        "error": in_readers_language(replay.error_detail),
        "before": stored_answer(turn),
        "comparison": compare(stored_answer(turn), replay.result) if replay.result else None,
        "fact_names": FACT_NAMES,
        "may_try": _may_try(request),
    }
    return _page(request, "admin/chat/replay.html", context)


@require_safe
def replay_state(request: HttpRequest, turn_id: UUID, replay_id: UUID) -> HttpResponse:
    """Whether it is over, for the page that waits."""
    return JsonResponse({"open": _replay(_turn(request, turn_id), replay_id).is_open})


@require_POST
def test_action(request: HttpRequest, turn_id: UUID) -> HttpResponse:
    """Make a test of it, and go to where it can be changed."""
    turn = _turn(request, turn_id, to_try=True)
    try:
        test = create_test(turn.conversation.persona, **made_of_turn(turn))
    except PlatformError as error:
        messages.error(request, str(error.detail))
        return redirect("admin:chat_answer", turn.pk)
    audit(request, "add", test)
    messages.success(request, _("This is a test now. Say what must hold of the answer."))
    return redirect("admin:chat_answertest_change", test.pk)


@require_POST
def run_action(request: HttpRequest, persona_id: UUID) -> HttpResponse:
    """Put all of a persona's tests to its draft."""
    seat = the_seat(request)
    if seat.role not in EDITORS:
        raise PermissionDenied
    try:
        run = start_run(access_persona(seat.tenant.pk, str(persona_id)), by=_name(request))
    except NotFound:
        raise Http404 from None
    except PlatformError as error:
        messages.error(request, str(error.detail))
        return redirect("admin:chat_answertest_changelist")
    return redirect("admin:chat_testrun_change", run.pk)


def run_context(run: TestRun) -> dict[str, Any]:
    """What the page of a run shows: failures first."""
    results = sorted(run.results, key=lambda result: (result["passed"], result["change"] == "same"))
    return {"run": run, "results": results, "error": in_readers_language(run.error_detail)}


def _turn(request: HttpRequest, turn_id: UUID, *, to_try: bool = False) -> Turn:
    seat = the_seat(request)
    if seat.role not in (EDITORS if to_try else EVERYONE):
        raise PermissionDenied
    try:
        return access_turn(seat.tenant.pk, turn_id)
    except NotFound:
        raise Http404 from None


def _replay(turn: Turn, replay_id: UUID) -> Replay:
    replay: Replay | None = Replay.objects.filter(turn=turn, pk=replay_id).first()
    if replay is None:
        raise Http404
    return replay


def _found(turn: Turn, cited: set[str]) -> list[dict[str, Any]]:
    """The passages that the search brought, with their documents' titles; "" for one that is gone."""
    rows = (turn.trace.get("search") or {}).get("found", [])
    titles = dict(Document.objects.filter(pk__in={row["document_id"] for row in rows}).values_list("pk", "title"))
    named = {str(pk): title for pk, title in titles.items()}
    return [{**row, "title": named.get(row["document_id"], ""), "is_cited": row["chunk_id"] in cited} for row in rows]


def _may_try(request: HttpRequest) -> bool:
    return the_seat(request).role in EDITORS


def _counted(message: Message | None) -> dict[str, int]:
    claims = message.claims if message else []
    supported = sum(claim["supported"] for claim in claims)
    return {"all": len(claims), "supported": supported, "unsupported": len(claims) - supported}


def _name(request: HttpRequest) -> str:
    user = cast(User, request.user)
    return user.get_full_name() or user.email


def _page(request: HttpRequest, template: str, context: dict[str, Any]) -> HttpResponse:
    return TemplateResponse(request, template, {**admin.site.each_context(request), **context})
