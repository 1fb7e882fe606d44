"""Starts PostgreSQL and Valkey for the run, before Django reads its settings. Loaded by `-p tests.plugin`."""

import gc
import os
import shutil
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[1]
for source_root in (ROOT, ROOT / "platform"):
    if str(source_root) not in sys.path:
        sys.path.insert(0, str(source_root))

from embedded.testing import running_services  # noqa: E402 - only now can they be found
from tests import migrated  # noqa: E402

PARTITIONS = 4
_stage = ExitStack()


def _short_home() -> Path:
    """Under /tmp by name: the path of a PostgreSQL socket may have 107 bytes and no more."""
    home = Path(tempfile.mkdtemp(prefix="troupe-test-", dir="/tmp"))
    home.chmod(0o755)  # PostgreSQL runs as another user than root
    _stage.callback(shutil.rmtree, home, ignore_errors=True)
    return home


for name in list(os.environ):
    if name.startswith(("TROUPE_", "DATABASE_", "OPENAI_")) or name == "REDIS_URL":
        del os.environ[name]  # what the developer has set is not what the tests mean
home = _short_home()
services = _stage.enter_context(running_services(home / "services"))
os.environ |= {
    "OMP_NUM_THREADS": "1",
    "TROUPE_HOME": str(home / "app"),
    "TROUPE_WORKER_CONCURRENCY": "3",  # a tenant's share of it are two, which some tests tell from one
    "TROUPE_CHUNK_PARTITIONS": str(PARTITIONS),
    "TROUPE_ALLOWED_HOSTS": "127.0.0.1,localhost,testserver",
    "DATABASE_URL": services.database_url,
    "DATABASE_OWNER_URL": services.database_owner_url,
    "DATABASE_SYSTEM_URL": services.database_system_url,
    "REDIS_URL": services.redis_url,
}


def pytest_sessionstart(session: pytest.Session) -> None:
    if getattr(session.config.option, "numprocesses", None):
        making = migrated.begin(home / "migrated.sql", services)
        _stage.callback(making.wait)
        _stage.callback(making.terminate)


@pytest.hookimpl(optionalhook=True)  # of xdist
def pytest_configure_node(node: Any) -> None:
    node.workerinput["migrated"] = str(home / "migrated.sql")


@pytest.hookimpl(tryfirst=True)
def pytest_collection() -> None:
    """What is collected stays to the end: looking through it again and again took a tenth of the time."""
    gc.disable()


def pytest_collection_finish() -> None:
    gc.collect()
    gc.freeze()
    gc.enable()


@pytest.hookimpl(trylast=True)
def pytest_unconfigure(config: pytest.Config) -> None:
    _stage.close()
