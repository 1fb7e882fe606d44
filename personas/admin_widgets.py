"""Fields of a persona's form that Django and unfold do not have."""

from collections.abc import Mapping, Sequence
from typing import Any

from django import forms
from unfold.widgets import UnfoldAdminTextareaWidget


class TextField(forms.CharField):
    """Text with the line ends that everything else here has; browsers send others."""

    def to_python(self, value: Any) -> str:
        return (super().to_python(value) or "").replace("\r\n", "\n")


class ShortTextarea(UnfoldAdminTextareaWidget):  # type: ignore[misc]
    """A few lines."""

    def __init__(self) -> None:
        super().__init__(attrs={"rows": 3})


class OptionalSlider(forms.Widget):
    """A number between two ends, or none: then the model's own counts."""

    template_name = "personas/widgets/slider.html"
    input_type = "range"

    def __init__(self, low: float, high: float, step: float = 0.05) -> None:
        super().__init__()
        self.low, self.high, self.step = low, high, step

    def get_context(self, name: str, value: Any, attrs: Any) -> dict[str, Any]:
        context: dict[str, Any] = super().get_context(name, value, attrs)
        is_set = value not in (None, "")
        # As text with a dot: a browser's range knows no decimal comma.
        ends = {"low": str(self.low), "high": str(self.high), "step": str(self.step)}
        middle = (self.low + self.high) / 2
        context["slider"] = {**ends, "is_set": is_set, "value": str(value if is_set else middle)}
        return context

    def value_from_datadict(self, data: Any, files: Any, name: str) -> Any:
        return data.get(name) if data.get(f"{name}.set") else None

    def value_omitted_from_data(self, data: Any, files: Any, name: str) -> bool:
        return False


class Rows(forms.Widget):
    """A list whose rows can be added and removed: of texts, or of records with several texts each.

    `columns` has the title of each text by its name; a list of plain texts has one column named "".
    """

    template_name = "personas/widgets/rows.html"
    input_type = "rows"

    def __init__(self, columns: Mapping[str, str] | None = None) -> None:
        super().__init__()
        self.columns = dict(columns or {"": ""})

    @property
    def is_plain(self) -> bool:
        return list(self.columns) == [""]

    def get_context(self, name: str, value: Any, attrs: Any) -> dict[str, Any]:
        context: dict[str, Any] = super().get_context(name, value, attrs)
        context["rows"] = [self._row(name, row) for row in value or []]
        context["empty"] = self._row(name, "" if self.is_plain else {})
        return context

    def _row(self, name: str, row: Any) -> list[dict[str, str]]:
        return [
            {
                "name": f"{name}.{column}" if column else name,
                "title": title,
                "value": row.get(column, "") if isinstance(row, dict) else str(row),
            }
            for column, title in self.columns.items()
        ]

    def value_from_datadict(self, data: Any, files: Any, name: str) -> list[Any]:
        """The rows in their order, without empty ones."""
        if self.is_plain:
            return [text for text in _texts(data, name) if text]
        columns = [_texts(data, f"{name}.{column}") for column in self.columns]
        rows = [dict(zip(self.columns, texts, strict=True)) for texts in zip(*columns, strict=False)]
        return [row for row in rows if any(row.values())]

    def value_omitted_from_data(self, data: Any, files: Any, name: str) -> bool:
        return False


class RowsField(forms.Field):
    """A list of texts, or of objects of texts. What they may hold is checked where settings are."""

    widget = Rows

    def to_python(self, value: Any) -> list[Any]:
        return list(value or [])

    def has_changed(self, initial: Any, data: Any) -> bool:
        return self.to_python(initial) != self.to_python(data)


def _texts(data: Any, name: str) -> Sequence[str]:
    given = data.getlist(name) if hasattr(data, "getlist") else data.get(name, [])
    return [text.replace("\r\n", "\n").strip() for text in given]
