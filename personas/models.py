"""Personas: who answers. A draft that people edit, and the versions that were published of it."""

import secrets
from typing import Any, ClassVar, Self

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from tenants.base import TenantForeignKey, TenantModel, TenantQuerySet
from tenants.tokens import PUBLISHABLE, mint

# Any origin may show the persona. Anything narrower is the business's choice.
ANY_ORIGIN = "*"


def new_widget_secret() -> str:
    """256 bits, as text: signs the ids of end users."""
    return secrets.token_urlsafe(32)


class PersonaQuerySet(TenantQuerySet):
    def published(self) -> Self:
        """Those that answer, with the version that does."""
        return self.exclude(live_version=None).select_related("live_version__tenant", "tenant")


class Persona(TenantModel):
    """A persona's draft, its keys, and which published version answers.

    `settings` holds what was set and no defaults, so that a draft follows when a default is improved; a
    version holds both. What they may hold is said by the kind (`personas.kinds`).
    """

    slug = models.CharField(_("slug"), max_length=63)
    name = models.CharField(_("name"), max_length=100)
    kind = models.CharField(_("kind"), max_length=40)
    settings = models.JSONField(_("settings"), default=dict)
    live_version = TenantForeignKey(
        "personas.PersonaVersion",
        models.SET_NULL,
        null=True,
        editable=False,
        related_name="+",
        verbose_name=_("live version"),
    )
    # Shown in pages of the tenant's site, so no secret: it names the persona, unhashed, and stays for good.
    publishable_key = models.CharField(_("publishable key"), max_length=100, editable=False)
    widget_secret = models.CharField(_("widget secret"), max_length=100, default=new_widget_secret, editable=False)
    # "https://shop.example"; our own chat page needs no entry, "*" lets any site in.
    allowed_origins = ArrayField(
        models.CharField(max_length=300), verbose_name=_("allowed origins"), default=list, blank=True
    )
    created_at = models.DateTimeField(_("created"), default=timezone.now, editable=False)
    updated_at = models.DateTimeField(_("changed"), auto_now=True, editable=False)

    objects: ClassVar[Any] = PersonaQuerySet.as_manager()

    class Meta:
        verbose_name = _("persona")
        verbose_name_plural = _("personas")
        constraints = [
            models.UniqueConstraint(fields=["tenant", "slug"], name="persona_slug"),
            models.UniqueConstraint(fields=["tenant", "publishable_key"], name="persona_publishable_key"),
        ]

    def __str__(self) -> str:
        return self.name

    def save(self, *args: Any, **kwargs: Any) -> None:
        if not self.publishable_key:
            self.publishable_key = str(mint(PUBLISHABLE, self.tenant.pk))
        super().save(*args, **kwargs)

    @property
    def chat_path(self) -> str:
        """Of the public chat page, on this host."""
        return f"/chat/{self.publishable_key}/"

    def allows_origin(self, origin: str) -> bool:
        """Whether a page of this origin may open sessions with the publishable key."""
        return ANY_ORIGIN in self.allowed_origins or origin.lower() in self.allowed_origins


class PersonaVersion(TenantModel):
    """What a persona was when it was published. Never changed: the database grants no UPDATE."""

    persona = TenantForeignKey(Persona, models.CASCADE, related_name="versions", verbose_name=_("persona"))
    number = models.PositiveIntegerField(_("version"))
    name = models.CharField(_("name"), max_length=100)
    kind = models.CharField(_("kind"), max_length=40)
    settings = models.JSONField(_("settings"))
    published_at = models.DateTimeField(_("published"), default=timezone.now, editable=False)
    # A person's address or a key's prefix, as text: the record outlives both.
    published_by = models.CharField(_("published by"), max_length=254, blank=True, default="")

    class Meta:
        verbose_name = _("persona version")
        verbose_name_plural = _("persona versions")
        constraints = [models.UniqueConstraint(fields=["tenant", "persona", "number"], name="persona_version_number")]

    def __str__(self) -> str:
        return f"{self.name} v{self.number}"
