from inspect import iscoroutinefunction
from typing import Any

from django.urls import URLPattern, path

from analytics import urls as api
from analytics.pages import views
from analytics.pages.entering import ask_pages
from tenants.adminsite.base import EDITORS, EVERYONE

# What every member may do, if he may not change anything else: ask, and say what he thinks of the answer.
ASKING = {
    "questions/",
    "questions/<uuid:question_id>/cancel/",
    "questions/<uuid:question_id>/clarify/",
    "questions/<uuid:question_id>/feedback/",
    "saved/<uuid:saved_id>/run/",
}


def for_pages(pattern: URLPattern) -> URLPattern:
    """A view of the API under `api/`, for members."""
    route = str(pattern.pattern)
    if iscoroutinefunction(pattern.callback):
        view: Any = ask_pages.async_for_members(pattern.callback, "GET")
        return path(f"api/{route}", view)  # type: ignore[no-any-return]
    changed_by = EVERYONE if route in ASKING else EDITORS
    return path(f"api/{route}", ask_pages.for_members(pattern.callback, changed_by=changed_by))


urlpatterns: list[URLPattern] = [
    path("", views.ask_page, name="ask"),
    path("q/<uuid:question_id>/", views.question_page, name="ask-question"),
    path("data/", views.datasets_page, name="ask-datasets"),
    path("data/<uuid:dataset_id>/", views.dataset_page, name="ask-dataset"),
    path("saved/", views.saved_page, name="ask-saved"),
    path("history/", views.history_page, name="ask-history"),
    *map(for_pages, api.urlpatterns),
]
