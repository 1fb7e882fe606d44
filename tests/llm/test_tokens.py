import pytest

from llm.text import scrub
from llm.tokens import count_tokens


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("", 0),
        ("a", 1),
        ("seven c", 2),
        ("eight ch", 3),
        ("有房间吗？", 5),
        ("红茶 tea", 2 + 2),
        ("🏮", 1),
        ("naïve", 2),
    ],
)
def test_tokens_by_script(text: str, tokens: int):
    assert count_tokens(text) == tokens


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        ("有房间吗？ room", "有房间吗？ room"),
        ("a\x00b", "a\ufffdb"),
        ("\ud83d", "\ufffd"),
        ("茶\udc00\ud83d茶", "茶\ufffd\ufffd茶"),
        ("\ud83c\udfee", "🏮"),
    ],
)
def test_scrubbed_text_can_be_stored(text: str, clean: str):
    assert scrub(text) == clean
    assert "\x00" not in scrub(text).encode().decode()
