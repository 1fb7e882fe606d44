"""SQL cut into tokens exactly as PostgreSQL's scanner cuts it, and nothing that two scanners may read differently.

Before any parser sees a statement, it is measured here, and reduced to what every reader agrees about: no comments,
no escapes, no dollar quotes. What the gate writes is read here once more.
"""

import re
import unicodedata
from dataclasses import dataclass
from enum import Enum, auto
from typing import NamedTuple, NoReturn

from analytics.gate.refusing import refuse

LONGEST_BYTES = 16 * 1024
# So many that no analyst has come near, and so few that parsing, writing and parsing again stay below 200 ms.
MOST_TOKENS = 1_200
DEEPEST_NESTING = 60

# The characters of PostgreSQL's operators, and those which let one end in + or -.
_OPERATOR_CHARACTERS = frozenset("+-*/<>=~!@#%^&|`?")
_MAY_END_IN_SIGN = frozenset("~!@#%^&|`?")
_LINE_COMMENT = re.compile(r"--[^\r\n]*")
_SPACE = re.compile(r"[ \t\n\r\f\v]+")
_NUMBER = re.compile(r"(?:[0-9]+(?:\.(?!\.)[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
_STRING = re.compile(r"'(?:[^']|'')*'")
_ESCAPED_STRING = re.compile(r"'(?:[^'\\]|''|\\.)*'", re.DOTALL)
_QUOTED = re.compile(r'"((?:[^"]|"")+)"')
_COMMENT_EDGE = re.compile(r"/\*|\*/")
_ESCAPE = re.compile(r"\\(.)|''", re.DOTALL)
_CONTROL = "U+0000…U+001F"
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "\\": "\\", "'": "''", '"': '"', "/": "/"}


class Kind(Enum):
    WORD = auto()  # a key word, or a name without quotes
    QUOTED = auto()  # a name in double quotes
    STRING = auto()
    NUMBER = auto()
    OPERATOR = auto()
    OTHER = auto()  # ( ) [ ] , ; . : ::


class Token(NamedTuple):
    kind: Kind
    text: str
    start: int


@dataclass(frozen=True, slots=True)
class Lexed:
    """`text` is as long as what was given, with spaces for comments: positions in it are positions there."""

    text: str
    tokens: list[Token]


