"""Where a tenant's model calls go, and what each of them used."""

from datetime import datetime
from decimal import Decimal
from typing import Any, ClassVar, Self
from urllib.parse import urlsplit

from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from llm.money import Budget, LedgerEntry, PlatformPrice, Price, price_field
from tenants.models import TenantModel, TenantQuerySet
from tenants.secrets import seal, unseal

__all__ = ["Budget", "LedgerEntry", "ModelCall", "ModelCallQuerySet", "PlatformPrice", "Price", "Route"]


def limit_field(verbose_name: Any, default_s: float) -> "models.FloatField[Any, Any]":
    """A time limit in seconds."""
    return models.FloatField(
        verbose_name, default=default_s, validators=[MinValueValidator(0.1), MaxValueValidator(600)]
    )


class Route(TenantModel):
    """An OpenAI-compatible endpoint of a tenant: where it is, its key, its models, limits and prices."""

    slug = models.SlugField(_("slug"), max_length=63, db_index=False)
    name = models.CharField(_("name"), max_length=200)
    # No URLField: that refuses the one-word host names of containers.
    base_url = models.CharField(
        _("base URL"), max_length=500, help_text=_("As the OpenAI client takes it, usually ending in /v1.")
    )
    # Read and written through `api_key`, which is never shown again.
    sealed_api_key = models.BinaryField(default=bytes, blank=True, editable=False)
    chat_model = models.CharField(_("chat model"), max_length=200, blank=True)
    embedding_model = models.CharField(
        _("embedding model"), max_length=200, blank=True, help_text=_("Empty: the bundled embeddings.")
    )
    timeout_s = limit_field(_("seconds until the first token"), 60.0)
    stall_timeout_s = limit_field(_("seconds between two tokens"), 30.0)
    price_input = price_field(_("price of a million input tokens"))
    price_cached = price_field(_("price of a million cached input tokens"))
    price_output = price_field(_("price of a million output tokens"))
    currency = models.CharField(_("currency"), max_length=3, default="USD")
    is_default = models.BooleanField(
        _("default"), default=False, help_text=_("Serves every persona that names no route.")
    )
    # Slugs, asked one after the other while the one before does not answer. A persona may name others.
    fallback_routes = models.JSONField(_("fallback routes"), default=list, blank=True)

    class Meta:
        verbose_name = _("model route")
        verbose_name_plural = _("model routes")
        constraints = [
            models.UniqueConstraint(fields=["tenant", "slug"], name="route_slug"),
            models.UniqueConstraint(fields=["tenant"], condition=models.Q(is_default=True), name="route_one_default"),
            models.CheckConstraint(
                condition=models.Q(price_input__gte=0, price_cached__gte=0, price_output__gte=0),
                name="route_prices_not_negative",
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def api_key(self) -> str:
        """The endpoint's key, "" if it needs none. Raises SecretUnreadable once SECRET_KEY was changed."""
        return unseal(bytes(self.sealed_api_key), owner=self._owner) if self.sealed_api_key else ""

    @api_key.setter
    def api_key(self, key: str) -> None:
        self.sealed_api_key = seal(key, owner=self._owner) if key else b""

    @property
    def _owner(self) -> bytes:
        return self.id.bytes

    def clean(self) -> None:
        """Refuse what the client could not call; and a key in the URL, which would be shown and logged."""
        wrong: dict[str, Any] = {}
        if not _is_endpoint(self.base_url):
            wrong["base_url"] = _("This must be an http:// or https:// address without user, query or fragment.")
        if not self.chat_model and not self.embedding_model:
            wrong["chat_model"] = _("Name a chat model, an embedding model or both.")
        if wrong:
            raise ValidationError(wrong)


def _is_endpoint(base_url: str) -> bool:
    try:
        url = urlsplit(base_url)
        has_port_in_range = url.port is None or url.port > 0
    except ValueError:
        return False
    plain = not (url.username or url.password or url.query or url.fragment)
    return url.scheme in ("http", "https") and bool(url.hostname) and has_port_in_range and plain


class ModelCallQuerySet(TenantQuerySet):
    def between(self, start: datetime, end: datetime) -> Self:
        """From `start`, before `end`."""
        return self.filter(at__gte=start, at__lt=end)

    def with_totals(self) -> Self:
        """Sum tokens and cost of each group that `values` made; a turn of several calls counts once."""
        return self.annotate(
            input_tokens=models.Sum("input_tokens"),
            output_tokens=models.Sum("output_tokens"),
            cached_tokens=models.Sum("cached_tokens"),
            cost=models.Sum("cost"),
            calls=models.Count("id"),
            turns=models.Count("turn_id", distinct=True),
        )


class ModelCall(TenantModel):
    """What one call used. Kept when persona, key or conversation are gone: hence their plain ids."""

    class Operation(models.TextChoices):
        CHAT = "chat", _("Chat")
        EMBED = "embed", _("Embedding")

    class Outcome(models.TextChoices):
        OK = "ok", _("Complete")
        STOPPED = "stopped", _("Stopped")
        FAILED = "failed", _("Failed")

    at = models.DateTimeField(_("time"), default=timezone.now)
    operation = models.CharField(_("operation"), max_length=10, choices=Operation)
    route = models.CharField(_("route"), max_length=63)
    model = models.CharField(_("model"), max_length=200)
    input_tokens = models.PositiveIntegerField(_("input tokens"), default=0)
    output_tokens = models.PositiveIntegerField(_("output tokens"), default=0)
    cached_tokens = models.PositiveIntegerField(_("cached tokens"), default=0)
    # True where the endpoint did not count and we did.
    is_estimate = models.BooleanField(_("estimated"), default=False)
    cost = models.DecimalField(_("cost"), max_digits=18, decimal_places=9, default=Decimal(0))
    currency = models.CharField(_("currency"), max_length=3, default="USD")
    duration_ms = models.PositiveIntegerField(_("duration in ms"), default=0)
    first_token_ms = models.PositiveIntegerField(_("ms until the first token"), null=True)
    outcome = models.CharField(_("outcome"), max_length=10, choices=Outcome)
    error_code = models.CharField(_("error"), max_length=50, blank=True)
    persona_id = models.UUIDField(null=True)
    api_key_id = models.UUIDField(null=True)
    conversation_id = models.UUIDField(null=True)
    turn_id = models.UUIDField(null=True)
    end_user = models.CharField(_("end user"), max_length=200, blank=True)

    objects: ClassVar[Any] = ModelCallQuerySet.as_manager()

    class Meta:
        verbose_name = _("model call")
        verbose_name_plural = _("model calls")
        # Every report asks for one tenant and a span of time.
        indexes = [models.Index(fields=["tenant", "at"], name="model_call_span")]

    def __str__(self) -> str:
        return f"{self.operation} {self.model}"
