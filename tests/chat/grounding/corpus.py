"""The labelled sentences in `corpus/*.txt`, and what a judge of them is worth."""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from chat.grounding import Ground

FOLDER = Path(__file__).parent / "corpus"
SUPPORTED, CLAIMS_NOTHING = {"=", "~", "x"}, "0"


@dataclass(frozen=True)
class Labelled:
    """One sentence; `sources` bear it out, if any does."""

    text: str
    kind: str
    sources: tuple[int, ...] = ()

    @property
    def is_supported(self) -> bool:
        return self.kind in SUPPORTED


@dataclass
class Scene:
    name: str
    question: str = ""
    grounds: list[Ground] = field(default_factory=list)
    sentences: list[Labelled] = field(default_factory=list)


def scenes(half: str) -> list[Scene]:
    found: list[Scene] = []
    for line in (FOLDER / f"{half}.txt").read_text(encoding="utf-8").splitlines():
        if line.startswith("== "):
            found.append(Scene(line[3:]))
        elif line.startswith("? "):
            found[-1].question = line[2:]
        elif source := re.match(r"(\d) \| (.+?) \| (.+?) \| (.+)", line):
            n, title, heading, text = source.groups()
            found[-1].grounds.append(Ground(int(n), text, title, heading))
        elif labelled := re.match(r"(=|~|x|-|0|#\S) (?:([\d,]+) )?\| (.+)", line):
            kind, sources, text = labelled.groups()
            found[-1].sentences.append(Labelled(text, kind, tuple(int(n) for n in (sources or "").split(",") if n)))
    return found


# A judge says of a sentence None (claims nothing) or (is supported, its sources).
Verdict = tuple[bool, tuple[int, ...]] | None
Judge = Callable[[Scene, Labelled], Verdict]


@dataclass
class Measured:
    """`precision` and `recall` are of "unsupported"; a sentence that claims nothing must not be called so."""

    true: int = 0
    false: int = 0
    missed: int = 0
    sources_right: int = 0
    sources_named: int = 0
    sources_wanted: int = 0
    silent_right: int = 0
    silent: int = 0
    wrong: list[tuple[str, str, Verdict]] = field(default_factory=list)

    @property
    def precision(self) -> float:
        return self.true / max(1, self.true + self.false)

    @property
    def recall(self) -> float:
        return self.true / max(1, self.true + self.missed)

    @property
    def source_precision(self) -> float:
        return self.sources_right / max(1, self.sources_named)

    @property
    def source_recall(self) -> float:
        return self.sources_right / max(1, self.sources_wanted)

    def __str__(self) -> str:
        return (
            f"unsupported: precision {self.precision:.3f} recall {self.recall:.3f}; sources: precision "
            f"{self.source_precision:.3f} recall {self.source_recall:.3f}; silent {self.silent_right}/{self.silent}"
        )


def measure(half: str, judge: Judge) -> Measured:
    total = Measured()
    for scene in scenes(half):
        for sentence in scene.sentences:
            _count(total, sentence, judge(scene, sentence))
    return total


def _count(total: Measured, sentence: Labelled, verdict: Verdict) -> None:
    is_right = True
    if sentence.kind == CLAIMS_NOTHING:
        total.silent += 1
        total.silent_right += verdict is None
        total.false += verdict is not None and not verdict[0]
        is_right = verdict is None
    elif sentence.is_supported:
        named = verdict[1] if verdict else ()
        right = len(set(named) & set(sentence.sources))
        total.sources_right += right
        total.sources_named += len(named)
        total.sources_wanted += len(sentence.sources)
        total.false += verdict is not None and not verdict[0]
        is_right = verdict is not None and verdict[0] and right == len(named) > 0
    else:
        is_flagged = verdict is not None and not verdict[0]
        total.true += is_flagged
        total.missed += not is_flagged
        is_right = is_flagged
    if not is_right:
        total.wrong.append((sentence.kind, sentence.text, verdict))
