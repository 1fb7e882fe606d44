"""Datasets for people: what there is, what was asked, and every statement that was to run. Asking is done at /ask/."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from analytics.datasets.keeping import delete_dataset
from analytics.models import Dataset, Question, SavedQuestion, SqlRun
from tenants.adminsite.base import EDITORS, ReadOnlyTenantAdmin, TenantModelAdmin, choice_column, column


@admin.register(Dataset)
class DatasetAdmin(TenantModelAdmin):
    """What may be asked about. It is made, described and filled on its own page."""

    changed_by = EDITORS
    list_display = ["name", "kind", "status_label", "tables", "version", "updated_at"]
    list_filter = ["kind", "status"]
    search_fields = ["name"]
    ordering = ["-id"]
    fields = ["name", "kind", "status", "reason", "tables", "version", "created_at", "updated_at", "page"]
    readonly_fields = fields

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).prefetch_related("tables")

    status_label = choice_column(
        "status",
        gettext_lazy("Status"),
        {Dataset.Status.READY: "success", Dataset.Status.FAILED: "danger", Dataset.Status.IMPORTING: "info"},
    )

    @column(gettext_lazy("tables"))
    def tables(self, dataset: Dataset) -> str:
        return ", ".join(str(table) for table in dataset.tables.all())

    @column(gettext_lazy("Reason"))
    def reason(self, dataset: Dataset) -> str:
        return _(dataset.error_detail) if dataset.error_detail else ""

    @column(gettext_lazy("Page"))
    def page(self, dataset: Dataset) -> str:
        return format_html('<a href="{}">{}</a>', reverse("ask-dataset", args=[dataset.pk]), _("Tables and meaning"))

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        is_built_in = obj is not None and obj.kind == Dataset.Kind.CONVERSATIONS
        return super().has_delete_permission(request, obj) and not is_built_in

    def delete_model(self, request: HttpRequest, obj: Any) -> None:
        delete_dataset(obj)


@admin.register(Question)
class QuestionAdmin(ReadOnlyTenantAdmin):
    """A record of what was asked and what SQL answered it."""

    list_display = ["question", "dataset", "status_label", "who", "is_cached", "created_at"]
    list_select_related = ["dataset", "member__user", "key"]
    list_filter = ["status", "dataset"]
    search_fields = ["question"]
    ordering = ["-id"]
    fields = [
        "question", "dataset", "language", "status", "sql", "explanation", "summary", "error_code", "who", "used_model",
        "is_cached", "created_at",
    ]  # fmt: skip
    readonly_fields = fields

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).without_result()

    status_label = choice_column(
        "status",
        gettext_lazy("Status"),
        {Question.Status.READY: "success", Question.Status.FAILED: "danger", Question.Status.CANCELLED: ""},
    )

    @column(gettext_lazy("who"))
    def who(self, question: Question) -> str:
        if question.member:
            return str(question.member.user)
        return str(question.key) if question.key else _("An end user")


@admin.register(SavedQuestion)
class SavedQuestionAdmin(ReadOnlyTenantAdmin):
    """Questions that are kept to be asked again; they are run and changed on their own page."""

    list_display = ["name", "dataset", "created_by", "updated_at"]
    list_select_related = ["dataset", "created_by__user"]
    list_filter = ["dataset"]
    search_fields = ["name", "question"]
    ordering = ["name"]
    fields = ["name", "dataset", "question", "sql", "parameters", "created_by", "created_at", "updated_at"]
    readonly_fields = fields


@admin.register(SqlRun)
class SqlRunAdmin(ReadOnlyTenantAdmin):
    """The audit: what was to be run, what the gate made of it, and what came of it."""

    seen_by = EDITORS
    list_display = ["at", "dataset", "origin", "verdict_label", "rows", "elapsed_ms"]
    list_select_related = ["dataset"]
    list_filter = ["verdict", "origin", "dataset"]
    search_fields = ["sql_given"]
    ordering = ["-at"]
    fields = [
        "at", "dataset", "origin", "sql_given", "sql_run", "verdict", "rows", "elapsed_ms", "plan_cost", "question_id",
        "member_id", "key_id", "end_user_id",
    ]  # fmt: skip
    readonly_fields = fields

    @column(gettext_lazy("verdict"), ordering="verdict", label={SqlRun.OK: "success"})
    def verdict_label(self, run: SqlRun) -> tuple[str, str]:
        return run.verdict, run.verdict
