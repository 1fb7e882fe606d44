"""Telling of what happened: an outbox row for each endpoint that wants to know, in the transaction of the change."""

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from django.utils import timezone
from uuid_utils.compat import uuid7

from webhooks.models import Delivery, Endpoint, EventType


def emit(tenant_id: UUID, event_type: str, data: dict[str, Any]) -> int:
    """Tell the tenant's endpoints of an event, once the caller's transaction commits; how many it goes to.

    `data` is JSON-able, and names what it is about as `conversation_id` or `document_id`: when that is erased,
    `forget` takes the event along. Where nobody listens it costs one statement.
    """
    return emit_to(listeners(tenant_id, event_type), tenant_id, event_type, data)


def listeners(tenant_id: UUID, event_type: str) -> list[UUID]:
    """The endpoints that want events of this type."""
    return list(Endpoint.objects.for_tenant(tenant_id).listening(EventType(event_type)).values_list("pk", flat=True))


def emit_to(endpoint_ids: Iterable[UUID], tenant_id: UUID, event_type: str, data: dict[str, Any]) -> int:
    """As `emit`, for whoever knows already who listens."""
    event_id, now, subject_id = uuid7(), timezone.now(), subject_of(data)
    deliveries = [
        Delivery(
            tenant_id=tenant_id,
            endpoint_id=endpoint_id,
            event_id=event_id,
            type=event_type,
            data=data,
            subject_id=subject_id,
            occurred_at=now,
            next_try_at=now,
        )
        for endpoint_id in endpoint_ids
    ]
    Delivery.objects.bulk_create(deliveries)
    return len(deliveries)


def forget(tenant_id: UUID, subject_id: UUID) -> None:
    """What was told, or was to be told, of a conversation or document that is erased."""
    Delivery.objects.for_tenant(tenant_id).filter(subject_id=subject_id).delete()


def forget_all(tenant_id: UUID, **named: UUID | str) -> None:
    """As `forget`, for all events whose data name something that is erased: `persona_id`, `end_user`, …"""
    data = {name: str(value) for name, value in named.items()}
    Delivery.objects.for_tenant(tenant_id).filter(data__contains=data).delete()


def subject_of(data: dict[str, Any]) -> UUID | None:
    named = data.get("conversation_id") or data.get("document_id")
    return UUID(str(named)) if named else None
