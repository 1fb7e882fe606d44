"""The widget's files. Nothing is built: they are the chat page's own modules, joined as they are sent.

Two dozen modules that find each other one after the other would keep a stranger's page waiting, and compress badly
each by itself. So they travel as one, in the order in which they need each other and without their comments; the page
goes on loading the very same files one by one.

All files lie under one address that holds a digest of the whole, so that browsers may keep them for ever and never mix
two versions.
"""

import gzip
import hashlib
import re
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from django.template.loader import render_to_string

STATIC = Path(__file__).resolve().parents[1] / "static"
ENTRY, LOADER = STATIC / "widget" / "element.js", STATIC / "widget" / "loader.js"
STYLES = [STATIC / "chat" / "chat.css", STATIC / "widget" / "widget.css"]
TYPES = {".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml", ".html": "text/html"}
# A page's own root may have any size, so that no length may depend on it.
PX_PER_REM = 16

# Ours stand on lines of their own.
_BLOCK_COMMENT = re.compile(r"^[ \t]*/\*.*?\*/[ \t]*\n", re.DOTALL | re.MULTILINE)
_LINE_COMMENT = re.compile(r"^[ \t]*//.*\n", re.MULTILINE)
_INDENT = re.compile(r"^[ \t]+|\n(?=\n)", re.MULTILINE)
_REM = re.compile(r"(?<![\w.])(-?[\d.]+)rem\b")
_TAG_GAP = re.compile(r">\s+<")
_IMPORT = re.compile(r"^import \{ ([^}]+) \} from \"([^\"]+)\";\n", re.MULTILINE)
_EXPORT = re.compile(r"^export (?=(?:async )?(?:class|function\*?|const) (\w+))", re.MULTILINE)


@dataclass(frozen=True)
class File:
    """What is sent, plain and compressed."""

    body: bytes
    compressed: bytes
    content_type: str


@dataclass(frozen=True)
class Bundle:
    """All files by their names below the digest; and the script that sites include."""

    digest: str
    files: dict[str, File]
    loader: File


@lru_cache(maxsize=1)
def bundle() -> Bundle:
    """The widget as this process serves it."""
    texts = {
        "widget.js": joined(ENTRY),
        "widget.css": "".join(_style(path.read_text("utf-8")) for path in STYLES),
        "icons.svg": (STATIC / "chat" / "icons.svg").read_text("utf-8"),
        "panel.html": _TAG_GAP.sub("> <", render_to_string("widget/panel.html")),
    }
    digest = hashlib.sha256("\0".join(texts.values()).encode()).hexdigest()[:16]
    loader = _script(LOADER).replace("{digest}", digest)
    return Bundle(digest, {name: _file(name, text) for name, text in texts.items()}, _file(LOADER.name, loader))


def joined(entry: Path) -> str:
    """A module and all that it needs as one module: each a function that runs once and returns what it exports."""
    done: dict[Path, str] = {}

    def add(path: Path) -> str:
        if path not in done:
            text = _script(path)
            needs = [(names, add((path.parent / source).resolve())) for names, source in _IMPORT.findall(text)]
            done[path] = f"m{len(done)}"
            taken = "".join(f"const {{ {names.replace(' as ', ': ')} }} = {module};\n" for names, module in needs)
            given = ", ".join(_EXPORT.findall(text))
            body = _EXPORT.sub("", _IMPORT.sub("", text))
            parts.append(f"const {done[path]} = (() => {{\n{taken}{body}return {{ {given} }};\n}})();\n")
        return done[path]

    parts: list[str] = []
    add(entry)
    return "".join(parts)


def _script(path: Path) -> str:
    return _INDENT.sub("", _LINE_COMMENT.sub("", _BLOCK_COMMENT.sub("", path.read_text("utf-8"))))


def _style(text: str) -> str:
    bare = _INDENT.sub("", _BLOCK_COMMENT.sub("", text))
    return _REM.sub(lambda match: f"{float(match[1]) * PX_PER_REM:g}px", bare)


def _file(name: str, text: str) -> File:
    body = text.encode()
    # Without a time in its head, so that the same text always is the same bytes.
    return File(body, gzip.compress(body, 9, mtime=0), f"{TYPES[Path(name).suffix]}; charset=utf-8")
