"""Ids from outside become rows here."""

from uuid import UUID

from tenants.access import access_row
from webhooks.errors import DeliveryNotFound, EndpointNotFound
from webhooks.models import Delivery, Endpoint


def access_endpoint(tenant_id: UUID, endpoint_id: UUID) -> Endpoint:
    """Raises EndpointNotFound."""
    return access_row(Endpoint, tenant_id, error=EndpointNotFound, pk=endpoint_id)


def access_delivery(endpoint: Endpoint, delivery_id: UUID) -> Delivery:
    """Raises DeliveryNotFound."""
    return access_row(Delivery, endpoint.tenant_id, error=DeliveryNotFound, endpoint=endpoint, pk=delivery_id)
