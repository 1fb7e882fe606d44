"""Failures of analytics. Codes are those of the public contract."""

from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from tenants.errors import Conflict, Invalid, PlatformError


class SqlRejected(PlatformError):
    """The gate refused. `rule` names what refused it; `position` counts characters of the SQL as given."""

    code = "sql_rejected"
    status = 422
    default_detail = _("This SQL may not run here.")

    def __init__(self, rule: str, detail: str | Promise | None = None, *, position: int | None = None) -> None:
        extra: dict[str, Any] = {"rule": rule} | ({} if position is None else {"position": position})
        super().__init__(detail, **extra)
        self.rule = rule
        self.position = position


class DatasetNotReady(Conflict):
    default_detail = _("This dataset has no tables yet: wait until it is ready.")


class DatasetLimitReached(Invalid):
    default_detail = _("There are as many datasets as there may be; delete one first.")
