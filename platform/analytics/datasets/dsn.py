"""A PostgreSQL address as people write it, taken apart: what is not on the list is refused, not passed on."""

import ipaddress
import re
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import psycopg
from django.utils.translation import gettext as _
from psycopg.conninfo import conninfo_to_dict

from tenants.errors import Invalid

MAX_DSN_CHARACTERS = 2_000
SSL_MODES = ("disable", "prefer", "require", "verify-full")
# Ours beside libpq's: where the tables are. Both names are in use.
_SCHEMA_WORDS = ("schema", "search_path")
_ALLOWED = {"host", "port", "dbname", "user", "password", "sslmode", "connect_timeout", "application_name"}
_PLAIN_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_$]{0,62}")
# A quoted value, which is left alone, or a word of ours with its value.
_KEYWORD = re.compile(r"'(?:\\.|[^'\\])*'|(?<!\S)(schema|search_path)\s*=\s*('[^']*'|\S*)")
_HOST = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,252})")


@dataclass(frozen=True, slots=True)
class Dsn:
    """`address` is what may be stored and shown; the password is kept apart."""

    address: dict[str, Any]
    schema: str
    password: str = field(repr=False)


def parse_dsn(text: str) -> Dsn:
    """From libpq's URL or keyword form. Raises Invalid, whose text repeats nothing of what was sent."""
    if len(text) > MAX_DSN_CHARACTERS or not text.isprintable():
        raise _wrong(_("This is no address of a PostgreSQL database."))
    schema, rest = _take_schema(text.strip())
    try:
        parts = {name: str(value) for name, value in conninfo_to_dict(rest).items() if value not in (None, "")}
    except (psycopg.Error, ValueError):
        raise _wrong(
            _("Write it as postgresql://user:password@host:5432/database, with options that PostgreSQL knows.")
        ) from None
    if unknown := sorted(parts.keys() - _ALLOWED):
        raise _wrong(_("The option «%(name)s» is not allowed here.") % {"name": unknown[0]})
    for name in ("host", "dbname", "user", "password"):
        if name not in parts:
            raise _wrong(_("It names no %(part)s.") % {"part": name})
    address = {
        "host": _host(parts["host"]),
        "port": _number(parts.get("port", "5432"), "port", 65_535),
        "database": parts["dbname"],
        "user": parts["user"],
        "options": _options(parts),
    }
    return Dsn(address, schema, parts["password"])


def _take_schema(text: str) -> tuple[str, str]:
    """The schema that it names, "public" if none, and the address without it."""
    if re.match(r"postgres(ql)?://", text, re.IGNORECASE):
        try:
            url = urlsplit(text)
            query = parse_qsl(url.query, keep_blank_values=True)
        except ValueError:
            raise _wrong(_("This is no address of a PostgreSQL database.")) from None
        named = [value for name, value in query if name in _SCHEMA_WORDS]
        kept = urlencode([(name, value) for name, value in query if name not in _SCHEMA_WORDS])
        rest = url._replace(query=kept).geturl()
    else:
        named = [found[2].strip("'") for found in _KEYWORD.finditer(text) if found[1]]
        rest = _KEYWORD.sub(lambda found: "" if found[1] else found[0], text)
    if len(named) > 1 or not all(_PLAIN_NAME.fullmatch(name) for name in named):
        raise _wrong(_("Name one schema, by letters, digits and underscores."))
    return (named[0] if named else "public"), rest


def _host(host: str) -> str:
    """One host, by name or address: no list, no socket."""
    try:
        return str(ipaddress.ip_address(host))
    except ValueError:
        if _HOST.fullmatch(host):
            return host
    raise _wrong(_("Name one host, by its name or address."))


def _options(parts: dict[str, str]) -> dict[str, Any]:
    options: dict[str, Any] = {}
    if mode := parts.get("sslmode"):
        if mode not in SSL_MODES:
            raise _wrong(_("As sslmode use one of: %(modes)s.") % {"modes": ", ".join(SSL_MODES)})
        options["sslmode"] = mode
    if seconds := parts.get("connect_timeout"):
        options["connect_timeout"] = _number(seconds, "connect_timeout", 10)
    return options


def _number(text: str, name: str, most: int) -> int:
    if not re.fullmatch("[0-9]{1,5}", text) or not 1 <= int(text) <= most:
        raise _wrong(_("%(name)s must be a number from 1 to %(most)d.") % {"name": name, "most": most})
    return int(text)


def _wrong(detail: str) -> Invalid:
    return Invalid.field("dsn", detail)
