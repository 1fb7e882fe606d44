"""Answers tried again: one of a conversation under today's settings, and the questions that a persona must pass."""

from typing import Any, ClassVar

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from chat.models.conversations import Turn
from personas.models import Persona
from tenants.base import TenantForeignKey, TenantModel, TenantQuerySet


class Status(models.TextChoices):
    QUEUED = "queued", _("Queued")
    RUNNING = "running", _("Running")
    DONE = "done", _("Done")
    FAILED = "failed", _("Failed")
    CANCELLED = "cancelled", _("Cancelled")

    @classmethod
    def open(cls) -> "list[Status]":
        return [cls.QUEUED, cls.RUNNING]


class Trial(TenantModel):
    """Work of a job that somebody waits for."""

    Status = Status

    status = models.CharField(_("status"), max_length=10, choices=Status, default=Status.QUEUED)
    error_code = models.CharField(max_length=60, blank=True, default="")
    error_detail = models.TextField(blank=True, default="")
    created_by = models.CharField(_("by"), max_length=200, blank=True, default="")
    created_at = models.DateTimeField(_("when"), default=timezone.now)
    finished_at = models.DateTimeField(null=True)

    class Meta:
        abstract = True

    @property
    def is_open(self) -> bool:
        return self.status in Status.open()


class Replay(Trial):
    """The question of a turn, answered once more. It is no part of the conversation.

    `result` is what `chat.tracing.answering.Tried.as_dict` gives, or {}.
    """

    turn = TenantForeignKey(Turn, models.CASCADE, related_name="replays", db_index=False)
    result = models.JSONField(default=dict)

    objects: ClassVar[Any] = TenantQuerySet.as_manager()

    class Meta:
        verbose_name = _("replay")
        verbose_name_plural = _("replays")
        indexes = [models.Index(fields=["tenant", "turn", "-id"], name="replay_newest")]


class AnswerTest(TenantModel):
    """A question that a persona must answer well, and what must hold of its answer."""

    persona = TenantForeignKey(
        Persona, models.CASCADE, related_name="answer_tests", verbose_name=_("persona"), db_index=False
    )
    name = models.CharField(_("name"), max_length=200)
    question = models.TextField(_("question"))
    history = models.JSONField(default=list, blank=True)  # [{role: user|bot|human, text}], oldest first
    variables = models.JSONField(default=dict, blank=True)
    must_contain = models.JSONField(_("must contain"), default=list, blank=True)
    must_not_contain = models.JSONField(_("must not contain"), default=list, blank=True)
    must_cite = models.JSONField(_("must cite"), default=list, blank=True)  # documents' ids
    must_hand_over = models.BooleanField(_("must offer a person"), default=False)
    must_decline = models.BooleanField(_("must say that it does not know"), default=False)
    # By the newest run; None before the first.
    has_passed = models.BooleanField(null=True, editable=False)
    created_at = models.DateTimeField(_("created"), default=timezone.now, editable=False)

    objects: ClassVar[Any] = TenantQuerySet.as_manager()

    class Meta:
        verbose_name = _("answer test")
        verbose_name_plural = _("answer tests")
        indexes = [models.Index(fields=["tenant", "persona", "id"], name="answer_test_of_persona")]

    def __str__(self) -> str:
        return self.name


class TestRun(Trial):
    """All of a persona's tests put to its draft. `results` grows while they run."""

    __test__ = False  # pytest need not collect it

    persona = TenantForeignKey(
        Persona, models.CASCADE, related_name="test_runs", verbose_name=_("persona"), db_index=False
    )
    total = models.PositiveIntegerField(default=0)
    passed = models.PositiveIntegerField(_("passed"), default=0)
    results = models.JSONField(default=list)

    objects: ClassVar[Any] = TenantQuerySet.as_manager()

    class Meta:
        verbose_name = _("test run")
        verbose_name_plural = _("test runs")
        indexes = [models.Index(fields=["tenant", "persona", "-id"], name="test_run_newest")]

    @property
    def done(self) -> int:
        return len(self.results)
