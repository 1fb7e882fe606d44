"""Starting, stopping and losing parts of the whole, with stand-ins for Troupe's own processes."""

import os
import signal
import socket
import stat
import subprocess
import sys

import psutil
import psycopg
import pytest
import redis

from config.environment import HOME_MARKER
from tests.embedded.conftest import STAND_IN, Machine, is_gone, wait_for


@pytest.fixture(scope="module")
def running(new_machine) -> Machine:
    """A machine of which each test leaves the whole running."""
    machine = new_machine()
    machine.is_up()
    return machine


# --- The first start and the next ones ----------------------------------------------------------------------


def test_the_first_start_brings_everything_up(running):
    state = running.state

    assert running.answers()
    assert f"Troupe is ready: {state['url']}" in running.said
    assert "alice@acme.example  oolong  Alice" in running.said
    assert f"{state['url']}chat/pk_1/  茶馆" in running.said
    assert f"{state['url']}play/  听泉村" in running.said
    wait_for(lambda: "worker   | works on 2 jobs" in running.said, "the worker's start")
    files = [path for path in running.home.rglob("*") if path.is_file() and path.name != HOME_MARKER]
    assert {"services.json", "passwords.json", "secret-key", "demo.json"} <= {path.name for path in files}
    assert [path for path in files if path.stat().st_mode & 0o077] == [], "for others to read"


def test_who_sees_that_it_is_ready_finds_the_summary(served_machine):
    state = served_machine.is_up("slow-output")

    assert f"Troupe is ready: {state['url']}" in served_machine.said


def test_what_was_written_is_there_after_a_restart(machine):
    first = machine.is_up()["addresses"]
    with psycopg.connect(first["DATABASE_OWNER_URL"]) as connection:
        connection.execute("CREATE TABLE tea AS SELECT '乌龙' AS name")
    redis.Redis.from_url(first["REDIS_URL"]).set("tea", "oolong")
    everything = machine.all_processes()

    assert machine.stops(signal.SIGINT) == 0
    wait_for(lambda: all(map(is_gone, everything)), "the end of all processes", 1)
    assert machine.state is None
    second = machine.is_up()["addresses"]

    assert second == first
    assert machine.said.count("migrating") == 0, "nothing had changed"
    assert machine.said.count("seeding") == 0
    with psycopg.connect(second["DATABASE_OWNER_URL"]) as connection:
        assert connection.execute("SELECT name FROM tea").fetchone() == ("乌龙",)
    assert redis.Redis.from_url(second["REDIS_URL"]).get("tea") == b"oolong"


def test_a_database_that_was_rolled_back_is_migrated_again(served_machine):
    addresses = served_machine.is_up()["addresses"]
    with psycopg.connect(addresses["DATABASE_OWNER_URL"]) as connection:
        connection.execute("DELETE FROM django_migrations")
    served_machine.stops()

    served_machine.is_up()

    assert served_machine.said.count("migrating") == 1


def test_taken_ports_are_passed_over(served_machine):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        state = served_machine.is_up(TROUPE_PORT=str(port))

        assert not state["url"].endswith(f":{port}/")
        assert served_machine.answers()


def test_ports_of_services_taken_meanwhile_are_passed_over(served_machine):
    del served_machine.variables["REDIS_URL"]
    first = served_machine.is_up()["addresses"]["REDIS_URL"]
    served_machine.stops()

    with socket.create_server(("127.0.0.1", int(first.rpartition(":")[2]))):
        second = served_machine.is_up()["addresses"]["REDIS_URL"]

    assert second != first
    assert redis.Redis.from_url(second).ping()


def test_a_second_start_on_the_same_home_says_where_the_first_runs(running):
    second = Machine(running.home)
    second.output = running.output.with_suffix(".second")
    second.starts()

    assert second.ends() == 1
    assert f"Troupe already runs on {running.home}, at {running.state['url']}" in second.said
    assert running.answers()


def test_with_services_of_her_own_none_are_started(served_machine):
    served_machine.is_up(TROUPE_DEMO="0")

    assert served_machine.answers()
    assert served_machine.state["addresses"] == served_machine.variables
    assert not (served_machine.home / "postgres").exists()
    assert not (served_machine.home / "valkey").exists()
    assert "seeding" not in served_machine.said
    assert {child.cmdline()[2] for child in psutil.Process(served_machine.process.pid).children()} == {
        "web", "worker", "beat",
    }  # fmt: skip


# --- What goes wrong at the start ---------------------------------------------------------------------------


def test_a_failing_migration_stops_the_start(served_machine):
    served_machine.starts("migrate-fails")

    assert served_machine.ends() == 1
    assert "migrate  | no such column: tea" in served_machine.said
    assert "The database could not be migrated; the reason is above." in served_machine.said
    assert served_machine.state is None


