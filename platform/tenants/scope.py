"""The one way into a tenant's data, for requests, sockets, tasks, admin and commands alike.

Row-level security reads `app.tenant`, which is set here and nowhere else, for one transaction. Outside a scope
the policies compare with NULL, so every tenant table is empty and refuses writes.
"""

import asyncio
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import ContextVar, copy_context
from functools import partial
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar
from uuid import UUID

from django.db import DEFAULT_DB_ALIAS, connection, connections, transaction
from django.utils.translation import get_language, override

if TYPE_CHECKING:
    from tenants.models import Tenant

P = ParamSpec("P")
R = TypeVar("R")

# As many as the connection pool holds: one more thread would only wait for a connection.
ORM_THREADS = 16

_current: ContextVar[UUID | None] = ContextVar("tenant", default=None)
_executor = ThreadPoolExecutor(ORM_THREADS, thread_name_prefix="orm")


class ScopeConflict(RuntimeError):
    """One tenant's scope was entered inside another's. Always a fault of ours."""


def current_tenant_id() -> UUID | None:
    """The tenant whose scope we are in, or None."""
    return _current.get()


@contextmanager
def tenant_scope(tenant: "Tenant | UUID") -> Iterator[UUID]:
    """Run the block in one transaction that sees this tenant's rows and no others.

    Entering the same tenant again is free, so services may enter without asking who called them.
    Raises ScopeConflict for another tenant inside.
    """
    tenant_id = tenant if isinstance(tenant, UUID) else tenant.pk
    # A callback of `on_commit` runs inside the block that made it, yet after its transaction: that is outside.
    outer = _current.get() if connection.in_atomic_block else None
    if outer is not None:
        if outer != tenant_id:
            raise ScopeConflict(f"in the scope of {outer}, asked for {tenant_id}")
        yield tenant_id
        return
    token = _current.set(tenant_id)
    goes_on = connection.in_atomic_block
    try:
        with transaction.atomic():
            _set("app.tenant", str(tenant_id))
            yield tenant_id
            if goes_on and not connection.needs_rollback:
                # The outer transaction must not keep what we could see; our own forgets it by ending.
                _set("app.tenant", "")
    finally:
        _current.reset(token)


@contextmanager
def user_scope(user_id: int) -> Iterator[None]:
    """Let one signed-in user read his own memberships, which is how his tenants are found."""
    with transaction.atomic():
        _set("app.user", str(user_id))
        yield
        if not connection.needs_rollback:
            _set("app.user", "")


async def in_tenant(tenant: "Tenant | UUID", fn: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
    """Call `fn` inside the tenant's scope on a thread of our own, and give its connection back.

    For sockets and streams. Django's `sync_to_async` would run them all on one thread, one after the other.
    """
    return await _on_thread(_call, tenant, partial(fn, *args, **kwargs))


def _call(tenant: "Tenant | UUID", fn: Callable[[], R]) -> R:
    try:
        with tenant_scope(tenant):
            return fn()
    finally:
        connections.close_all()


async def off_loop(fn: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
    """Call `fn` on one of the same threads without a tenant: for global tables, or to enter a scope inside."""
    return await _on_thread(_call_bare, partial(fn, *args, **kwargs))


def _call_bare(fn: Callable[[], R]) -> R:
    try:
        return fn()
    finally:
        connections.close_all()


async def _on_thread(call: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
    """On one of our threads, in the caller's context (which names its request in the log) and language."""
    in_language = partial(_say_in, get_language(), partial(call, *args, **kwargs))
    return await asyncio.get_running_loop().run_in_executor(_executor, copy_context().run, in_language)


def _say_in(language: str | None, call: Callable[[], R]) -> R:
    # Django keeps the language by thread, also where the context is copied.
    with override(language):
        return call()


def _set(name: str, value: str) -> None:
    ours: Any = connections[DEFAULT_DB_ALIAS]  # of `tenants.postgresql`
    ours.set_for_transaction(name, value)
