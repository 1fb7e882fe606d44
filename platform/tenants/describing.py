"""What the OpenAPI document says of failures: each is an RFC 9457 problem with a `code` that clients may rely on."""

from typing import Any

from rest_framework import serializers


class WrongFieldSerializer(serializers.Serializer[Any]):
    field = serializers.CharField()
    detail = serializers.CharField()


class FailureSerializer(serializers.Serializer[Any]):
    type = serializers.CharField()
    title = serializers.CharField()
    status = serializers.IntegerField()
    detail = serializers.CharField()
    code = serializers.CharField()
    request_id = serializers.CharField()
    errors = WrongFieldSerializer(many=True, required=False)  # type: ignore[assignment]


# What may become of any call with a key.
OF_ANY_CALL = (401, 403, 429)
# And of one that brings a body: it may conflict with what is there, be too large, of no known type, or wrong.
OF_BODIES = (409, 413, 415, 422)
PROBLEM = "application/problem+json"


def problems(*statuses: int) -> dict[tuple[int, str], type[FailureSerializer]]:
    """The failures of an operation, for `extend_schema(responses={200: …, **problems(404, 422)})`."""
    every = sorted({*OF_ANY_CALL, *statuses})
    return {(status, PROBLEM): FailureSerializer for status in every}
