"""What a widget asks for before it shows itself."""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from chat.api.public import PublicView, in_keys_tenant
from chat.widget.card import widget_card
from personas.models import Persona
from tenants.errors import NotFound

# An owner who changes the colours sees it within a minute, and a visitor's next page needs no question.
CARD_TTL_S = 60


class WidgetPersonaSerializer(serializers.Serializer[Any]):
    slug = serializers.CharField()
    name = serializers.CharField()
    avatar_url = serializers.CharField(help_text="Relative to our own address.")
    greeting = serializers.CharField()
    suggestions = serializers.ListField(child=serializers.CharField())
    offers_person = serializers.BooleanField()


class WidgetLooksSerializer(serializers.Serializer[Any]):
    accent = serializers.CharField(help_text="As #0d6656, or empty.")
    theme = serializers.ChoiceField(choices=["auto", "light", "dark"])
    position = serializers.ChoiceField(choices=["right", "left"])
    offset_x = serializers.IntegerField()
    offset_y = serializers.IntegerField()
    radius = serializers.IntegerField()
    font = serializers.CharField()
    greeting = serializers.CharField()


class WidgetCardSerializer(serializers.Serializer[Any]):
    persona = WidgetPersonaSerializer()
    widget = WidgetLooksSerializer()
    reader_active = serializers.BooleanField(help_text="No language model is connected: texts are quoted.")


class PublicWidgetView(PublicView):
    @extend_schema(responses={200: WidgetCardSerializer}, auth=[])
    @in_keys_tenant
    def get(self, request: Request, persona: Persona) -> Response:
        """Who answers, and how the widget looks; for pages of allowed origins."""
        self.check_origin(request, persona)
        if persona.live_version is None:
            raise NotFound
        return Response(widget_card(persona), headers={"Cache-Control": f"private, max-age={CARD_TTL_S}"})
