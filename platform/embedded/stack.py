"""All of Troupe on one machine: services, migration, web, worker, beat, and where they are."""

from __future__ import annotations

import fcntl
import json
import os
import socket
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

from config.environment import (
    REPOSITORY,
    SERVICES_FILE,
    BadEnvironment,
    Environment,
    ensure_home,
    home_of,
    load,
    process_identity,
    running_troupe,
    write_private,
)
from embedded.console import Console
from embedded.ports import free_port, listening_socket
from embedded.probe import ReadyProbe
from embedded.processes import Program
from embedded.services import Services, start_services
from embedded.stamps import Stamps
from embedded.supervisor import Child, StartFailed, Supervisor

QUEUES = "interactive,embedding,analytics,memory,maintenance"
LOCK_FILE = "lock"
DEMO_FILE = "demo.json"
MIGRATE_TIMEOUT_S = 300.0
READY_TIMEOUT_S = 120.0
# A program that ended this often before Troupe was ready will not come up by being started again.
DEATHS_THAT_MEAN_NO = 3
# Running turns may finish; afterwards they are marked as interrupted and can be asked again.
DRAIN_S = 30
# Jobs are leased: one that is cut short is done again.
WORKER_STOP_S = 15.0


@dataclass(frozen=True, slots=True)
class Programs:
    """What runs once the services answer."""

    # Run to the end before the servers start, unless nothing changed since the last time.
    migrate: Program
    # Run to the end once the page is up.
    seed: Program | None
    servers: tuple[Program, ...]


def programs(environment: Environment, environ: Mapping[str, str], listener: socket.socket) -> Programs:
    """The table of Troupe's processes. Web processes share one listening socket, so each can die alone."""

    def python(name: str, *arguments: str, **options: Any) -> Program:
        command = (sys.executable, *arguments)
        return Program(name, command, cwd=REPOSITORY, environ=environ, rank=1, **options)

    def web(name: str) -> Program:
        return python(
            name, "-m", "uvicorn", "config.asgi:application", "--fd", str(listener.fileno()),
            "--loop", "uvloop", "--http", "httptools", "--ws", "wsproto", "--timeout-keep-alive", "75",
            "--timeout-graceful-shutdown", str(DRAIN_S), "--no-access-log", "--no-server-header",
            keep_open=(listener.fileno(),), stop_timeout_s=DRAIN_S + 5,
        )  # fmt: skip

    count = environment.web_processes
    names = ["web"] if count == 1 else [f"web-{number}" for number in range(1, count + 1)]
    worker = python(
        "worker", "-m", "celery", "--quiet", "-A", "config", "worker", "-Q", QUEUES,
        "-c", str(environment.worker_concurrency), "--without-gossip", "--without-mingle",
        "--loglevel", "INFO",
        stop_timeout_s=WORKER_STOP_S,
    )  # fmt: skip
    beat = python(
        "beat", "-m", "celery", "--quiet", "-A", "config", "beat", "--pidfile=", "--loglevel", "WARNING",
        "-s", str(environment.home / "beat-schedule"),
    )  # fmt: skip
    return Programs(
        migrate=python("migrate", "manage.py", "migrate", "--noinput", "--verbosity", "0"),
        seed=python("seed", "manage.py", "seed_demo") if environment.demo else None,
        servers=(*map(web, names), worker, beat),
    )


def up(environ: Mapping[str, str], console: Console, *, programs: Any = programs) -> None:
    """Run everything until a signal asks to stop. Raises BadEnvironment, StartFailed or Stopped.

    `programs` is the table of what runs on the services; tests put small stand-ins there.
    """
    home = ensure_home(home_of(environ))
    with only_one_on(home):
        # What a killed predecessor wrote must not be taken for configured services.
        (home / SERVICES_FILE).unlink(missing_ok=True)
        environment = load(environ, need_services=False)
        port = free_port(environment.port, environment.host)
        listener = listening_socket(environment.host, port)
        state = State(home, url=f"http://{reachable(environment.host)}:{port}/")
        try:
            with Supervisor(console, dies_with_parent="MAKELEVEL" in environ) as supervisor:
                run(supervisor, environment, environ, listener, state, programs)
        finally:
            listener.close()
            state.remove()


def run(
    supervisor: Supervisor,
    environment: Environment,
    environ: Mapping[str, str],
    listener: socket.socket,
    state: State,
    programs: Any,
) -> None:
    console, home = supervisor.console, environment.home
    console.say(f"data, logs and generated secrets are in {home}")
    state.write()
    services = start_services(
        supervisor,
        home,
        with_postgres=not environment.database_url,
        with_valkey=not environment.redis_url,
    )
    variables = service_variables(environment, services)
    state.write(addresses=variables)
    table = programs(environment, child_environ(environ, environment, listener, variables), listener)
    stamps = Stamps(home, REPOSITORY, variables["DATABASE_OWNER_URL"])
    migrate(supervisor, table.migrate, stamps)
    children = [supervisor.start(program) for program in table.servers]
    wait_until_ready(supervisor, children, listener, environment)
    if table.seed is not None:
        seed(supervisor, table.seed, stamps, home)
    state.write(is_ready=True)
    console.write(summary(state.content, home))
    supervisor.run_until_stopped()
    console.say("stopping; once more to stop at once")


