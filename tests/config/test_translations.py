"""Chinese and English are equals: no text of the interface is left in English."""

import ast
import gettext
import re

import polib
import pytest
from django.utils.functional import Promise
from django.utils.translation import gettext as translate
from django.utils.translation import override

from tenants.errors import PlatformError
from tests.config.catalogue import (
    CATALOGUE,
    COMPILED,
    ROOT,
    SOURCES,
    Unsupported,
    source_texts,
    texts_of_python,
    texts_of_template,
)

REFRESH = "run `python -m tests.config.catalogue` and translate what it names"
PLACEHOLDER = re.compile(r"%\(\w+\)[sd]|\{\{\w+\}\}|\{\w+\}|TROUPE_\w+|OPENAI_\w+")


@pytest.fixture(scope="module")
def chinese() -> dict[str, str]:
    return {entry.msgid: entry.msgstr for entry in polib.pofile(str(CATALOGUE))}


def test_every_text_of_the_interface_has_its_chinese(chinese):
    texts = source_texts()
    assert len(texts) > 300
    assert [text for text in texts if not chinese.get(text)] == [], REFRESH


def test_what_is_gone_from_the_source_is_gone_from_the_catalogue(chinese):
    assert chinese.keys() - source_texts().keys() == set(), REFRESH


def test_placeholders_stay_what_they_are(chinese):
    for english, translation in chinese.items():
        assert sorted(PLACEHOLDER.findall(translation)) == sorted(PLACEHOLDER.findall(english)), english


def test_translations_are_chinese_and_carry_no_ascii_punctuation(chinese):
    for translation in chinese.values():
        assert re.search(r"[\u4e00-\u9fff]", translation) or translation in {"Troupe", "NPC", "Token", "Webhook"}
        assert not re.search(r"[\u4e00-\u9fff][,;?!]", translation), translation


def test_what_django_reads_is_what_people_edit(chinese):
    with COMPILED.open("rb") as file:
        compiled = gettext.GNUTranslations(file)
    assert {english: compiled.gettext(english) for english in chinese} == chinese, REFRESH


def test_the_interface_speaks_chinese():
    with override("zh-hans"):
        assert translate("This conversation is closed; start a new one.") == "此对话已关闭，请开始新的对话。"
    with override("en"):
        assert translate("This conversation is closed; start a new one.").startswith("This conversation")


def kinds_of_refusal(kind: type[PlatformError] = PlatformError) -> set[type[PlatformError]]:
    ours = (each for each in kind.__subclasses__() if not each.__module__.startswith("tests."))
    return {kind}.union(*map(kinds_of_refusal, ours))


def test_every_refusal_can_be_said_in_both_languages():
    """A sentence of its own is given to gettext; one that a class brings waits for the reader's language."""
    names = {kind.__name__ for kind in kinds_of_refusal()}
    untranslated = [
        f"{path.relative_to(ROOT)}:{call.lineno}"
        for folder in SOURCES
        for path in (ROOT / folder).rglob("*.py")
        for call in ast.walk(ast.parse(path.read_text()))
        if isinstance(call, ast.Call) and any(is_bare_text(said) for said in sentences_of(call, names))
    ]

    assert len(names) > 25
    assert untranslated == []
    for kind in kinds_of_refusal():
        assert isinstance(kind.default_detail, Promise), kind


def sentences_of(call: ast.Call, names: set[str]) -> list[ast.expr]:
    """The sentence in `Refusal("…")` and in `Invalid.field("name", "…")`."""
    match call.func:
        case ast.Name(id=name) if name in names:
            return call.args[:1]
        case ast.Attribute(value=ast.Name(id=name), attr="field") if name in names:
            return call.args[1:2]
    return []


def is_bare_text(node: ast.expr) -> bool:
    return isinstance(node, ast.JoinedStr) or (isinstance(node, ast.Constant) and isinstance(node.value, str))


def test_texts_are_found_however_they_are_marked():
    python = 'from django.utils.translation import gettext_lazy as say\nsay("One " "text")\nother("No")'
    template = """{% load i18n %}{% translate "It's" %} {% blocktranslate %}{{ n }} of it{% endblocktranslate %}"""
    assert list(texts_of_python(python, "some.py")) == ["One text"]
    assert list(texts_of_template(template, "some.html")) == ["It's", "%(n)s of it"]


def test_what_would_be_overlooked_is_refused():
    with pytest.raises(Unsupported):
        list(texts_of_python("from django.utils.translation import ngettext", "some.py"))
    with pytest.raises(Unsupported):
        list(texts_of_template('{% translate "May" context "month" %}', "some.html"))
