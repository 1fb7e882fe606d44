"""Names for SQL that say what their labels say.

Letters of every language are kept: PostgreSQL takes them without quotes, and «销售额» is readable to those who ask in
Chinese. A name never needs quotes: it is lower case, no keyword, begins with no digit and not as the names of
PostgreSQL's own tables do, and has at most 63 bytes.
"""

import re
import unicodedata
from collections.abc import Container

MAX_BYTES = 63

# Those that PostgreSQL reserves in any place, the names of its hidden columns, and a few that SQL tools stumble over.
_TAKEN_BY_SQL = frozenset(
    """
    all analyse analyze and any array as asc asymmetric authorization between binary both case cast check collate
    collation column concurrently constraint create cross current_catalog current_date current_role current_schema
    current_time current_timestamp current_user default deferrable desc distinct do else end except false fetch for
    foreign freeze from full grant group having ilike in initially inner intersect into is isnull join lateral leading
    left like limit localtime localtimestamp natural not notnull null offset on only or order outer overlaps placing
    primary references returning right select session_user similar some symmetric system_user table tablesample then to
    trailing true union unique user using variadic verbose when where window with
    cmax cmin ctid oid tableoid xmax xmin
    date day hour interval minute month row rows second set time timestamp update values year
    """.split()  # noqa: SIM905 - as a list it would fill two screens
)


def identifier(label: str, taken: Container[str], otherwise: str) -> str:
    """A name for SQL made of the label; of `otherwise` if it has no letters, and numbered if it is taken."""
    folded = unicodedata.normalize("NFKC", label).lower()
    name = "".join(letter if _may_stay(letter) else "_" for letter in folded)
    name = re.sub("_+", "_", name).strip("_") or otherwise
    if name[0].isdigit() or name.startswith("pg_"):
        name = f"_{name}"
    name = shortened(name, MAX_BYTES)
    if name in _TAKEN_BY_SQL:
        name = f"{name}_"
    return numbered(name, taken)


def _may_stay(letter: str) -> bool:
    """Letters, digits, and the marks that go with the letters of some languages."""
    return letter.isalnum() or unicodedata.category(letter)[0] == "M"


def numbered(name: str, taken: Container[str]) -> str:
    """The name, or the first of name_2, name_3, … that is free."""
    number, free = 1, name
    while free in taken:
        number += 1
        suffix = f"_{number}"
        free = shortened(name.rstrip("_"), MAX_BYTES - len(suffix)) + suffix
    return free


def shortened(name: str, size: int) -> str:
    """Cut to so many bytes, between letters."""
    return name.encode()[:size].decode(errors="ignore")
