"""Which request a line in the log belongs to."""

import logging
from contextvars import ContextVar

# The id that the caller gets in `X-Request-Id`, and in every problem.
request_id: ContextVar[str] = ContextVar("request_id", default="")


class NameRequest(logging.Filter):
    """Gives each record `request`: its request's id in brackets, or nothing outside of one."""

    def filter(self, record: logging.LogRecord) -> bool:
        found = request_id.get()
        record.request = f" [{found}]" if found else ""
        return True
