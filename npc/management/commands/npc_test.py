"""`manage.py npc_test --world WORLD CASE…`: for writers and the CI of a game's repository. Needs no database."""

from pathlib import Path
from typing import Any
from uuid import UUID

import orjson
from django.core.management.base import BaseCommand, CommandError, CommandParser
from pydantic import ValidationError

from npc.bench.cases import Case, differences, wrong_with
from npc.worlds.checking import check_world
from npc.worlds.compiled import CompiledWorld
from npc.worlds.document import InlinePersona
from npc.worlds.files import parse_world
from npc.worlds.problems import path_of
from tenants.errors import Invalid


class Command(BaseCommand):
    help = "Run regression tests of a world: lines in states, and what has to come of them. Exit status 1 if one fails."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("cases", nargs="+", type=Path, metavar="CASE", help="files, YAML or JSON")
        parser.add_argument("--world", type=Path, required=True, help="file of the world, YAML or JSON")

    def handle(self, *args: Any, cases: list[Path], world: Path, **options: Any) -> None:
        compiled = self._world(world)
        failed = [file for file in cases if not self._passes(compiled, file)]
        self.stdout.write(f"{len(cases) - len(failed)} of {len(cases)} cases pass")
        if failed:
            raise CommandError(f"{len(failed)} of {len(cases)} cases fail.")

    def _passes(self, world: CompiledWorld, file: Path) -> bool:
        try:
            case = Case.model_validate(_parsed(file))
        except ValidationError as failure:
            error = failure.errors(include_url=False)[0]
            self.stdout.write(f"{file}: {path_of(*error['loc'])}: {error['msg']}")
            return False
        if wrong := wrong_with(world, case):
            for problem in wrong:
                self.stdout.write(f"{file}: {problem['path']}: {problem['reason']}")
            return False
        found = list(differences(world, case))
        for one in found:
            expected, came = (orjson.dumps(one[name]).decode() for name in ("expected", "found"))
            self.stdout.write(f"{file}: {one['path']}: expected {expected}, found {came}")
        return not found

    def _world(self, file: Path) -> CompiledWorld:
        """Personas that it names by slug are not in a file, so their words are not looked at."""
        document, problems = check_world(_parsed(file))
        if document is None:
            raise CommandError(f"{file}: {problems[0].path}: {problems[0].reason} (npc_check tells all)")
        slugs = {one.persona for one in document.characters if isinstance(one.persona, str)}
        return CompiledWorld(UUID(int=0), document, {slug: InlinePersona(name=slug) for slug in slugs})


def _parsed(file: Path) -> Any:
    try:
        return parse_world(file.read_bytes(), is_yaml=file.suffix.lower() != ".json")
    except OSError as failure:
        raise CommandError(f"{file}: {failure.strerror}") from None
    except Invalid as failure:
        raise CommandError(f"{file}: {failure.detail}") from None
