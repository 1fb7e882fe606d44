"""Django's `migrate`, run by the owner, followed by the grants on tables that belong to no tenant, and by datasets."""

from typing import Any

from django.core.management.base import CommandParser
from django.core.management.commands.migrate import Command as DjangoMigrate
from django.db import connections
from django.db.migrations.executor import MigrationExecutor

from analytics.datasets.upkeep import drop_all_views, make_all_views, restore_logins
from tenants.grants import grant_global_tables


class Command(DjangoMigrate):
    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.set_defaults(database="owner")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["database"] != "owner":
            super().handle(*args, **options)
            return
        if is_anything_to_do():
            drop_all_views()
        super().handle(*args, **options)
        grant_global_tables()
        make_all_views()
        restore_logins()


def is_anything_to_do() -> bool:
    executor = MigrationExecutor(connections["owner"])
    return bool(executor.migration_plan(executor.loader.graph.leaf_nodes()))
