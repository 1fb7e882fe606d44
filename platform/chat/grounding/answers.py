"""An answer of a turn, with what its sources bear out and what may be asked next."""

import logging
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from chat.grounding.judging import Ground, claims_of
from chat.grounding.suggesting import Asking, suggestions_for
from llm.embedding import off_loop
from personas.context import Source
from personas.turns import PreparedTurn

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Grounded:
    """As a message keeps it."""

    claims: list[dict[str, Any]] = field(default_factory=list)
    suggestions: list[str] = field(default_factory=list)


async def ground(turn: PreparedTurn, text: str, cited: tuple[int, ...]) -> Grounded:
    """What a whole answer claims and by which of its sources; nothing for kinds that need not be borne out.

    On a thread, some milliseconds. A fault in here costs the marks, never the answer.
    """
    if not turn.persona.kind.answers_from_documents or not text:
        return Grounded()
    try:
        return await off_loop(partial(grounded, turn, text, cited))
    except Exception:
        logger.exception("An answer of %s could not be compared with its sources", turn.persona.name)
        return Grounded()


def grounded(turn: PreparedTurn, text: str, cited: tuple[int, ...]) -> Grounded:
    """As `ground`, for code without an event loop."""
    settings, context = turn.persona.settings, turn.context
    names = (turn.persona.name, turn.persona.tenant_name)
    claims = claims_of(text, _grounds(turn), known_names=names)
    asking = Asking(
        question=context.question,
        earlier=[said.text for said in context.history if said.role == "user"],
        authored=settings.suggestions,
    )
    is_wanted = turn.persona.kind.suggests(settings)
    suggestions = suggestions_for(asking, context.sources, cited) if is_wanted else []
    return Grounded([claim.as_dict() for claim in claims], suggestions)


def _grounds(turn: PreparedTurn) -> list[Ground]:
    """The passages of the prompt, and what the persona's author wrote, which is borne out by himself."""
    settings = turn.persona.settings
    written = "\n".join(
        [settings.instructions, settings.refusal, settings.greeting, settings.handoff.note]
        + [example.say for example in settings.examples]
    )
    return [*map(_of_source, turn.sources), Ground(None, written)]


def _of_source(source: Source) -> Ground:
    return Ground(source.n, "\n".join(filter(None, (source.text, source.answer))), source.title, source.heading)
