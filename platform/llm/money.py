"""What models cost, and what a tenant wants to spend in a month: price lists, budgets, and the ledger under them."""

from decimal import Decimal
from typing import Any

from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator, RegexValidator
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from uuid_utils.compat import uuid7

from tenants.models import TenantModel


def amount_field(verbose_name: Any, **options: Any) -> "models.DecimalField[Any, Any]":
    return models.DecimalField(verbose_name, max_digits=18, decimal_places=9, **options)


def price_field(verbose_name: Any) -> "models.DecimalField[Any, Any]":
    """A price per million tokens."""
    return models.DecimalField(
        verbose_name, max_digits=12, decimal_places=6, default=Decimal(0), validators=[MinValueValidator(0)]
    )


def currency_field() -> "models.CharField[Any, Any]":
    code = RegexValidator(r"^[A-Z]{3}\Z", _("Three capital letters, such as USD."))
    return models.CharField(_("currency"), max_length=3, default="USD", validators=[code])


def share_field(verbose_name: Any, default: int) -> "models.PositiveSmallIntegerField[Any, Any]":
    """A part of a budget, in percent."""
    return models.PositiveSmallIntegerField(
        verbose_name, default=default, validators=[MinValueValidator(1), MaxValueValidator(100)]
    )


class ListedPrice(models.Model):
    """What a million tokens of a model cost from a day on. A call pays the price of its own moment."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    model = models.CharField(_("model"), max_length=200, help_text=_("As the endpoint knows it."))
    input = price_field(_("price of a million input tokens"))
    cached = price_field(_("price of a million cached input tokens"))
    output = price_field(_("price of a million output tokens"))
    currency = currency_field()
    valid_from = models.DateTimeField(_("valid from"), default=timezone.now)

    class Meta:
        abstract = True
        ordering = ["model", "-valid_from"]

    def __str__(self) -> str:
        return f"{self.model}: {self.input.normalize():f} / {self.output.normalize():f} {self.currency}"


class PlatformPrice(ListedPrice):
    """The operator's list, which holds where a tenant has no price of its own. Belongs to no tenant."""

    class Meta(ListedPrice.Meta):
        verbose_name = _("platform price")
        verbose_name_plural = _("platform prices")
        constraints = [models.UniqueConstraint(fields=["model", "valid_from"], name="platform_price_once")]


class Price(ListedPrice, TenantModel):
    """A tenant's own price of a model, on one of its routes or on all of them."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    route = models.CharField(
        _("route"), max_length=63, blank=True, default="", help_text=_("The slug of one route; empty: on all of them.")
    )

    class Meta(ListedPrice.Meta):
        verbose_name = _("price")
        verbose_name_plural = _("prices")
        constraints = [models.UniqueConstraint(fields=["tenant", "model", "route", "valid_from"], name="price_once")]


class Budget(TenantModel):
    """What may be spent in a calendar month (UTC): by the tenant, for one persona, or by one key.

    `spent` and `reserved` are those of `month`, and only `llm.budgets` writes them.
    """

    class Of(models.TextChoices):
        TENANT = "tenant", _("Tenant")
        PERSONA = "persona", _("Persona")
        KEY = "key", _("API key")

    class AtEnd(models.TextChoices):
        """What becomes of turns for which the money does not suffice."""

        DOCUMENTS = "documents", _("Answer from documents, without a model")
        STOP = "stop", _("Say that it is over")

    of = models.CharField(_("whose"), max_length=10, choices=Of, default=Of.TENANT)
    # A plain id: personas live above us, and a budget of one that is gone holds nobody up.
    subject_id = models.UUIDField(_("which one"), null=True, blank=True, help_text=_("The id of the persona or key."))
    amount = amount_field(_("amount a month"), validators=[MinValueValidator(0)])
    currency = currency_field()
    warn_at = share_field(_("warn at percent"), 80)
    cheaper_at = share_field(_("cheaper route at percent"), 90)
    cheaper_route = models.CharField(
        _("cheaper route"), max_length=63, blank=True, default="", help_text=_("Its slug; empty: none.")
    )
    at_end = models.CharField(_("when it is spent"), max_length=10, choices=AtEnd, default=AtEnd.DOCUMENTS)
    text_en = models.CharField(_("last words in English"), max_length=500, blank=True, default="")
    text_zh = models.CharField(_("last words in Chinese"), max_length=500, blank=True, default="")
    month = models.DateField(null=True, editable=False)
    spent = amount_field(_("spent"), default=Decimal(0), editable=False)
    reserved = amount_field(_("reserved"), default=Decimal(0), editable=False)
    # The rung of which the owners were told last, and in which month.
    told = models.CharField(max_length=20, default="", editable=False)

    class Meta:
        verbose_name = _("budget")
        verbose_name_plural = _("budgets")
        ordering = ["of", "subject_id", "currency"]
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "of", "subject_id", "currency"], nulls_distinct=False, name="budget_once"
            ),
            models.CheckConstraint(condition=Q(of="tenant") ^ Q(subject_id__isnull=False), name="budget_subject"),
            models.CheckConstraint(condition=Q(amount__gte=0, reserved__gte=0), name="budget_not_negative"),
        ]

    def __str__(self) -> str:
        return f"{self.get_of_display()}: {self.amount.normalize():f} {self.currency}"

    def clean(self) -> None:
        """Refuse a budget of nobody, and one that would become cheaper before it warns."""
        if wrong := self.what_is_wrong():
            raise ValidationError(wrong)

    def what_is_wrong(self) -> dict[str, Any]:
        """Fields that do not go together, each with the reason."""
        wrong: dict[str, Any] = {}
        if (self.of == self.Of.TENANT) != (self.subject_id is None):
            wrong["subject_id"] = _("Name the persona or key; the tenant itself needs none.")
        if self.cheaper_at < self.warn_at:
            wrong["cheaper_at"] = _("This must not come before the warning.")
        return wrong


class LedgerEntry(TenantModel):
    """A movement of a budget. Rows are only added, the database sees to that; kept when the budget is gone.

    What is reserved under a reference, a turn's or a call's id, is closed once: settled at what it cost, or released.
    """

    class Kind(models.TextChoices):
        RESERVE = "reserve", _("Reserved")
        SETTLE = "settle", _("Settled")
        RELEASE = "release", _("Released")

    budget_id = models.UUIDField()
    month = models.DateField(_("month"))
    kind = models.CharField(_("kind"), max_length=10, choices=Kind)
    reference = models.UUIDField(_("of"))
    amount = amount_field(_("amount"))
    at = models.DateTimeField(_("when"), default=timezone.now)

    class Meta:
        verbose_name = _("ledger entry")
        verbose_name_plural = _("ledger")
        ordering = ["-at"]
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "reference", "budget_id"], condition=Q(kind="reserve"), name="ledger_reserved_once"
            ),
            models.UniqueConstraint(
                fields=["tenant", "reference", "budget_id"], condition=~Q(kind="reserve"), name="ledger_closed_once"
            ),
        ]
        indexes = [
            # What the sweeper looks for, and what a budget's page shows.
            models.Index(fields=["at"], condition=Q(kind="reserve"), name="ledger_reserved"),
            models.Index(fields=["tenant", "budget_id", "-at"], name="ledger_of_budget"),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {self.amount.normalize():f}"
