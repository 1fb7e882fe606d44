"""The prompt compiler: sections with priorities and budgets become the messages of one call.

A prompt is `[system: stable sections] [history…] [user: changing sections, then the question]`. What is
stable comes first and gets its share of the budget without regard to what changes, so that the prefix is the
same byte for byte from turn to turn and providers' caches hit. What changes rides in the last user message,
since many chat templates take a system message at the beginning only. Pure: equal input, equal prompt.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any

from django.utils.translation import gettext
from django.utils.translation import gettext_noop as _

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
    `required` section is never dropped, though cut to its budget. `why`, with its `values`, tells a person what
    brought it here; it is translated when somebody asks.
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
    values: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class SectionReport:
    """What became of a section: its tokens when whole, and those that are in the prompt."""

    name: str
    role: str
    tokens: int
    kept_tokens: int
    why: str
    values: Mapping[str, int] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        """As JSON, in the language of who asks."""
        return {
            "name": self.name,
            "role": self.role,
            "tokens": self.tokens,
            "kept_tokens": self.kept_tokens,
            "why": self.reason,
        }

    @property
    def reason(self) -> str:
        """`why`, translated."""
        return gettext(self.why) % self.values

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

    @property
    def input_tokens(self) -> int:
        return sum(count_tokens(message.content) + MESSAGE_TOKENS for message in self.messages)


@dataclass(frozen=True, slots=True)
class _Fitted:
    """A section as it goes into the prompt, `kept_tokens` of its `tokens`. Its text is "" when dropped."""

    section: Section
    tokens: int
    kept_tokens: int
    text: str = ""
    sources: tuple[Source, ...] = ()

    def report(self) -> SectionReport:
        role = "system" if self.section.stable else "user"
        section = self.section
        return SectionReport(section.name, role, self.tokens, self.kept_tokens, section.why, section.values)


@dataclass(frozen=True, slots=True)
class _History:
    """The newest messages of a conversation, as far as there was room."""

    all: int
    tokens: int
    kept: tuple[Said, ...]
    kept_tokens: int

    def report(self) -> SectionReport:
        why, values = _("%(kept)s of %(all)s earlier messages"), {"kept": len(self.kept), "all": self.all}
        return SectionReport("history", "history", self.tokens, self.kept_tokens, why, values)


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
    recent = purse.serve_history(history)
    fitted |= {each.name: purse.serve(each) for each in changing if each.priority < HISTORY_PRIORITY}
    return _lay_out([fitted[each.name] for each in sections], recent, question)


class _Purse:
    """What is left of a prompt's budget while its sections are served, one after the other."""

    def __init__(self, budget_tokens: int, question: str) -> None:
        self.room = budget_tokens - _cost(question) - 2 * MESSAGE_TOKENS - _CONTEXT_TOKENS
        self.stable_room = int(budget_tokens * STABLE_SHARE)

    def serve(self, section: Section) -> _Fitted:
        """Fit a section and take its tokens. A required one may overdraw; the caller looks at `room` then."""
        room = min(self.room, self.stable_room) if section.stable else self.room
        fitted = _fit(section, section.budget_tokens if section.required else min(section.budget_tokens, room))
        self.room -= fitted.kept_tokens
        if section.stable:
            self.stable_room -= fitted.kept_tokens
        return fitted

    def serve_history(self, history: Sequence[Said]) -> _History:
        """The newest messages that fit, beginning with a user's, as some chat templates demand."""
        costs = [_cost(said.text) + MESSAGE_TOKENS for said in history]
        first, kept_tokens = len(history), 0
        while first and kept_tokens + costs[first - 1] <= self.room:
            first -= 1
            kept_tokens += costs[first]
        while first < len(history) and history[first].role != "user":
            kept_tokens -= costs[first]
            first += 1
        self.room -= kept_tokens
        return _History(len(history), sum(costs), tuple(history[first:]), kept_tokens)


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
    return _fit_parts(section, limit) if section.parts else _fit_text(section, limit)


def _fit_text(section: Section, limit: int) -> _Fitted:
    frame = _cost(section.closing) + 1
    whole = count_tokens(section.text) + frame
    if whole <= limit:
        return _Fitted(section, whole, whole, _joined(section.text, section.closing))
    beginning = cut_to_tokens(section.text, limit - frame) if limit > frame else ""
    if not beginning:
        return _Fitted(section, whole, 0)
    kept = count_tokens(beginning) + frame
    return _Fitted(section, whole, kept, _joined(beginning, section.closing))


def _fit_parts(section: Section, limit: int) -> _Fitted:
    frame = _cost(section.text) + _cost(section.closing)
    costs = [_cost(part.text) for part in section.parts]
    taken, kept = frame, []
    for part, cost in zip(section.parts, costs, strict=True):
        if taken + cost <= limit:
            kept.append(part)
            taken += cost
    if not kept:
        return _Fitted(section, frame + sum(costs), 0)
    text = _joined(section.text, *(part.text for part in kept), section.closing)
    sources = tuple(part.source for part in kept if part.source)
    return _Fitted(section, frame + sum(costs), taken, text, sources)


def _joined(*texts: str) -> str:
    return "\n".join(text for text in texts if text)


def _lay_out(fitted: Sequence[_Fitted], recent: _History, question: str) -> CompiledPrompt:
    stable = [each for each in fitted if each.section.stable]
    changing = [each for each in fitted if not each.section.stable]
    system = "\n\n".join(each.text for each in stable if each.text)
    context = "\n\n".join(each.text for each in changing if each.text)
    asked = f"{CONTEXT_OPENS}\n{context}\n{CONTEXT_CLOSES}\n\n{question}" if context else question
    messages = [
        *([ChatMessage(role="system", content=system)] if system else []),
        *_in_turns([*recent.kept, Said("user", asked)]),
    ]
    asked_tokens = _cost(question)
    return CompiledPrompt(
        messages=tuple(messages),
        sections=(
            *(each.report() for each in stable),
            recent.report(),
            *(each.report() for each in changing),
            SectionReport("question", "user", asked_tokens, asked_tokens, _("What is asked now")),
        ),
        sources=tuple(source for each in changing for source in each.sources),
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
