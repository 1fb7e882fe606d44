"""Documents as the admin's script draws them."""

from collections.abc import Iterable
from typing import Any

from django.template.defaultfilters import filesizeformat
from django.urls import reverse
from django.utils.formats import date_format
from django.utils.timezone import localtime
from django.utils.translation import gettext as _

from jobs.models import Job
from jobs.queueing import queue_position
from knowledge.collecting import INGEST, STOPPED, WORKING
from knowledge.errors import in_readers_language
from knowledge.models import Document

# What a document is asked before it takes so long (see `ingestion.NeedsConfirmation`).
NEEDS_CONFIRMATION = "precondition_required"


def document_rows(documents: Iterable[Document]) -> list[dict[str, Any]]:
    """Each document with its state, progress and place in line; the same few queries for any number."""
    documents = list(documents)
    waits = any(document.status == Document.Status.QUEUED for document in documents)
    queues = _queues() if waits else {}
    return [_row(document, queues.get(document.pk)) for document in documents]


def _row(document: Document, queue: dict[str, Any] | None) -> dict[str, Any]:
    asks = document.status == Document.Status.FAILED and document.error_code == NEEDS_CONFIRMATION
    act = reverse("admin:knowledge_document_act", args=[document.pk, "_"])
    return {
        "id": str(document.pk),
        "title": document.title,
        "filename": document.filename,
        "size": filesizeformat(document.size_bytes),
        "added": date_format(localtime(document.created_at), "SHORT_DATETIME_FORMAT"),
        "status": "asks" if asks else document.status,
        "status_label": _("Needs your word") if asks else document.get_status_display(),
        "is_working": document.status in WORKING,
        "done": document.progress_done,
        "total": document.progress_total,
        "queue": queue if document.status == Document.Status.QUEUED else None,
        "error": in_readers_language(document.error_detail) if document.status in STOPPED else "",
        "passages": document.chunk_count,
        "url": reverse("admin:knowledge_document_change", args=[document.pk]),
        "act_url": act.removesuffix("_/"),
    }


def _queues() -> dict[Any, dict[str, Any]]:
    """`{position, eta_s}` of the tenant's waiting documents, told from one look at the whole line."""
    line = list(Job.objects.filter(kind=INGEST).unfinished().order_by("created_at"))
    first = next((job for job in line if job.status == Job.Status.QUEUED), None)
    place = queue_position(first) if first else None
    each_s = place["eta_s"] / place["position"] if place and place["eta_s"] else None
    return {
        job.subject_id: {"position": number, "eta_s": round(each_s * number) if each_s else None}
        for number, job in enumerate(line, start=1)
    }


def texts() -> dict[str, str]:
    """What the script says. `{names}` are filled in by it."""
    return {
        "uploading": _("Uploading"),
        "reading": _("Being checked"),
        "too_large": _("The file is too large. Split it into parts of at most 50 MB."),
        "upload_failed": _("The upload broke off. Check the connection and try again."),
        "failed": _("This did not work. Load the page again."),
        "failed_label": _("Not taken"),
        "position": _("Number {position} in line"),
        "eta": _("about {time} to go"),
        "seconds": _("{count} s"),
        "minutes": _("{count} min"),
        "progress": _("{done} of {total} passages"),
        "passages": _("{count} passages"),
        "cancel": _("Stop"),
        "retry": _("Try again"),
        "confirm": _("Embed it all the same"),
        "delete": _("Delete"),
        "dismiss": _("Dismiss"),
        "delete_question": _("Delete «{title}»? Nothing of it will be found any more."),
        "none": _("No documents yet. Drop the first ones above."),
    }
