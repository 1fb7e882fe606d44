"""The gate: the one judge of SQL that is to run on a tenant's data.

Layers, each with a task of its own: a statement is measured and cut into tokens as PostgreSQL cuts it; parsed; each
node, function, type and operator must be on a list; names must be the dataset's; sizes must be seen. Then it is
written anew from the tree, and what was written is read once more. What is not known is refused. The layers are
functions of this module, so that a test can take each of them out and show what then gets through.
"""

from dataclasses import dataclass
from typing import Any

from sqlglot import exp
from sqlglot.errors import SqlglotError

from analytics.catalogue import Catalogue
from analytics.gate import allowed
from analytics.gate.bounding import bound
from analytics.gate.dialect import OperatorOf, parse, write
from analytics.gate.lexing import Kind, Lexed, Token, lex
from analytics.gate.naming import resolve, spell_out, start_of
from analytics.gate.refusing import refuse


@dataclass(frozen=True, slots=True)
class Checked:
    """What may run: `sql` as the gate wrote it, the `tables` it reads, the names of `columns` it mentions."""

    sql: str
    tables: tuple[str, ...]
    columns: tuple[str, ...]


def check(sql: str, catalogue: Catalogue) -> Checked:
    """Judge one statement. Pure, and quick for anything up to 16 KiB. Raises SqlRejected."""
    try:
        lexed = lex(sql)
        check_tokens(lexed.tokens)
        tree = spell_out(one_query(lexed))
        check_nodes(tree)
        check_functions(tree)
        check_types(tree)
        tables = resolve(tree, catalogue)
        tree = bound(tree)
        written = write_anew(tree)
        check_written(written)
        check_same(written, tree)
    except RecursionError:
        refuse("too_deep")
    columns = {column.name for column in tree.find_all(exp.Column) if column.name}
    return Checked(written, tables, tuple(sorted(columns)))


def check_tokens(tokens: list[Token]) -> None:
    """Operators on the list, and one statement: a semicolon may only end it."""
    while tokens and tokens[-1].text == ";":
        tokens = tokens[:-1]
    if not tokens:
        refuse("one_statement")
    before = ""
    for token in tokens:
        if token.text == ";":
            refuse("one_statement", position=token.start)
        word = token.text.lower()
        if token.kind is Kind.WORD and word in allowed.CALLED_WITHOUT_PARENTHESES and before not in {".", "as"}:
            refuse("function", name=word, position=token.start)
        before = word
        if token.kind is Kind.OPERATOR and token.text not in allowed.OPERATORS | allowed.NAMES_ARGUMENT:
            refuse("operator", name=token.text, position=token.start)


def one_query(lexed: Lexed) -> exp.Expr:
    """The tree of the only statement, which must be a question."""
    first = next((token for token in lexed.tokens if token.text != "("), lexed.tokens[0])
    if first.text.lower() not in {"select", "with", "values", "table"}:
        refuse("not_a_query", position=first.start)
    try:
        statements = [statement for statement in parse(lexed.text) if statement is not None]
    except SqlglotError as failure:
        refuse("unreadable", position=_position(failure, lexed.text))
    except (ValueError, TypeError, AttributeError, KeyError, IndexError):  # sqlglot's, on nonsense
        refuse("unreadable")
    if len(statements) != 1:
        refuse("one_statement")
    if not isinstance(statements[0], exp.Query | exp.Values) or isinstance(statements[0], exp.Table):
        refuse("not_a_query", position=0)
    return statements[0]


def check_nodes(tree: exp.Expr) -> None:
    """Only kinds of nodes that are known, with no parts but those that are known."""
    for node in tree.walk():
        parts = allowed.NODES.get(type(node))
        if parts is None and isinstance(node, exp.Func) and not isinstance(node, exp.Cast):
            refuse("function", name=node.sql_name().lower(), position=start_of(node))
        if parts is None:
            refuse("construct", what=_spoken(type(node).__name__), position=start_of(node))
        for key, value in node.args.items():
            if value is not None and value is not False and value != [] and key not in parts:
                refuse("construct", what=_spoken(key), position=start_of(node))
        if isinstance(node, exp.CTE | exp.Exists) and not isinstance(node.this, exp.Query | exp.Values):
            refuse("not_a_query", position=start_of(node))
        if isinstance(node, exp.Var) and not set(node.name.lower().split()) <= allowed.BARE_WORDS:
            refuse("construct", what=node.name, position=start_of(node))
        if isinstance(node, OperatorOf) and node.args["symbol"] not in allowed.OPERATORS:
            refuse("operator", name=node.args["symbol"], position=start_of(node))


