"""Two answers to one question side by side: words, sources, scores, cost, time."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Any

from chat.models import Turn

Answer = Mapping[str, Any]  # as `Tried.as_dict` gives it

# Words, single Chinese characters, blanks and signs.
_PIECE = re.compile(r"[^\W\u3400-\u9fff]+|[\u3400-\u9fff]|\s+|.", re.DOTALL)
# Texts longer than this are compared as wholes: the work grows with the square.
MOST_PIECES = 4000


@dataclass(frozen=True, slots=True)
class Part:
    """A piece of text: `same`, only `before`, or only `after`."""

    kind: str
    text: str


@dataclass(frozen=True, slots=True)
class SourceChange:
    """One passage in the two answers; a score is None where it was not cited."""

    title: str
    document_id: str
    before: float | None
    after: float | None

    @property
    def kind(self) -> str:
        return "gained" if self.before is None else "lost" if self.after is None else "kept"


@dataclass(frozen=True, slots=True)
class Fact:
    """One number or name of both answers."""

    name: str
    before: Any
    after: Any

    @property
    def is_changed(self) -> bool:
        return bool(self.before != self.after)


@dataclass(frozen=True, slots=True)
class Comparison:
    text: list[Part]
    sources: list[SourceChange]
    facts: list[Fact]

    @property
    def is_same_text(self) -> bool:
        return all(part.kind == "same" for part in self.text)


def stored_answer(turn: Turn) -> dict[str, Any]:
    """What a turn came to, in the shape of one that was tried."""
    message = turn.answer
    return {
        "text": message.text if message else "",
        "html": message.html if message else "",
        "citations": message.citations if message else [],
        "claims": message.claims if message else [],
        "persona_version": turn.persona_version,
        "usage": {
            "input_tokens": turn.input_tokens,
            "output_tokens": turn.output_tokens,
            "cached_tokens": turn.cached_tokens,
            "cost": float(turn.cost),
        },
        "timing": {"first_token_ms": turn.first_token_ms, "total_ms": turn.total_ms},
        "trace": turn.trace,
    }


def compare(before: Answer, after: Answer) -> Comparison:
    """What changed from one answer to the other."""
    return Comparison(_text_parts(before["text"], after["text"]), _sources(before, after), _facts(before, after))


def _text_parts(before: str, after: str) -> list[Part]:
    old, new = _PIECE.findall(before), _PIECE.findall(after)
    if max(len(old), len(new)) > MOST_PIECES:
        return [Part("same", before)] if before == after else [Part("before", before), Part("after", after)]
    parts: list[Part] = []
    for kind, old_from, old_to, new_from, new_to in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if kind == "equal":
            parts.append(Part("same", "".join(old[old_from:old_to])))
            continue
        for side, text in (("before", "".join(old[old_from:old_to])), ("after", "".join(new[new_from:new_to]))):
            if text:
                parts.append(Part(side, text))
    return parts


def _sources(before: Answer, after: Answer) -> list[SourceChange]:
    old = {citation["chunk_id"]: citation for citation in before["citations"]}
    new = {citation["chunk_id"]: citation for citation in after["citations"]}
    return [
        SourceChange(
            title=cited["title"],
            document_id=cited["document_id"],
            before=old[chunk_id]["score"] if chunk_id in old else None,
            after=new[chunk_id]["score"] if chunk_id in new else None,
        )
        for chunk_id, cited in {**old, **new}.items()
    ]


def _facts(before: Answer, after: Answer) -> list[Fact]:
    def fact(name: str, *path: str) -> Fact:
        return Fact(name, _at(before, path), _at(after, path))

    return [
        fact("version", "persona_version"),
        fact("route", "trace", "route"),
        fact("model", "trace", "model"),
        Fact("supported", _supported(before), _supported(after)),
        fact("input_tokens", "usage", "input_tokens"),
        fact("output_tokens", "usage", "output_tokens"),
        fact("cost", "usage", "cost"),
        fact("first_token_ms", "timing", "first_token_ms"),
        fact("total_ms", "timing", "total_ms"),
    ]


def _at(answer: Answer, path: tuple[str, ...]) -> Any:
    value: Any = answer
    for step in path:
        value = value.get(step) if isinstance(value, Mapping) else None
    return value


def _supported(answer: Answer) -> str:
    claims = answer.get("claims", [])
    return f"{sum(claim['supported'] for claim in claims)} / {len(claims)}"
