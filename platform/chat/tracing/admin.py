"""Tests of personas and their runs in the admin; and the addresses of an answer's pages."""

from typing import Any, cast

from django import forms
from django.contrib import admin
from django.db.models import Count, Prefetch
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils.translation import gettext_lazy as _
from unfold.widgets import (
    UnfoldAdminCheckboxSelectMultipleWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextareaWidget,
    UnfoldAdminTextInputWidget,
    UnfoldBooleanSwitchWidget,
)

from chat.models import AnswerTest, TestRun
from chat.tracing import pages
from knowledge.models import Document
from personas.models import Persona
from personas.references import base_ids
from tenants.adminsite.base import EDITORS, ReadOnlyTenantAdmin, TenantModelAdmin, choice_column, column, role_of

# More than fit on a form; others are set by the API.
CHOOSABLE_DOCUMENTS = 200


class LinesField(forms.Field):
    """A list of texts, one a line."""

    def prepare_value(self, value: Any) -> Any:
        return "\n".join(value) if isinstance(value, list) else value

    def to_python(self, value: Any) -> list[str]:
        return [line.strip() for line in (value or "").splitlines() if line.strip()][:50]


class AnswerTestForm(forms.ModelForm):  # type: ignore[type-arg]
    must_contain = LinesField(
        label=_("Must contain"),
        required=False,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 3}),
        help_text=_("One a line; large and small letters are the same."),
    )
    must_not_contain = LinesField(
        label=_("Must not contain"), required=False, widget=UnfoldAdminTextareaWidget(attrs={"rows": 3})
    )
    must_cite = forms.MultipleChoiceField(
        label=_("Must cite"), required=False, widget=UnfoldAdminCheckboxSelectMultipleWidget
    )

    class Meta:
        model = AnswerTest
        fields = [
            "persona", "name", "question", "must_contain", "must_not_contain", "must_cite", "must_hand_over",
            "must_decline",
        ]  # fmt: skip
        widgets = {
            "persona": UnfoldAdminSelectWidget,
            "name": UnfoldAdminTextInputWidget,
            "question": UnfoldAdminTextareaWidget(attrs={"rows": 3}),
            "must_hand_over": UnfoldBooleanSwitchWidget,
            "must_decline": UnfoldBooleanSwitchWidget,
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = cast(forms.MultipleChoiceField, self.fields["must_cite"])
        field.choices = _documents(self.instance)


def _documents(test: AnswerTest) -> list[tuple[str, str]]:
    """Those that the persona reads, or all before it is chosen; and whatever the test names already."""
    documents = Document.objects.ready().order_by("title")
    if test.persona_id:
        bases = base_ids(test.tenant_id, test.persona.settings.get("knowledge_bases") or [])
        documents = documents.filter(base_id__in=list(bases.values()))
    found = {str(pk): title for pk, title in documents.values_list("pk", "title")[:CHOOSABLE_DOCUMENTS]}
    return list({**{named: named for named in test.must_cite if named not in found}, **found}.items())


@admin.register(AnswerTest)
class AnswerTestAdmin(TenantModelAdmin):
    """Questions that a persona must answer well before it is published."""

    changed_by = EDITORS
    form = AnswerTestForm
    list_display = ["name", "persona", "last_result"]
    list_select_related = ["persona"]
    list_filter = ["persona"]
    search_fields = ["name", "question"]
    ordering = ["persona", "id"]
    list_before_template = "admin/chat/tests_run.html"

    def get_urls(self) -> list[URLPattern]:
        run = self.admin_site.admin_view(pages.run_action)
        return [path("run/<uuid:persona_id>/", run, name="chat_tests_run"), *super().get_urls()]

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        tested = Persona.objects.annotate(tests=Count("answer_tests")).filter(tests__gt=0).order_by("name")
        newest = TestRun.objects.defer("results").order_by("persona_id", "-id").distinct("persona_id")
        context = {
            "tested": tested.prefetch_related(Prefetch("test_runs", newest, to_attr="latest")),
            "may_run": role_of(request) in EDITORS,
            **(extra_context or {}),
        }
        page: HttpResponse = super().changelist_view(request, context)
        return page

    @column(_("Last result"), label={"passed": "success", "failed": "danger", "new": "info"})
    def last_result(self, test: AnswerTest) -> tuple[str, Any]:
        if test.has_passed is None:
            return "new", _("Not run yet")
        return ("passed", _("Passed")) if test.has_passed else ("failed", _("Failed"))


@admin.register(TestRun)
class TestRunAdmin(ReadOnlyTenantAdmin):
    """What a persona's tests came to."""

    list_display = ["created_at", "persona", "status_label", "score", "created_by"]
    list_select_related = ["persona"]
    list_filter = ["persona", "status"]
    ordering = ["-id"]

    status_label = choice_column(
        "status",
        _("Status"),
        {
            "done": "success",
            "failed": "danger",
            "queued": "info",
            "running": "info",
        },
    )

    @column(_("Passed"))
    def score(self, run: TestRun) -> str:
        return f"{run.passed} / {run.total}"

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        """The report; it fills while the tests run."""
        run = self.row(request, object_id)
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": _("Tests of %(persona)s") % {"persona": run.persona.name},
            "may_run": role_of(request) in EDITORS,
            **pages.run_context(run),
        }
        return TemplateResponse(request, "admin/chat/test_run.html", context)


def answer_urls(view: Any) -> list[URLPattern]:
    """Addresses of an answer's pages, below the conversations. `view` is the admin's guard."""
    answer = "answers/<uuid:turn_id>/"
    return [
        path(answer, view(pages.answer_page), name="chat_answer"),
        path(f"{answer}replay/", view(pages.replay_action), name="chat_answer_replay"),
        path(f"{answer}test/", view(pages.test_action), name="chat_answer_test"),
        path(f"{answer}replays/<uuid:replay_id>/", view(pages.replay_page), name="chat_replay"),
        path(f"{answer}replays/<uuid:replay_id>/state/", view(pages.replay_state), name="chat_replay_state"),
    ]
