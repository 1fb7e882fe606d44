"""Only numbers of passages that were in the prompt are citations, however the stream is cut."""

from collections.abc import Sequence
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from personas.citations import CitationParser, Reply
from personas.context import Source

SOURCES = [
    Source(n=n, chunk_id=UUID(int=n), document_id=UUID(int=9), title="Rules", text="…", score=1.0) for n in (1, 2, 3)
]


def read_whole(text: str, sources: Sequence[Source]) -> tuple[str, Reply]:
    parser = CitationParser(sources)
    clean = parser.feed(text)
    reply = parser.finish()
    return clean + reply.tail, reply


@pytest.mark.parametrize(
    ("text", "clean", "cited"),
    [
        ("Two nights [2], then one [1].", "Two nights [2], then one [1].", [2, 1]),
        ("七天内可退【3】。", "七天内可退[3]。", [3]),
        ("可退[1，3]", "可退[1][3]", [1, 3]),
        ("Yes【2†source】.", "Yes[2].", [2]),
        ("Forged [7]. Real [1].", "Forged. Real [1].", [1]),
        ("Half [1, 7]", "Half [1]", [1]),
        ("Twice [1] and [1]", "Twice [1] and [1]", [1]),
        ("- [ ] sweep, since [2026]", "- [ ] sweep, since [2026]", []),
        ("Code `a[7]` and [7]", "Code `a[7]` and", []),
        ("```\nb[1]\n```\nthen [1]", "```\nb[1]\n```\nthen [1]", [1]),
        ("A lone ` tick\nends with its line [7] [2]", "A lone ` tick\nends with its line [2]", [2]),
        ("[1](https://evil.example)", "[1](https://evil.example)", [1]),
        ("unfinished [1", "unfinished [1", []),
    ],
)
def test_marks(text: str, clean: str, cited: list[int]) -> None:
    got, reply = read_whole(text, SOURCES)
    assert got == clean
    assert [source.n for source in reply.citations] == cited


def test_without_sources_every_mark_goes() -> None:
    text, reply = read_whole("Surely [1]!", [])
    assert (text, reply.citations) == ("Surely!", ())


def test_the_readers_own_list_adds_what_its_text_does_not_mark() -> None:
    parser = CitationParser(SOURCES)
    assert parser.feed("“Breakfast at seven.” [2]") == "“Breakfast at seven.” [2]"
    reply = parser.finish(cited=(1, 2, 8))
    assert reply.tail == ""
    assert [source.n for source in reply.citations] == [2, 1]


def test_text_without_marks_is_not_held_back() -> None:
    parser = CitationParser(SOURCES)
    assert [parser.feed(piece) for piece in ("有", "房间", " for", " two", " [", "1", "]", ".")] == [
        "有",
        "房间",
        " for",
        " two",
        "",
        "",
        " [1]",
        ".",
    ]


pieces = st.lists(
    st.sampled_from(["[", "]", "【", "】", "1", "7", ", ", " ", "`", "```", "\n", "†x", "茶", "word", "[2]", " [9]"]),
    max_size=40,
)


@given(pieces, st.lists(st.integers(0, 120), max_size=10))
def test_the_text_does_not_depend_on_where_the_stream_is_cut(tokens: list[str], cuts: list[int]) -> None:
    text = "".join(tokens)
    whole, told_at_once = read_whole(text, SOURCES)

    parser, out, at = CitationParser(SOURCES), "", 0
    for cut in [*sorted(cuts), len(text)]:
        out += parser.feed(text[at : max(at, cut)])
        at = max(at, cut)
    reply = parser.finish()

    assert out + reply.tail == whole
    assert reply.citations == told_at_once.citations
