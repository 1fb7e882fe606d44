"""What the desk says, it says in both languages, and nothing is said that nobody hears."""

import re
from functools import cache

from tests.analytics.pages.test_strings import CHAT, ROOT, texts_in

STATIC = ROOT / "platform/chat/static/desk"
STRINGS = STATIC / "strings.js"
USED = re.compile(r'\bt\("(\w+)"|data-i18n(?:-\w+)?="(\w+)"')


@cache
def sources() -> str:
    scripts = (path.read_text() for path in STATIC.glob("*.js") if path.name != "strings.js")
    return "\n".join([*scripts, *(path.read_text() for path in (ROOT / "templates/desk").glob("*.html"))])


def test_both_languages_say_the_same_things() -> None:
    english, chinese = texts_in(STRINGS, "en"), texts_in(STRINGS, "zh")

    assert len(english) > 150
    assert english.keys() == chinese.keys()
    for key, text in english.items():
        assert sorted(re.findall(r"{\w+}", text)) == sorted(re.findall(r"{\w+}", chinese[key])), key
        assert not re.search(r"[\u4e00-\u9fff]", text), key


def test_every_text_that_is_shown_is_there() -> None:
    known = texts_in(STRINGS, "en").keys() | texts_in(CHAT, "en").keys()
    used = {name for names in USED.findall(sources()) for name in names if name}

    assert used - known == set()


def test_no_text_is_left_over() -> None:
    prefixes = tuple(re.findall(r"`(\w+_)\$\{", sources()))
    words = set(re.findall(r"\w+", sources()))
    # Some take the place of the chat page's own, which its parts say.
    own = texts_in(STRINGS, "en").keys() - texts_in(CHAT, "en").keys()

    assert {key for key in own if key.removesuffix("_more") not in words and not key.startswith(prefixes)} == set()
