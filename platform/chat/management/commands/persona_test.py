"""`manage.py persona_test SLUG --tenant acme`: a persona's tests now, against its draft; exit code 1 if one fails."""

import json
import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from chat.models import TestRun
from chat.tracing.testing import new_run, run_tests
from personas.access import access_persona
from tenants.errors import PlatformError
from tenants.scope import tenant_scope
from tenants.system import tenant_by_slug


class Command(BaseCommand):
    help = "Put a persona's tests to its draft. Exits with 1 if one of them fails, with 2 if none could be run."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("slug")
        parser.add_argument("--tenant", required=True, help="the tenant's slug")
        parser.add_argument("--json", action="store_true", help="the report as one JSON object on stdout")

    def handle(self, *args: Any, **options: Any) -> None:
        tenant = tenant_by_slug(options["tenant"])
        if tenant is None:
            raise CommandError(f"There is no tenant «{options['tenant']}».", returncode=2)
        try:
            with tenant_scope(tenant):
                run = new_run(access_persona(tenant.pk, options["slug"]), by="persona_test")
        except PlatformError as error:
            raise CommandError(str(error.detail), returncode=2) from None
        run_tests(tenant.pk, run.pk)
        with tenant_scope(tenant):
            run.refresh_from_db()
        self._report(run, as_json=options["json"])
        if run.passed < run.total:
            sys.exit(1)

    def _report(self, run: TestRun, *, as_json: bool) -> None:
        if as_json:
            self.stdout.write(json.dumps({"passed": run.passed, "total": run.total, "results": run.results}))
            return
        for result in run.results:
            self.stdout.write(f"{'ok  ' if result['passed'] else 'FAIL'} {result['name']} ({result['change']})")
            for failure in result["failures"]:
                self.stdout.write(f"     {failure}")
        self.stdout.write(f"{run.passed} of {run.total} passed")
