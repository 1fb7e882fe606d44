"""Who wants to be told of what happens, and what became of each telling.

A delivery is the outbox row of an event for one endpoint. It is written with the change that the event tells of, and
kept for a while as the log.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, ClassVar, Self

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from tenants.base import TenantForeignKey, TenantModel, TenantQuerySet
from tenants.secrets import seal, unseal

# Whoever takes in the new secret has this long to do so, unless he says otherwise.
FORMER_SECRET_SERVES = timedelta(hours=24)
# After the first try: about those that the standard recommends. Together more than three days.
WAITS = tuple(timedelta(seconds=seconds) for seconds in (5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400))
MAX_ATTEMPTS = len(WAITS) + 1


class EventType(models.TextChoices):
    """What can be listened to. A test is sent to an endpoint by hand, and needs no listening."""

    MESSAGE_CREATED = "message.created", _("A message was said")
    MESSAGE_FEEDBACK = "message.feedback", _("An answer was rated")
    CONVERSATION_HANDOFF = "conversation.handoff", _("A person was asked for, took over or gave back")
    CONVERSATION_CLOSED = "conversation.closed", _("A conversation was closed")
    DOCUMENT_READY = "document.ready", _("A document can be found")
    DOCUMENT_FAILED = "document.failed", _("A document could not be read")


TEST_EVENT = "webhook.test"


class EndpointQuerySet(TenantQuerySet):
    def listening(self, event_type: str) -> Self:
        """Those that are on and want events of this type; none named means all."""
        return self.filter(Q(event_types=[]) | Q(event_types__contains=[event_type]), is_enabled=True)


class Endpoint(TenantModel):
    """An address of a tenant's own server that is told of events, and the secret that it knows us by."""

    class Disabled(models.TextChoices):
        """Why one is off."""

        BY_PERSON = "by_person", _("Switched off")
        FAILING = "failing", _("Nothing arrived for days")
        GONE = "gone", _("It answered 410 Gone")

    url = models.CharField("URL", max_length=500)
    description = models.CharField(_("description"), max_length=200, blank=True, default="")
    event_types = ArrayField(
        models.CharField(max_length=40, choices=EventType), verbose_name=_("events"), default=list, blank=True
    )
    # Read and written through `secret` and `rotate`; shown once.
    sealed_secret = models.BinaryField(default=bytes, editable=False)
    sealed_former_secret = models.BinaryField(default=bytes, editable=False)
    former_secret_until = models.DateTimeField(null=True, editable=False)
    is_enabled = models.BooleanField(_("on"), default=True)
    disabled_reason = models.CharField(
        _("why it is off"), max_length=10, choices=Disabled, blank=True, default="", editable=False
    )
    # The first of the failures since the last success.
    failing_since = models.DateTimeField(_("failing since"), null=True, editable=False)
    created_at = models.DateTimeField(_("created"), default=timezone.now, editable=False)

    objects: ClassVar[Any] = EndpointQuerySet.as_manager()

    class Meta:
        verbose_name = _("webhook")
        verbose_name_plural = _("webhooks")

    def __str__(self) -> str:
        return self.description or self.url

    @property
    def secret(self) -> str:
        """`whsec_…`. Raises SecretUnreadable once SECRET_KEY was changed."""
        return unseal(bytes(self.sealed_secret), owner=self.id.bytes)

    @secret.setter
    def secret(self, secret: str) -> None:
        self.sealed_secret = seal(secret, owner=self.id.bytes)

    def rotate(self, secret: str, *, former_serves: timedelta = FORMER_SECRET_SERVES) -> None:
        """Sign by a new secret, and for a while by the one before, too. Not saved."""
        self.sealed_former_secret = self.sealed_secret if former_serves else b""
        self.former_secret_until = timezone.now() + former_serves if former_serves else None
        self.secret = secret

    def secrets_at(self, now: datetime) -> Sequence[str]:
        """All that sign, the newest first. Raises SecretUnreadable."""
        if self.sealed_former_secret and self.former_secret_until and self.former_secret_until > now:
            return self.secret, unseal(bytes(self.sealed_former_secret), owner=self.id.bytes)
        return (self.secret,)


class DeliveryQuerySet(TenantQuerySet):
    def due(self, now: datetime) -> Self:
        return self.filter(next_try_at__lte=now)


class Delivery(TenantModel):
    """One event on its way to one endpoint, with each try in `attempts`:

    `{at, status, duration_ms, error, body}`, where `status` is null if nothing answered, `error` one word or "", and
    `body` the first characters of what came back.
    """

    class Status(models.TextChoices):
        PENDING = "pending", _("Pending")
        DELIVERED = "delivered", _("Delivered")
        DEAD = "dead", _("Given up")

    endpoint = TenantForeignKey(
        Endpoint, models.CASCADE, related_name="deliveries", verbose_name=_("webhook"), db_index=False
    )
    # The same for all endpoints and all tries, so that a receiver can tell what it has had: `webhook-id`.
    event_id = models.UUIDField(_("event"))
    type = models.CharField(_("type"), max_length=40)
    data = models.JSONField()
    # What it is about, so that it goes when that is erased.
    subject_id = models.UUIDField(null=True)
    occurred_at = models.DateTimeField(_("when"))
    status = models.CharField(_("status"), max_length=10, choices=Status, default=Status.PENDING)
    # Null: not to be tried by itself; over, or the endpoint is off.
    next_try_at = models.DateTimeField(_("next try"), null=True)
    attempt_count = models.PositiveSmallIntegerField(_("attempts"), default=0)
    attempts = models.JSONField(default=list)
    response_status = models.PositiveSmallIntegerField(_("response"), null=True)
    delivered_at = models.DateTimeField(_("delivered"), null=True)

    objects: ClassVar[Any] = DeliveryQuerySet.as_manager()

    class Meta:
        verbose_name = _("delivery")
        verbose_name_plural = _("deliveries")
        constraints = [
            models.UniqueConstraint(fields=["tenant", "endpoint", "event_id"], name="webhook_delivery_once"),
        ]
        indexes = [
            # For the clock's look at what is due.
            models.Index(fields=["next_try_at"], condition=~Q(next_try_at=None), name="webhook_delivery_due"),
            models.Index(fields=["tenant", "endpoint", "-id"], name="webhook_delivery_log"),
            models.Index(fields=["tenant", "subject_id"], name="webhook_delivery_subject"),
            # For pruning.
            models.Index(fields=["occurred_at"], name="webhook_delivery_age"),
        ]

    def __str__(self) -> str:
        return f"{self.type} {self.event_id}"
