"""The only reader of the process environment: typed, complete, and refusing nonsense at the start.

Standard library only, so that the launcher can use it before anything is installed. `load()` returns one
frozen `Environment`; an unknown or badly set variable raises `BadEnvironment`, whose text is one sentence.
"""

from __future__ import annotations

import difflib
import hashlib
import ipaddress
import json
import os
import re
import secrets
import socket
import subprocess
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import SplitResult, parse_qs, urlsplit

Network = ipaddress.IPv4Network | ipaddress.IPv6Network

REPOSITORY = Path(__file__).resolve().parents[2]

# Every variable that Troupe reads, and what it decides. An unknown TROUPE_ name is refused, so that a typo is
# not taken for a setting; documentation and docker-compose.yml are tested against this table.
VARIABLES: dict[str, str] = {
    "TROUPE_PORT": "port of the web server (8000; the next free one if taken)",
    "TROUPE_HOST": "address the web server listens on (127.0.0.1)",
    "TROUPE_HOME": "folder of data, sockets, logs and generated secrets (.troupe/)",
    "TROUPE_SECRET_KEY": "signs sessions and tokens (generated and kept in TROUPE_HOME)",
    "TROUPE_SECRET_KEY_FALLBACKS": "former keys that are still accepted, separated by commas",
    "TROUPE_HTTPS": "1 behind a proxy that ends TLS: secure cookies, https addresses, HSTS (0)",
    "TROUPE_ALLOWED_HOSTS": "host names the server answers to, separated by commas",
    "TROUPE_WEB_PROCESSES": "web server processes (1)",
    "TROUPE_WORKER_CONCURRENCY": "background jobs worked on side by side (2)",
    "TROUPE_DEMO": "1 seeds the demo tenants (1)",
    "TROUPE_DEBUG": "1 shows Django's debug pages (0)",
    "TROUPE_CHUNK_PARTITIONS": "hash partitions of the chunk tables, fixed at the first migration (64)",
    "TROUPE_HOOK_NETWORKS": "private networks that hooks of game worlds may lead into, such as 10.0.0.0/8,127.0.0.1/32",
    "TROUPE_DATASET_NETWORKS": "private networks in which tenants' own PostgreSQL servers may be, such as 10.0.0.0/8",
    "TROUPE_TRUSTED_PROXIES": "networks of proxies in front, whose X-Forwarded-For is believed, such as 172.18.0.0/16",
    "TROUPE_CHAT_MODEL": "chat model of the platform's default route",
    "TROUPE_EMBEDDING_MODEL": "embedding model of the platform's default route",
    "DATABASE_URL": "PostgreSQL as the role that serves",
    "DATABASE_OWNER_URL": "PostgreSQL as the role that migrates and makes datasets",
    "DATABASE_SYSTEM_URL": "PostgreSQL as the role of relay and sweeper",
    "REDIS_URL": "Redis or Valkey",
    "OPENAI_BASE_URL": "any OpenAI-compatible endpoint",
    "OPENAI_API_KEY": "its key",
}
DATABASE_VARIABLES = ("DATABASE_URL", "DATABASE_OWNER_URL", "DATABASE_SYSTEM_URL")
SERVICE_VARIABLES = (*DATABASE_VARIABLES, "REDIS_URL")

# In TROUPE_HOME: the addresses of the services of a running `make up`, the generated key, and the sign that
# the folder is ours (only such a folder is ever deleted by `make reset`).
SERVICES_FILE = "services.json"
SECRET_KEY_FILE = "secret-key"  # noqa: S105 - a file name, not a password
HOME_MARKER = "troupe-home"

# Where a web process that takes over from another one tells its supervisor that it is ready, by a line. Not a setting.
READY_FD = "READY_FD"

# Django signs sessions with it; 32 characters of a generated key hold well over 128 bits.
SECRET_MIN_CHARACTERS = 32


class BadEnvironment(ValueError):
    """A variable is unknown, missing or badly set. The text names it, what is wrong and what is right."""


@dataclass(frozen=True, slots=True)
class Environment:
    """What the environment says, checked. Texts that were not set are empty."""

    host: str
    port: int
    home: Path
    secret_key: str
    secret_key_fallbacks: tuple[str, ...]
    https: bool
    allowed_hosts: tuple[str, ...]
    web_processes: int
    worker_concurrency: int
    demo: bool
    debug: bool
    chunk_partitions: int
    hook_networks: tuple[Network, ...]
    dataset_networks: tuple[Network, ...]
    trusted_proxies: tuple[Network, ...]
    database_url: str
    database_owner_url: str
    database_system_url: str
    redis_url: str
    openai_base_url: str
    openai_api_key: str
    chat_model: str
    embedding_model: str


