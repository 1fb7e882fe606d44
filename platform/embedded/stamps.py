"""Remembers what has been done to this home's database, so that a warm start need not do it again."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import psycopg

from config.environment import write_private

STAMPS_FILE = "stamps.json"


class Stamps:
    """What was migrated and seeded at the last start, each as a fingerprint of all that it depends on."""

    def __init__(self, home: Path, repository: Path, owner_url: str) -> None:
        self.path = home / STAMPS_FILE
        self.repository = repository
        self.owner_url = owner_url

    def is_migrated(self) -> bool:
        return self.read().get("migrated") == self.migration_fingerprint()

    def note_migrated(self) -> None:
        self.write(migrated=self.migration_fingerprint())

    def is_seeded(self) -> bool:
        return self.read().get("seeded") == self.demo_fingerprint()

    def note_seeded(self) -> None:
        self.write(seeded=self.demo_fingerprint())

    def migration_fingerprint(self) -> str:
        """Of the migrations in the code, the requirements that bring others, and what the database has had.

        The last tells a database that was replaced, restored or migrated by hand.
        """
        files = [
            *self.repository.glob("platform/*/migrations/*.py"),
            *self.repository.glob("*/migrations/*.py"),
            self.repository / "requirements/base.txt",
        ]
        return fingerprint(files, json.dumps(self.applied_migrations()))

    def demo_fingerprint(self) -> str:
        files = [path for path in self.repository.glob("demo/**/*") if path.suffix != ".pyc" and path.is_file()]
        return fingerprint(files, self.migration_fingerprint())

    def applied_migrations(self) -> list[Any]:
        """App, name and time of each; empty if there never was one. The time differs in every database."""
        query = "SELECT app, name, applied::text FROM django_migrations ORDER BY id"
        try:
            with psycopg.connect(self.owner_url, connect_timeout=10) as connection:
                return connection.execute(query).fetchall()
        except psycopg.errors.UndefinedTable:
            return []

    def read(self) -> dict[str, Any]:
        try:
            return dict(json.loads(self.path.read_text()))
        except (OSError, ValueError):
            return {}

    def write(self, **stamps: str) -> None:
        write_private(self.path, json.dumps(self.read() | stamps))


def fingerprint(files: Iterable[Path], more: str) -> str:
    digest = hashlib.sha256(more.encode())
    for path in sorted(files):
        digest.update(f"\0{path}\0".encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()
