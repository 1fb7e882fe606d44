"""Worlds: documents that are written outside and put whole."""

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from tenants.base import TenantForeignKey, TenantModel


class World(TenantModel):
    """A world under its slug. What it is now is said by its newest version."""

    slug = models.CharField(_("slug"), max_length=63)
    name = models.CharField(_("name"), max_length=200)
    newest = TenantForeignKey(
        "npc.WorldVersion",
        models.SET_NULL,
        null=True,
        editable=False,
        related_name="+",
        verbose_name=_("newest version"),
    )
    # Addresses and secret of the game's hooks, written and read by `npc.hooks.keeping`; empty if there are none.
    sealed_hooks = models.BinaryField(default=bytes, blank=True, editable=False)
    created_at = models.DateTimeField(_("created"), default=timezone.now, editable=False)
    updated_at = models.DateTimeField(_("changed"), auto_now=True, editable=False)

    class Meta:
        verbose_name = _("world")
        verbose_name_plural = _("worlds")
        constraints = [models.UniqueConstraint(fields=["tenant", "slug"], name="world_slug")]

    def __str__(self) -> str:
        return self.name


class WorldVersion(TenantModel):
    """A world's document as it was put, checked. Never changed: the database grants no UPDATE.

    Sessions keep the version that they began with, so that a writer's change cannot break a running game.
    """

    world = TenantForeignKey(World, models.CASCADE, related_name="versions", verbose_name=_("world"), db_index=False)
    number = models.PositiveIntegerField(_("version"))
    document = models.JSONField(_("document"))
    # What the document names by slug, as it was then: `{slug: {name, instructions, …}}`. A replay needs the words.
    personas = models.JSONField(default=dict)
    # SHA-256 of document and personas in canonical form: the same document put twice makes one version.
    digest = models.CharField(max_length=64)
    put_at = models.DateTimeField(_("put"), default=timezone.now, editable=False)
    # A person's address or a key's prefix, as text: the record outlives both.
    put_by = models.CharField(_("put by"), max_length=254, blank=True, default="")

    class Meta:
        verbose_name = _("world version")
        verbose_name_plural = _("world versions")
        constraints = [models.UniqueConstraint(fields=["tenant", "world", "number"], name="world_version_number")]

    def __str__(self) -> str:
        return f"v{self.number}"
