"""Background work, and a second chance for what failed."""

from uuid import UUID

from django.contrib import admin, messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import URLPattern, path
from django.utils.decorators import method_decorator
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST

from jobs.models import Job
from jobs.queueing import enqueue_again
from tenants.adminsite.auditing import audit
from tenants.adminsite.base import OWNERS, ReadOnlyTenantAdmin, choice_column, column
from tenants.errors import Conflict


@admin.register(Job)
class JobAdmin(ReadOnlyTenantAdmin):
    """Jobs are rows that the machinery writes; people read them, and run a failed one again."""

    seen_by = OWNERS
    list_display = ["created_at", "kind", "status_label", "attempts", "reason", "finished_at"]
    list_filter = ["status", "error_code", "kind"]
    ordering = ["-created_at"]
    fields = [
        "kind",
        "queue",
        "subject_id",
        "status",
        "attempts",
        "worker",
        "created_at",
        "started_at",
        "finished_at",
        "error_code",
        "reason",
    ]
    readonly_fields = ["reason"]

    status_label = choice_column(
        "status",
        gettext_lazy("Status"),
        {Job.Status.DONE: "success", Job.Status.FAILED: "danger", Job.Status.RUNNING: "info"},
    )

    @column(gettext_lazy("Reason"))
    def reason(self, job: Job) -> str:
        """Why it failed, in the reader's language: workers write English, which is what translations go by."""
        return _(job.error_detail) if job.error_detail else ""

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.run_again)
        return [path("<uuid:job_id>/again/", view, name="jobs_job_again"), *super().get_urls()]

    @method_decorator(require_POST)
    def run_again(self, request: HttpRequest, job_id: UUID) -> HttpResponse:
        """Put a failed job in line once more, as a new one: the failed one stays as a record."""
        job = self.row(request, job_id)
        if not job.can_run_again:
            raise Conflict(_("Only the last job on something can run again, once it failed or was cancelled."))
        again = enqueue_again(job)
        audit(request, "run_again", job)
        messages.success(request, _("It is in line again."))
        return redirect("admin:jobs_job_change", again.pk)
