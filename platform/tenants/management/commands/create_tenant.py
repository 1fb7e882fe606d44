"""`manage.py create_tenant NAME --json`: a tenant with an API key and, if asked, an owner who can sign in."""

import json
import secrets
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from tenants.errors import PlatformError
from tenants.models import Member, Scope
from tenants.provisioning import add_member, create_tenant, issue_key


class Command(BaseCommand):
    help = "Create a tenant with an API key. The key and the password are shown this once."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name")
        parser.add_argument("--slug", default="")
        parser.add_argument("--owner", default="", metavar="EMAIL")
        parser.add_argument("--scopes", default=",".join(Scope.values), help="comma-separated; all by default")
        parser.add_argument("--json", action="store_true", help="one JSON object on stdout, nothing else")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            result = provision(options["name"], options["slug"], options["owner"], options["scopes"])
        except PlatformError as error:
            raise CommandError(str(error.detail)) from None
        if options["json"]:
            self.stdout.write(json.dumps(result, ensure_ascii=False))
        else:
            for name, value in result.items():
                self.stdout.write(f"{name:>9}  {value or '-'}")


def provision(name: str, slug: str, owner: str, scopes: str) -> dict[str, str | None]:
    """Make the tenant, its key and its owner; what is not asked for is None."""
    from django.db import transaction

    with transaction.atomic():
        tenant = create_tenant(name=name, slug=slug)
        _key, token = issue_key(tenant=tenant, scopes=[part for part in scopes.split(",") if part], name="First key")
        password = secrets.token_urlsafe(12) if owner else None
        if owner:
            add_member(tenant=tenant, email=owner, role=Member.Role.OWNER, password=password)
    return {
        "tenant": str(tenant.pk),
        "slug": tenant.slug,
        "api_key": str(token),
        "owner": owner or None,
        "password": password,
    }
