"""Ids from outside become rows here."""

from uuid import UUID

from webhooks.errors import DeliveryNotFound, EndpointNotFound
from webhooks.models import Delivery, Endpoint


def access_endpoint(tenant_id: UUID, endpoint_id: UUID) -> Endpoint:
    """Raises EndpointNotFound."""
    endpoint: Endpoint | None = Endpoint.objects.for_tenant(tenant_id).filter(pk=endpoint_id).first()
    if endpoint is None:
        raise EndpointNotFound
    return endpoint


def access_delivery(endpoint: Endpoint, delivery_id: UUID) -> Delivery:
    """Raises DeliveryNotFound."""
    delivery: Delivery | None = endpoint.deliveries.filter(pk=delivery_id).first()
    if delivery is None:
        raise DeliveryNotFound
    return delivery
