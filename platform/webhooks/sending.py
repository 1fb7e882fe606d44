"""Deliveries on their way: one endpoint's, one after the other, in the order of their events.

What fails waits for its next try and holds up no later event. A try that was made and could not be noted, because the
worker died, is made again: a receiver tells by `webhook-id`.
"""

import logging
import time
from datetime import datetime, timedelta
from random import uniform
from typing import Any, NamedTuple
from uuid import UUID

from django.utils import timezone

from jobs.handlers import Again, Run
from tenants.looping import run_in_loop
from tenants.models import AuditEntry
from tenants.scope import tenant_scope
from tenants.secrets import SecretUnreadable
from webhooks.calling import Answer, CallFailed, post_signed, told
from webhooks.endpoints import switch
from webhooks.models import MAX_ATTEMPTS, WAITS, Delivery, Endpoint

logger = logging.getLogger(__name__)

SEND = "webhooks.send"
USER_AGENT = "Troupe-Webhooks/1.0"
TIMEOUT_S = 15.0
# Of an answer only its status counts; the rest is for people who look for what went wrong.
MAX_ANSWER_BYTES = 1_000
# After so long the next tenant has its turn.
SLICE_S = 20.0
# An endpoint that does not answer at all is left alone for so long, with all that is due to it.
REST = timedelta(seconds=60)
# The longest wait that an overloaded endpoint may ask for.
LONGEST_WAIT = timedelta(hours=24)
DISABLED_AFTER = timedelta(days=5)
# Tries kept in the log of a delivery, which may be sent again by hand any number of times.
ATTEMPTS_KEPT = 30
GONE = 410


class Outcome(NamedTuple):
    """What came of one try. `status` is None where nothing answered, and `error` then says why in one word."""

    status: int | None
    error: str
    body: str
    duration_ms: int
    retry_after: timedelta = timedelta()

    @property
    def is_success(self) -> bool:
        return self.status is not None and 200 <= self.status < 300

    @property
    def is_silence(self) -> bool:
        return self.error in ("timeout", "unreachable")


def send_due(run: Run) -> None:
    """Send what is due to the endpoint that the job is about. Raises Again when others shall have a turn."""
    ends_at = time.monotonic() + SLICE_S
    while time.monotonic() < ends_at:
        run.check_in()
        with tenant_scope(run.tenant_id):
            delivery = _next(run.subject_id)
        if delivery is None:
            return
        outcome = _try(delivery)
        with tenant_scope(run.tenant_id):
            run.check_in()
            note(delivery, outcome)
    raise Again


def _next(endpoint_id: UUID) -> Delivery | None:
    due = Delivery.objects.filter(endpoint_id=endpoint_id, endpoint__is_enabled=True).due(timezone.now())
    delivery: Delivery | None = due.select_related("endpoint").order_by("event_id").first()
    return delivery


def _try(delivery: Delivery) -> Outcome:
    """One call. Never raises."""
    began, now = time.monotonic(), timezone.now()
    status, error, body, retry_after = None, "", "", timedelta()
    try:
        answer = run_in_loop(
            post_signed(
                delivery.endpoint.url,
                delivery.endpoint.secrets_at(now),
                told(delivery.type, delivery.occurred_at, delivery.data),
                message_id=str(delivery.event_id),
                timestamp_s=int(now.timestamp()),
                user_agent=USER_AGENT,
                timeout_s=TIMEOUT_S,
                max_bytes=MAX_ANSWER_BYTES,
            )
        )
        status, retry_after = answer.status, _retry_after(answer)
        body = answer.body.decode("utf-8", "replace").replace("\x00", "")
    except CallFailed as failure:
        error = failure.why
    except SecretUnreadable:
        error = "secret_unreadable"
    return Outcome(status, error, body, round((time.monotonic() - began) * 1000), retry_after)


def _retry_after(answer: Answer) -> timedelta:
    text = answer.headers.get("retry-after", "")
    return (
        min(timedelta(seconds=int(text)), LONGEST_WAIT)
        if text.isascii() and text.isdecimal() and len(text) < 8
        else timedelta()
    )


def note(delivery: Delivery, outcome: Outcome) -> None:
    """Write down one try, and decide about the next. In the tenant's scope."""
    now = timezone.now()
    delivery.attempt_count += 1
    delivery.response_status = outcome.status
    delivery.attempts = [*delivery.attempts, _entry(outcome, now)][-ATTEMPTS_KEPT:]
    delivery.next_try_at = None
    if outcome.is_success:
        delivery.status, delivery.delivered_at = Delivery.Status.DELIVERED, now
    elif delivery.attempt_count >= MAX_ATTEMPTS or outcome.status == GONE:
        delivery.status = Delivery.Status.DEAD
    else:
        # Up to a tenth more, so that what failed together does not return together.
        wait = WAITS[delivery.attempt_count - 1] * uniform(1.0, 1.1)  # noqa: S311 - spreads load, guards nothing
        delivery.next_try_at = now + max(wait, outcome.retry_after)
    fields = ["status", "attempt_count", "attempts", "response_status", "next_try_at", "delivered_at"]
    Delivery.objects.filter(pk=delivery.pk).update(**{name: getattr(delivery, name) for name in fields})
    _note_health(delivery.endpoint, outcome, now)


def _entry(outcome: Outcome, now: datetime) -> dict[str, Any]:
    return {
        "at": now.isoformat(),
        "status": outcome.status,
        "duration_ms": outcome.duration_ms,
        "error": outcome.error,
        "body": outcome.body,
    }


def _note_health(endpoint: Endpoint, outcome: Outcome, now: datetime) -> None:
    if outcome.is_success:
        if endpoint.failing_since:
            Endpoint.objects.filter(pk=endpoint.pk).update(failing_since=None)
        return
    if endpoint.failing_since is None:
        Endpoint.objects.filter(pk=endpoint.pk, failing_since=None).update(failing_since=now)
    elif now - endpoint.failing_since > DISABLED_AFTER:
        disable(endpoint, Endpoint.Disabled.FAILING)
        return
    if outcome.status == GONE:
        disable(endpoint, Endpoint.Disabled.GONE)
    elif outcome.is_silence:
        endpoint.deliveries.due(now).update(next_try_at=now + REST)


def disable(endpoint: Endpoint, why: str) -> None:
    """Switch an endpoint off, and leave word of it where the tenant's owners look."""
    logger.warning("The webhook %s of tenant %s was switched off: %s", endpoint.pk, endpoint.tenant_id, why)
    switch(endpoint, on=False, why=why)
    AuditEntry.objects.create(
        tenant_id=endpoint.tenant_id,
        action="webhook.disabled",
        object_type="webhooks.endpoint",
        object_id=str(endpoint.pk),
        object_name=str(endpoint)[:200],
        changes={"why": str(why)},
    )
