"""Text from outside, made safe to store and to send on."""

REPLACEMENT = "\ufffd"


def scrub(text: str) -> str:
    """Replace what PostgreSQL or UTF-8 cannot hold: NUL and lone surrogates. Halves of a pair are joined."""
    if "\x00" in text:
        text = text.replace("\x00", REPLACEMENT)
    if text.isascii():
        return text
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return text
