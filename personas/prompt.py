"""The prompt compiler: sections with priorities and budgets become the messages of one call.

A prompt is `[system: stable sections] [history…] [user: changing sections, then the question]`. What is
stable comes first and gets its share of the budget without regard to what changes, so that the prefix is the
same byte for byte from turn to turn and providers' caches hit. What changes rides in the last user message,
since many chat templates take a system message at the beginning only. Pure: equal input, equal prompt.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby

from django.utils.translation import gettext as _

from llm.tokens import count_tokens
from llm.types import ChatMessage
from personas.context import Said, Source
from personas.errors import PromptTooLong

# What a message costs besides its text: role and separators in the usual chat templates.
MESSAGE_TOKENS = 4
# The most that optional stable sections may take: the rest stays for history, knowledge and the question.
STABLE_SHARE = 0.7
HISTORY_PRIORITY = 60

CONTEXT_OPENS = "<context>"
CONTEXT_CLOSES = "</context>"
_CONTEXT_TOKENS = count_tokens(f"{CONTEXT_OPENS}\n\n{CONTEXT_CLOSES}\n\n")

_SENTENCE_END = re.compile(r"[。！？!?；…\n]+[”’」』）)]*|\.(?=\s)")


@dataclass(frozen=True, slots=True)
class Part:
    """A piece that is kept whole or left out, such as one example or one passage."""

    text: str
    source: Source | None = None


@dataclass(frozen=True, slots=True)
class Section:
    """One block of the prompt: `text`, then as many `parts` as fit, then `closing`.

    A higher `priority` is served first. `budget_tokens` bounds the section however much room there is. A
    `required` section is never dropped, though cut to its budget. `why` tells a person what brought it here.
    """

    name: str
    text: str
    priority: int
    budget_tokens: int
    why: str
    stable: bool = True
    required: bool = False
    parts: tuple[Part, ...] = ()
    closing: str = ""


@dataclass(frozen=True, slots=True)
class SectionReport:
    """What became of a section: its tokens when whole, and those that are in the prompt."""

    name: str
    role: str
    tokens: int
    kept_tokens: int
    why: str

    @property
    def is_dropped(self) -> bool:
        return self.kept_tokens == 0 < self.tokens

    @property
    def is_truncated(self) -> bool:
        return 0 < self.kept_tokens < self.tokens


@dataclass(frozen=True, slots=True)
class CompiledPrompt:
    """The messages of one call, what went into them, and the passages that may be cited."""

    messages: tuple[ChatMessage, ...]
    sections: tuple[SectionReport, ...]
    sources: tuple[Source, ...]
    input_tokens: int


@dataclass(frozen=True, slots=True)
class _Fitted:
    """A section as it goes into the prompt; `text` is "" when it was dropped."""

    section: Section
    text: str
    sources: tuple[Source, ...] = ()

    @property
    def tokens(self) -> int:
        return _cost(self.text)

    def report(self) -> SectionReport:
        section = self.section
        whole = _cost(_assembled(section, section.parts))
        return SectionReport(
            section.name, "system" if section.stable else "user", whole, min(self.tokens, whole), section.why
        )


def compile_prompt(
    sections: Sequence[Section], *, history: Sequence[Said], question: str, budget_tokens: int
) -> CompiledPrompt:
    """Lay out a prompt of at most `budget_tokens`. Sections appear in the order given, stable ones first.

    Lower priorities are cut, then dropped, when room is short: text at the end of a sentence, parts whole,
    history from its oldest message. Raises PromptTooLong when required sections and question do not fit.
    """
    sections = [section for section in sections if section.text or section.parts]
    purse = _Purse(budget_tokens, question)
    fitted = {each.name: purse.serve(each) for each in sections if each.required}
    if purse.room < 0:
        raise PromptTooLong
    optional = sorted((each for each in sections if not each.required), key=lambda each: -each.priority)
    changing = [each for each in optional if not each.stable]
    fitted |= {each.name: purse.serve(each) for each in optional if each.stable}
    fitted |= {each.name: purse.serve(each) for each in changing if each.priority >= HISTORY_PRIORITY}
    kept_history = purse.serve_history(history)
    fitted |= {each.name: purse.serve(each) for each in changing if each.priority < HISTORY_PRIORITY}
    return _lay_out([fitted[each.name] for each in sections], history, kept_history, question)


class _Purse:
    """What is left of a prompt's budget while its sections are served, one after the other."""

    def __init__(self, budget_tokens: int, question: str) -> None:
        self.room = budget_tokens - _cost(question) - 2 * MESSAGE_TOKENS - _CONTEXT_TOKENS
        self.stable_room = int(budget_tokens * STABLE_SHARE)

    def serve(self, section: Section) -> _Fitted:
        """Fit a section and take its tokens. A required one may overdraw; the caller looks at `room` then."""
        room = min(self.room, self.stable_room) if section.stable else self.room
        fitted = _fit(
            section, section.budget_tokens if section.required else min(section.budget_tokens, room)
        )
        self.room -= fitted.tokens
        if section.stable:
            self.stable_room -= fitted.tokens
        return fitted

    def serve_history(self, history: Sequence[Said]) -> list[Said]:
        """The newest messages that fit, beginning with a user's, as some chat templates demand."""
        kept: list[Said] = []
        room = self.room
        for said in reversed(history):
            room -= _history_tokens([said])
            if room < 0:
                break
            kept.insert(0, said)
        while kept and kept[0].role != "user":
            kept.pop(0)
        self.room -= _history_tokens(kept)
        return kept