def lex(sql: str) -> Lexed:
    """Cut `sql` into tokens. Raises SqlRejected: too_long, too_deep, characters, quoting, unreadable, parameters."""
    if len(sql) > LONGEST_BYTES or len(sql.encode("utf-8", "surrogatepass")) > LONGEST_BYTES:
        refuse("too_long", limit=LONGEST_BYTES // 1024)
    scanner = _Scanner(sql)
    tokens = scanner.run()
    return Lexed("".join(scanner.kept), tokens)


def fold(name: str) -> str:
    """A name without quotes as PostgreSQL reads it: ASCII letters made small, cut off after 63 bytes."""
    return clip("".join(letter.lower() if letter.isascii() else letter for letter in name))


def clip(name: str) -> str:
    """A name as long as PostgreSQL keeps it, whole characters only."""
    return name.encode()[:63].decode(errors="ignore")


class _Scanner:
    def __init__(self, sql: str) -> None:
        self.sql = sql
        self.at = 0
        self.kept: list[str] = []
        self.tokens: list[Token] = []
        self.depth = 0

    def run(self) -> list[Token]:
        while self.at < len(self.sql):
            self.step()
            if len(self.tokens) > MOST_TOKENS:
                refuse("too_long", limit=LONGEST_BYTES // 1024, position=self.at)
        return self.tokens

    def step(self) -> None:
        sql, at = self.sql, self.at
        letter = sql[at]
        if space := _SPACE.match(sql, at):
            self.keep(space.end(), " " * (space.end() - at))
        elif line := _LINE_COMMENT.match(sql, at):
            self.keep(line.end(), " " * (line.end() - at))
        elif sql.startswith("/*", at):
            self.comment()
        elif letter == "'":
            self.take(Kind.STRING, _STRING, "unreadable")
        elif letter == '"':
            self.take(Kind.QUOTED, _QUOTED, "unreadable")
        elif letter.isascii() and (letter.isdigit() or (letter == "." and sql[at + 1 : at + 2].isdigit())):
            self.number()
        elif letter.isalpha() or letter == "_":
            self.word()
        elif letter in _OPERATOR_CHARACTERS:
            self.operator()
        elif letter in "()[],;.:":
            self.punctuation(letter)
        elif letter == "$":
            self.fail("parameters" if sql[at + 1 : at + 2].isdigit() else "quoting")
        else:
            self.fail("characters", letter=letter if letter.isprintable() else f"U+{ord(letter):04X}")

    def keep(self, end: int, text: str) -> None:
        self.kept.append(text)
        self.at = end

    def add(self, kind: Kind, end: int, text: str | None = None) -> None:
        text = self.sql[self.at : end] if text is None else text
        self.tokens.append(Token(kind, text, self.at))
        self.keep(end, text.ljust(end - self.at))

    def take(self, kind: Kind, pattern: re.Pattern[str], rule: str) -> None:
        found = pattern.match(self.sql, self.at)
        if not found:
            self.fail(rule)
        if kind is Kind.QUOTED and any(ord(letter) < 32 or ord(letter) == 127 for letter in found[0]):
            self.fail("characters", letter=_CONTROL)
        if "\0" in found[0] or any(0xD800 <= ord(letter) <= 0xDFFF for letter in found[0]):
            self.fail("characters", letter=_CONTROL)
        self.add(kind, found.end())
        # 'a' <line end> 'b' is one string to PostgreSQL, and to nobody else.
        if kind is Kind.STRING and len(self.tokens) > 1 and self.tokens[-2].kind is Kind.STRING:
            self.fail("quoting")

    def comment(self) -> None:
        depth, at = 0, self.at
        while edge := _COMMENT_EDGE.search(self.sql, at):
            depth += 1 if edge[0] == "/*" else -1
            at = edge.end()
            if depth == 0:
                self.keep(at, " " * (at - self.at))
                return
        self.fail("unreadable")

    def number(self) -> None:
        found = _NUMBER.match(self.sql, self.at)
        if not found:
            self.fail("unreadable")
        after = self.sql[found.end() : found.end() + 1]
        if after.isalnum() or (after and after in "_$"):
            self.fail("unreadable")
        self.add(Kind.NUMBER, found.end())

    def word(self) -> None:
        end = self.at + 1
        while end < len(self.sql) and (self.sql[end].isalnum() or self.sql[end] == "_" or _is_mark(self.sql[end])):
            end += 1
        word, after = self.sql[self.at : end], self.sql[end : end + 1]
        if after == "$":
            self.fail("characters", letter="$")
        if after == "'" and word.lower() == "e":
            self.escaped_string(end)
        elif (after == "'" and word.lower() in {"b", "x", "n"}) or (word.lower() == "u" and _is_unicode(self.sql, end)):
            self.fail("quoting")
        else:
            self.add(Kind.WORD, end)

    def escaped_string(self, quote: int) -> None:
        """E'a\\n' as an ordinary string. Escapes by number are refused: nobody needs them here."""
        found = _ESCAPED_STRING.match(self.sql, quote)
        if not found or "\0" in found[0]:
            self.fail("quoting")
        inside = found[0][1:-1]
        if any(escape[1] and escape[1] not in _ESCAPES for escape in _ESCAPE.finditer(inside)):
            self.fail("quoting")
        plain = _ESCAPE.sub(lambda escape: _ESCAPES[escape[1]] if escape[1] else "''", inside)
        self.add(Kind.STRING, found.end(), f"'{plain}'")

    def operator(self) -> None:
        end = self.at
        while end < len(self.sql) and self.sql[end] in _OPERATOR_CHARACTERS:
            if self.sql.startswith(("--", "/*"), end):
                break
            end += 1
        # As in PostgreSQL's scan.l: "a<-1" is a comparison with -1.
        while (
            end - self.at > 1
            and self.sql[end - 1] in "+-"
            and not _MAY_END_IN_SIGN.intersection(self.sql[self.at : end])
        ):
            end -= 1
        self.add(Kind.OPERATOR, end)

    def punctuation(self, letter: str) -> None:
        if letter in "([":
            self.depth += 1
            if self.depth > DEEPEST_NESTING:
                self.fail("too_deep")
        elif letter in ")]":
            self.depth -= 1
            if self.depth < 0:
                self.fail("unreadable")
        double = self.sql.startswith("::", self.at)
        self.add(Kind.OTHER, self.at + (2 if double else 1))

    def fail(self, rule: str, **said: str) -> NoReturn:
        refuse(rule, position=self.at, **said)


def _is_mark(letter: str) -> bool:
    """A vowel sign or accent, part of a word in many scripts."""
    return unicodedata.category(letter) in {"Mn", "Mc"}


def _is_unicode(sql: str, end: int) -> bool:
    return sql.startswith(("&'", '&"'), end)
