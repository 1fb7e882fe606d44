"""`make up` with small stand-ins for Troupe's own processes; services and supervisor are the real ones.

Run as a program; the arguments name what goes wrong: `migrate-fails`, `seed-fails`, `web-ends`, `slow-output`.
"""

import http.server
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path

import psycopg

from config.environment import Environment
from embedded import postgres, valkey
from embedded.__main__ import run_command
from embedded.console import Console
from embedded.ports import random_free_port
from embedded.processes import Program, die_with_parent
from embedded.programs import Programs
from embedded.stack import up

HERE = Path(__file__).resolve()


class SlowConsole(Console):
    """Takes its time over what is more than a line."""

    def write(self, text: str) -> None:
        time.sleep(0.3 if "\n" in text else 0)
        super().write(text)


def stand_ins(environment: Environment, environ: Mapping[str, str], listener: socket.socket) -> Programs:
    def program(name: str, *arguments: str, **options: object) -> Program:
        command = (sys.executable, str(HERE), "as", name, *arguments)
        return Program(name, command, cwd=Path("/"), environ=environ, rank=1, **options)

    wrong = sys.argv[1:]
    return Programs(
        migrate=program("migrate", *(["fail"] if "migrate-fails" in wrong else [])),
        web=(
            program(
                "web",
                "end" if "web-ends" in wrong else str(listener.fileno()),
                keep_open=(listener.fileno(),),
            ),
        ),
        background=(program("worker", str(environment.worker_concurrency)), program("beat")),
        seed=program("seed", *(["fail"] if "seed-fails" in wrong else [])) if environment.demo else None,
    )


def migrate(fails: str = "") -> None:
    """Like Django: note in the database what has been done."""
    print("migrating", flush=True)
    if fails:
        sys.exit("no such column: tea")
    with psycopg.connect(os.environ["DATABASE_OWNER_URL"]) as connection:
        connection.execute(
            "CREATE TABLE IF NOT EXISTS django_migrations (id serial, app text, name text, applied timestamp)"
        )
        connection.execute("INSERT INTO django_migrations (app, name, applied) VALUES ('tea', '0001', now())")


def seed(fails: str = "") -> None:
    print("seeding", flush=True)
    if fails:
        sys.exit("out of tea")
    (Path(os.environ["TROUPE_HOME"]) / "demo.json").write_text(
        '{"logins": [{"who": "Alice", "email": "alice@acme.example", "password": "oolong"}],'
        ' "chats": [{"name": "茶馆", "url": "/chat/pk_1/"}],'
        ' "games": [{"name": "听泉村", "url": "/play/"}]}'
    )


def web(listener: str) -> None:
    """Answers 200 to everything, on the socket that it is given."""
    if listener == "end":
        sys.exit("cannot import name 'tea'")
    with socket.socket(fileno=int(listener)) as shared:
        server = http.server.HTTPServer(("", 0), Answering, bind_and_activate=False)
        server.socket.close()
        server.socket = shared
        signal.signal(signal.SIGTERM, lambda *_: sys.exit())
        server.serve_forever()


class Answering(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        return


def worker(concurrency: str) -> None:
    """Has a pool, as Celery's worker does, that ends with it."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit())
    subprocess.Popen(
        [sys.executable, "-c", "import time; time.sleep(600)"],
        preexec_fn=lambda: die_with_parent(signal.SIGKILL),
    )
    print(f"works on {concurrency} jobs", flush=True)
    time.sleep(600)


def beat() -> None:
    time.sleep(600)


if __name__ == "__main__":
    if sys.argv[1:2] == ["as"]:
        {"migrate": migrate, "seed": seed, "web": web, "worker": worker, "beat": beat}[sys.argv[2]](*sys.argv[3:])
    else:
        # Each machine begins elsewhere: the next one must not take the port of one that is just starting again.
        postgres.FIRST_PORT, valkey.FIRST_PORT = random_free_port(), random_free_port()
        console = SlowConsole() if "slow-output" in sys.argv else Console()
        sys.exit(run_command(lambda: up(os.environ, console, table=stand_ins)))
