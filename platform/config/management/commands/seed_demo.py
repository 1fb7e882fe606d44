"""`manage.py seed_demo`: the demo's businesses, as far as they are missing."""

from typing import Any

from django.core.management.base import BaseCommand

from config.demo import seed


class Command(BaseCommand):
    help = "Seed the demo tenants. Running it again changes nothing that is there."

    def handle(self, *args: Any, **options: Any) -> None:
        seeded = seed()
        self.stdout.write(f"Demo: {len(seeded.chats)} personas, {len(seeded.logins)} logins.")
