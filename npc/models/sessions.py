"""One play of a world: a session, its branches, and on each branch an append-only log."""

from collections.abc import Sequence
from typing import Any, ClassVar, Self
from uuid import UUID

from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from npc.models.fields import JSONField
from npc.models.worlds import World, WorldVersion
from tenants.base import TenantForeignKey, TenantModel, TenantQuerySet


class GameSession(TenantModel):
    """One player in one world, from the first scene on, through every save and load."""

    world = TenantForeignKey(World, models.CASCADE, related_name="sessions", verbose_name=_("world"), db_index=False)
    version = TenantForeignKey(WorldVersion, models.CASCADE, related_name="+", verbose_name=_("world version"))
    player_id = models.CharField(_("player"), max_length=190)
    player_name = models.CharField(_("player's name"), max_length=200, blank=True, default="")
    # All chance in the session comes from it, so that a replay rolls the same.
    seed = models.BigIntegerField(_("seed"))
    # The branch that is played. Others are left: what comes late for them is dropped.
    live = TenantForeignKey("npc.Branch", models.SET_NULL, null=True, editable=False, related_name="+")
    # What the models have cost, by scene ("" is nowhere), in the currency of the routes' prices; turns that are being
    # answered count with the most they may cost. Kept for worlds with a purse.
    spent = JSONField(default=dict, editable=False)
    opened_at = models.DateTimeField(_("opened"), default=timezone.now, editable=False)

    # Told by the question that holds a session for a turn: `npc.sessions.access`.
    routes_version: Sequence[str] | None = None
    has_turn = True

    class Meta:
        verbose_name = _("game session")
        verbose_name_plural = _("game sessions")
        indexes = [models.Index(fields=["tenant", "world", "-opened_at"], name="game_session_newest")]

    def __str__(self) -> str:
        return f"{self.player_name or self.player_id} · {self.opened_at:%Y-%m-%d %H:%M}"


class Branch(TenantModel):
    """One line of events in a session. Loading a save opens another one, which goes on behind the save.

    `base` is the play (`npc.sessions.play.Play`, as JSON) where the branch begins; folding the branch's entries
    over it gives `head`, which is kept only to save the time.
    """

    session = TenantForeignKey(GameSession, models.CASCADE, related_name="branches", db_index=False)
    # Where this branch comes from: [[branch id, last seq that belongs to it], …], oldest first, without itself.
    lineage = JSONField(default=list)
    base = JSONField()
    base_seq = models.PositiveBigIntegerField(default=0)
    head = JSONField()
    head_seq = models.PositiveBigIntegerField(default=0)
    opened_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        indexes = [models.Index(fields=["tenant", "session"], name="branch_of_session")]


class LogEntryQuerySet(TenantQuerySet):
    def on(self, branch: Branch, *, up_to: int | None = None) -> Self:
        """All that happened as this branch sees it, its ancestors' part included, in order."""
        seen = Q(branch_id=branch.pk)
        for ancestor_id, last_seq in branch.lineage:
            seen |= Q(branch_id=UUID(ancestor_id), seq__lte=last_seq)
        entries = self.filter(seen).order_by("seq")
        return entries if up_to is None else entries.filter(seq__lte=up_to)


class LogEntry(TenantModel):
    """One thing that happened. Only added: the database grants no UPDATE.

    `seq` is a branch's own count and the order of things; clocks, the game's as well as ours, only describe.
    """

    branch = TenantForeignKey(Branch, models.CASCADE, related_name="entries", db_index=False)
    seq = models.PositiveBigIntegerField()
    kind = models.CharField(max_length=32)  # npc.sessions.entries
    # The id of what the entry is about (a turn, an action, an event); one entry of a kind for each.
    subject = models.UUIDField(null=True)
    data = JSONField()
    game_time = models.FloatField(null=True)
    at = models.DateTimeField(default=timezone.now, editable=False)

    objects: ClassVar[Any] = LogEntryQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["tenant", "branch", "seq"], name="log_entry_seq"),
            models.UniqueConstraint(
                fields=["tenant", "branch", "kind", "subject"],
                condition=~Q(subject=None),
                name="log_entry_subject",
            ),
        ]


class Save(TenantModel):
    """A place in a branch's log to come back to, with the play there, so that loading reads one row."""

    session = TenantForeignKey(GameSession, models.CASCADE, related_name="saves", db_index=False)
    branch = TenantForeignKey(Branch, models.CASCADE, related_name="+")
    seq = models.PositiveBigIntegerField()
    play = JSONField()
    size_bytes = models.PositiveIntegerField()
    saved_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        indexes = [models.Index(fields=["tenant", "session", "-id"], name="save_newest")]
