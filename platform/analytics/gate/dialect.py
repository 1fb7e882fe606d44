"""sqlglot's PostgreSQL with its helpfulness off: what it reads, it writes again, and functions keep their names.

Out of the box it translates functions into a common language and back, which renames some and rewrites others. What
the gate has checked must be what runs.
"""

import logging
from typing import Any, ClassVar

from sqlglot import exp
from sqlglot.dialects.postgres import Postgres
from sqlglot.errors import ParseError
from sqlglot.generators.postgres import PostgresGenerator
from sqlglot.parsers.postgres import PostgresParser
from sqlglot.tokenizer_core import TokenType

# It logs the SQL that it does not understand, which is people's own.
logging.getLogger("sqlglot").setLevel(logging.CRITICAL)

_FIELDS = {"YEAR", "MONTH", "DAY", "HOUR", "MINUTE", "SECOND"}
# The parser goes back and tries again where it guessed wrong; nested guesses would grow without bound.
_STEPS_PER_TOKEN = 20  # questions of people take five


class OperatorOf(exp.Expression, exp.Binary):
    """`left operator right`, as written: sqlglot would read a path into the right side of some."""

    arg_types = {"this": True, "expression": True, "symbol": True}


_OPERATORS = {
    TokenType.ARROW: "->",
    TokenType.DARROW: "->>",
    TokenType.HASH_ARROW: "#>",
    TokenType.DHASH_ARROW: "#>>",
    TokenType.PLACEHOLDER: "?",
}


def _keeping(symbol: str) -> Any:
    def build(parser: Any, left: exp.Expr, right: exp.Expr) -> Any:
        return parser.expression(OperatorOf(this=left, expression=right, symbol=symbol))

    return build


class GateParser(PostgresParser):
    FUNCTIONS: ClassVar[dict[str, Any]] = {"ARRAY": lambda args: exp.Array(expressions=args)}
    FUNCTION_PARSERS: ClassVar[dict[str, Any]] = {
        name: PostgresParser.FUNCTION_PARSERS[name]
        for name in ("CAST", "EXTRACT", "OVERLAY", "POSITION", "SUBSTRING", "TRIM")
    }
    NO_PAREN_FUNCTION_PARSERS: ClassVar[dict[str, Any]] = {
        name: PostgresParser.NO_PAREN_FUNCTION_PARSERS[name] for name in ("ANY", "CASE")
    }
    JSON_OPERATORS: ClassVar[dict[TokenType, Any]] = {kind: _keeping(text) for kind, text in _OPERATORS.items()}

    def _parse(self, parse_method: Any, raw_tokens: Any, sql: str | None = None) -> Any:
        self._steps_left = _STEPS_PER_TOKEN * (len(raw_tokens) + 10)
        return super()._parse(parse_method, raw_tokens, sql)

    def _advance(self, times: int = 1) -> None:
        self._steps_left -= 1
        if self._steps_left < 0:
            raise RecursionError("the parser goes round in circles")
        super()._advance(times)

    def _parse_interval(self, require_interval: bool = True, parse_function_unit: bool = True) -> Any:
        """The string untouched: sqlglot would lose the "ago" of `INTERVAL '1 day ago'`. `INTERVAL 30 DAY` too."""
        index = self._index
        if not self._match(TokenType.INTERVAL):
            return None
        if not self._match(TokenType.STRING, advance=False):
            self._retreat(index)
            return super()._parse_interval(require_interval, parse_function_unit)
        text = self._parse_primary()
        fields: list[str] = []
        while self._match_texts(_FIELDS if len(fields) % 2 == 0 else {"TO"}):
            fields.append(self._prev.text.upper())
        return self.expression(exp.Interval(this=text, unit=exp.var(" ".join(fields)) if fields else None))


class GateGenerator(PostgresGenerator):
    MULTI_ARG_DISTINCT = True  # string_agg(DISTINCT name, ', ')
    TRANSFORMS: ClassVar[dict[Any, Any]] = {
        **PostgresGenerator.TRANSFORMS,
        exp.CurrentTime: lambda *_: "CURRENT_TIME",
        # Not by `binary`, which writes one operator for a whole chain of a class.
        OperatorOf: lambda self, node: f"{self.sql(node, 'this')} {node.args['symbol']} {self.sql(node, 'expression')}",
        exp.Pow: lambda self, node: self.binary(node, "^"),
    }

    def interval_sql(self, expression: exp.Interval) -> str:
        unit = expression.text("unit")
        return f"INTERVAL {self.sql(expression, 'this')}{' ' + unit if unit else ''}"


class Gate(Postgres):
    """Used by its class: it need not be found by a name."""

    INDEX_OFFSET = 0  # nothing is added to an index and taken away again
    Parser = GateParser
    Generator = GateGenerator


GATE = Gate()


def parse(text: str) -> list[exp.Expr | None]:
    """The statements in `text`. Raises ParseError, TokenError, RecursionError."""
    return GATE.parse(text)


def write(tree: exp.Expr) -> str:
    return GATE.generate(tree, comments=False, identify=True, normalize_functions=False)


__all__ = ["OperatorOf", "ParseError", "parse", "write"]
