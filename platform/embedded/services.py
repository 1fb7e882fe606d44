"""Brings up the services that are not configured elsewhere, and says where they are."""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from config.environment import ensure_home, is_open_to_others, moved_home, write_private
from embedded import postgres, valkey
from embedded.bootstrap import Login, Logins, bootstrap
from embedded.ports import free_port
from embedded.processes import Program, service_account
from embedded.supervisor import Child, StartFailed, Supervisor

TEMPLATE_DATABASE = "troupe_template"
PASSWORDS_FILE = "passwords.json"
PORTS_FILE = "ports.json"
# Recovery after a crash replays at most max_wal_size (1 GB); initdb took 2 s on a slow disk.
START_TIMEOUT_S = 90.0
# A free port may be taken between our look and the server's start.
PORT_ATTEMPTS = 5


@dataclass(frozen=True, slots=True)
class Services:
    """Where the services are, each as a URL with its password. Empty for one that was not started."""

    database_url: str = ""
    database_owner_url: str = ""
    database_system_url: str = ""
    superuser_url: str = ""
    redis_url: str = ""

    def variables(self) -> dict[str, str]:
        """As environment variables, for child processes; those that were not started are left out."""
        urls = {
            "DATABASE_URL": self.database_url,
            "DATABASE_OWNER_URL": self.database_owner_url,
            "DATABASE_SYSTEM_URL": self.database_system_url,
            "REDIS_URL": self.redis_url,
        }
        return {name: url for name, url in urls.items() if url}


def start_services(
    supervisor: Supervisor,
    home: Path,
    *,
    with_postgres: bool = True,
    with_valkey: bool = True,
    is_durable: bool = True,
    port_of: Callable[[int], int] = lambda first: first,
) -> Services:
    """Start the services on the data in `home` and return once they answer. Raises StartFailed.

    Ports stay the same from start to start while they are free; `port_of` chooses the first one to try.
    """
    ensure_home(home)
    passwords = kept_passwords(home)
    ports = read_json(home / PORTS_FILE)
    urls: dict[str, str] = {}
    if with_valkey:
        store = valkey.Store(home / "valkey", passwords["valkey"], is_durable)
        ports["valkey"] = start_valkey(supervisor, store, ports.get("valkey") or port_of(valkey.FIRST_PORT))
        urls["redis_url"] = store.url(ports["valkey"])
    if with_postgres:
        data_home = postgres_home(home)
        ensure_home(data_home.parent)
        cluster = postgres.Cluster(data_home, passwords["postgres"], service_account(), is_durable)
        ports["postgres"] = start_postgres(supervisor, cluster, ports.get("postgres") or port_of(postgres.FIRST_PORT))
        urls |= database_urls(cluster, ports["postgres"], passwords)
    write_private(home / PORTS_FILE, json.dumps(ports))
    return Services(**urls)


def postgres_home(home: Path) -> Path:
    """Where PostgreSQL keeps its data: in `home`, unless the account it runs as could not get there."""
    return (home if is_open_to_others(home / "postgres") else moved_home(home)) / "postgres"


def start_postgres(supervisor: Supervisor, cluster: postgres.Cluster, first_port: int) -> int:
    """Start it, on the next free port from `first_port`, and return the port once it accepts connections."""
    cluster.prepare()

    def is_ready(child: Child, port: int) -> bool:
        return cluster.is_ready(child.process.pid)

    return start_on_free_port(supervisor, cluster.program, is_ready, first_port)


def start_valkey(supervisor: Supervisor, store: valkey.Store, first_port: int) -> int:
    def is_ready(child: Child, port: int) -> bool:
        return store.is_ready(port)

    return start_on_free_port(supervisor, store.program, is_ready, first_port)


def start_on_free_port(
    supervisor: Supervisor,
    program_on: Callable[[int], Program],
    is_ready: Callable[[Child, int], bool],
    first_port: int,
) -> int:
    """Start a server on the next free port; once it is ready, keep it alive and return the port."""
    port = first_port
    for _ in range(PORT_ATTEMPTS):
        port = free_port(port)
        child = supervisor.start(program_on(port), keep_alive=False)

        def is_decided(child: Child = child, port: int = port) -> bool:
            return not child.is_running or is_ready(child, port)

        if not supervisor.run(until=is_decided, timeout_s=START_TIMEOUT_S):
            raise StartFailed(f"{child.name} did not answer within {START_TIMEOUT_S:.0f} s.")
        if child.is_running:
            child.is_kept_alive = True
            return port
        supervisor.forget(child)
        port += 1
    raise StartFailed(f"{child.name} ended {PORT_ATTEMPTS} times while starting; its last lines are above.")


def database_urls(cluster: postgres.Cluster, port: int, passwords: dict[str, str]) -> dict[str, str]:
    """Bring roles and databases up to date and return their URLs by field of Services."""
    app, owner, system = (Login(f"troupe_{name}", passwords[name]) for name in ("app", "owner", "system"))
    logins = Logins(app, owner, system)
    bootstrap(cluster.superuser_url(port), logins, template=TEMPLATE_DATABASE)

    def url(login: Login) -> str:
        return f"postgresql://{login.role}:{login.password}@127.0.0.1:{port}/{logins.database}"

    return {
        "database_url": url(logins.app),
        "database_owner_url": url(logins.owner),
        "database_system_url": url(logins.system),
        "superuser_url": cluster.superuser_url(port),
    }


def kept_passwords(home: Path) -> dict[str, str]:
    """Return the generated password of each role and service, made at the first start."""
    kept: dict[str, str] = read_json(home / PASSWORDS_FILE)
    missing = {"postgres", "app", "owner", "system", "valkey"} - kept.keys()
    if missing:
        # Hexadecimal, so that URLs and configuration files need no quoting.
        kept |= {name: secrets.token_hex(24) for name in missing}
        write_private(home / PASSWORDS_FILE, json.dumps(kept))
    return kept


def read_json(path: Path) -> dict[str, Any]:
    try:
        return dict(json.loads(path.read_text()))
    except FileNotFoundError:
        return {}