def load(environ: Mapping[str, str] = os.environ, *, need_services: bool = True) -> Environment:
    """Read and check every variable.

    Addresses of services that are not set come from a running `make up`. Without one that is BadEnvironment;
    with `need_services=False` they stay empty, for the launcher, which is about to start them.
    """
    refuse_unknown_names(environ)
    home = home_of(environ)
    services = service_addresses(environ, home)
    host = env_host(environ, "TROUPE_HOST", default="127.0.0.1")
    environment = Environment(
        host=host,
        port=env_int(environ, "TROUPE_PORT", default=8000, least=1, most=65535),
        home=home,
        secret_key=env_secret(environ, "TROUPE_SECRET_KEY"),
        secret_key_fallbacks=env_secrets(environ, "TROUPE_SECRET_KEY_FALLBACKS"),
        https=env_bool(environ, "TROUPE_HTTPS", default=False),
        allowed_hosts=env_list(environ, "TROUPE_ALLOWED_HOSTS") or local_host_names(host),
        web_processes=env_int(environ, "TROUPE_WEB_PROCESSES", default=1, least=1, most=64),
        worker_concurrency=env_int(environ, "TROUPE_WORKER_CONCURRENCY", default=2, least=1, most=64),
        demo=env_bool(environ, "TROUPE_DEMO", default=True),
        debug=env_bool(environ, "TROUPE_DEBUG", default=False),
        chunk_partitions=env_int(environ, "TROUPE_CHUNK_PARTITIONS", default=64, least=1, most=1024),
        hook_networks=env_networks(environ, "TROUPE_HOOK_NETWORKS"),
        dataset_networks=env_networks(environ, "TROUPE_DATASET_NETWORKS"),
        trusted_proxies=env_networks(environ, "TROUPE_TRUSTED_PROXIES"),
        database_url=services["DATABASE_URL"],
        database_owner_url=services["DATABASE_OWNER_URL"],
        database_system_url=services["DATABASE_SYSTEM_URL"],
        redis_url=services["REDIS_URL"],
        openai_base_url=env_url(environ, "OPENAI_BASE_URL", schemes=("http", "https")),
        openai_api_key=env_text(environ, "OPENAI_API_KEY"),
        chat_model=env_text(environ, "TROUPE_CHAT_MODEL"),
        embedding_model=env_text(environ, "TROUPE_EMBEDDING_MODEL"),
    )
    if need_services:
        require_services(services)
    return environment if environment.secret_key else replace(environment, secret_key=kept_secret_key(home))


def load_or_exit(*, need_services: bool = True) -> Environment:
    """As `load()`, but a bad environment ends the process with the sentence alone, without a traceback."""
    try:
        return load(need_services=need_services)
    except BadEnvironment as error:
        raise SystemExit(f"Troupe cannot start: {error}") from None


def ready_fd(environ: Mapping[str, str] = os.environ) -> int | None:
    """The open file on which our supervisor waits to hear that we are ready; None if nobody does."""
    return int(environ[READY_FD]) if READY_FD in environ else None


# --- Typed values -------------------------------------------------------------------------------------------
# Each takes the environment and a name. Empty counts as not set, as docker-compose passes unset variables on.


def env_text(environ: Mapping[str, str], name: str, default: str = "") -> str:
    return environ.get(name, "").strip() or default


def env_bool(environ: Mapping[str, str], name: str, *, default: bool) -> bool:
    text = env_text(environ, name).lower()
    if not text:
        return default
    if text in ("1", "true", "yes", "on"):
        return True
    if text in ("0", "false", "no", "off"):
        return False
    raise BadEnvironment(f"{name} is {text!r}; it must be 1 or 0.")


def env_int(environ: Mapping[str, str], name: str, *, default: int, least: int, most: int) -> int:
    text = env_text(environ, name)
    if not text:
        return default
    if not re.fullmatch(r"-?[0-9]{1,9}", text) or not least <= int(text) <= most:
        raise BadEnvironment(f"{name} is {text!r}; it must be a whole number from {least} to {most}.")
    return int(text)


def env_list(environ: Mapping[str, str], name: str) -> tuple[str, ...]:
    """Values separated by commas; blanks around them do not count."""
    return tuple(item.strip() for item in env_text(environ, name).split(",") if item.strip())


def env_networks(environ: Mapping[str, str], name: str) -> tuple[Network, ...]:
    """Networks such as 10.0.0.0/8, separated by commas."""
    try:
        return tuple(ipaddress.ip_network(text) for text in env_list(environ, name))
    except ValueError as error:
        raise BadEnvironment(f"{name}: {error}; it must be networks such as 10.0.0.0/8, separated by commas.") from None


