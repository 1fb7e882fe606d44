"""The pages: frames with what the server alone knows. What is in them comes through the same views as the API's."""

from typing import Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import get_language

from analytics.access import access_dataset, access_question
from analytics.pages.entering import ask_pages
from llm.routes import resolve_route
from tenants.adminsite.base import EDITORS
from tenants.adminsite.seats import Seat
from tenants.errors import NotFound


@ask_pages.page
def ask_page(request: HttpRequest, seat: Seat) -> HttpResponse:
    """The box to ask in."""
    return _show(request, seat, "ask")


@ask_pages.page
def question_page(request: HttpRequest, seat: Seat, question_id: UUID) -> HttpResponse:
    """One question with its answer, as a member may send it to another."""
    question = access_question(seat.tenant.pk, question_id)
    return _show(request, seat, "ask", question=str(question.pk), dataset=str(question.dataset.pk))


@ask_pages.page
def datasets_page(request: HttpRequest, seat: Seat) -> HttpResponse:
    return _show(request, seat, "datasets")


@ask_pages.page
def dataset_page(request: HttpRequest, seat: Seat, dataset_id: UUID) -> HttpResponse:
    return _show(request, seat, "dataset", dataset=str(access_dataset(seat.tenant.pk, dataset_id).pk))


@ask_pages.page
def saved_page(request: HttpRequest, seat: Seat) -> HttpResponse:
    return _show(request, seat, "saved")


@ask_pages.page
def history_page(request: HttpRequest, seat: Seat) -> HttpResponse:
    """Who ran what, for those who answer for it."""
    if seat.role not in EDITORS:
        raise NotFound
    return _show(request, seat, "history")


def _show(request: HttpRequest, seat: Seat, name: str, **about: str) -> HttpResponse:
    may_edit = seat.role in EDITORS
    settings: dict[str, Any] = {
        "base": reverse("ask"),
        "can_edit": may_edit,
        # Without one, verified questions are all that can be asked.
        "has_model": not resolve_route(seat.tenant.pk, None).is_reader,
        "routes_url": reverse("admin:llm_route_changelist"),
        **about,
    }
    context = {"seat": seat, "page": name, "settings": settings, "may_edit": may_edit, "language": get_language()}
    return render(request, f"ask/{name}.html", context)
