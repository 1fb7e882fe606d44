"""`manage.py create_key SLUG --scopes chat,npc --json`: one more key for a tenant."""

import json
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from tenants.errors import PlatformError
from tenants.provisioning import issue_key
from tenants.system import tenant_by_slug


class Command(BaseCommand):
    help = "Create one more API key for a tenant. It is shown this once."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("slug")
        parser.add_argument("--scopes", required=True, help="comma-separated")
        parser.add_argument("--name", default="")
        parser.add_argument("--json", action="store_true", help="one JSON object on stdout, nothing else")

    def handle(self, *args: Any, **options: Any) -> None:
        tenant = tenant_by_slug(options["slug"])
        if tenant is None:
            raise CommandError(f"There is no tenant «{options['slug']}».")
        try:
            key, token = issue_key(tenant=tenant, scopes=options["scopes"].split(","), name=options["name"])
        except PlatformError as error:
            raise CommandError(str(error.errors or error.detail)) from None
        result = {"tenant": str(tenant.pk), "slug": tenant.slug, "api_key": str(token), "scopes": list(key.scopes)}
        self.stdout.write(json.dumps(result) if options["json"] else str(token))