def test_a_server_that_cannot_come_up_stops_the_start(served_machine):
    served_machine.starts("web-ends")

    assert served_machine.ends() == 1
    assert "cannot import name 'tea'" in served_machine.said
    assert "web ends again and again; the reason is above." in served_machine.said


def test_troupe_runs_without_its_demo(served_machine):
    served_machine.is_up("seed-fails")

    assert served_machine.answers()
    assert "the demo could not be seeded" in served_machine.said


def test_nonsense_in_the_environment_is_one_sentence(machine):
    machine.starts(TROUPE_WEB_PROCESES="2")

    assert machine.ends() == 1
    assert machine.said == (
        "Troupe cannot start: TROUPE_WEB_PROCESES is not a setting of Troupe; did you mean TROUPE_WEB_PROCESSES?\n"
    )
    assert not machine.home.exists() or not (machine.home / "postgres").exists()


# --- Losing parts -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["postgres", "valkey", "web", "worker", "beat"])
def test_a_killed_part_comes_back(running, name):
    addresses = running.state["addresses"]
    killed = running.child(name)
    its_children = killed.children() if name == "worker" else []

    killed.kill()

    wait_for(lambda: is_gone(killed) and running.child(name).pid != killed.pid, f"a new {name}")
    wait_for(lambda: is_whole(running, addresses), "being whole again")
    assert running.state["addresses"] == addresses
    assert all(map(is_gone, its_children)), "the pool of a killed worker goes with it"
    assert f"{name} ended (SIGKILL); again in" in running.said


def is_whole(machine: Machine, addresses: dict[str, str]) -> bool:
    try:
        with psycopg.connect(addresses["DATABASE_URL"], connect_timeout=2) as connection:
            connection.execute("SELECT 1")
        return machine.answers() and bool(redis.Redis.from_url(addresses["REDIS_URL"]).ping())
    except (psycopg.OperationalError, redis.RedisError):
        return False


def test_what_postgres_committed_survives_its_death(running):
    url = running.state["addresses"]["DATABASE_OWNER_URL"]
    with psycopg.connect(url) as connection:
        connection.execute("CREATE TABLE committed AS SELECT 1 AS one")

    running.child("postgres").kill()

    def found() -> bool:
        try:
            with psycopg.connect(url, connect_timeout=2) as connection:
                return connection.execute("SELECT one FROM committed").fetchone() == (1,)
        except psycopg.OperationalError:
            return False

    wait_for(found, "finding the row again")


def test_a_killed_supervisor_leaves_no_orphan(running):
    wait_for(lambda: "works on" in running.said, "the worker's pool")
    everything = running.all_processes()
    assert len(everything) > 8  # PostgreSQL's and the worker's own children among them

    running.process.kill()
    running.ends()

    wait_for(lambda: all(map(is_gone, everything)), "the end of all processes")
    running.is_up()
    assert running.answers(), "and the next start is not held up by what was left"


def test_it_ends_with_the_make_that_started_it(served_machine):
    """`make` killed: nobody would stop what it had started."""
    program = f"import subprocess; subprocess.run([{sys.executable!r}, {str(STAND_IN)!r}])"
    make = subprocess.Popen(
        [sys.executable, "-c", program], env=served_machine.environ(MAKELEVEL="1"), stdout=subprocess.DEVNULL
    )
    wait_for(lambda: (state := served_machine.state) and state["is_ready"], "being ready", 60)
    everything = psutil.Process(make.pid).children(recursive=True)

    make.kill()
    make.wait()

    wait_for(lambda: all(map(is_gone, everything)), "the end of all processes")
    assert served_machine.state is None


# --- Who it runs as -----------------------------------------------------------------------------------------


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can start something as somebody else")
def test_postgres_never_runs_as_root(running):
    postgres = running.child("postgres")

    assert postgres.uids().real != 0
    assert postgres.uids().effective != 0
    data = running.home / "postgres/data"
    assert data.stat().st_uid == postgres.uids().real
    assert stat.S_IMODE(data.stat().st_mode) == 0o700


@pytest.mark.skipif(os.geteuid() != 0, reason="nothing is closed to its own user")
def test_data_of_a_closed_home_lie_where_postgres_can_reach_them(new_machine):
    machine = new_machine("closed/home")
    machine.home.parent.mkdir(mode=0o700)

    machine.is_up()

    assert machine.answers()
    assert not (machine.home / "postgres").exists()
    assert stat.S_IMODE(machine.home.parent.stat().st_mode) == 0o700, "no folder was opened"
