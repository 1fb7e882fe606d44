"""docker-compose.yml and the Dockerfile, as far as they can be tried where no container engine is."""

import json
import os
import re
import secrets
import subprocess
import sys
from pathlib import Path
from typing import Any

import psycopg
import pytest
import yaml

from config.environment import REPOSITORY, VARIABLES, load
from embedded.ports import random_free_port
from tests.embedded.conftest import wait_for
from tests.plugin import services

COMPOSE = yaml.safe_load((REPOSITORY / "docker-compose.yml").read_text())
DOCKERFILE = (REPOSITORY / "Dockerfile").read_text()
OURS = {name: service for name, service in COMPOSE["services"].items() if service.get("build")}
INTERPOLATED = re.compile(r"\$\{(\w+)(?::([-?])([^}]*))?\}")


def filled_in(text: str, env_file: dict[str, str]) -> str:
    """What compose makes of `${NAME:-default}` and `${NAME:?message}`."""

    def value(found: re.Match[str]) -> str:
        name, kind, rest = found.groups()
        if env_file.get(name):
            return env_file[name]
        assert kind != "?", f"{name} is required: {rest}"
        return rest or ""

    return INTERPOLATED.sub(value, text)


def test_every_part_has_its_container():
    assert OURS.keys() == {"bootstrap", "migrate", "web", "worker", "beat"}
    assert COMPOSE["services"].keys() - OURS.keys() == {"postgres", "valkey"}
    assert COMPOSE["services"]["postgres"]["image"] == "pgvector/pgvector:pg18"
    for service in COMPOSE["services"].values():
        for volume in service["volumes"]:
            assert volume.partition(":")[0] in COMPOSE["volumes"]
        for needed, when in service.get("depends_on", {}).items():
            assert needed in COMPOSE["services"]
            if when["condition"] == "service_healthy":
                assert "healthcheck" in COMPOSE["services"][needed]


def test_every_setting_is_one_that_troupe_knows():
    for service in OURS.values():
        assert service["environment"].keys() <= VARIABLES.keys()
    assert set(re.findall(r"\b(TROUPE_\w+)=", DOCKERFILE)) <= VARIABLES.keys()


def test_the_example_names_every_variable_that_must_be_filled_in():
    example = dict(re.findall(r"^(\w+)=(.*)$", (REPOSITORY / ".env.example").read_text(), re.M))
    text = json.dumps(COMPOSE)
    required = {name for name, kind, _ in INTERPOLATED.findall(text) if kind == "?"}

    assert required <= example.keys()
    assert example.keys() <= {name for name, _, _ in INTERPOLATED.findall(text)}
    filled = {name: value or secrets.token_hex(24) for name, value in example.items() if name in required}
    for service in OURS.values():
        environ = {name: filled_in(str(value), filled) for name, value in service["environment"].items()}
        load({**environ, "TROUPE_HOME": "/nowhere"})


def test_the_image_is_made_of_what_is_there():
    for source in re.findall(r"^COPY (?!--from)(\S+)", DOCKERFILE, re.M):
        assert (REPOSITORY / source).exists()
    command = json.loads(re.findall(r"^CMD (.*)$", DOCKERFILE, re.M)[0])
    assert command == OURS["web"]["command"]
    assert "USER troupe" in DOCKERFILE.splitlines()


# --- The start commands, outside of containers --------------------------------------------------------------


@pytest.fixture(scope="module")
def environ(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """What compose would pass on, the addresses being those of this run's servers."""
    database = f"compose_{secrets.token_hex(4)}"
    addresses = {name: re.sub("/troupe$", f"/{database}", url) for name, url in services.variables().items()}
    plain = {name: os.environ[name] for name in ("PATH", "LANG") if name in os.environ}
    return plain | {
        "PYTHONPATH": os.pathsep.join([str(REPOSITORY / "platform"), str(REPOSITORY)]),
        "TROUPE_HOME": str(tmp_path_factory.mktemp("container")),
        "TROUPE_SECRET_KEY": secrets.token_hex(32),
        "TROUPE_PORT": str(random_free_port()),
        "TROUPE_WEB_PROCESSES": "2",
        "TROUPE_CHUNK_PARTITIONS": "4",
        **addresses,
    }


def command_of(name: str) -> list[str]:
    command: list[Any] = OURS[name]["command"]
    assert command[0] == "python"
    return [sys.executable, *command[1:]]


def run(name: str, environ: dict[str, str], *instead: str) -> subprocess.CompletedProcess[str]:
    command = [*command_of(name)[: -len(instead) or None], *instead]
    return subprocess.run(
        command, cwd=REPOSITORY, env=environ, capture_output=True, text=True, timeout=300, check=False
    )


@pytest.mark.timeout(400)
def test_the_start_commands_bring_troupe_up(environ, tmp_path):
    assert (done := run("bootstrap", environ, services.superuser_url)).returncode == 0, done.stderr
    assert (done := run("migrate", environ)).returncode == 0, done.stderr
    with psycopg.connect(environ["DATABASE_URL"]) as connection:
        assert connection.execute("SELECT count(*) > 0 FROM django_migrations").fetchone() == (True,)

    logs = {name: tmp_path / f"{name}.log" for name in ("web", "worker", "beat")}
    running = [start(command_of(name), environ, log) for name, log in logs.items()]
    try:
        healthy = [sys.executable, *OURS["web"]["healthcheck"]["test"][2:]]
        wait_for(lambda: logs["web"].read_text().count("Application startup complete") == 2, "the web", 90)
        wait_for(lambda: "ready." in logs["worker"].read_text(), "the worker", 90)
        wait_for(lambda: is_fine(healthy, environ), "readiness", 90)
        assert all(process.poll() is None for process in running)
    finally:
        for process in running:
            process.terminate()
        statuses = [process.wait(60) for process in running]
    assert statuses == [0, 0, 0]
    assert not is_fine(healthy, environ)


def start(command: list[str], environ: dict[str, str], log: Path) -> subprocess.Popen[bytes]:
    with open(log, "w") as output:
        return subprocess.Popen(command, cwd=REPOSITORY, env=environ, stdout=output, stderr=subprocess.STDOUT)


def is_fine(command: list[str], environ: dict[str, str]) -> bool:
    return subprocess.run(command, cwd=REPOSITORY, env=environ, check=False).returncode == 0
