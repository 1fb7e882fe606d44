"""Where a sentence ends."""

import re

_END = re.compile(r"[。！？!?…]+[”’」』）)\"]*|\.+[\"”’)]*(?=\s|$)")


def whole_sentences(text: str) -> str:
    """The beginning of a text that broke off, up to the end of its last whole sentence."""
    ends = [match.end() for match in _END.finditer(text)]
    return text[: ends[-1]] if ends else ""
