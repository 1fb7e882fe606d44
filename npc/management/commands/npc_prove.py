"""`manage.py npc_prove FILE…` or `npc_prove --tenant acme SLUG…`: for writers and the CI of a game's repository."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError
from django.db import OperationalError

from npc.knowledge.proving import Proof, prove
from npc.worlds.access import access_world
from npc.worlds.checking import check_world
from npc.worlds.compiled import CompiledWorld, world_of
from npc.worlds.document import InlinePersona
from npc.worlds.files import parse_world
from tenants.errors import Invalid, NotFound
from tenants.scope import tenant_scope
from tenants.system import tenant_by_slug


class Command(BaseCommand):
    help = (
        "Prove that no closed fact can enter a character's prompt: every character in the initial state and every "
        "stage of the world. Exit status 1 if one can."
    )
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("worlds", nargs="+", metavar="WORLD", help="a YAML or JSON file; with --tenant a slug")
        parser.add_argument("--tenant", default="", help="slug of the tenant that has the worlds")

    def handle(self, *args: Any, worlds: list[str], tenant: str, **options: Any) -> None:
        failed = [
            name for name in worlds if not self._holds(name, self._kept(tenant, name) if tenant else self._read(name))
        ]
        if failed:
            raise CommandError(f"{len(failed)} of {len(worlds)} worlds do not keep their facts.")

    def _holds(self, name: str, world: CompiledWorld) -> bool:
        proof = prove(world)
        for stage, character, fact, where in proof.leaks:
            self.stdout.write(
                f"{name}: {stage or 'initial state'}: {character}: {fact} is closed, yet told by: {where}"
            )
        self._summarise(name, world, proof)
        return not proof.leaks

    def _summarise(self, name: str, world: CompiledWorld, proof: Proof) -> None:
        stages = len(world.document.stages) + 1
        self.stdout.write(f"{name}: {len(world.characters)} characters, {stages} states: {proof.kept} times kept")

    def _kept(self, tenant: str, slug: str) -> CompiledWorld:
        try:
            row = tenant_by_slug(tenant)
        except OperationalError:
            raise CommandError("The database does not answer; is Troupe running?") from None
        if row is None:
            raise CommandError(f"There is no tenant «{tenant}».")
        with tenant_scope(row):
            try:
                return world_of(access_world(row.pk, slug).newest.pk)
            except NotFound:
                raise CommandError(f"There is no world «{slug}».") from None

    def _read(self, name: str) -> CompiledWorld:
        """A world of a file. Personas that it names by slug are not in it, so their words are not looked at."""
        file = Path(name)
        try:
            raw = parse_world(file.read_bytes(), is_yaml=file.suffix.lower() != ".json")
        except OSError as failure:
            raise CommandError(f"{name}: {failure.strerror}") from None
        except Invalid as failure:
            raise CommandError(f"{name}: {failure.detail}") from None
        document, problems = check_world(raw)
        if document is None:
            raise CommandError(f"{name}: {problems[0].path}: {problems[0].reason} (npc_check tells all)")
        slugs = {one.persona for one in document.characters if isinstance(one.persona, str)}
        for slug in sorted(slugs):
            self.stdout.write(f"{name}: the persona «{slug}» is kept elsewhere; prove the world that was put")
        return CompiledWorld(UUID(int=0), document, {slug: InlinePersona(name=slug) for slug in slugs})
