"""What the pages say exists."""

import re

import polib
import pytest
from django.core.management import get_commands

from config.environment import VARIABLES
from tests.config.catalogue import CATALOGUE
from tests.docs.pages import ROOT, Page, all_pages, page

PAGES = pytest.mark.parametrize("page", all_pages(), ids=lambda page: page.name)
# The one file that pages name because it must not be there.
NEVER_THERE = "platform/__init__.py"
# Names of the services' own images, which docker-compose.yml reads from .env.
COMPOSE_VARIABLES = set(re.findall(r"^(\w+)=", (ROOT / ".env.example").read_text(), re.M))


def test_the_pages_are_there():
    names = {page.name for page in all_pages()}
    assert names >= {
        "README.md", "README.zh.md", "CONTRIBUTING.md", "CHANGELOG.md", "docs/architecture.md",
        "docs/operations.md", "docs/operations.zh.md", "docs/adr/README.md",
    }  # fmt: skip


@PAGES
def test_links_lead_somewhere(page: Page):
    for link in page.links:
        if link.startswith(("http://", "https://")):
            continue
        file, _, anchor = link.partition("#")
        target = (page.path.parent / file).resolve() if file else page.path
        assert target.exists(), f"{page.name} links to {link}"
        if anchor:
            assert anchor in Page(target).anchors, f"{page.name} links to {link}"


@PAGES
def test_make_targets_exist(page: Page):
    targets = set(re.findall(r"^(\w+):", (ROOT / "Makefile").read_text(), re.M))
    assert set(re.findall(r"\bmake (\w+)", page.code)) <= targets


@PAGES
def test_commands_exist(page: Page):
    assert set(re.findall(r"\bmanage\.py (\w+)", page.code)) <= get_commands().keys()


@PAGES
def test_parts_of_the_launcher_exist(page: Page):
    from embedded.__main__ import parser

    for line in re.findall(r"\bpython -m embedded (.+)", page.code):
        words = [re.sub(r"\W.*URL.*", "postgresql://", word) for word in line.split("#")[0].split()]
        assert parser().parse_args(words)


@PAGES
def test_variables_exist(page: Page):
    named = set(re.findall(r"\b(?:TROUPE|DATABASE|REDIS|OPENAI)_\w+", page.code))
    assert named <= VARIABLES.keys() | COMPOSE_VARIABLES


def test_operators_find_every_variable():
    row = re.compile(r"^\| `((?:TROUPE|DATABASE|REDIS|OPENAI)\w+)` \| (.+) \|$", re.M)
    assert dict(row.findall(page("docs/operations.md").text)) == VARIABLES
    assert dict(row.findall(page("docs/operations.zh.md").text)).keys() == VARIABLES.keys()


@PAGES
def test_files_named_in_text_exist(page: Page):
    """`platform/jobs/relay.py`, and for short `jobs/relay.py`."""
    for name in re.findall(r"(?<![\w./-])((?:\w+/)+\w+\.(?:py|md|toml|yml|html|js|jsonl|txt))(?!\w)", page.code):
        is_there = any((root / name).exists() for root in (ROOT, ROOT / "platform"))
        assert is_there or name == NEVER_THERE, f"{page.name} names {name}"


def test_tests_named_in_text_exist():
    source = "\n".join(path.read_text() for path in (ROOT / "tests").rglob("test_*.py"))
    for one in all_pages():
        for name in re.findall(r"\b(test_\w+)(?!\w|\.py)", one.code):
            assert f"def {name}(" in source, f"{one.name} names {name}"


def test_decisions_are_listed_and_numbered_without_a_gap():
    decisions = sorted(path.name for path in (ROOT / "docs/adr").glob("0*.md"))
    assert [int(name[:4]) for name in decisions] == list(range(1, len(decisions) + 1))
    assert [link for link in page("docs/adr/README.md").links if link.startswith("0")] == decisions
    for name in decisions:
        assert page(f"docs/adr/{name}").text.startswith(f"# {int(name[:4])}. ")


# --- Two languages ------------------------------------------------------------------------------------------
def is_for_users(page: Page) -> bool:
    """Those who build Troupe itself read English; everyone else is met in his language."""
    is_english = not page.name.endswith(".zh.md")
    return is_english and page.name.startswith(("README", "docs/guides/", "docs/operations"))


USER_PAGES = pytest.mark.parametrize(
    "page", [page for page in all_pages() if is_for_users(page)], ids=lambda page: page.name
)


@USER_PAGES
def test_what_users_read_is_there_in_chinese(page: Page):
    twin = Page(page.path.with_name(f"{page.path.stem}.zh.md"))
    assert twin.path.exists()
    assert twin.path.name in page.links
    assert page.path.name in twin.links


@USER_PAGES
def test_both_languages_show_the_same_steps(page: Page):
    """Texts within the code may differ, what is done may not."""
    twin = Page(page.path.with_name(f"{page.path.stem}.zh.md"))
    assert [block.info for block in page.blocks()] == [block.info for block in twin.blocks()]
    assert page.text.count("\n## ") == twin.text.count("\n## ")


@pytest.mark.parametrize("name", ["README", "docs/operations"])
def test_commands_are_the_same_in_both(name: str):
    assert page(f"{name}.md").blocks() == page(f"{name}.zh.md").blocks()


def test_the_first_bot_guide_says_what_stands_on_the_pages():
    """Bold words are labels of the interface, the same ones in both languages."""
    labels = re.compile(r"\*\*(.+?)\*\*", re.S)
    english, chinese = (
        [" ".join(label.split()) for label in labels.findall(page(f"docs/guides/first-bot{language}.md").prose)]
        for language in ("", ".zh")
    )
    known = {entry.msgid.casefold(): entry.msgstr for entry in polib.pofile(str(CATALOGUE))}
    # The first one only says that bold words are labels.
    assert [known.get(label.casefold()) for label in english[1:]] == chinese[1:]
