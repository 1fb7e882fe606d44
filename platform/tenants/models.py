"""Tenants, their people and their keys."""

from datetime import datetime
from typing import Any

from django.contrib.auth.models import AbstractUser, BaseUserManager
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from uuid_utils.compat import uuid7

from tenants.base import TenantForeignKey, TenantModel, TenantQuerySet
from tenants.limits.models import RateLimit

__all__ = [
    "ApiKey", "AuditEntry", "Member", "RateLimit", "StoredAnswer", "Tenant", "TenantForeignKey", "TenantModel",
    "TenantQuerySet", "User",
]  # fmt: skip


class UserManager(BaseUserManager["User"]):
    def create_user(self, email: str, password: str | None = None, **fields: Any) -> "User":
        user = self.model(email=self.normalize_email(email), **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def create_superuser(self, email: str, password: str | None = None, **fields: Any) -> "User":
        return self.create_user(email, password, is_staff=True, is_superuser=True, **fields)


class User(AbstractUser):
    """A person who signs in. Global: what he may see is said by his memberships; a superuser is an operator."""

    username = None  # type: ignore[assignment]
    email = models.EmailField(_("email address"), unique=True)

    USERNAME_FIELD = "email"
    REQUIRED_FIELDS = []

    objects = UserManager()  # type: ignore[assignment,misc]


class Tenant(models.Model):
    """A customer and all its data. Its own row, too, is seen only from inside its scope."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    name = models.CharField(_("name"), max_length=200)
    slug = models.SlugField(_("slug"), max_length=63, unique=True)
    created_at = models.DateTimeField(_("created"), default=timezone.now, editable=False)

    class Meta:
        verbose_name = _("tenant")
        verbose_name_plural = _("tenants")

    def __str__(self) -> str:
        return self.name


class Member(TenantModel):
    """A user's place in a tenant. He may read his own memberships everywhere, to choose where to work."""

    class Role(models.TextChoices):
        OWNER = "owner", _("Owner")
        EDITOR = "editor", _("Editor")
        AGENT = "agent", _("Agent")
        VIEWER = "viewer", _("Viewer")

    user = models.ForeignKey(User, models.CASCADE, related_name="memberships", verbose_name=_("user"))
    role = models.CharField(_("role"), max_length=10, choices=Role)
    created_at = models.DateTimeField(_("created"), default=timezone.now, editable=False)

    class Meta:
        verbose_name = _("member")
        verbose_name_plural = _("members")
        constraints = [models.UniqueConstraint(fields=["tenant", "user"], name="member_once_per_tenant")]

    def __str__(self) -> str:
        return f"{self.user} ({self.get_role_display()})"


class Scope(models.TextChoices):
    """What a key may be used for."""

    CHAT = "chat", _("Chat")
    KNOWLEDGE = "knowledge", _("Knowledge")
    NPC = "npc", _("NPC")
    ANALYTICS = "analytics", _("Analytics")
    MANAGE = "manage", _("Manage")


class ApiKey(TenantModel):
    """A server's way in. Only the digest is kept; `prefix` lets people tell keys apart."""

    name = models.CharField(_("name"), max_length=100, blank=True)
    prefix = models.CharField(_("prefix"), max_length=20, editable=False)
    digest = models.CharField(max_length=64, editable=False)
    scopes = ArrayField(models.CharField(max_length=20, choices=Scope), verbose_name=_("scopes"))
    created_at = models.DateTimeField(_("created"), default=timezone.now, editable=False)
    expires_at = models.DateTimeField(_("expires"), null=True, blank=True)
    revoked_at = models.DateTimeField(_("revoked"), null=True, blank=True, editable=False)
    # Written at most once a minute, so that a busy key does not become a busy row.
    last_used_at = models.DateTimeField(_("last used"), null=True, blank=True, editable=False)

    class Meta:
        verbose_name = _("API key")
        verbose_name_plural = _("API keys")
        constraints = [models.UniqueConstraint(fields=["tenant", "digest"], name="api_key_digest")]

    def __str__(self) -> str:
        return self.name or self.prefix

    def is_valid_at(self, now: datetime) -> bool:
        """Not revoked, not expired."""
        return self.revoked_at is None and (self.expires_at is None or self.expires_at > now)


class AuditEntry(TenantModel):
    """Who changed what. Takes the place of Django's admin log, which knows no tenants. Rows are only added."""

    actor = models.ForeignKey(User, models.SET_NULL, null=True, related_name="+", verbose_name=_("who"))
    action = models.CharField(_("action"), max_length=50)
    object_type = models.CharField(_("type"), max_length=50)
    object_id = models.CharField(max_length=64)
    object_name = models.CharField(_("object"), max_length=200)
    changes = models.JSONField(_("changes"), default=dict)
    at = models.DateTimeField(_("when"), default=timezone.now)

    class Meta:
        verbose_name = _("audit entry")
        verbose_name_plural = _("audit log")
        ordering = ["-at"]
        indexes = [models.Index(fields=["tenant", "-at"], name="audit_newest")]

    def __str__(self) -> str:
        return f"{self.action} {self.object_name}"


class StoredAnswer(TenantModel):
    """The answer that an `Idempotency-Key` got, stored in the same transaction as what the call created."""

    key = models.CharField(max_length=200)
    request_digest = models.CharField(max_length=64)
    status = models.PositiveSmallIntegerField(default=0)
    content_type = models.CharField(max_length=100, default="")
    body = models.BinaryField(default=b"")
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["tenant", "key"], name="stored_answer_key")]
        indexes = [models.Index(fields=["created_at"], name="stored_answer_age")]
