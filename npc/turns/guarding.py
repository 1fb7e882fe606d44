"""Speech on its way out: what would tell a closed fact, or breaks the tale, is stopped before it is heard.

Words are held back only from where such a thing could be beginning, and until their sentence has shown that it is none.
What goes out does not depend on how the text was cut, so that a replay cuts it alike.
"""

import re
from typing import Literal, NamedTuple

from npc.knowledge.secrets import TOLD_SHARE, Lookout, Secret, codes_in
from npc.knowledge.terms import LETTERS, Token, folded, marks_of, tokens, words_of
from npc.turns.sentences import whole_sentences
from personas.language import is_chinese

_SENTENCE_ENDS = re.compile(r"[。！？!?…\n]+[”’」』）)\"]*|\.+[\"”’)]*(?=\s)")


class Breach(NamedTuple):
    """`closed_fact`: `detail` is its id. `outside_world`: it is what was said."""

    rule: Literal["closed_fact", "outside_world"]
    detail: str


class Guard:
    """Feed it speech as it comes; it gives back what may be heard. After a breach nothing more is.

    `breach` says what was stopped. Until then all that was given back and what `finish` gives, joined, is the speech.
    """

    def __init__(self, lookout: Lookout, heard: str = "") -> None:
        """`heard` is what the character was told just now: a number out of it is no secret."""
        self.breach: Breach | None = None
        self._lookout = lookout
        self._heard = frozenset(codes_in(heard))
        self._text = ""
        self._out = 0  # so far it has been given back
        self._before = 0  # where the sentence before this one begins: what is told in two is told
        self._sentence = 0
        self._read = 0  # up to here the words of this sentence are whole and have been looked at
        self._held: int | None = None  # where in this sentence something may have begun

    def feed(self, text: str) -> str:
        self._text += text
        return self._let_out(is_last=False)

    def finish(self) -> str:
        return self._let_out(is_last=True)

    def _let_out(self, *, is_last: bool) -> str:
        if self.breach:
            return ""
        while (end := self._sentence_end(is_last)) > self._sentence:
            self._look(end, rest=end)
            if self.breach:
                break
            self._before, self._sentence, self._held = self._sentence, end, None
        else:
            self._look(*self._whole())
        start, self._out = self._out, max(self._out, self._free_until())
        return self._text[start : self._out]

    def _sentence_end(self, is_last: bool) -> int:
        """Where this sentence ends, once that is certain; else its beginning."""
        found = _SENTENCE_ENDS.search(self._text, self._sentence)
        if found and (is_last or found.end() < len(self._text)):
            return found.end()
        return len(self._text) if is_last else self._sentence

    def _whole(self) -> tuple[int, int]:
        """Up to where words are whole; and where one begins that may go on, or a sign that may be followed."""
        last = next(reversed([*tokens(self._text, self._read)]), None)
        if last is None or last.end < len(self._text):
            return len(self._text), len(self._text)
        return last.end if last.is_sign else last.start, last.start

    def _look(self, end: int, rest: int) -> None:
        """At the words up to `end` that were not looked at yet; next time from `rest` on."""
        found = list(tokens(self._text, self._read, end))
        self._read = rest
        if self._held is None:
            self._held = next((at for at, mark in marks_of(found) if mark in self._lookout.openings), None)
        if found and self._held is not None and self._judged(end):
            self.breach = self._first_breach(found, end)

    def _free_until(self) -> int:
        if self._held is not None:
            return self._held
        unfinished = folded(self._text[self._read :])[:LETTERS]
        return self._read if unfinished in self._lookout.beginnings else len(self._text)

    def _first_breach(self, found: list[Token], end: int) -> Breach | None:
        """Word by word, as if they had come one by one: of two breaches it is the one that is heard first."""
        ends = (one.end for one in found)
        return next(filter(None, map(self._judged, ends)), None) or self._judged(end)

    def _judged(self, end: int) -> Breach | None:
        sentence, both = self._text[self._sentence : end], self._text[self._before : end]
        if said := self._lookout.tale.left_by(sentence):
            return Breach("outside_world", said[:100])
        found = [*tokens(both)]
        if fact_id := self._told_by_code(sentence) or self._told_by_words(found):
            return Breach("closed_fact", fact_id)
        return None

    def _told_by_code(self, text: str) -> str | None:
        codes = self._lookout.codes
        return next((codes[one] for one in codes_in(text) if one in codes and one not in self._heard), None)

    def _told_by_words(self, found: list[Token]) -> str | None:
        words = frozenset(words_of(found))
        for _, mark in marks_of(found):
            for secret in self._lookout.by_mark.get(mark, ()):
                if _is_told(secret, words):
                    return secret.id
        whole = "".join(words_of(found))
        return next((secret.id for secret in self._lookout.plain if secret.essence in whole), None)


def broken_off(said: str, line: str) -> str:
    """What follows speech that was stopped after `said`, to go on with an authored line."""
    if not said.strip():
        return line
    if whole_sentences(said.rstrip()) == said.rstrip():
        return line if said[-1].isspace() or is_chinese(line) else f" {line}"
    return f"……{line}" if is_chinese(line) else f"… {line}"


def _is_told(secret: Secret, words: frozenset[str]) -> bool:
    """One word is no fact: it needs two, or all of it."""
    told = len(secret.words & words)
    return told >= min(2, len(secret.words)) and told >= TOLD_SHARE * len(secret.words)
