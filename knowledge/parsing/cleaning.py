"""Bytes to clean text, whatever encoding they came in and whatever was hidden in them."""

import codecs
import re
import unicodedata

import charset_normalizer

from knowledge.parsing.errors import UnsupportedMediaType

# Never text: control characters, lone surrogates, non-characters, invisible tag characters, and whatever
# reorders what is shown (a right-to-left override makes "exe.pdf" of "fdp.exe").
_INVISIBLE = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\xad\u061c\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f"
    "\ufeff\ufff9-\uffff\ud800-\udfff\U000e0000-\U000e007f]"
)
_LINE_ENDS = re.compile("\r\n?|[\x85\u2028\u2029]")
_SPACES = re.compile("[\xa0\u2000-\u200a\u202f\u205f]")

_BOMS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
# Latin letters, Chinese and its punctuation, kana, Hangul: what fills a text whose bytes are in the right
# order.
_PLAUSIBLE = re.compile("[\t\n\r -~\xa0-\u024f\u2010-\u2027\u3000-\u30ff\u4e00-\u9fff\uac00-\ud7a3\uff00-\uffef]")
_PLAUSIBLE_SHARE = 0.95
_WIDE_SAMPLE_BYTES = 4096
_DETECT_BYTES = 64 * 1024
_BINARY_SHARE = 0.02
_STRAY_CONTROLS = 4
# Of the characters in real Chinese text, about 97 % are among the commoner half of the character set.
_COMMON_SHARE = 0.8


def clean_text(text: str) -> str:
    """The text without anything invisible or misleading, lines ended by `\\n`, composed (NFC)."""
    text = _LINE_ENDS.sub("\n", text)
    text = _SPACES.sub(" ", _INVISIBLE.sub("", text))
    return unicodedata.normalize("NFC", text)


def decode_text(data: bytes) -> str:
    """Decode by byte order mark, as UTF-8, as Chinese, or by statistics.

    Raises UnsupportedMediaType for bytes that are no text.
    """
    for mark, encoding in _BOMS:
        if data.startswith(mark):
            return data[len(mark) :].decode(encoding, errors="replace")
    if (wide := _wide_encoding(data)) is not None:
        return data.decode(wide, errors="replace")
    if _looks_binary(data):
        raise UnsupportedMediaType
    for encoding in ("utf-8", "gb18030", "big5"):
        if (text := _decode_strictly(data, encoding)) is not None:
            return text
    guess = charset_normalizer.from_bytes(data[:_DETECT_BYTES]).best()
    if guess is None:
        raise UnsupportedMediaType
    return data.decode(guess.encoding, errors="replace")


def _decode_strictly(data: bytes, encoding: str) -> str | None:
    """None if the bytes are not in this encoding, or make no sense in it."""
    try:
        text = data.decode(encoding, errors="surrogatepass" if encoding == "utf-8" else "strict")
    except UnicodeDecodeError:
        return None
    if encoding != "utf-8" and _common_share(text, encoding) < _COMMON_SHARE:
        return None  # GB18030 can decode nearly anything into rare characters
    return text


def _common_share(text: str, encoding: str) -> float:
    """Of the characters beyond ASCII, the share that is among the common ones of this Chinese encoding."""
    foreign = [character for character in text[:_DETECT_BYTES] if character > "\x7f"]
    legacy = "gb2312" if encoding == "gb18030" else encoding
    first_bytes = (character.encode(legacy, errors="ignore")[:1] for character in foreign)
    # Punctuation and the more frequent half of the characters come first in both tables.
    last_common = b"\xd7" if legacy == "gb2312" else b"\xc6"
    return sum(b"\xa1" <= byte <= last_common for byte in first_bytes) / max(len(foreign), 1)


def _wide_encoding(data: bytes) -> str | None:
    """UTF-16 without a mark: it has zero bytes, as no other text has, and makes sense in one byte order."""
    sample = data[:_WIDE_SAMPLE_BYTES]
    if 0 not in sample or len(data) % 2:
        return None
    for encoding in ("utf-16-le", "utf-16-be"):
        text = sample.decode(encoding, errors="replace")
        if len(_PLAUSIBLE.findall(text)) >= _PLAUSIBLE_SHARE * len(text):
            return encoding
    return None


def _looks_binary(data: bytes) -> bool:
    """Zero bytes and control characters in numbers that no text has."""
    sample = data[:_DETECT_BYTES]
    controls = sum(sample.count(byte) for byte in (*range(9), *range(14, 27), *range(28, 32)))
    return controls > max(_BINARY_SHARE * len(sample), _STRAY_CONTROLS)
