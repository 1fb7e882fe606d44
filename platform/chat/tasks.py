"""Background work on conversations. Celery finds this module; the rows in `jobs` decide what runs."""

from chat.tracing import jobs  # noqa: F401 - registers what can be done in the background
