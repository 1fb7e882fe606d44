"""Running SQL on a dataset: the only way there is."""

from analytics.errors import RunCancelled, SqlFailed, SqlRejected, SqlTimedOut, TooCostly
from analytics.running.limits import DEFAULT_LIMITS, READ_BACK_COST, RunLimits
from analytics.running.results import Plan, Result, ResultColumn
from analytics.running.running import cancel_runs, explain_sql, run_sql

__all__ = [
    "DEFAULT_LIMITS",
    "READ_BACK_COST",
    "Plan",
    "Result",
    "ResultColumn",
    "RunCancelled",
    "RunLimits",
    "SqlFailed",
    "SqlRejected",
    "SqlTimedOut",
    "TooCostly",
    "cancel_runs",
    "explain_sql",
    "run_sql",
]
