"""Columns of the models here."""

from typing import Any

from django.db import models
from django.db.models.fields.json import KeyTransform
from pydantic_core import from_json


class JSONField(models.JSONField):
    """Read by a parser that takes a third of the time of Python's own: each turn reads some sixty values."""

    def from_db_value(self, value: Any, expression: Any, connection: Any) -> Any:
        if isinstance(value, str) and not isinstance(expression, KeyTransform):
            return from_json(value)
        return super().from_db_value(value, expression, connection)

    def deconstruct(self) -> Any:
        name, _path, args, kwargs = super().deconstruct()
        return name, "django.db.models.JSONField", args, kwargs
