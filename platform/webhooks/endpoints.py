"""Endpoints made and changed, and what was told to them told again."""

import ipaddress
from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from tenants.addresses import is_allowed
from tenants.errors import Invalid
from webhooks.emitting import emit_to
from webhooks.errors import EndpointOff
from webhooks.models import TEST_EVENT, Delivery, Endpoint
from webhooks.signing import new_secret

MAX_URL_CHARACTERS = 500


def check_url(url: str) -> str:
    """Refuse what could never be called. Where a name leads is looked at with each call. Raises Invalid."""
    if not _is_callable(url):
        raise Invalid.field("url", _("An http:// or https:// address without user and fragment is needed."))
    if _is_forbidden(url):
        raise Invalid.field("url", _("This address is in a network that webhooks may not reach."))
    return url


def _is_callable(url: str) -> bool:
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return False
    return (
        len(url) <= MAX_URL_CHARACTERS
        and url.isascii()
        and url.isprintable()
        and " " not in url
        and parts.scheme in ("http", "https")
        and bool(parts.hostname)
        and port != 0
        and not (parts.username or parts.password or parts.fragment)
    )


def _is_forbidden(url: str) -> bool:
    with suppress(ValueError):  # a name
        address = ipaddress.ip_address(urlsplit(url).hostname or "")
        return not is_allowed(address, settings.ENVIRONMENT.hook_networks)
    return False


def create_endpoint(
    *, url: str, event_types: Sequence[str] = (), description: str = "", is_enabled: bool = True
) -> Endpoint:
    """A new endpoint with its secret, which is for this once to be shown. In the tenant's scope. Raises Invalid."""
    endpoint = Endpoint(
        url=check_url(url), event_types=sorted(set(event_types)), description=description, is_enabled=is_enabled
    )
    endpoint.disabled_reason = "" if is_enabled else Endpoint.Disabled.BY_PERSON
    endpoint.secret = new_secret()
    endpoint.save(force_insert=True)
    return endpoint


@transaction.atomic
def change_endpoint(
    endpoint: Endpoint,
    *,
    url: str | None = None,
    description: str | None = None,
    event_types: Sequence[str] | None = None,
    is_enabled: bool | None = None,
) -> None:
    """Change what is given. Raises Invalid."""
    if url is not None:
        endpoint.url = check_url(url)
    if description is not None:
        endpoint.description = description
    if event_types is not None:
        endpoint.event_types = sorted(set(event_types))
    endpoint.save(update_fields=["url", "description", "event_types"])
    if is_enabled is not None and is_enabled != endpoint.is_enabled:
        switch(endpoint, on=is_enabled)


def rotate_secret(endpoint: Endpoint) -> None:
    """A new secret, to be shown once. For a day what is sent is signed by the former one as well."""
    endpoint.rotate(new_secret())
    endpoint.save(update_fields=["sealed_secret", "sealed_former_secret", "former_secret_until"])


@transaction.atomic
def switch(endpoint: Endpoint, *, on: bool, why: str = Endpoint.Disabled.BY_PERSON) -> None:
    """While it is off nothing new is noted for it, and what waits is kept until it is on again."""
    endpoint.is_enabled = on
    endpoint.disabled_reason = "" if on else why
    endpoint.failing_since = None if on else endpoint.failing_since
    endpoint.save(update_fields=["is_enabled", "disabled_reason", "failing_since"])
    waiting = endpoint.deliveries.filter(status=Delivery.Status.PENDING)
    waiting.update(next_try_at=timezone.now() if on else None)


def send_test(endpoint: Endpoint) -> Delivery:
    """Tell an endpoint something, whatever it listens to. Raises EndpointOff."""
    if not endpoint.is_enabled:
        raise EndpointOff
    emit_to([endpoint.pk], endpoint.tenant_id, TEST_EVENT, {"webhook_id": str(endpoint.pk)})
    delivery: Delivery = endpoint.deliveries.filter(type=TEST_EVENT).latest("id")
    return delivery


def resend(delivery: Delivery) -> Delivery:
    """Tell it once more, whatever became of it, under the same id. Raises EndpointOff."""
    if not delivery.endpoint.is_enabled:
        raise EndpointOff
    for name, value in _ANEW.items():
        setattr(delivery, name, value)
    delivery.next_try_at = timezone.now()
    delivery.save(update_fields=[*_ANEW, "next_try_at"])
    return delivery


def resend_failed(endpoint: Endpoint, *, since: datetime) -> int:
    """Tell again what did not arrive since then; how many events that are. Raises EndpointOff."""
    if not endpoint.is_enabled:
        raise EndpointOff
    undelivered = endpoint.deliveries.filter(occurred_at__gte=since).exclude(status=Delivery.Status.DELIVERED)
    return int(undelivered.update(next_try_at=timezone.now(), **_ANEW))


# It has all its tries again; those that were made stay in the log.
_ANEW: dict[str, Any] = {"status": Delivery.Status.PENDING, "attempt_count": 0}
