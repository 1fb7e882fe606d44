"""Sentences that are found here and said elsewhere, in the language of whoever reads them."""

from typing import Any

from django.utils.translation import gettext


def gettext_noop(text: str) -> str:
    """Marks a text to be translated. Django's own asks for settings, which a reader of files has only later."""
    return text


def told(text: str, values: dict[str, Any]) -> str:
    """The sentence in the language of whoever reads it now. A value that is a list holds sentences itself."""
    if not values:
        return gettext(text)
    return gettext(text) % {name: _said(value) for name, value in values.items()}


def _said(value: Any) -> Any:
    if isinstance(value, list):
        return "; ".join(told(part["text"], part["values"]) for part in value)
    return value
