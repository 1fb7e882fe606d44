from typing import Any

from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.utils.translation import gettext_lazy as _

from tenants.base import TenantModel

MOST = 1_000_000
LONGEST_WINDOW_S = 24 * 3600


class RateLimit(TenantModel):
    """A limit of a tenant's that is not as it comes: for all its keys (personas, people), or for one of them."""

    class Of(models.TextChoices):
        """What a bucket counts, and for whom one is kept. The names are those that clients are told."""

        TENANT_REQUESTS = "tenant-requests", _("API calls of the tenant")
        KEY_REQUESTS = "key-requests", _("API calls of a key")
        ADDRESS_REQUESTS = "address-requests", _("Public calls from an address")
        TENANT_TURNS = "tenant-turns", _("Turns of the tenant")
        KEY_TURNS = "key-turns", _("Turns of a key")
        PERSONA_TURNS = "persona-turns", _("Turns of a persona")
        END_USER_TURNS = "end-user-turns", _("Turns of an end user")
        PLAYER_TURNS = "player-turns", _("Turns in a game session")
        ADDRESS_TURNS = "address-turns", _("Turns from an address")

    of = models.CharField(_("what is limited"), max_length=20, choices=Of)
    # Of a persona or a key. A plain id: personas live above us, and a limit of one that is gone limits nobody.
    subject_id = models.UUIDField(
        _("whose"), null=True, blank=True, help_text=_("The id of one key or persona; empty: of each of them.")
    )
    limit = models.PositiveIntegerField(
        _("how many"),
        validators=[MinValueValidator(1), MaxValueValidator(MOST)],
        help_text=_("All at once, after a pause."),
    )
    window_s = models.PositiveIntegerField(
        _("in how many seconds"), default=60, validators=[MinValueValidator(1), MaxValueValidator(LONGEST_WINDOW_S)]
    )

    class Meta:
        verbose_name = _("rate limit")
        verbose_name_plural = _("rate limits")
        ordering = ["of", "subject_id"]
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "of", "subject_id"], nulls_distinct=False, name="rate_limit_once"
            ),
            models.CheckConstraint(
                condition=models.Q(limit__gte=1, limit__lte=MOST, window_s__gte=1, window_s__lte=LONGEST_WINDOW_S),
                name="rate_limit_sane",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_of_display()}: {self.limit} / {self.window_s} s"

    def clean(self) -> None:
        """Refuse a subject where there is none to tell apart."""
        if wrong := self.what_is_wrong():
            raise ValidationError(wrong)

    def what_is_wrong(self) -> dict[str, Any]:
        """Fields that do not go together, each with the reason."""
        wrong: dict[str, Any] = {}
        if self.subject_id and self.of not in OF_A_SUBJECT:
            wrong["subject_id"] = _("Only keys and personas can have limits of their own.")
        return wrong


OF_A_SUBJECT = {RateLimit.Of.KEY_REQUESTS, RateLimit.Of.KEY_TURNS, RateLimit.Of.PERSONA_TURNS}
