"""A small stand-in for one of Troupe's own processes: `stand_in_part.py worker 2`.

Some hundred are started, so each imports only what it needs.
"""

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

from embedded.processes import die_with_parent


def migrate(fails: str = "") -> None:
    """Like Django: note in the database what has been done."""
    print("migrating", flush=True)
    if fails:
        sys.exit("no such column: tea")
    import psycopg

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


def web(listener: str, fails: str = "") -> None:
    """Answers 200 to everything, on the socket that it is given."""
    if listener == "end" or (fails and "READY_FD" in os.environ):
        sys.exit("cannot import name 'tea'")
    import http.server
    import threading

    class Answering(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            return

    with socket.socket(fileno=int(listener)) as shared:
        server = http.server.HTTPServer(("", 0), Answering, bind_and_activate=False)
        server.socket.close()
        server.socket = shared
        # It ends with the request that it is at.
        signal.signal(signal.SIGTERM, lambda *_: threading.Thread(target=server.shutdown).start())
        if "READY_FD" in os.environ:
            os.write(int(os.environ["READY_FD"]), b"\n")
        server.serve_forever(poll_interval=0.05)


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
    {"migrate": migrate, "seed": seed, "web": web, "worker": worker, "beat": beat}[sys.argv[1]](*sys.argv[2:])