def service_variables(environment: Environment, services: Services) -> dict[str, str]:
    """The URLs in effect: those that were set, those of what we started for the rest."""
    configured = {
        "DATABASE_URL": environment.database_url,
        "DATABASE_OWNER_URL": environment.database_owner_url,
        "DATABASE_SYSTEM_URL": environment.database_system_url,
        "REDIS_URL": environment.redis_url,
    }
    return configured | services.variables()


def child_environ(
    environ: Mapping[str, str],
    environment: Environment,
    listener: socket.socket,
    variables: Mapping[str, str],
) -> dict[str, str]:
    return {
        **environ,
        **variables,
        "TROUPE_HOME": str(environment.home),
        "TROUPE_PORT": str(listener.getsockname()[1]),
        # Both source roots, also before the project itself is installed.
        "PYTHONPATH": os.pathsep.join([str(REPOSITORY / "platform"), str(REPOSITORY)]),
        "PYTHONUNBUFFERED": "1",
        # Embeddings use one thread per process; several processes share the cores.
        "OMP_NUM_THREADS": "1",
        # Celery's warning about root; whoever starts Troupe as root on his own machine means it.
        "PYTHONWARNINGS": "ignore:You're running the worker with superuser",
    }


def migrate(supervisor: Supervisor, program: Program, stamps: Stamps) -> None:
    if stamps.is_migrated():
        return
    status = supervisor.run_to_end(program, timeout_s=MIGRATE_TIMEOUT_S)
    if status != 0:
        raise StartFailed("The database could not be migrated; the reason is above.")
    stamps.note_migrated()


def seed(supervisor: Supervisor, program: Program, stamps: Stamps, home: Path) -> None:
    """Seed the demo if it is not there yet. Troupe runs without it, so a failure is only told."""
    if stamps.is_seeded() and (home / DEMO_FILE).exists():
        return
    status = supervisor.run_to_end(program, timeout_s=MIGRATE_TIMEOUT_S)
    if status != 0:
        supervisor.console.say("the demo could not be seeded; the reason is above. Troupe runs without it.")
        return
    stamps.note_seeded()


def wait_until_ready(
    supervisor: Supervisor, children: list[Child], listener: socket.socket, environment: Environment
) -> None:
    port = listener.getsockname()[1]
    is_ready = ReadyProbe((reachable(environment.host).strip("[]"), port), host_header(environment, port))

    def failing() -> list[str]:
        return [child.name for child in children if child.deaths >= DEATHS_THAT_MEAN_NO]

    if not supervisor.run(until=lambda: is_ready() or bool(failing()), timeout_s=READY_TIMEOUT_S):
        raise StartFailed(
            f"/readyz is not 200 after {READY_TIMEOUT_S:.0f} s: {is_ready.answer or 'no answer'}"
        )
    if failing():
        raise StartFailed(f"{failing()[0]} ends again and again; the reason is above.")


def reachable(host: str) -> str:
    """The name under which this machine reaches a server that listens on `host`, as URLs write it."""
    name = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)
    return f"[{name}]" if ":" in name else name


def host_header(environment: Environment, port: int) -> str:
    """A name that the server answers to, though we ask from here."""
    name = environment.allowed_hosts[0].lstrip(".")
    return f"{'localhost' if name == '*' else name}:{port}"


# --- What other terminals see -------------------------------------------------------------------------------


class State:
    """The file by which `make down`, `manage.py` and a second `make up` find the one that runs."""

    def __init__(self, home: Path, url: str) -> None:
        self.path = home / SERVICES_FILE
        self.content: dict[str, Any] = {
            "pid": os.getpid(),
            "process": process_identity(os.getpid()),
            "url": url,
            "addresses": {},
            "is_ready": False,
        }

    def write(self, **changes: Any) -> None:
        self.content |= changes
        write_private(self.path, json.dumps(self.content))

    def remove(self) -> None:
        self.path.unlink(missing_ok=True)


@contextmanager
def only_one_on(home: Path) -> Iterator[None]:
    """Hold the home's lock. The kernel gives it back however we end. Raises BadEnvironment if it is held."""
    with open(home / LOCK_FILE, "a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            running = running_troupe(home)
            where = f"at {running['url']} (process {running['pid']})" if running else "and is still starting"
            raise BadEnvironment(
                f"Troupe already runs on {home}, {where}; `make down` stops it, "
                "another TROUPE_HOME gives a second one."
            ) from None
        yield


def summary(state: Mapping[str, Any], home: Path) -> str:
    """The text that says where to go: addresses, demo logins and chats."""
    url = state["url"]
    lines = ["", f"Troupe is ready: {url}", f"  admin     {url}admin/", f"  API       {url}api/docs/"]
    try:
        demo = json.loads((home / DEMO_FILE).read_text())
    except (OSError, ValueError):
        demo = {}
    lines += [f"  chat      {urljoin(url, chat['url'])}  {chat['name']}" for chat in demo.get("chats", [])]
    lines += [
        f"  sign in   {login['email']}  {login['password']}  {login['who']}"
        for login in demo.get("logins", [])
    ]
    return "\n".join([*lines, ""])
