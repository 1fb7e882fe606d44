"""Choosing among a persona's authored lines: the example whose message is nearest to what was just said."""

import re
import threading
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from llm.reader.phrases import phrases
from llm.reader.spelling import HAN, is_chinese
from llm.reader.types import EmbedPassages, EmbedQuery, Example, Matrix, ReaderTask, Vector
from llm.reader.words import bag

# What two messages about the same things gain over their cosine. On 83 paraphrased messages of
# tests/llm/test_reader_lines.py: 71 right by the vectors alone, 77 with this.
FOR_SHARED_CONCEPTS = 0.04
# Scores of multilingual-e5-small. A line fits if it stands out, however near all of them are.
FITS = 0.80
STANDS_OUT = 0.043
REMEMBERED_MESSAGES = 4096


@dataclass(frozen=True, slots=True)
class Choice:
    example: Example
    score: float
    stands_out: float  # above the middle of all examples in its language

    @property
    def fits(self) -> bool:
        return self.score >= FITS and self.stands_out >= STANDS_OUT


def choose(task: ReaderTask, language: str, embed_query: EmbedQuery, embed_passages: EmbedPassages) -> list[Choice]:
    """The examples in the message's language (in any, if none is), nearest first."""
    examples = [example for example in task.examples if is_chinese(example.user) == (language == "zh")]
    examples = examples or list(task.examples)
    if not examples:
        return []
    cosines = _memory.vectors(embed_passages, [example.user for example in examples]) @ embed_query(task.question)
    shared = np.array([_shared_concepts(task.question, example.user) for example in examples])
    scores = cosines + FOR_SHARED_CONCEPTS * shared
    middle = float(np.median(scores))
    choices = [
        Choice(example, float(score), float(score) - middle) for example, score in zip(examples, scores, strict=True)
    ]
    return sorted(choices, key=lambda choice: -choice.score)


def unsaid(choices: Sequence[Choice], said: Sequence[str]) -> Choice | None:
    """The nearest that fits and is not what the persona has just said."""
    fitting = (choice for choice in choices if choice.fits)
    return next((choice for choice in fitting if not said or choice.example.say != said[-1]), None)


def fallback(task: ReaderTask, language: str) -> str:
    """A line for when nothing fits; never the last one again."""
    lines = phrases(language).listening
    fresh = [line for line in lines if not task.said or line != task.said[-1]] or lines
    return fresh[len(task.said) % len(fresh)]


def exactly(task: ReaderTask) -> Example | None:
    """The example whose message is this one, but for case, blanks and punctuation."""
    said = _letters(task.question)
    return next((example for example in task.examples if said and _letters(example.user) == said), None)


def _letters(text: str) -> str:
    return re.sub(r"[\W_]+", "", text.casefold())


def _shared_concepts(first: str, second: str) -> float:
    """Dice coefficient of what both are about, 0 to 1."""
    one, other = bag(first).concepts, bag(second).concepts
    return 2 * len(one & other) / (len(one) + len(other)) if one and other else 0.0


def says_little(message: str) -> bool:
    """嗯, "ok", "..." or an emoji: nothing that an example could be near to."""
    letters = len(re.findall("[a-z]", message.lower())) + 2 * len(re.findall(f"[{HAN}]", message))
    return letters < 4 and not bag(message).concepts


class _Memory:
    """Vectors of authored messages, which come back turn after turn. Bounded; safe between threads."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._writing = threading.Lock()
        self._vectors: OrderedDict[tuple[EmbedPassages, str], Vector] = OrderedDict()

    def vectors(self, embed_passages: EmbedPassages, texts: Sequence[str]) -> Matrix:
        """The texts' vectors `(n, dimension)`. What is not remembered is embedded in one call."""
        keys = [(embed_passages, text) for text in texts]
        known = {key: vector for key in keys if (vector := self._vectors.get(key)) is not None}
        missing = [key for key in dict.fromkeys(keys) if key not in known]
        if missing:
            found = dict(zip(missing, embed_passages([text for _, text in missing]), strict=True))
            with self._writing:
                self._vectors |= found
                while len(self._vectors) > self._size:
                    self._vectors.popitem(last=False)
            known |= found
        return np.stack([known[key] for key in keys])


_memory = _Memory(REMEMBERED_MESSAGES)


def remembered_vectors(embed_passages: EmbedPassages, texts: Sequence[str]) -> Matrix:
    """`(n, dimension)` of authored texts, from memory as far as they are in it."""
    return _memory.vectors(embed_passages, texts)
