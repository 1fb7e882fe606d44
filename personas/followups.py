"""A follow-up ("and how much is that?") finds nothing by itself: it is searched with what it follows."""

import re
from collections.abc import Sequence

from personas.context import Said
from personas.language import is_chinese

# A question longer than this says what it is about, whatever words it uses.
SHORT_CHARACTERS = 16  # Chinese
SHORT_WORDS = 8  # English
# At most so many earlier questions, and so much of each: more would drown what is asked now.
TURNS_BACK = 3
CHARACTERS_BACK = 200

_POINTS_BACK_ZH = re.compile(
    r"^(那|那么|然后|所以|还有|另外|而|但|再|也)|(呢|的话)[？?。！!]*$"
    r"|它|她|他们|这个|那个|这些|那些|这种|那种|这款|那款|上面|刚才|前者|后者|第[一二三]个|[这那]样"
)
_POINTS_BACK_EN = re.compile(
    r"^(and|but|so|then|also|or|what about|how about)\b"
    r"|\b(it|its|that|this|they|them|their|those|these|ones?|there|he|she|him|her|former|latter|else|same)\b",
    re.IGNORECASE,
)
# So short that the subject must stand elsewhere, yet a question: "多少钱？", "How much?"
_ELLIPTIC_ZH = re.compile(r"[吗么什谁哪几多怎何]")
_ELLIPTIC_EN = re.compile(r"\b(how|what|when|where|which|who|why)\b", re.IGNORECASE)


def search_query(history: Sequence[Said], question: str) -> str:
    """What to search for: the question, with the user's earlier ones before it when it leans on them."""
    asked = [said.text for said in history if said.role == "user"]
    needed = [question.strip()]
    while asked and len(needed) <= TURNS_BACK and leans_on_history(needed[0]):
        needed.insert(0, asked.pop().strip()[:CHARACTERS_BACK])
    return "\n".join(part for part in needed if part)


def leans_on_history(question: str) -> bool:
    """Whether a question can be understood only with what was said before. A guess by its words."""
    if is_chinese(question):
        length = len(re.findall(r"\w", question))
        return length <= SHORT_CHARACTERS and bool(
            _POINTS_BACK_ZH.search(question) or (length <= 5 and _ELLIPTIC_ZH.search(question))
        )
    words = len(question.split())
    return words <= SHORT_WORDS and bool(
        _POINTS_BACK_EN.search(question) or (words <= 3 and _ELLIPTIC_EN.search(question))
    )
