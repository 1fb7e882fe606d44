"""What may stand in the environment, and what is said about the rest."""

import json
import os
import stat
from pathlib import Path

import pytest

from config.environment import (
    BadEnvironment,
    ensure_home,
    home_of,
    load,
    moved_home,
    process_identity,
    running_troupe,
    write_private,
)

DATABASES = {
    "DATABASE_URL": "postgresql://app:a@db.acme.example/troupe",
    "DATABASE_OWNER_URL": "postgresql://owner:b@db.acme.example/troupe",
    "DATABASE_SYSTEM_URL": "postgresql://system:c@db.acme.example/troupe",
}
SERVICES = {**DATABASES, "REDIS_URL": "redis://:d@cache.acme.example:6379"}


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home"


@pytest.fixture
def environ(home: Path) -> dict[str, str]:
    """Alice has set the addresses of her services, and nothing else."""
    return {"TROUPE_HOME": str(home), **SERVICES}


def test_what_is_not_set_has_a_sensible_value(environ, home):
    found = load(environ)

    assert (found.host, found.port, found.home) == ("127.0.0.1", 8000, home)
    assert (found.web_processes, found.worker_concurrency, found.chunk_partitions) == (1, 2, 64)
    assert found.demo is True
    assert (found.debug, found.https) == (False, False)
    assert found.secret_key_fallbacks == ()
    assert found.allowed_hosts == ("localhost", "127.0.0.1", "[::1]")
    assert (found.chat_model, found.openai_base_url, found.openai_api_key) == ("", "", "")


def test_what_is_set_is_taken(environ):
    environ |= {
        "TROUPE_HOST": "0.0.0.0",
        "TROUPE_PORT": "9000",
        "TROUPE_DEMO": "no",
        "TROUPE_ALLOWED_HOSTS": "chat.acme.example, .acme.test",
        "TROUPE_SECRET_KEY": "s" * 32,
        "TROUPE_SECRET_KEY_FALLBACKS": f"{'t' * 32}, {'u' * 40}",
        "TROUPE_HTTPS": "1",
        "OPENAI_BASE_URL": "http://127.0.0.1:11434/v1",
        "TROUPE_CHAT_MODEL": "qwen3",
    }

    found = load(environ)

    assert (found.host, found.port, found.demo) == ("0.0.0.0", 9000, False)
    assert found.allowed_hosts == ("chat.acme.example", ".acme.test")
    assert found.secret_key == "s" * 32
    assert found.secret_key_fallbacks == ("t" * 32, "u" * 40)
    assert found.https is True
    assert (found.openai_base_url, found.chat_model) == ("http://127.0.0.1:11434/v1", "qwen3")


def test_an_empty_value_counts_as_not_set(environ):
    assert load({**environ, "TROUPE_PORT": "", "OPENAI_BASE_URL": " "}).port == 8000


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        ("TROUPE_PROT", "9000", "TROUPE_PROT is not a setting of Troupe; did you mean TROUPE_PORT?"),
        ("TROUPE_PORT", "eighty", "TROUPE_PORT is 'eighty'; it must be a whole number from 1 to 65535."),
        ("TROUPE_PORT", "70000", "TROUPE_PORT is '70000'; it must be a whole number from 1 to 65535."),
        ("TROUPE_PORT", "８０", "TROUPE_PORT is '８０'; it must be a whole number from 1 to 65535."),
        ("TROUPE_DEMO", "maybe", "TROUPE_DEMO is 'maybe'; it must be 1 or 0."),
        ("TROUPE_WEB_PROCESSES", "0", "TROUPE_WEB_PROCESSES is '0'; it must be a whole number from 1 to 64."),
        ("TROUPE_HOST", "http://a", "TROUPE_HOST is 'http://a'; it must be an address such as 127.0.0.1"),
        ("TROUPE_HOST", "127.0.0.256", "TROUPE_HOST is '127.0.0.256'; it must be an address"),
        ("TROUPE_SECRET_KEY", "hunter2", "TROUPE_SECRET_KEY has 7 characters; it must have at least 32"),
        ("TROUPE_SECRET_KEY_FALLBACKS", f"{'t' * 32},hunter2", "TROUPE_SECRET_KEY_FALLBACKS has 7 characters;"),
        ("OPENAI_BASE_URL", "localhost:8080", "OPENAI_BASE_URL must begin with http:// or https://"),
        ("DATABASE_URL", "mysql://app:a@db/troupe", "DATABASE_URL must begin with postgresql://"),
        ("DATABASE_URL", "postgresql://db/troupe", "DATABASE_URL names no role or no database"),
        ("REDIS_URL", "redis://cache:99999", "REDIS_URL is not a URL"),
        ("REDIS_URL", "redis://cache/0?db=1", "REDIS_URL must look like redis://:password@host:6379"),
    ],
)
def test_nonsense_is_refused_with_a_sentence_that_names_it(environ, name, value, sentence):
    with pytest.raises(BadEnvironment) as refused:
        load({**environ, name: value})

    assert str(refused.value).startswith(sentence)
    assert "\n" not in str(refused.value)


