"""Chinese and English are equals: no text of the interface is left in English."""

import gettext
import re

import polib
import pytest
from django.utils.translation import gettext as translate
from django.utils.translation import override

from tests.config.catalogue import (
    CATALOGUE,
    COMPILED,
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
        assert re.search(r"[\u4e00-\u9fff]", translation) or translation in {"Troupe", "NPC", "Token"}
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
