"""Personas: who answers. A draft that people edit, and the versions that were published of it."""

import secrets
from collections.abc import Iterable
from typing import Any, ClassVar, NamedTuple, Self
from uuid import UUID

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from pgvector.django import HalfVectorField

from tenants.base import TenantForeignKey, TenantModel, TenantQuerySet
from tenants.tokens import PUBLISHABLE, mint

# Any origin may show the persona. Anything narrower is the business's choice.
ANY_ORIGIN = "*"


# What browsers leave out of an origin.
_USUAL_PORTS = {"https": ":443", "http": ":80"}


def canonical_origin(origin: str) -> str:
    """An origin as browsers write it: in small letters, without the port that is its scheme's own."""
    lowered = origin.lower()
    return lowered.removesuffix(_USUAL_PORTS.get(lowered.partition("://")[0], ""))


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
        allowed = {canonical_origin(each) for each in self.allowed_origins}
        return ANY_ORIGIN in allowed or canonical_origin(origin) in allowed


class PersonaVersion(TenantModel):
    """What a persona was when it was published. Never changed: the database grants no UPDATE."""

    persona = TenantForeignKey(
        Persona, models.CASCADE, related_name="versions", verbose_name=_("persona"), db_index=False
    )
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


class Sight(NamedTuple):
    """How much of a store is seen: up to `last_seq`, or all of it."""

    store: UUID
    last_seq: int | None = None


class MemoryQuerySet(TenantQuerySet):
    def in_sight(self, sights: Iterable[Sight]) -> Self:
        """What is kept in these stores, as far as each of them is seen."""
        return self.ever_in_sight(sights).filter(forgotten_at=None)

    def ever_in_sight(self, sights: Iterable[Sight]) -> Self:
        """The same with what somebody deleted, of which only the place is left."""
        seen = Q(pk__in=[])
        for sight in sights:
            upto = {} if sight.last_seq is None else {"seq__lte": sight.last_seq}
            seen |= Q(store=sight.store, **upto)
        return self.filter(seen)


class Memory(TenantModel):
    """One thing that a character keeps. Found again by `personas.memories.recall`.

    `store` is the line of events that it belongs to (a game's branch, a conversation) and `seq` its place in it, so
    that a store which is left for another one takes its memories along. The id follows from both and from who
    holds it: what is written twice is there once, and what was forgotten stays forgotten.
    """

    class Kind(models.TextChoices):
        WITNESSED = "witnessed", _("Witnessed")
        SAID = "said", _("Said")
        DONE = "done", _("Done")
        HEARSAY = "hearsay", _("Hearsay")
        REFLECTION = "reflection", _("Reflection")

    store = models.UUIDField(editable=False)
    holder = models.CharField(_("who keeps it"), max_length=64)
    seq = models.PositiveBigIntegerField(editable=False)
    kind = models.CharField(_("kind"), max_length=12, choices=Kind)
    text = models.TextField(_("text"))
    importance = models.FloatField(_("importance"), default=0.5)  # 0 to 1
    game_time = models.FloatField(_("game time"), default=0.0)
    at = models.DateTimeField(_("kept since"), default=timezone.now, editable=False)
    # Where it comes from, for whoever asks: `{"entry": seq, "type": …, …}`.
    source = models.JSONField(_("source"), default=dict)
    # What was made of a memory is forgotten with it.
    derived_from = TenantForeignKey("self", models.CASCADE, null=True, editable=False, related_name="derived")
    # The same for what was made of many: the memories that a reflection sums up.
    made_of = ArrayField(models.UUIDField(), default=list, editable=False)
    # By the bundled model, whatever the tenant's own is: recall must not wait for a provider. Null until a job made it.
    embedding = HalfVectorField(dimensions=384, null=True, editable=False)
    forgotten_at = models.DateTimeField(null=True, editable=False)

    objects: ClassVar[Any] = MemoryQuerySet.as_manager()

    class Meta:
        verbose_name = _("memory")
        verbose_name_plural = _("memories")
        indexes = [
            models.Index(fields=["tenant", "store", "holder", "-seq"], name="memory_of_holder"),
            models.Index(
                fields=["tenant", "store"],
                condition=Q(embedding=None, forgotten_at=None),
                name="memory_not_embedded",
            ),
            GinIndex(fields=["made_of"], condition=~Q(made_of=[]), name="memory_made_of"),
        ]
        constraints = [
            models.CheckConstraint(condition=Q(importance__gte=0) & Q(importance__lte=1), name="memory_importance")
        ]

    def __str__(self) -> str:
        return f"{self.holder}: {self.text[:60]}"
