"""What the pages of data say, they say in both languages, and nothing is said that nobody hears."""

import re
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
STATIC = ROOT / "platform/analytics/static/analytics"
CHAT = ROOT / "platform/chat/static/chat/strings.js"
KEY = re.compile(r'(?<=[\s{])(\w+): "((?:[^"\\]|\\.)*)"')
# Named outright, or made of a prefix and what the server says.
USED = re.compile(r'(?:\bt|button|tool|section|field)\("(\w+)"|data-i18n(?:-\w+)?="(\w+)"')


def texts_in(path: Path, language: str) -> dict[str, str]:
    source = path.read_text()
    start = source.index("  en: {" if language == "en" else '  "zh-Hans": {')
    return dict(KEY.findall(source[start : source.index("\n  },", start)]))


@cache
def sources() -> str:
    scripts = (path.read_text() for path in STATIC.glob("*.js") if path.name != "strings.js")
    return "\n".join([*scripts, *(path.read_text() for path in (ROOT / "templates/ask").glob("*.html"))])


def test_both_languages_say_the_same_things() -> None:
    english, chinese = texts_in(STATIC / "strings.js", "en"), texts_in(STATIC / "strings.js", "zh")

    assert len(english) > 200
    assert english.keys() == chinese.keys()
    for key, text in english.items():
        assert sorted(re.findall(r"{\w+}", text)) == sorted(re.findall(r"{\w+}", chinese[key])), key
        assert not re.search(r"[\u4e00-\u9fff]", text), key


def test_every_text_that_is_shown_is_there() -> None:
    known = texts_in(STATIC / "strings.js", "en").keys() | texts_in(CHAT, "en").keys()
    used = {name for names in USED.findall(sources()) for name in names if name}

    assert used - known == set()


def test_no_text_is_left_over() -> None:
    prefixes = tuple(re.findall(r"`(\w+_)\$\{", sources()))
    words = set(re.findall(r"\w+", sources()))
    left = {key for key in texts_in(STATIC / "strings.js", "en") if key not in words and not key.startswith(prefixes)}

    assert {key for key in left if not (key.endswith("_lead") and key.removesuffix("_lead") in words)} == set()
