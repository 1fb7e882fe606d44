"""`/healthz`: the process lives. `/readyz`: what it needs answers."""

from collections.abc import Callable

import redis
from django.conf import settings
from django.db import DatabaseError, connections
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, JsonResponse

from jobs.watching import stuck_queues
from llm.breaker import state_of
from llm.routes import platform_route


def healthz(request: HttpRequest) -> JsonResponse:
    return JsonResponse({"status": "ok"})


def readyz(request: HttpRequest) -> JsonResponse:
    """200 when database, migrations and broker answer, else 503 and which does not.

    Models and stuck jobs never make it 503: another web process would be no better off.
    """
    checks = {"database": _database, "migrations": _migrations, "broker": _broker}
    found = {name: _ask(check) for name, check in checks.items()}
    is_ready = all(state == "ok" for state in found.values())
    body = {"status": "ok" if is_ready else "unavailable", **found, "jobs": _ask(_jobs), "models": _models()}
    return JsonResponse(body, status=200 if is_ready else 503)


def _ask(check: Callable[[], str]) -> str:
    try:
        return check()
    except (DatabaseError, redis.RedisError, OSError) as error:
        return f"{type(error).__name__}: no answer"


def _database() -> str:
    with connections["default"].cursor() as cursor:
        cursor.execute("SELECT 1")
    return "ok"


_migrated = False


def _migrations() -> str:
    """Asked until they are all there; they do not go away while a process lives."""
    global _migrated
    if not _migrated:
        executor = MigrationExecutor(connections["default"])
        if executor.migration_plan(executor.loader.graph.leaf_nodes()):
            return "pending: run manage.py migrate"
        _migrated = True
    return "ok"


def _broker() -> str:
    with redis.Redis.from_url(f"{settings.REDIS_URL}/0", socket_timeout=2, socket_connect_timeout=2) as client:
        client.ping()
    return "ok"


def _jobs() -> str:
    stuck = stuck_queues()
    return f"stuck: {', '.join(stuck)}" if stuck else "ok"


def _models() -> str:
    """The platform's own model, as this process knows it. `none`: the reader answers, a key alone being no model."""
    route = platform_route()
    if route.is_reader:
        return "none"
    return "ok" if state_of(route) == "closed" else "degraded"
