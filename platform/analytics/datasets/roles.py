"""The login role of a dataset: it owns nothing, reads the tables of one schema, and everything it does is bounded."""

import hashlib
import hmac
import secrets
from base64 import b64encode
from contextlib import suppress
from typing import Any

from django.conf import settings
from psycopg import Connection
from psycopg.errors import DependentObjectsStillExist
from psycopg.sql import SQL, Composed, Identifier, Literal

# What holds for each session of such a role, whoever forgot to set it. Milliseconds and bytes as PostgreSQL reads them.
ROLE_SETTINGS = {
    "default_transaction_read_only": "on",
    # Longer than any question may take: the caller's own limit comes first, and this one if the caller is gone.
    "statement_timeout": "60s",
    "lock_timeout": "2s",
    "idle_in_transaction_session_timeout": "30s",
    # Per sort or hash and process: a question of one tenant must not take the memory of all.
    "work_mem": "32MB",
    "hash_mem_multiplier": "1",
    "max_parallel_workers_per_gather": "0",
    "jit": "off",
}
# Only a superuser may set it, or who was given the right (`embedded.bootstrap` does).
TEMP_FILE_LIMIT = "512MB"
# Sessions of one dataset at once: what a tenant's questions may take of the server.
CONNECTION_LIMIT = 8
PASSWORD_BYTES = 24
# Many rounds make guessing slow, and each log-in with it: that of a question took 7 ms, and takes 1.5. Nobody guesses
# a password of random bytes.
SCRAM_ROUNDS = 1


def create_role(owner: Connection[Any], name: str) -> str:
    """Make the role; its password, which is kept nowhere else. `owner` may create roles.

    One that is there without a login, as after a restore, becomes what it should be.
    """
    password = secrets.token_urlsafe(PASSWORD_BYTES)
    role = Identifier(name)
    if not owner.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [name]).fetchone():
        owner.execute(SQL("CREATE ROLE {} NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS").format(role))
    owner.execute(
        SQL("ALTER ROLE {} LOGIN NOINHERIT CONNECTION LIMIT {} PASSWORD {}").format(
            role, Literal(CONNECTION_LIMIT), Literal(_verifier(password))
        )
    )
    # The schema that it reads has its name.
    for setting, value in {**ROLE_SETTINGS, "search_path": name}.items():
        owner.execute(_set(role, setting, value))
    if _may_set(owner, "temp_file_limit"):
        owner.execute(_set(role, "temp_file_limit", TEMP_FILE_LIMIT))
    let_in(owner, name)
    return password


def let_in(owner: Connection[Any], name: str) -> None:
    owner.execute(SQL("GRANT CONNECT ON DATABASE {} TO {}").format(Identifier(owner.info.dbname), Identifier(name)))


def drop_role(owner: Connection[Any], name: str) -> None:
    """Take the role's rights back and drop it. One that is gone already is fine.

    It stays where another database of the server, such as a restored one, has a dataset with it.
    """
    if not owner.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [name]).fetchone():
        return
    owner.execute(SQL("DROP OWNED BY {}").format(Identifier(name)))
    with suppress(DependentObjectsStillExist), owner.transaction():
        owner.execute(SQL("DROP ROLE {}").format(Identifier(name)))


def end_sessions(owner: Connection[Any], name: str) -> None:
    """End whatever a role does in this database."""
    owner.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = %s AND datname = current_database()",
        [name],
    )


def parameters_of(role_name: str, password: str) -> dict[str, Any]:
    """How to log in as such a role to our own database, as `psycopg.connect` takes it.

    By the owner's address: the one that serves may lead to a pooler, which knows no such roles.
    """
    ours = settings.DATABASES["owner"]
    options = {name: value for name, value in ours["OPTIONS"].items() if name not in ("pool", "prepare_threshold")}
    return {
        **options,
        "host": ours["HOST"],
        "port": ours["PORT"] or None,
        "dbname": ours["NAME"],
        "user": role_name,
        "password": password,
        "connect_timeout": 5,
    }


def _verifier(password: str) -> str:
    """What the server keeps in place of the password, so that no log of statements ever holds it (RFC 5803)."""
    salt = secrets.token_bytes(16)
    salted = hashlib.pbkdf2_hmac("sha256", password.encode(), salt, SCRAM_ROUNDS)
    stored = hashlib.sha256(hmac.digest(salted, b"Client Key", "sha256")).digest()
    server = hmac.digest(salted, b"Server Key", "sha256")
    salt_text, stored_text, server_text = (b64encode(part).decode() for part in (salt, stored, server))
    return f"SCRAM-SHA-256${SCRAM_ROUNDS}:{salt_text}${stored_text}:{server_text}"


def _set(role: Identifier, setting: str, value: str) -> Composed:
    return SQL("ALTER ROLE {} SET {} = {}").format(role, Identifier(setting), Literal(value))


def _may_set(owner: Connection[Any], setting: str) -> bool:
    row = owner.execute("SELECT has_parameter_privilege(%s, 'SET')", [setting]).fetchone()
    return bool(row and row[0])
