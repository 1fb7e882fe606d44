"""Each kind of file becomes the text that a person would read in it."""

import datetime

import pytest

from knowledge.parsing import Block, media_type_of, parse
from tests.knowledge import files


def shapes(data: bytes, filename: str = "", declared: str = "") -> list[tuple[str, int, str]]:
    return [(block.kind, block.level, block.text) for block in parse(data, filename, declared).blocks]


# Text


def test_plain_text_keeps_paragraphs_and_joins_wrapped_lines():
    text = (
        "1. Opening hours\n\n"
        "The shop in Mulberry Lane is open from nine in the morning until\n"
        "six in the evening, except on Sundays.\n"
        "Dogs may come in.\n\n"
        "- Tea\n- Cake\n"
    )

    assert shapes(text.encode(), "hours.txt") == [
        ("heading", 1, "1. Opening hours"),
        (
            "paragraph",
            0,
            "The shop in Mulberry Lane is open from nine in the morning until six in the evening, except on Sundays.",
        ),
        ("paragraph", 0, "Dogs may come in."),
        ("list", 0, "- Tea\n- Cake"),
    ]


def test_chinese_text_keeps_paragraphs_and_joins_wrapped_lines_without_spaces():
    text = (
        "第一章 总则\n\n"
        "本制度适用于公司全体正式员工，包括试用期员工以及所有的外派\n人员，实习生另行规定。\n"
        "本制度自公布之日起执行。"
    )

    assert shapes(text.encode()) == [
        ("heading", 1, "第一章 总则"),
        ("paragraph", 0, "本制度适用于公司全体正式员工，包括试用期员工以及所有的外派人员，实习生另行规定。"),
        ("paragraph", 0, "本制度自公布之日起执行。"),
    ]


@pytest.mark.parametrize(
    "encoding", ["utf-8", "utf-8-sig", "gb18030", "big5", "utf-16", "utf-16-le", "utf-16-be", "utf-32"]
)
def test_chinese_in_every_usual_encoding(encoding):
    text = "退貨說明：收到商品後七天內可以退貨。Contact us." if encoding == "big5" else files.RETURNS_ZH + " OK"

    assert parse(text.encode(encoding), "a.txt").text.split() == text.split()


@pytest.mark.parametrize("text", ["价格", "价格：12元", "Öffnungszeiten für Gäste"])
def test_short_text_in_an_old_encoding(text):
    encoding = "gbk" if text[0] == "价" else "cp1252"

    assert parse(text.encode(encoding), "a.txt").text == text


def test_what_cannot_be_seen_is_taken_out():
    text = "pay\x00 to\u202egpj.exe\u202c \u200bAl\ufeffice\U000e0041\u2066!\u2069\r\nnow"

    assert parse(text.encode(), "a.txt").text == "pay togpj.exe Alice!\n\nnow"


# Markdown


def test_markdown_loses_its_marks_but_not_its_shape():
    text = (
        "---\ntitle: Shipping\nauthor: Alice\n---\n# Shipping *abroad*\n\n"
        "We **ship** to [Japan](https://x.example/jp) and\n`HK`.\n\n1. Pack\n2. Send\n   - by air\n\n"
        "| City | Days |\n|---|---|\n| Osaka | 3 |\n\n```\nx = 1\n\ny = 2\n```\n"
    )
    document = parse(text.encode(), "a.md")

    assert document.title == "Shipping"
    assert document.blocks == [
        Block("Shipping abroad", "heading", 1),
        Block("We ship to Japan (https://x.example/jp) and HK."),
        Block("1. Pack\n2. Send\n  - by air", "list"),
        Block("City: Osaka; Days: 3", "table"),
        Block("x = 1\n\ny = 2", "code"),
    ]


def test_markdown_is_known_without_its_name():
    assert shapes("# 退货\n\n七天内\n可退。".encode())[0] == ("heading", 1, "退货")
    assert shapes(b"# A", "a.md") == [("heading", 1, "A")]


# HTML


def test_html_is_read_as_a_reader_of_the_page_would():
    page = """<!doctype html><html><head><title>Returns – Acme</title><style>p{}</style></head><body>
      <nav><a href=/>Home</a></nav><script>alert(1)</script><h1>Returns</h1>
      <p>You may return <b>anything</b><br>within thirty days.</p><div hidden>secret</div>
      <ul><li>unused</li><li><p>boxed</p><ul><li>with bill</li></ul></li></ul>
      <table><tr><th>类别</th><th>天数</th></tr><tr><td>茶叶</td><td>7</td></tr></table>
      <pre>code  here</pre><footer>© Acme</footer></body></html>"""
    document = parse(page.encode(), "page.html")

    assert document.title == "Returns – Acme"
    assert document.blocks == [
        Block("Returns", "heading", 1),
        Block("You may return anything within thirty days."),
        Block("- unused\n- boxed\n  - with bill", "list"),
        Block("类别：茶叶；天数：7", "table"),
        Block("code  here", "code"),
    ]


def test_html_in_the_encoding_that_it_declares():
    page = '<html><head><meta charset="gb2312"></head><body><p>满九十九元包邮。</p></body></html>'

    assert parse(page.encode("gbk"), "a.html").text == "满九十九元包邮。"


# PDF


