"""Passages: about one size, ending where something ends, in their place in the document."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from knowledge.parsing import Block, ParsedDocument, parse
from knowledge.splitting import STRETCH, Piece, sentence_spans, split

SENTENCE = "This is a sentence of about fifty characters, yes. "
SATZ = "这是一个大约二十个汉字的句子，说的是茶。"


def document(*blocks: Block) -> ParsedDocument:
    return ParsedDocument("Handbook", blocks)


def heading(text: str, level: int = 1) -> Block:
    return Block(text, "heading", level)


def pieces(*blocks: Block, target: int = 250, overlap: int = 0) -> list[Piece]:
    return split(document(*blocks), len, target, overlap)


# Sentences


@pytest.mark.parametrize(
    ("text", "sentences"),
    [
        ("One. Two! Three? Four", ["One. ", "Two! ", "Three? ", "Four"]),
        ("第一。第二！第三？第四；第五", ["第一。", "第二！", "第三？", "第四；", "第五"]),
        ("他说：“好。”然后走了。", ["他说：“好。”", "然后走了。"]),
        ("（注意。）请看「这里。」好", ["（注意。）", "请看「这里。」", "好"]),
        ('He said "No." She left.', ['He said "No." ', "She left."]),
        ("Mr. Smith of Acme Inc. paid e.g. $3.50 to J. R. Doe. Then he left.", None),
        ("It weighs 3.14 kg. See p. 5, Fig. 2, and v2.0 of it.", None),
        ("等等……然后呢？！走了", ["等等……", "然后呢？！", "走了"]),
        ("See http://x.example/a?b=1!c for it. Now.", ["See http://x.example/a?b=1!c for it. ", "Now."]),
        ("买吗?买!好", ["买吗?", "买!", "好"]),
    ],
)
def test_sentences_end_where_they_end(text, sentences):
    found = [text[begin:end] for begin, end in sentence_spans(text)]

    if sentences is None:
        assert len(found) == 2
    else:
        assert found == sentences


@given(st.text(max_size=200))
def test_sentences_are_the_whole_text(text):
    assert "".join(text[begin:end] for begin, end in sentence_spans(text)) == text


# Sections


def test_a_passage_stays_within_its_section():
    found = pieces(
        heading("Leave"),
        Block(SENTENCE * 2),
        heading("Sick leave", 2),
        Block(SENTENCE * 2),
        heading("Expenses"),
        Block(SENTENCE),
    )

    assert [piece.heading_path for piece in found] == [["Leave"], ["Leave", "Sick leave"], ["Expenses"]]
    assert [piece.ordinal for piece in found] == [0, 1, 2]


def test_tiny_siblings_go_together_with_their_headings():
    found = pieces(
        heading("FAQ"),
        heading("A", 2),
        Block("Yes."),
        heading("B", 2),
        Block("No."),
        heading("Other"),
        Block("x."),
    )

    assert [(piece.heading_path, piece.text) for piece in found] == [
        (["FAQ"], "A\n\nYes.\n\nB\n\nNo."),
        (["Other"], "x."),
    ]


def test_a_heading_with_nothing_below_it_is_not_lost():
    found = pieces(heading("A"), heading("Empty", 2), heading("B"), Block(SENTENCE), heading("Last"))

    assert [(piece.heading_path, piece.text) for piece in found] == [
        (["A"], "Empty"),
        (["B"], SENTENCE.strip()),
        ([], "Last"),
    ]


def test_a_section_a_little_over_the_target_is_left_whole():
    assert len(pieces(Block(SENTENCE * 6), target=250)) == 1
    assert len(pieces(Block(SENTENCE * 8), target=250)) == 2


def test_halves_are_about_equally_long():
    first, second = pieces(Block(SENTENCE * 8), target=250)

    assert len(first.text) == len(second.text)


def test_chinese_is_cut_between_sentences_only():
    found = pieces(Block(SATZ * 30), target=200)

    assert len(found) > 2
    assert all(piece.text.endswith("茶。") and piece.text.startswith("这是") for piece in found)


def test_a_passage_begins_with_the_last_sentence_of_the_one_before():
    first, second = pieces(
        Block("".join(f"Sentence number {n} is here now. " for n in range(16))), target=300, overlap=1
    )

    assert second.start < first.end
    assert first.text.endswith(second.text[: first.end - second.start])


def test_rows_and_items_are_kept_whole():
    rows = "\n".join(f"Name: tea {n}; Price: {n}.50; Notes: from the hills, fresh. Very good." for n in range(30))

    found = pieces(Block(rows, "table"), target=250)

    assert all(piece.text.startswith("Name: ") and piece.text.endswith("good.") for piece in found)


def test_code_is_kept_whole_if_it_fits():
    code = "if x:\n    y. Z = 1\n\n" * 10

    assert [piece.text for piece in pieces(Block(code.strip(), "code"), target=250)] == [code.strip()]
    assert len(pieces(Block(code * 5, "code"), target=250)) > 1


def test_an_endless_sentence_is_cut_between_clauses():
    found = pieces(Block("我们有龙井，" * 200), target=100)

    assert all(len(piece.text) <= 140 and piece.text.endswith("，") for piece in found)


def test_a_passage_knows_its_page():
    found = pieces(Block(SENTENCE * 5, page=1), Block(SENTENCE * 5, page=2), target=250)

    assert [piece.page for piece in found] == [1, 2]


def test_a_real_document():
    text = "# 退货\n\n" + SATZ * 5 + "\n\n## 运费\n\n| 地区 | 运费 |\n|--|--|\n| 新疆 | 18元 |\n"

    found = split(parse(text.encode(), "a.md"), len)

    assert [(piece.heading_path, piece.text) for piece in found] == [
        (["退货"], SATZ * 5),
        (["退货", "运费"], "地区：新疆；运费：18元"),
    ]


def test_a_blank_line_is_no_passage():
    heading = Block("tea. tea. tea. tea. \n\ntea. tea. tea. tea. Is it? …", "heading", 1)

    assert [piece.text for piece in pieces(heading, target=20)] == [
        "tea. tea. tea. tea.",
        "tea. tea. tea. tea. Is it? …",
    ]


# What always holds

WORDS = st.sampled_from(["tea. ", "茶。", "a, ", "长长长长长长", "x" * 70, "Is it? ", "… ", "“好。”", "3.14 ", "\n"])
BLOCKS = st.builds(
    lambda words, kind, level: Block("".join(words).strip() or "x", kind, level if kind == "heading" else 0),
    st.lists(WORDS, min_size=1, max_size=25),
    st.sampled_from(["heading", "paragraph", "paragraph", "list", "table", "code"]),
    st.integers(1, 4),
)


@settings(max_examples=100, deadline=None)
@given(st.lists(BLOCKS, min_size=1, max_size=12), st.integers(20, 120), st.integers(0, 2))
def test_nothing_is_lost_moved_or_too_long(blocks, target, overlap):
    whole = ParsedDocument("T", blocks)
    found = split(whole, len, target, overlap)

    covered: set[int] = set()
    for piece in found:
        assert piece.text == whole.text[piece.start : piece.end]
        assert piece.text == piece.text.strip() != ""
        assert len(piece.text) <= target * STRETCH
        covered.update(range(piece.start, piece.end))
    assert [piece.ordinal for piece in found] == list(range(len(found)))
    assert [piece.start for piece in found] == sorted(piece.start for piece in found)
    said = [text for piece in found for text in piece.heading_path]
    for start, block in zip(whole.starts, blocks, strict=True):
        missing = [
            at for at in range(start, start + len(block.text)) if at not in covered and not whole.text[at].isspace()
        ]
        assert not missing or (block.kind == "heading" and block.text in said)
