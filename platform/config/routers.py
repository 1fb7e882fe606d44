from typing import Any


class OwnerMigrates:
    """Tables are made on the `owner` connection only; `default` serves and `system` sweeps, in the same database."""

    def allow_migrate(self, db: str, app_label: str, **hints: Any) -> bool:
        return db == "owner"