def cut_to_tokens(text: str, limit: int) -> str:
    """The beginning of a text, at most `limit` tokens, up to the end of a sentence if it can be."""
    if count_tokens(text) <= limit:
        return text
    low, high = 0, len(text)
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if count_tokens(text[:middle]) + 1 <= limit else (low, middle - 1)
    ends = [match.end() for match in _SENTENCE_END.finditer(text, 0, low)]
    end = next((end for end in reversed(ends) if end >= low // 2), low)
    beginning = text[:end].rstrip()
    return f"{beginning} …" if beginning and count_tokens(f"{beginning} …") <= limit else ""


def _fit(section: Section, limit: int) -> _Fitted:
    """As much of a section as costs no more than `limit` tokens."""
    limit -= _cost(section.closing) + 1
    if not section.parts:
        beginning = cut_to_tokens(section.text, limit) if limit > 0 else ""
        return _Fitted(section, f"{beginning}\n{section.closing}".rstrip() if beginning else "")
    kept: list[Part] = []
    limit -= _cost(section.text)
    for part in section.parts:
        if _cost(part.text) <= limit:
            kept.append(part)
            limit -= _cost(part.text)
    if not kept:
        return _Fitted(section, "")
    return _Fitted(section, _assembled(section, kept), tuple(part.source for part in kept if part.source))


def _assembled(section: Section, parts: Iterable[Part]) -> str:
    return "\n".join(text for text in (section.text, *(part.text for part in parts), section.closing) if text)


def _history_tokens(history: Sequence[Said]) -> int:
    return sum(_cost(said.text) + MESSAGE_TOKENS for said in history)


def _lay_out(
    fitted: Sequence[_Fitted], history: Sequence[Said], kept_history: Sequence[Said], question: str
) -> CompiledPrompt:
    stable = [each for each in fitted if each.section.stable]
    changing = [each for each in fitted if not each.section.stable]
    system = "\n\n".join(each.text for each in stable if each.text)
    context = "\n\n".join(each.text for each in changing if each.text)
    asked = f"{CONTEXT_OPENS}\n{context}\n{CONTEXT_CLOSES}\n\n{question}" if context else question
    messages = [
        *([ChatMessage(role="system", content=system)] if system else []),
        *_in_turns([*kept_history, Said("user", asked)]),
    ]
    history_report = SectionReport(
        "history",
        "history",
        _history_tokens(history),
        _history_tokens(kept_history),
        _("%(kept)s of %(all)s earlier messages") % {"kept": len(kept_history), "all": len(history)},
    )
    question_report = SectionReport(
        "question", "user", _cost(question), _cost(question), _("What is asked now")
    )
    return CompiledPrompt(
        messages=tuple(messages),
        sections=(
            *(each.report() for each in stable),
            history_report,
            *(each.report() for each in changing),
            question_report,
        ),
        sources=tuple(source for each in changing for source in each.sources),
        input_tokens=sum(count_tokens(message.content) + MESSAGE_TOKENS for message in messages),
    )


def _in_turns(history: Sequence[Said]) -> list[ChatMessage]:
    """User and assistant by turns: neighbours of one side become one message, as some templates demand."""
    sides = groupby(history, key=lambda said: said.role == "user")
    return [
        ChatMessage(role="user" if is_user else "assistant", content="\n\n".join(said.text for said in group))
        for is_user, group in sides
    ]


def _cost(text: str) -> int:
    """A text's tokens with the line break that joins it to the next one; nothing for no text."""
    return count_tokens(text) + 1 if text else 0
