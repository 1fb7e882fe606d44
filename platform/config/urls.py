"""All addresses. Each app brings its own under `urls.py`; this page shows how they hang together."""

from django.contrib import admin
from django.urls import URLPattern, URLResolver, include, path
from django.urls.converters import UUIDConverter
from django.views.generic import RedirectView
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerView

from chat.api.openai import completions_view, embeddings_view, models_view
from chat.pages import chat_code, chat_page
from chat.widget.views import file_view, script_view
from config.asyncapi import asyncapi_view
from config.health import healthz, readyz

# Before any address is made: an id in capitals is the same id.
UUIDConverter.regex = "[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"

urlpatterns: list[URLPattern | URLResolver] = [
    path("", RedirectView.as_view(pattern_name="admin:index")),
    path("admin/", admin.site.urls),
    path("i18n/", include("django.conf.urls.i18n")),
    path("healthz", healthz),
    path("readyz", readyz),
    path("api/schema/", SpectacularAPIView.as_view(), name="schema"),
    path("api/docs/", SpectacularSwaggerView.as_view(url_name="schema"), name="docs"),
    path("api/asyncapi.yaml", asyncapi_view, name="asyncapi"),
    # Addresses are compared from above, so what has a beginning of its own is passed over at once if it stands first.
    path("api/v1/npc/", include("npc.urls")),
    path("api/v1/analytics/", include("analytics.urls")),
    path("api/v1/webhooks/", include("webhooks.urls")),
    path("api/v1/", include("tenants.urls")),
    path("api/v1/", include("llm.urls")),
    path("api/v1/", include("knowledge.urls")),
    path("api/v1/", include("personas.urls")),
    path("api/v1/", include("chat.urls")),
    path("api/v1/", include("chat.tracing.urls")),
    path("v1/models", models_view, name="openai-models"),
    path("v1/models/<str:model>", models_view, name="openai-model"),
    path("v1/chat/completions", completions_view, name="openai-completions"),
    path("v1/embeddings", embeddings_view, name="openai-embeddings"),
    path("chat/<str:publishable_key>/", chat_page, name="chat-page"),
    path("chat/<str:publishable_key>/qr.svg", chat_code, name="chat-code"),
    path("widget.js", script_view, name="widget-script"),
    path("widget/<str:digest>/<str:name>", file_view, name="widget-file"),
    path("play/", include("npc.play.urls")),
    path("ask/", include("analytics.pages.urls")),
    path("usage/", include("llm.pages.urls")),
    path("desk/", include("chat.desk.urls")),
]

handler400 = "config.failures.bad_request"
handler404 = "config.failures.not_found"
handler500 = "config.failures.server_error"
