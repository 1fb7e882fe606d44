"""Answering with a model: it writes SQL, rules mend it, and once it may repair what failed."""

from collections.abc import Sequence
from contextlib import suppress

from django.conf import settings
from uuid_utils.compat import uuid7

from analytics.asking.errors import CannotAnswer, ReplyInvalid
from analytics.asking.mending import mended
from analytics.asking.prompt import Asked, Example, Fault, Value, messages, repair_messages
from analytics.asking.reply import Reply, ReplyUnreadable
from analytics.asking.spending import spend
from analytics.asking.voting import elected
from analytics.asking.work import Answer, Work, today
from analytics.asking.writing import ask_model
from analytics.catalogue import Table
from analytics.errors import SqlFailed, SqlRejected, TooCostly
from analytics.meaning import Linked
from analytics.models import Question, SqlRun
from llm.metering import Payer
from llm.types import ChatMessage
from personas.language import is_chinese
from tenants.errors import PlatformError
from tenants.scope import tenant_scope

TABLES_SHOWN = 12
MAX_CANDIDATES = 5
# What a model's slip of the pen may be refused for. For anything else no rule looks for what was meant.
SLIPS = frozenset(
    {
        "characters", "quoting", "unreadable", "table_unknown", "schema", "column_unknown", "function", "type",
        "operator", "construct", "name",
    }
)  # fmt: skip

# What can be wrong with a statement: the gate's word, the database's, or its cost.
Wrong = SqlRejected | SqlFailed | TooCostly


def answer_by_model(work: Work, linked: Linked, examples: Sequence[Example]) -> Answer:
    """Raises CannotAnswer, AskBack, or why the last of all statements failed."""
    asked = _asked(work, linked, examples)
    replies, may_repair = _first_replies(work, asked)
    answers, faults = _tried(work, replies, SqlRun.Origin.GENERATED)
    if faults and not answers and may_repair:
        prompt = repair_messages(asked, _fault(*faults[0]))
        answers, faults = _tried(work, _repaired(work, prompt, faults[0][1]), SqlRun.Origin.REPAIRED, faults)
    if answers:
        return elected([(answer, answer.result.rows) for answer in answers])
    if faults:
        raise faults[-1][1]
    raise CannotAnswer(next((reply.explanation for reply in replies if reply.explanation), None))


# --- What the model is shown and says -----------------------------------------------------------------------
def _asked(work: Work, linked: Linked, examples: Sequence[Example]) -> Asked:
    chosen = [tuple(answer["place"]) for answer in work.answers]
    tables = [table for table, _score in linked.tables[:TABLES_SHOWN]]
    return Asked(
        question=work.question.question,
        language=work.language,
        today=today(),
        catalogue=work.catalogue,
        tables=[*(table for place in chosen if (table := _missing(work, place[0], tables))), *tables],
        columns=frozenset((table.name, column.name) for table, column, _score in linked.columns),
        values=[Value(found.table, found.column, found.value) for found in linked.values],
        examples=examples,
        history=[Example(earlier.question, earlier.sql) for earlier in work.history],
        answer="; ".join(f"{answer['said']} = {'.'.join(filter(None, answer['place']))}" for answer in work.answers),
    )


def _missing(work: Work, name: str, tables: Sequence[Table]) -> Table | None:
    return None if any(table.name == name for table in tables) else work.catalogue.table(name)


def _first_replies(work: Work, asked: Asked) -> tuple[list[Reply], bool]:
    """What the model says, and whether it may still be asked to repair that.

    Raises ReplyInvalid, ProviderError, BudgetExhausted.
    """
    work.move(Question.Status.WRITING)
    prompt, count = messages(asked), max(1, min(MAX_CANDIDATES, settings.ANALYTICS_CANDIDATES))
    with suppress(ReplyUnreadable):
        return _replies(work, prompt, count), True
    with suppress(ReplyUnreadable):
        return _replies(work, prompt, 1), False
    raise ReplyInvalid


def _repaired(work: Work, prompt: Sequence[ChatMessage], wrong: Wrong) -> list[Reply]:
    """What the model makes of its fault. Raises what was wrong if it makes nothing of it."""
    work.move(Question.Status.WRITING)
    try:
        return _replies(work, prompt, 1)
    except ReplyUnreadable:
        raise wrong from None


def _replies(work: Work, prompt: Sequence[ChatMessage], count: int) -> list[Reply]:
    question = work.question
    payer = Payer(
        api_key_id=question.key_id, end_user=question.end_user.external_id if question.end_user is not None else ""
    )
    reference, account = uuid7(), payer.account(question.tenant_id)
    with tenant_scope(question.tenant_id):
        spending = spend(reference, account, work.route, prompt, count=count, language=work.language)
    # From here on the cheaper one, where the budget is low.
    work.route = spending.routes.first
    held = reference if spending.is_held else None
    return ask_model(work.route, prompt, count=count, watch=work.watch, payer=payer, held=held)


# --- What becomes of it -------------------------------------------------------------------------------------
def _tried(
    work: Work, replies: Sequence[Reply], origin: SqlRun.Origin, faults: Sequence[tuple[str, Wrong]] = ()
) -> tuple[list[Answer], list[tuple[str, Wrong]]]:
    """The answers, and behind the `faults` so far what was wrong with the others."""
    answers, wrong, tried = list[Answer](), list(faults), {sql for sql, _error in faults}
    for reply in replies:
        if reply.sql and reply.sql not in tried:
            tried.add(reply.sql)
            try:
                answers.append(_try(work, reply, origin))
            except (SqlRejected, SqlFailed, TooCostly) as error:
                wrong.append((reply.sql, error))
    return answers, wrong


def _try(work: Work, reply: Reply, origin: SqlRun.Origin) -> Answer:
    """Run what the model wrote, or what rules make of it."""
    model = work.route.chat_name
    told = reply.explanation if is_chinese(reply.explanation) == (work.language == "zh") else ""
    try:
        return work.answer_by(reply.sql, origin, explanation=told, used_model=model)
    except (SqlRejected, SqlFailed, TooCostly) as error:
        work.attempts.append({"sql": reply.sql, "error": str(error.detail)})
        for proposal in mended(reply.sql, work.catalogue) if _is_slip(error) else ():
            with suppress(SqlRejected, SqlFailed, TooCostly):
                # What the model says of its own statement need not be true of this one.
                return work.answer_by(proposal, origin, used_model=model)
        raise


def _is_slip(error: PlatformError) -> bool:
    return isinstance(error, SqlFailed) or (isinstance(error, SqlRejected) and error.rule in SLIPS)


def _fault(sql: str, error: Wrong) -> Fault:
    """What was wrong, for the model."""
    rule = error.rule if isinstance(error, SqlRejected) else ""
    return Fault(sql, str(error.detail), rule, tuple(getattr(error, "names", ())))
