"""`manage.py npc_replay TENANT`: for QA, after a change of the code and in CI."""

import time
from typing import Any
from uuid import UUID

import orjson
from django.core.management.base import BaseCommand, CommandError, CommandParser

from npc.models import GameSession, LogEntry
from npc.turns.replaying import replay_turn
from tenants.errors import NotFound
from tenants.scope import tenant_scope
from tenants.system import tenant_by_slug

# Of a value that differs, what fits on a line.
SHOWN_CHARACTERS = 200


class Command(BaseCommand):
    help = "Replay the turns of a tenant's sessions from their logs. Exit status 1 if one comes out differently."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("tenant", help="slug of the tenant")
        parser.add_argument("--world", default="", help="slug of a world: its sessions only")
        parser.add_argument("--session", type=UUID, default=None, help="one session only")
        parser.add_argument(
            "--world-version", type=int, default=None, help="as if they had been played in this version"
        )
        parser.add_argument("--limit", type=int, default=1000, help="so many turns at most, newest sessions first")

    def handle(
        self,
        *args: Any,
        tenant: str,
        world: str,
        session: UUID | None,
        world_version: int | None,
        limit: int,
        **options: Any,
    ) -> None:
        found = tenant_by_slug(tenant)
        if found is None:
            raise CommandError(f"There is no tenant «{tenant}».")
        if world_version is not None and not (world or session):
            raise CommandError("Say of which --world or --session this is the version.")
        began, different = time.perf_counter(), 0
        turns = self._turns(found.pk, world, session, limit)
        for session_id, turn_id in turns:
            with tenant_scope(found.pk):
                try:
                    replay = replay_turn(found.pk, session_id, turn_id, world_version=world_version)
                except NotFound as missing:
                    raise CommandError(str(missing.detail)) from None
            different += not replay["identical"]
            for one in replay["differences"]:
                logged, replayed = _shown(one["logged"]), _shown(one["replayed"])
                self.stdout.write(f"{session_id} {turn_id} {one['path']}: logged {logged}, replayed {replayed}")
        took_s = time.perf_counter() - began
        pace = len(turns) / took_s if turns else 0
        self.stdout.write(f"{len(turns)} turns, {len(turns) - different} identical, {pace:.0f} turns/s")
        if different:
            raise CommandError(f"{different} of {len(turns)} turns come out differently.")

    def _turns(self, tenant_id: UUID, world: str, session: UUID | None, limit: int) -> list[tuple[UUID, UUID]]:
        """`(session, turn)` of the turns that are over, as the live branches see them."""
        turns: list[tuple[UUID, UUID]] = []
        with tenant_scope(tenant_id):
            sessions = GameSession.objects.for_tenant(tenant_id).select_related("live").order_by("-opened_at")
            if world:
                sessions = sessions.filter(world__slug=world)
            if session:
                sessions = sessions.filter(pk=session)
            for one in sessions.iterator():
                closed = LogEntry.objects.on(one.live).filter(kind="turn.closed").values_list("subject", flat=True)
                turns += [(one.pk, turn_id) for turn_id in closed[: limit - len(turns)]]
                if len(turns) >= limit:
                    break
        return turns


def _shown(value: Any) -> str:
    return orjson.dumps(value).decode()[:SHOWN_CHARACTERS]