def env_host(environ: Mapping[str, str], name: str, *, default: str) -> str:
    """An IP address or a host name, without scheme or port."""
    text = env_text(environ, name, default)
    try:
        return str(ipaddress.ip_address(text))
    except ValueError:
        if re.fullmatch(r"(?=.*[A-Za-z])[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?", text):
            return text
    raise BadEnvironment(
        f"{name} is {text!r}; it must be an address such as 127.0.0.1 or a host name, without scheme or port."
    )


def env_url(environ: Mapping[str, str], name: str, *, schemes: Collection[str]) -> str:
    """A URL with one of the schemes and a host; empty if not set."""
    text = env_text(environ, name)
    if text:
        split_url(name, text, schemes)
    return text


def env_database_url(environ: Mapping[str, str], name: str) -> str:
    """A PostgreSQL URL that names role and database; empty if not set."""
    text = env_text(environ, name)
    if text:
        url = split_url(name, text, ("postgresql", "postgres"))
        if not url.username or len(url.path) < 2:
            raise BadEnvironment(
                f"{name} names no role or no database; it must look like postgresql://role:password@host:5432/database."
            )
    return text


def env_redis_url(environ: Mapping[str, str], name: str) -> str:
    """A Redis URL without the number of a database (Troupe uses 0, 1 and 2); empty if not set."""
    text = env_text(environ, name)
    if not text:
        return ""
    url = split_url(name, text, ("redis", "rediss"))
    if url.query or url.fragment or not re.fullmatch(r"/?[0-9]*", url.path):
        raise BadEnvironment(f"{name} must look like redis://:password@host:6379, without options.")
    return url._replace(path="").geturl()


def env_secret(environ: Mapping[str, str], name: str) -> str:
    """A secret long enough to be one; empty if not set. It is never repeated in the error."""
    text = env_text(environ, name)
    if text:
        refuse_short_secret(name, text)
    return text


def env_secrets(environ: Mapping[str, str], name: str) -> tuple[str, ...]:
    """Secrets separated by commas, each as in `env_secret`."""
    texts = env_list(environ, name)
    for text in texts:
        refuse_short_secret(name, text)
    return texts


def refuse_short_secret(name: str, text: str) -> None:
    if len(text) < SECRET_MIN_CHARACTERS:
        raise BadEnvironment(
            f"{name} has {len(text)} characters; it must have at least {SECRET_MIN_CHARACTERS}, "
            "for example from `openssl rand -hex 32`."
        )


def split_url(name: str, text: str, schemes: Collection[str]) -> SplitResult:
    """Return the parts of a URL, or raise BadEnvironment without repeating it, for it may hold a password."""
    wanted = " or ".join(f"{scheme}://" for scheme in schemes)
    try:
        url = urlsplit(text)
        has_host = bool(url.hostname) or "host" in parse_qs(url.query)
        has_port_in_range = url.port is None or url.port > 0
    except ValueError:
        raise BadEnvironment(f"{name} is not a URL; it must begin with {wanted} and name a host.") from None
    if url.scheme not in schemes or not has_host or not has_port_in_range:
        raise BadEnvironment(f"{name} must begin with {wanted} and name a host.")
    return url


# --- Names and hosts ----------------------------------------------------------------------------------------


def refuse_unknown_names(environ: Mapping[str, str]) -> None:
    for name in sorted(environ):
        if name.startswith("TROUPE_") and name not in VARIABLES:
            known = {variable.removeprefix("TROUPE_"): variable for variable in VARIABLES}
            near = difflib.get_close_matches(name.removeprefix("TROUPE_"), known, n=1)
            hint = f"did you mean {known[near[0]]}?" if near else f"unset it; known are {', '.join(VARIABLES)}."
            raise BadEnvironment(f"{name} is not a setting of Troupe; {hint}")


def is_everywhere(host: str) -> bool:
    """Whether listening on it means listening on all addresses of the machine: 0.0.0.0 or ::."""
    try:
        return ipaddress.ip_address(host).is_unspecified
    except ValueError:
        return False


def local_host_names(host: str) -> tuple[str, ...]:
    """The names under which a server that listens on `host` is reached from this machine or its network."""
    loopback = ("localhost", "127.0.0.1", "[::1]")
    if is_everywhere(host):  # the machine's own name leads here too
        return (*loopback, socket.gethostname().lower())
    name = f"[{host}]" if ":" in host else host.lower()
    return loopback if name in loopback else (*loopback, name)


# --- Services -----------------------------------------------------------------------------------------------


