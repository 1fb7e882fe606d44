"""The project's Markdown, taken apart as far as the tests of it need."""

import re
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

_FENCE = re.compile(r"^```([^\n]*)\n(.*?)^```$", re.M | re.S)
_LINK = re.compile(r"\]\(([^)\s]+)\)")
_CODE_SPAN = re.compile(r"`([^`\n]+)`")
_HEADING = re.compile(r"^#+ (.*)$", re.M)


@dataclass(frozen=True)
class Block:
    """A fenced piece of code and what stands behind its fence, such as `sh run`."""

    info: str
    text: str


@dataclass(frozen=True)
class Page:
    path: Path

    @property
    def name(self) -> str:
        return self.path.relative_to(ROOT).as_posix()

    @cached_property
    def text(self) -> str:
        return self.path.read_text()

    @property
    def prose(self) -> str:
        """Without fenced code."""
        return _FENCE.sub("", self.text)

    def blocks(self, info: str = "") -> list[Block]:
        """Its fenced code, in order; of one kind only if asked."""
        found = [Block(*parts) for parts in _FENCE.findall(self.text)]
        return [block for block in found if not info or block.info == info]

    @property
    def code(self) -> str:
        """All that is set as code, in fences and in lines, each on lines of its own."""
        return "\n".join([*(block.text for block in self.blocks()), *_CODE_SPAN.findall(self.prose)])

    @property
    def links(self) -> list[str]:
        return _LINK.findall(self.prose)

    @property
    def anchors(self) -> set[str]:
        """What `#…` may name in it, as GitHub makes them of headings."""
        plain = (re.sub(r"[^\w\- ]", "", heading.lower()) for heading in _HEADING.findall(self.prose))
        return {heading.strip().replace(" ", "-") for heading in plain}


def page(name: str) -> Page:
    return Page(ROOT / name)


def all_pages() -> list[Page]:
    """Every Markdown page for people: of the root, `docs/` and `demo/`, without the demo's own documents."""
    paths = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "demo").glob("*.md")]
    return [Page(path) for path in sorted(paths)]
