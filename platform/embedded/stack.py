"""All of Troupe on one machine: services, migration, web, worker, beat; or one of these alone."""

from __future__ import annotations

import os
import socket
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path

from config.environment import (
    REPOSITORY,
    SERVICES_FILE,
    Environment,
    ensure_home,
    home_of,
    load,
)
from embedded import programs
from embedded.console import Console
from embedded.ports import free_port, listening_socket
from embedded.probe import ReadyProbe
from embedded.processes import Program
from embedded.programs import child_environ
from embedded.services import Services, postgres_home, start_services
from embedded.stamps import Stamps
from embedded.state import DEMO_FILE, State, only_one_on, summary
from embedded.supervisor import Child, StartFailed, Supervisor

MIGRATE_TIMEOUT_S = 300.0
READY_TIMEOUT_S = 120.0
# A program that ended this often before Troupe was ready will not come up by being started again.
DEATHS_THAT_MEAN_NO = 3


def up(environ: Mapping[str, str], console: Console, *, table: programs.Table = programs.troupe) -> None:
    """Run everything until a signal asks to stop. Raises BadEnvironment, StartFailed or Stopped.

    `table` makes the programs that run on the services; tests put small stand-ins there.
    """
    home = ensure_home(home_of(environ))
    os.umask(0o077)  # what Troupe writes (uploads, logs, schedules) is for its own user
    with only_one_on(home):
        # What a killed predecessor wrote must not be taken for configured services.
        (home / SERVICES_FILE).unlink(missing_ok=True)
        environment = load(environ, need_services=False)
        port = free_port(environment.port, environment.host)
        listener = listening_socket(environment.host, port)
        state = State(home, url=f"http://{reachable(environment.host)}:{port}/")
        try:
            with Supervisor(console, dies_with_parent="MAKELEVEL" in environ) as supervisor:
                run(supervisor, environment, environ, listener, state, table)
        finally:
            listener.close()
            state.remove()


def run(
    supervisor: Supervisor,
    environment: Environment,
    environ: Mapping[str, str],
    listener: socket.socket,
    state: State,
    table: programs.Table,
) -> None:
    console, home = supervisor.console, environment.home
    folders = " and ".join(map(str, dict.fromkeys([home, postgres_home(home).parent])))
    console.say(f"data, logs and generated secrets are in {folders}")
    state.write()
    services = start_services(
        supervisor,
        home,
        with_postgres=not environment.database_url,
        with_valkey=not environment.redis_url,
    )
    variables = service_variables(environment, services)
    state.write(addresses=variables)
    port = str(listener.getsockname()[1])
    children_see = child_environ(environ, environment, TROUPE_PORT=port, **variables)
    wanted = table(environment, children_see, listener)
    stamps = Stamps(home, REPOSITORY, variables["DATABASE_OWNER_URL"])
    migrate(supervisor, wanted.migrate, stamps)
    web = [supervisor.start(program) for program in wanted.web]
    wait_until_ready(supervisor, web, listener, environment)
    for program in wanted.background:
        supervisor.start(program)
    if wanted.seed is not None:
        seed(supervisor, wanted.seed, stamps, home)
    # Said before it is written down: who waits for the state shows the summary at once.
    console.write(summary(state.content, home))
    state.write(is_ready=True)

    def restart_all() -> None:
        state.write(restarts=state.content["restarts"] + 1, is_anew=migrate_and_restart(supervisor, wanted, stamps))

    supervisor.run_until_stopped(restart_all)
    console.say("stopping; once more to stop at once")


def run_part(name: str, environ: Mapping[str, str], console: Console) -> None:
    """Run the web processes, the worker or beat alone, as containers do; the services run elsewhere."""
    environment = load(environ)
    ensure_home(environment.home)
    children_see = child_environ(environ, environment)
    with Supervisor(console) as supervisor, ExitStack() as resources:
        if name == "web":
            listener = resources.enter_context(listening_socket(environment.host, environment.port))
            wanted = programs.web(environment, children_see, listener)
        else:
            wanted = [{"worker": programs.worker, "beat": programs.beat}[name](environment, children_see)]
        for program in wanted:
            supervisor.start(program)
        supervisor.run_until_stopped(lambda: restart(supervisor))


def migrate_and_restart(supervisor: Supervisor, wanted: programs.Programs, stamps: Stamps) -> bool:
    """Bring the database up to the code that is there now, then all of our own processes."""
    try:
        migrate(supervisor, wanted.migrate, stamps)
    except StartFailed as failed:
        supervisor.console.say(f"{failed} What runs goes on.")
        return False
    return restart(supervisor)


def restart(supervisor: Supervisor) -> bool:
    """Start our own processes anew, while whoever comes is served. Returns whether all of them are new."""
    supervisor.console.say("starting anew")
    ours = [child for child in supervisor.children if child.program.rank > 0]
    is_anew = supervisor.restart(ours, ready_within_s=READY_TIMEOUT_S)
    supervisor.console.say("all is new" if is_anew else "not all is new")
    return is_anew


def is_ready_now(environ: Mapping[str, str]) -> bool:
    """Ask the web server on TROUPE_PORT once."""
    environment = load(environ, need_services=False)
    return readiness(environment, environment.port).asked_once()


def service_variables(environment: Environment, services: Services) -> dict[str, str]:
    """The URLs in effect: those that were set, those of what we started for the rest."""
    configured = {
        "DATABASE_URL": environment.database_url,
        "DATABASE_OWNER_URL": environment.database_owner_url,
        "DATABASE_SYSTEM_URL": environment.database_system_url,
        "REDIS_URL": environment.redis_url,
    }
    return configured | services.variables()


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
    is_ready = readiness(environment, listener.getsockname()[1])

    def failing() -> list[str]:
        return [child.name for child in children if child.deaths >= DEATHS_THAT_MEAN_NO]

    if not supervisor.run(until=lambda: is_ready() or bool(failing()), timeout_s=READY_TIMEOUT_S):
        raise StartFailed(f"/readyz is not 200 after {READY_TIMEOUT_S:.0f} s: {is_ready.answer or 'no answer'}")
    if failing():
        raise StartFailed(f"{failing()[0]} ends again and again; the reason is above.")


def readiness(environment: Environment, port: int) -> ReadyProbe:
    return ReadyProbe((reachable(environment.host).strip("[]"), port), host_header(environment, port))


def reachable(host: str) -> str:
    """The name under which this machine reaches a server that listens on `host`, as URLs write it."""
    name = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)
    return f"[{name}]" if ":" in name else name


def host_header(environment: Environment, port: int) -> str:
    """A name that the server answers to, though we ask from here."""
    name = environment.allowed_hosts[0].lstrip(".")
    return f"{'localhost' if name == '*' else name}:{port}"