def check_functions(tree: exp.Expr) -> None:
    """Only functions that are known to compute from their arguments, and nothing else."""
    for call in tree.find_all(exp.Anonymous):
        if call.this not in allowed.FUNCTIONS:
            refuse("function", name=call.this, position=start_of(call))


def check_types(tree: exp.Expr) -> None:
    """Only casts to plain types: one to regclass looks a name up, one to a type of another schema runs its code."""
    for size in tree.find_all(exp.DataTypeParam):
        if not (isinstance(size.this, exp.Literal) and size.this.is_number):
            refuse("type", name="(…)", position=start_of(size))
    for kind in tree.find_all(exp.DataType):
        if kind.this not in allowed.TYPES or (kind.this is exp.DType.INTERVAL and kind.expressions):
            refuse("type", name=kind.sql(dialect="postgres").lower(), position=start_of(kind))


def write_anew(tree: exp.Expr) -> str:
    try:
        return write(tree)
    except (SqlglotError, ValueError, TypeError, AttributeError, KeyError, IndexError):  # sqlglot's, on odd trees
        refuse("rewritten")


def check_written(text: str) -> None:
    """Read what will run with PostgreSQL's own rules: words on the list, names only where no call can be.

    Independent of the tree and of all that sqlglot knows.
    """
    tokens = lex(text).tokens
    for number, token in enumerate(tokens):
        before, after = _text(tokens, number - 1), _text(tokens, number + 1)
        match token.kind:
            case Kind.WORD if token.text.lower() not in allowed.WRITTEN_WORDS:
                refuse("rewritten")
            case Kind.OPERATOR if token.text not in allowed.OPERATORS | allowed.NAMES_ARGUMENT:
                refuse("rewritten")
            case Kind.QUOTED if after == "(" and before != "AS" and not _names_cte(tokens, number):
                refuse("rewritten")
            case Kind.QUOTED if before == "." and _text(tokens, number - 2) == ")":
                refuse("rewritten")
            case Kind.OTHER if token.text == ";":
                refuse("rewritten")


def check_same(written: str, tree: exp.Expr) -> None:
    """What was written means what was checked, to this parser at least."""
    try:
        (again,) = parse(written)
    except (SqlglotError, ValueError):
        refuse("rewritten")
    if again is None or spell_out(again) != tree:
        refuse("rewritten")


def _names_cte(tokens: list[Token], number: int) -> bool:
    """Whether a name and its parenthesis begin `name (columns) AS (`."""
    depth = 0
    for place in range(number + 1, len(tokens)):
        depth += {"(": 1, ")": -1}.get(tokens[place].text, 0)
        if depth == 0:
            return _text(tokens, place + 1) == "AS" and _text(tokens, place + 2) in {"(", "MATERIALIZED", "NOT"}
    return False


def _text(tokens: list[Token], number: int) -> str:
    return tokens[number].text if 0 <= number < len(tokens) else ""


def _position(failure: Any, text: str) -> int | None:
    """Where the parser stopped, counted in characters."""
    errors = getattr(failure, "errors", None)
    if not errors or errors[0].get("line") is None:
        return None
    line, column = int(errors[0]["line"]), int(errors[0]["col"])
    starts = [0] + [place + 1 for place, letter in enumerate(text) if letter == "\n"]
    return min(starts[min(line, len(starts)) - 1] + max(column - 1, 0), len(text))


def _spoken(name: str) -> str:
    return name.strip("_").replace("_", " ").upper()


__all__ = ["Checked", "check"]