def service_addresses(environ: Mapping[str, str], home: Path) -> dict[str, str]:
    """Return each service's URL by variable name: as set, else as a running `make up` says, else empty."""
    configured = {name: env_database_url(environ, name) for name in DATABASE_VARIABLES}
    missing = [name for name in DATABASE_VARIABLES if not configured[name]]
    if 0 < len(missing) < len(DATABASE_VARIABLES):
        raise BadEnvironment(
            f"{missing[0]} is not set; {', '.join(DATABASE_VARIABLES)} are set all three or not at all, "
            "because serving, migrating and sweeping need different roles."
        )
    configured["REDIS_URL"] = env_redis_url(environ, "REDIS_URL")
    running = running_services(home) if not all(configured.values()) else {}
    return {name: url or running.get(name, "") for name, url in configured.items()}


def require_services(services: Mapping[str, str]) -> None:
    for name in SERVICE_VARIABLES:
        if not services[name]:
            raise BadEnvironment(
                f"{name} is not set and no Troupe runs here; `make up` in another terminal, or set {name}."
            )


def running_services(home: Path) -> dict[str, str]:
    """Return what a running `make up` wrote down, by variable name; empty if none runs on this home."""
    written = running_troupe(home)
    return dict(written["addresses"]) if written else {}


def running_troupe(home: Path) -> dict[str, Any] | None:
    """Return what the `make up` that runs on this home wrote down; None if none runs.

    `process` is its `process_identity`, `addresses` the URLs of its services by variable name, `url` its own.
    """
    try:
        written: dict[str, Any] = json.loads((home / SERVICES_FILE).read_text())
        is_running = process_identity(written["pid"]) == written["process"]
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return written if is_running else None


def process_identity(pid: int) -> str | None:
    """Return what tells a process from a later one with the same id (id and start); None if it has ended."""
    try:
        # The name, in brackets, may hold blanks; state is the first field behind it, start the twentieth.
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        return None if fields[0] in "ZX" else f"{pid}:{fields[19]}"
    except OSError:
        if Path("/proc/self").exists():
            return None
    asked = subprocess.run(["ps", "-o", "lstart=", "-p", str(pid)], capture_output=True, text=True, check=False)
    return f"{pid}:{asked.stdout.strip()}" if asked.returncode == 0 else None


# --- Home ---------------------------------------------------------------------------------------------------


def home_of(environ: Mapping[str, str]) -> Path:
    """Return the folder that holds all data. It may not exist yet."""
    text = env_text(environ, "TROUPE_HOME")
    if text:
        return Path(text).expanduser().absolute()
    home = REPOSITORY / ".troupe"
    return home if is_open_to_others(home) else moved_home(home)


def is_open_to_others(home: Path) -> bool:
    """Whether another user may enter it. Only root has to care, since PostgreSQL refuses to run as root."""
    if not hasattr(os, "geteuid") or os.geteuid() != 0:
        return True
    return all(parent.stat().st_mode & 0o001 for parent in home.parents if parent.exists())


def moved_home(home: Path) -> Path:
    """The stand-in for a home below a folder that is closed to others; the same for the same home."""
    return Path("/var/lib") / f"troupe-{hashlib.sha256(str(home).encode()).hexdigest()[:12]}"


def ensure_home(home: Path) -> Path:
    """Make the folder and mark it as ours. Raises BadEnvironment if it holds somebody else's things."""
    try:
        home.mkdir(parents=True, exist_ok=True)
        names = os.listdir(home)
        if names and HOME_MARKER not in names:
            raise BadEnvironment(
                f"TROUPE_HOME is {home}, which holds other things already; choose a new or an empty folder."
            )
        if not names:
            # Ours alone; of root's, others may pass through, since PostgreSQL then runs as somebody else.
            home.chmod(0o711 if os.geteuid() == 0 else 0o700)
            (home / HOME_MARKER).write_text("Troupe keeps its data here. `make reset` deletes this folder.\n")
    except OSError as error:
        raise BadEnvironment(
            f"TROUPE_HOME is {home}, which cannot be used ({error.strerror}); choose one you may write to."
        ) from None
    return home


def kept_secret_key(home: Path) -> str:
    """Return the generated key of this home, made at the first call even if several ask at once."""
    path = home / SECRET_KEY_FILE
    try:
        return path.read_text().strip()
    except FileNotFoundError:
        write_private(ensure_home(home) / SECRET_KEY_FILE, secrets.token_urlsafe(48), replace=False)
        return path.read_text().strip()
    except OSError as error:
        raise BadEnvironment(
            f"TROUPE_SECRET_KEY is not set and {path} cannot be read ({error.strerror}); "
            "run as the user who owns it, or set TROUPE_SECRET_KEY."
        ) from None


def write_private(path: Path, text: str, *, replace: bool = True) -> None:
    """Write a file only its owner may read, whole or not at all. Without `replace` the first writer wins."""
    draft = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with open(descriptor, "w") as file:
        file.write(text)
    if replace:
        draft.replace(path)
        return
    try:
        os.link(draft, path)
    except FileExistsError:
        pass  # another process made it meanwhile
    finally:
        draft.unlink()
