"""`manage.py npc_check FILE…`: for writers and for the CI of a game's repository. Needs no database."""

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from npc.worlds.checking import check_world
from npc.worlds.files import parse_world
from npc.worlds.trying import warnings
from tenants.errors import Invalid


class Command(BaseCommand):
    help = "Check worlds written as YAML or JSON; names every path that is wrong. Exit status 1 if any is."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("files", nargs="+", type=Path, metavar="FILE")

    def handle(self, *args: Any, files: list[Path], **options: Any) -> None:
        wrong = [file for file in files if not self._is_good(file)]
        if wrong:
            raise CommandError(f"{len(wrong)} of {len(files)} worlds cannot be taken.")

    def _is_good(self, file: Path) -> bool:
        try:
            raw = parse_world(file.read_bytes(), is_yaml=file.suffix.lower() != ".json")
        except OSError as failure:
            raise CommandError(f"{file}: {failure.strerror}") from None
        except Invalid as failure:
            where = "; ".join(f"{error['field']}: {error['detail']}" for error in failure.errors)
            self.stdout.write(f"{file}: {where or failure.detail}")
            return False
        world, problems = check_world(raw)
        for problem in problems:
            self.stdout.write(f"{file}: {problem.path or 'world'}: {problem.reason}")
        if world is None:
            return False
        for problem in warnings(world):
            self.stdout.write(f"{file}: warning: {problem.path}: {problem.reason}")
        counts = {name: len(getattr(world, name)) for name in ("characters", "scenes", "facts", "actions")}
        self.stdout.write(f"{file}: {world.name}: " + ", ".join(f"{count} {name}" for name, count in counts.items()))
        return True
