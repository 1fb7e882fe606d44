"""Text from outside inside a prompt: it can neither close nor imitate the tags that mark it as material."""

import re
import unicodedata

_INVISIBLE = r"\s\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff"
# Controls, line and paragraph separators, lone surrogates.
_UNSEEN = {"Cc", "Zl", "Zp", "Cs"}
_TAG = re.compile(rf"[<＜﹤‹〈](?=[{_INVISIBLE}/／]*(?:context|passages?|summary)(?![A-Za-z]))", re.IGNORECASE)


def quoted(text: str) -> str:
    """The text with our own tags made harmless; anything else that looks like markup stays as it is."""
    return text if text.isascii() and "<" not in text else _TAG.sub("&lt;", text)


def one_line(text: str, limit: int) -> str:
    """A short value such as a name: one line of at most `limit` characters, no controls, harmless tags."""
    visible = "".join(" " if unicodedata.category(letter) in _UNSEEN else letter for letter in text)
    return quoted(" ".join(visible.split())[:limit])


def attribute(text: str, limit: int = 200) -> str:
    """A value between the double quotes of a tag."""
    return one_line(text, limit).replace('"', "'").replace("<", "&lt;").replace(">", "&gt;")
