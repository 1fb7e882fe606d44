"""Markdown of an answer to HTML that is safe to show. Model output is untrusted input."""

from functools import lru_cache

import nh3
from django.utils.html import escape
from markdown_it import MarkdownIt

TAGS = {
    "a", "blockquote", "br", "code", "del", "em", "h1", "h2", "h3", "h4", "hr", "li", "ol", "p", "pre",
    "strong", "table", "tbody", "td", "th", "thead", "tr", "ul",
}  # fmt: skip
ATTRIBUTES = {"a": {"href", "title"}, "ol": {"start"}, "th": {"style"}, "td": {"style"}}


@lru_cache(maxsize=1)
def _markdown() -> MarkdownIt:
    # No raw HTML and no images: an image address would tell its server who reads.
    return (
        MarkdownIt("commonmark", {"html": False, "linkify": False, "breaks": True})
        .enable(["table", "strikethrough"])
        .disable("image")
    )


def render_answer(text: str) -> str:
    """An answer's Markdown as sanitised HTML."""
    return nh3.clean(
        _markdown().render(text),
        tags=TAGS,
        attributes=ATTRIBUTES,
        url_schemes={"http", "https", "mailto", "tel"},
        filter_style_properties={"text-align"},
        link_rel="noopener noreferrer nofollow",
    )


def render_said(text: str) -> str:
    """What a person wrote, as it was written: no Markdown, lines kept."""
    return f"<p>{escape(text).replace(chr(10), '<br>')}</p>"