def test_a_pdf_keeps_pages_headings_and_paragraphs_but_not_running_heads():
    pages = [
        [
            ("Acme Handbook", 9),
            (f"Chapter {n} Leave", 18),
            ("Everybody who has worked here for a whole year may take ten days of leave, and who", 11),
            ("has stayed for five years may take fif-", 11),
            (f"teen. Please ask early. {'Now. ' * n}", 11),
            (f"Page {n} of 3", 9),
        ]
        for n in (1, 2, 3)
    ]
    document = parse(files.pdf(pages, title="Handbook"), "scan.pdf")

    assert document.title == "Handbook"
    assert document.blocks[0] == Block("Chapter 1 Leave", "heading", 1, page=1)
    assert document.blocks[-1].page == 3
    assert "Acme Handbook" not in document.text
    assert "Page 2" not in document.text
    assert "year may take ten days of leave, and who has stayed" in document.text


def test_chinese_lines_of_a_pdf_are_joined_without_spaces():
    lines = [
        ("收到商品后七天内可以无理由退货，来回的运费都由本店承担，但是已经拆封的茶叶", 12),
        ("除外。", 12),
    ]

    document = parse(files.pdf([lines]), "a.pdf")

    assert document.blocks[0].text.endswith("但是已经拆封的茶叶除外。")


def test_a_paragraph_cut_by_the_end_of_a_page_is_one_again():
    filler = "A line that is as wide as the text on this page is, to its right-hand end, and goes"
    document = parse(files.pdf([[(filler, 11), (filler, 11)], [("on here.", 11)]]), "a.pdf")

    assert len(document.blocks) == 1
    assert document.blocks[0].page == 1
    assert document.blocks[0].text.endswith("and goes on here.")


# Word


def test_a_word_document_keeps_headings_lists_and_tables():
    data = files.word(
        [("Title", "员工手册"), ("Heading 1", "年假"), ("Normal", "每年十天。"), ("List Bullet", "提前申请")],
        table=[["城市", "上限"], ["北京", "650元"]],
    )
    document = parse(data, "a.docx")

    assert document.title == "员工手册"
    assert document.blocks == [
        Block("员工手册", "heading", 1),
        Block("年假", "heading", 1),
        Block("每年十天。"),
        Block("- 提前申请", "list"),
        Block("城市：北京；上限：650元", "table"),
    ]


def test_tracked_changes_are_read_as_accepted():
    body = (
        '<w:document xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"><w:body><w:sdt><w:sdtContent>'
        "<w:p><w:r><w:t>Returns take </w:t></w:r><w:del><w:r><w:delText>seven</w:delText></w:r></w:del>"
        "<w:ins><w:r><w:t>thirty</w:t></w:r></w:ins><w:r><w:t> days</w:t></w:r></w:p>"
        "</w:sdtContent></w:sdt></w:body></w:document>"
    )

    assert parse(files.office(word__document=body.encode()), "a.docx").text == "Returns take thirty days"


# Tables


def test_every_row_of_a_csv_carries_its_headers():
    assert shapes('品名;价格\n龙井;128\n"红茶;袋装";\n'.encode("gb18030"), "价目.csv") == [
        ("table", 0, "品名：龙井；价格：128\n品名：红茶;袋装"),
    ]


def test_a_csv_without_names_of_columns():
    assert shapes(b"1,2\n3,4\n", "a.csv") == [("table", 0, "1 | 2\n3 | 4")]


def test_a_workbook_has_a_heading_for_each_sheet():
    data = files.workbook(
        Teas=[
            ["Price list 2026"],
            [],
            ["Name", "Price", "Since", "Off"],
            ["Green", 12.0, datetime.date(2026, 3, 1), 0.5],
        ],
        空表=[],
        库存=[["品名", "数量"], ["白茶", 3], [], ["红茶", 4]],
    )
    document = parse(data, "list.xlsx")

    assert document.title == "list"
    assert document.blocks == [
        Block("Teas", "heading", 1),
        Block("Price list 2026", "table"),
        Block("Name: Green; Price: 12; Since: 2026-03-01; Off: 0.5", "table"),
        Block("空表", "heading", 1),
        Block("库存", "heading", 1),
        Block("品名：白茶；数量：3", "table"),
        Block("品名：红茶；数量：4", "table"),
    ]


# What it is


@pytest.mark.parametrize(
    ("data", "media_type"),
    [
        (files.pdf([[("Hello", 12)]]), "application/pdf"),
        (
            files.word([("Normal", "Hello")]),
            "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
        ),
        (files.workbook(A=[["x"]]), "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
        (b"<!DOCTYPE html><p>Hello", "text/html"),
        (b"just words", "text/plain"),
    ],
)
def test_a_mislabelled_file_is_read_as_what_it_is(data, media_type):
    for name in ("liar.pdf", "liar.docx", "liar.html", "liar"):
        assert media_type_of(data, name, "application/pdf") == media_type
        assert parse(data, name).text


def test_the_declared_type_tells_kinds_of_text_apart():
    assert media_type_of(b"a,b\n1,2", declared_type="text/csv; charset=utf-8") == "text/csv"
    assert media_type_of(b"a,b\n1,2", declared_type="text/plain") == "text/plain"


def test_a_document_knows_its_offsets():
    document = parse(files.RETURNS_ZH.encode(), "退货.txt")

    for start, block in zip(document.starts, document.blocks, strict=True):
        assert document.text[start:].startswith(block.text)
