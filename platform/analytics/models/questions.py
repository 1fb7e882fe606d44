"""Questions in plain language, from the asking to the result, and those that are kept to be asked again."""

from typing import Any, ClassVar, Self

from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from uuid_utils.compat import uuid7

from analytics.models.datasets import Dataset
from chat.models import EndUser
from tenants.base import TenantForeignKey, TenantModel, TenantQuerySet
from tenants.models import ApiKey, Member


class QuestionQuerySet(TenantQuerySet):
    def open(self) -> Self:
        """Those that somebody works on, or will."""
        return self.filter(status__in=Question.OPEN)

    def without_result(self) -> Self:
        """For lists: rows may be large."""
        return self.defer("rows", "columns", "chart", "attempts", "events")


class Question(TenantModel):
    """One question about a dataset, with the SQL that answered it and its result."""

    class Status(models.TextChoices):
        QUEUED = "queued", _("Queued")
        WRITING = "writing", _("Writing SQL")
        CHECKING = "checking", _("Checking")
        RUNNING = "running", _("Running")
        READY = "ready", _("Ready")
        FAILED = "failed", _("Failed")
        CANCELLED = "cancelled", _("Cancelled")
        NEEDS_CLARIFICATION = "needs_clarification", _("Asks back")

    OPEN = (Status.QUEUED, Status.WRITING, Status.CHECKING, Status.RUNNING)

    dataset = TenantForeignKey(
        Dataset, models.CASCADE, related_name="questions", verbose_name=_("dataset"), db_index=False
    )
    question = models.TextField(_("question"))
    language = models.CharField(_("language"), max_length=10, default="en")
    # What belongs together: "and by month?" is asked of the question before it. The API's `conversation_id`.
    thread = models.UUIDField(default=uuid7)
    status = models.CharField(_("status"), max_length=20, choices=Status, default=Status.QUEUED)
    sql = models.TextField(_("SQL"), blank=True, default="")
    explanation = models.TextField(_("explanation"), blank=True, default="")
    columns = models.JSONField(default=list)
    rows = models.JSONField(default=list)
    truncated = models.BooleanField(default=False)
    chart = models.JSONField(null=True)
    summary = models.TextField(_("summary"), blank=True, default="")
    # [{sql, error}], in order.
    attempts = models.JSONField(default=list)
    clarification = models.JSONField(null=True)
    # Each change of status, for those who follow: [{seq, status, at}]. `seq` counts from 1.
    events = models.JSONField(default=list)
    # The digest of dataset, version, history and words: what has the same one has the same SQL.
    cache_key = models.CharField(max_length=64, blank=True, default="")
    error_code = models.CharField(_("error"), max_length=60, blank=True, default="")
    error_detail = models.TextField(blank=True, default="")
    # Who asked: a member, a server by its key, or an end user whom a persona answers. One of them.
    member = TenantForeignKey(
        Member, models.SET_NULL, null=True, blank=True, related_name="+", verbose_name=_("member")
    )
    key = TenantForeignKey(ApiKey, models.SET_NULL, null=True, blank=True, related_name="+", verbose_name=_("API key"))
    # Whoever forgets an end user forgets what he asked.
    end_user = TenantForeignKey(EndUser, models.CASCADE, null=True, blank=True, related_name="+")
    is_cached = models.BooleanField(_("from the cache"), default=False)
    used_model = models.CharField(_("model"), max_length=200, blank=True, default="")
    # As EXPLAIN estimates it, in its own unit.
    plan_cost = models.FloatField(null=True)
    # What somebody said of the answer; null until then.
    is_correct = models.BooleanField(_("right"), null=True)
    created_at = models.DateTimeField(_("asked"), default=timezone.now, editable=False)
    started_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)

    objects: ClassVar[Any] = QuestionQuerySet.as_manager()

    class Meta:
        verbose_name = _("question")
        verbose_name_plural = _("questions")
        indexes = [
            models.Index(fields=["tenant", "dataset", "-id"], name="question_newest"),
            models.Index(fields=["tenant", "thread", "-id"], name="question_thread"),
            models.Index(fields=["tenant", "cache_key", "-id"], condition=Q(status="ready"), name="question_cached"),
        ]

    def __str__(self) -> str:
        return self.question


class SavedQuestion(TenantModel):
    """A question with its SQL and the parameters in it, kept for everybody in the tenant to run again."""

    dataset = TenantForeignKey(
        Dataset, models.CASCADE, related_name="saved_questions", verbose_name=_("dataset"), db_index=False
    )
    name = models.CharField(_("name"), max_length=200)
    question = models.TextField(_("question"), blank=True, default="")
    sql = models.TextField(_("SQL"))
    parameters = models.JSONField(_("parameters"), default=list, blank=True)
    chart = models.JSONField(null=True, blank=True)
    created_by = TenantForeignKey(Member, models.SET_NULL, null=True, blank=True, related_name="+")
    created_at = models.DateTimeField(_("created"), default=timezone.now, editable=False)
    updated_at = models.DateTimeField(_("changed"), default=timezone.now, editable=False)

    class Meta:
        verbose_name = _("saved question")
        verbose_name_plural = _("saved questions")
        indexes = [models.Index(fields=["tenant", "dataset", "name"], name="saved_question_by_name")]

    def __str__(self) -> str:
        return self.name
