"""`manage.py bootstrap_db`: the SQL that a DBA runs once on an external PostgreSQL."""

import secrets
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand

from embedded.bootstrap import Login, Logins, bootstrap_sql
from tenants.roles import APP, OWNER, SYSTEM


class Command(BaseCommand):
    help = "Print the SQL that makes roles, database and extensions on an external server. It runs nothing."

    def handle(self, *args: Any, **options: Any) -> None:
        environment = settings.ENVIRONMENT
        if environment.database_url:
            logins = Logins.of_urls(
                app_url=environment.database_url,
                owner_url=environment.database_owner_url or environment.database_url,
                system_url=environment.database_system_url or environment.database_url,
            )
        else:
            app, owner, system = (Login(role, secrets.token_urlsafe(18)) for role in (APP, OWNER, SYSTEM))
            logins = Logins(app=app, owner=owner, system=system)
        self.stdout.write(bootstrap_sql(logins))