def test_a_name_like_no_other_is_told_which_there_are(environ):
    with pytest.raises(BadEnvironment, match="known are TROUPE_PORT, TROUPE_HOST"):
        load({**environ, "TROUPE_COLOUR_OF_CURTAINS": "red"})


def test_secrets_are_not_repeated(environ):
    for name, value in [
        ("TROUPE_SECRET_KEY", "hunter2"),
        ("TROUPE_SECRET_KEY_FALLBACKS", "hunter2"),
        ("DATABASE_URL", "mysql://app:hunter2@db/troupe"),
    ]:
        with pytest.raises(BadEnvironment) as refused:
            load({**environ, name: value})
        assert "hunter2" not in str(refused.value)


def test_the_three_database_addresses_come_together(environ):
    del environ["DATABASE_SYSTEM_URL"]

    with pytest.raises(BadEnvironment, match=r"DATABASE_SYSTEM_URL is not set; .* all three or not at all"):
        load(environ)


def test_the_number_of_a_redis_database_is_left_out(environ):
    assert load({**environ, "REDIS_URL": "redis://:d@cache:6379/0"}).redis_url == "redis://:d@cache:6379"


# --- Without addresses --------------------------------------------------------------------------------------


def test_without_services_it_says_how_to_get_some(home):
    with pytest.raises(BadEnvironment, match=r"DATABASE_URL is not set .* `make up` .* or set DATABASE_URL"):
        load({"TROUPE_HOME": str(home)})

    assert not home.exists()
    assert load({"TROUPE_HOME": str(home)}, need_services=False).database_url == ""


def test_another_terminal_finds_the_services_of_a_running_troupe(home):
    ensure_home(home)
    write_down(home, process_identity(os.getpid()))

    found = load({"TROUPE_HOME": str(home), "REDIS_URL": "redis://cache.globex.example"})

    assert found.database_system_url == DATABASES["DATABASE_SYSTEM_URL"]
    assert found.redis_url == "redis://cache.globex.example"


def test_what_a_killed_troupe_wrote_is_not_believed(home):
    ensure_home(home)
    write_down(home, f"{os.getpid()}:1")  # our id, but started at another time

    assert running_troupe(home) is None
    with pytest.raises(BadEnvironment, match="DATABASE_URL is not set"):
        load({"TROUPE_HOME": str(home)})


def write_down(home: Path, process: str | None) -> None:
    write_private(home / "services.json", json.dumps({"pid": os.getpid(), "process": process, "addresses": SERVICES}))


# --- Home ---------------------------------------------------------------------------------------------------


def test_the_secret_key_is_made_once_and_kept_private(environ, home):
    first = load(environ).secret_key

    assert len(first) >= 50
    assert load(environ).secret_key == first
    assert stat.S_IMODE((home / "secret-key").stat().st_mode) == 0o600


def test_a_folder_with_other_things_in_it_is_not_taken_as_home(environ, home):
    home.mkdir()
    (home / "thesis.txt").write_text("years of work")

    with pytest.raises(BadEnvironment, match="which holds other things already; choose a new or an empty"):
        load(environ)


def test_root_keeps_data_where_an_ordinary_user_can_get(tmp_path, monkeypatch):
    monkeypatch.setattr("config.environment.REPOSITORY", tmp_path / "closed" / "troupe")
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    for folder in (tmp_path, *tmp_path.parents):
        if not folder.stat().st_mode & 0o001:
            folder.chmod(folder.stat().st_mode | 0o001)
    (tmp_path / "closed").mkdir(mode=0o711)

    assert home_of({}) == tmp_path / "closed/troupe/.troupe"

    (tmp_path / "closed").chmod(0o700)

    assert home_of({}) == moved_home(tmp_path / "closed/troupe/.troupe")
    assert home_of({}).parent == Path("/var/lib")
