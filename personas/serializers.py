"""Shapes of the personas API. What settings may hold is said by the kind's own schema."""

import re
from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from personas.access import as_uuid
from personas.models import ANY_ORIGIN, Persona, PersonaVersion, canonical_origin
from personas.turns import PreparedTurn

SLUG_PATTERN = r"[a-z0-9][a-z0-9_-]{0,62}"
ORIGIN_PATTERN = r"https?://[a-z0-9.\-]+(:[0-9]{1,5})?|https?://\[[0-9a-f:]+\](:[0-9]{1,5})?"
# Addresses under `personas/` that are no persona.
RESERVED_SLUGS = {"import"}


class StrictSerializer(serializers.Serializer[Any]):
    """Refuses fields that it does not know, so that a typing error is not taken for a success."""

    def to_internal_value(self, data: Any) -> Any:
        if isinstance(data, Mapping) and (unknown := set(data) - set(self.fields)):
            raise serializers.ValidationError({name: [_("There is no such field.")] for name in sorted(unknown)})
        return super().to_internal_value(data)


class SettingsField(serializers.JSONField):
    """An object; the kind checks what is in it."""

    default_error_messages = {"not_an_object": _("This must be an object.")}

    def to_internal_value(self, data: Any) -> dict[str, Any]:
        if not isinstance(data, dict):
            self.fail("not_an_object")
        return data


class PersonaWriteSerializer(StrictSerializer):
    slug = serializers.CharField(max_length=63)
    name = serializers.CharField(max_length=100)
    kind = serializers.CharField(max_length=40)
    settings = SettingsField(default=dict)
    allowed_origins = serializers.ListField(child=serializers.CharField(max_length=300), max_length=50, default=list)

    def validate_slug(self, slug: str) -> str:
        if not re.fullmatch(SLUG_PATTERN, slug):
            raise serializers.ValidationError(
                _("Up to 63 small letters, digits, hyphens and underscores, a letter or digit first.")
            )
        if slug in RESERVED_SLUGS or as_uuid(slug):
            raise serializers.ValidationError(_("This slug is reserved; choose another one."))
        return slug

    def validate_allowed_origins(self, origins: list[str]) -> list[str]:
        written = [canonical_origin(origin) for origin in origins]
        if not all(origin == ANY_ORIGIN or re.fullmatch(ORIGIN_PATTERN, origin) for origin in written):
            raise serializers.ValidationError(
                _("An origin looks like https://shop.example or http://localhost:3000; * stands for any.")
            )
        return list(dict.fromkeys(written))


class PersonaSerializer(serializers.ModelSerializer[Persona]):
    """The draft, with the number of the version that answers."""

    settings = SettingsField()
    live_version = serializers.IntegerField(source="live_version.number", allow_null=True, default=None)

    class Meta:
        model = Persona
        fields = [
            "id",
            "slug",
            "name",
            "kind",
            "settings",
            "live_version",
            "publishable_key",
            "widget_secret",
            "allowed_origins",
            "created_at",
            "updated_at",
        ]


class PersonaVersionSerializer(serializers.ModelSerializer[PersonaVersion]):
    version = serializers.IntegerField(source="number")
    settings = SettingsField()
    is_live = serializers.SerializerMethodField()

    class Meta:
        model = PersonaVersion
        fields = ["version", "name", "kind", "settings", "is_live", "published_at", "published_by"]

    def get_is_live(self, version: PersonaVersion) -> bool:
        return bool(self.context["live_version_id"] == version.pk)


class PublishedSerializer(serializers.Serializer[Any]):
    version = serializers.IntegerField()
    publishable_key = serializers.CharField()
    chat_url = serializers.URLField()


class RollbackSerializer(StrictSerializer):
    version = serializers.IntegerField(min_value=1, max_value=2**31 - 1)


class PromptQuestionSerializer(StrictSerializer):
    text = serializers.CharField(max_length=20_000, trim_whitespace=False)
    variables = serializers.JSONField(required=False, allow_null=True, default=None)
    conversation_id = serializers.UUIDField(required=False, allow_null=True, default=None)


class PromptMessageSerializer(serializers.Serializer[Any]):
    role = serializers.ChoiceField(choices=["system", "user", "assistant"])
    content = serializers.CharField()


class PromptSectionSerializer(serializers.Serializer[Any]):
    name = serializers.CharField()
    role = serializers.ChoiceField(choices=["system", "history", "user"])
    tokens = serializers.IntegerField(help_text="Of the whole section.")
    kept_tokens = serializers.IntegerField(help_text="Of what is in the prompt.")
    dropped = serializers.BooleanField(source="is_dropped")
    truncated = serializers.BooleanField(source="is_truncated")
    why = serializers.CharField(source="reason")


class PromptSourceSerializer(serializers.Serializer[Any]):
    n = serializers.IntegerField()
    document_id = serializers.UUIDField()
    chunk_id = serializers.UUIDField()
    title = serializers.CharField()
    text = serializers.CharField()
    score = serializers.FloatField()
    page = serializers.IntegerField(required=False)
    url = serializers.URLField(required=False)


class PromptSerializer(serializers.Serializer[Any]):
    """Exactly what the model would get, and why."""

    messages = PromptMessageSerializer(many=True)
    input_tokens = serializers.IntegerField()
    sections = PromptSectionSerializer(many=True)
    sources = serializers.SerializerMethodField()
    trace = serializers.JSONField()

    @extend_schema_field(PromptSourceSerializer(many=True))
    def get_sources(self, turn: PreparedTurn) -> list[dict[str, Any]]:
        return [source.as_citation() for source in turn.sources]


class KindSerializer(serializers.Serializer[Any]):
    """The JSON Schema (2020-12) of `settings`; only what all such schemas share is named here."""

    kind = serializers.CharField()
    title = serializers.CharField()
    description = serializers.CharField()
    type = serializers.CharField()
    properties = serializers.DictField()


class KindListSerializer(serializers.Serializer[Any]):
    """There are few kinds, so they come in one page."""

    results = KindSerializer(many=True)
    next = serializers.URLField(allow_null=True)
    previous = serializers.URLField(allow_null=True)
