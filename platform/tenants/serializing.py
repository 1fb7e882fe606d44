"""What serializers of several apps share."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from rest_framework import serializers

if TYPE_CHECKING:
    Base = serializers.Serializer[Any]
else:
    Base = object


class NullsLeftOut(Base):
    """A mixin: an optional field that is null counts as one that was not sent, as many clients write it."""

    def to_internal_value(self, data: Any) -> Any:
        if isinstance(data, Mapping):
            fields = self.fields
            data = {
                name: value
                for name, value in data.items()
                if value is not None or name not in fields or fields[name].required
            }
        return super().to_internal_value(data)
