"""Failures of analytics. Codes are those of the public contract."""

from collections.abc import Sequence
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from tenants.errors import Conflict, Invalid, PlatformError, RateLimited


class SqlRejected(PlatformError):
    """The gate refused. `rule` names what refused it; `position` counts characters of the SQL as given."""

    code = "sql_rejected"
    status = 422
    default_detail = _("This SQL may not run here.")

    def __init__(
        self,
        rule: str,
        detail: str | Promise | None = None,
        *,
        position: int | None = None,
        names: Sequence[str] = (),
    ) -> None:
        extra: dict[str, Any] = {"rule": rule} | ({} if position is None else {"position": position})
        super().__init__(detail, **extra)
        self.rule = rule
        self.position = position
        # Of tables or columns: the nearest to one that is not there.
        self.names = tuple(names)


class SqlFailed(PlatformError):
    """PostgreSQL could not read or run what the gate let through. `condition` is its SQLSTATE.

    The sentence never holds a value of the data; `message` is PostgreSQL's own where that speaks of names alone.
    """

    code = "sql_failed"
    status = 422
    default_detail = _("This SQL could not be run.")

    def __init__(
        self,
        detail: str | Promise,
        *,
        condition: str = "",
        message: str = "",
        hint: str = "",
        names: Sequence[str] = (),
    ) -> None:
        super().__init__(detail, condition=condition, names=list(names))
        self.condition = condition
        self.message = message
        self.hint = hint
        self.names = tuple(names)


class TooCostly(PlatformError):
    """PostgreSQL expects more work than one question may take; `cost` is in its own unit."""

    code = "sql_too_costly"
    status = 422
    default_detail = _("This would take too long: ask about a shorter time, fewer rows or fewer tables at once.")

    def __init__(self, plan: Any = None) -> None:
        super().__init__(**({} if plan is None else {"cost": plan.cost}))
        self.plan = plan


class SqlTimedOut(PlatformError):
    code = "sql_timed_out"
    status = 422
    default_detail = _("This took too long and was stopped: ask about a shorter time or fewer rows.")


class RunCancelled(Conflict):
    code = "sql_cancelled"
    default_detail = _("This was cancelled.")


class DatasetBusy(RateLimited):
    default_detail = _("Too much is being asked of this dataset at once; wait as long as Retry-After says.")


class DatasetUnreachable(PlatformError):
    code = "dataset_unreachable"
    status = 502
    default_detail = _("The database of this dataset does not answer.")


class DatasetNotReady(Conflict):
    default_detail = _("This dataset has no tables yet: wait until it is ready.")


class DatasetLimitReached(Invalid):
    default_detail = _("There are as many datasets as there may be; delete one first.")


class DatasetNotExternal(Conflict):
    default_detail = _("Only a dataset over another database can be looked into anew; files are uploaded again.")


class DatasetLoginRefused(PlatformError):
    code = "dataset_login_refused"
    status = 422
    default_detail = _("The server refuses this user or password.")


class DatasetDatabaseMissing(PlatformError):
    code = "dataset_database_missing"
    status = 422
    default_detail = _("The server has no database of this name.")


class DatasetRoleTooStrong(PlatformError):
    code = "dataset_role_too_strong"
    status = 422
    default_detail = _(
        "This user is a superuser or may bypass row security. Make one that may only read the tables in question."
    )


class DatasetSchemaEmpty(PlatformError):
    code = "dataset_schema_empty"
    status = 422
    default_detail = _("This user may read no table in this schema.")


class DatasetTooWide(PlatformError):
    code = "dataset_too_wide"
    status = 422
    default_detail = _("There are too many tables: give the user a schema with views of those that are asked about.")
