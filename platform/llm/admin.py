"""Model routes, with a button that tries one, and what every call used."""

import asyncio
import time
from contextlib import aclosing, suppress
from datetime import timedelta
from typing import Any
from uuid import UUID

from django import forms
from django.contrib import admin
from django.db.models import OuterRef, Q, Subquery
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import URLPattern, path
from django.utils import timezone
from django.utils.decorators import method_decorator
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST
from unfold.widgets import UnfoldAdminPasswordWidget, UnfoldAdminTextInputWidget

from llm import admin_money  # noqa: F401 - registers its pages
from llm.door import embed, stream_chat
from llm.errors import ProviderError
from llm.metering import Payer, record_call
from llm.models import ModelCall, Route
from llm.routes import BUILT_IN_SLUGS, resolve_route
from llm.tokens import count_tokens
from llm.types import ChatMessage, ChatRequest, Finished, RouteConfig, TextDelta, Usage
from tenants.adminsite.base import OWNERS, ReadOnlyTenantAdmin, TenantModelAdmin, choice_column, column, the_seat
from tenants.adminsite.entering import enters_scope_itself
from tenants.scope import tenant_scope
from tenants.secrets import SecretUnreadable

QUESTION = "Say hello in one word."
ANSWER_TOKENS = 16
# For which the state of a route stands.
LATELY = timedelta(minutes=10)
MAX_FALLBACKS = 5


class SlugsField(forms.Field):
    """A list of slugs, written with commas."""

    widget = UnfoldAdminTextInputWidget

    def prepare_value(self, value: Any) -> Any:
        return ", ".join(value) if isinstance(value, list) else value

    def to_python(self, value: Any) -> list[str]:
        slugs = (slug.strip() for slug in (value or "").replace("，", ",").split(","))
        return list(dict.fromkeys(slug for slug in slugs if slug))


class RouteForm(forms.ModelForm):  # type: ignore[type-arg]
    """The endpoint's key goes in and never comes out again."""

    new_api_key = forms.CharField(
        label=gettext_lazy("API key"),
        required=False,
        strip=True,
        max_length=500,
        widget=UnfoldAdminPasswordWidget(attrs={"autocomplete": "new-password"}),
        help_text=gettext_lazy("Stored encrypted and not shown again. Empty: what is stored stays."),
    )
    forget_api_key = forms.BooleanField(label=gettext_lazy("Forget the stored key"), required=False)
    fallback_routes = SlugsField(
        label=gettext_lazy("Fallback routes"),
        required=False,
        help_text=gettext_lazy(
            "Slugs, separated by commas: asked in this order while this route gives no answer, before the first word. "
            "«reader» answers from the documents alone."
        ),
    )

    class Meta:
        model = Route
        fields = [
            *("name", "slug", "is_default", "base_url", "chat_model", "embedding_model", "fallback_routes"),
            *("timeout_s", "stall_timeout_s", "price_input", "price_cached", "price_output", "currency"),
        ]
        help_texts = {
            "slug": gettext_lazy(
                "Personas name it. «npc-small» is the route for game characters whose turn cannot wait for the default "
                "one, or cannot pay for it."
            )
        }

    def clean_slug(self) -> str:
        slug: str = self.cleaned_data["slug"]
        if Route.objects.filter(slug=slug).exclude(pk=self.instance.pk).exists():
            raise forms.ValidationError(_("There is a model route with this slug already; choose another one."))
        return slug

    def clean_fallback_routes(self) -> list[str]:
        slugs: list[str] = self.cleaned_data["fallback_routes"]
        known = {*Route.objects.filter(slug__in=slugs).values_list("slug", flat=True), *BUILT_IN_SLUGS}
        for slug in slugs:
            if slug not in known or slug == self.instance.slug:
                raise forms.ValidationError(_("There is no other model route «%(name)s».") % {"name": slug})
        if len(slugs) > MAX_FALLBACKS:
            raise forms.ValidationError(_("At most %(count)d.") % {"count": MAX_FALLBACKS})
        return slugs


@admin.register(Route)
class RouteAdmin(TenantModelAdmin):
    seen_by = OWNERS
    form = RouteForm
    list_display = ["name", "slug", "base_url", "chat_model", "embedding_model", "is_default", "state"]
    ordering = ["-is_default", "name"]
    fieldsets = [
        (None, {"fields": ["name", "slug", "is_default"]}),
        (gettext_lazy("Endpoint"), {"fields": ["base_url", "new_api_key", "forget_api_key"]}),
        (gettext_lazy("Models"), {"fields": ["chat_model", "embedding_model"]}),
        (gettext_lazy("Time limits"), {"fields": ["timeout_s", "stall_timeout_s"]}),
        (gettext_lazy("When it does not answer"), {"fields": ["fallback_routes"]}),
        (gettext_lazy("Prices"), {"fields": ["price_input", "price_cached", "price_output", "currency"]}),
    ]

    def get_queryset(self, request: HttpRequest) -> Any:
        """With the outcome of the last call. Rows tell of all processes, and breakers only of this one."""
        lately = ModelCall.objects.filter(route=OuterRef("slug"), at__gte=timezone.now() - LATELY)
        # A process that ended says nothing of its endpoint.
        lately = lately.exclude(~Q(error_code__startswith="provider_"), outcome=ModelCall.Outcome.FAILED)
        return (
            super().get_queryset(request).annotate(last_outcome=Subquery(lately.order_by("-at").values("outcome")[:1]))
        )

    @column(gettext_lazy("State"), label={"ok": "success", "failed": "danger", "": "info"})
    def state(self, route: Any) -> tuple[str, Any]:
        match route.last_outcome:
            case None:
                return "", _("Not asked lately")
            case ModelCall.Outcome.FAILED:
                return "failed", _("Fails")
        return "ok", _("Answers")

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        fieldsets = super().get_fieldsets(request, obj)
        if obj and obj.sealed_api_key:
            return fieldsets
        endpoint = {"fields": ["base_url", "new_api_key"]}
        return [(name, endpoint if "base_url" in options["fields"] else options) for name, options in fieldsets]

    def save_model(self, request: HttpRequest, obj: Route, form: Any, change: bool) -> None:
        if form.cleaned_data.get("forget_api_key"):
            obj.api_key = ""
        with suppress(SecretUnreadable):
            # Sealed anew in any case, so that a kept key outlives the former secret key.
            obj.api_key = form.cleaned_data["new_api_key"] or obj.api_key
        if obj.is_default:
            # Only one may be; choosing another one moves it.
            Route.objects.filter(is_default=True).exclude(pk=obj.pk).update(is_default=False)
        super().save_model(request, obj, form, change)

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.try_view)
        return [path("<uuid:route_id>/try/", view, name="llm_route_try"), *super().get_urls()]

    @enters_scope_itself
    @method_decorator(require_POST)
    def try_view(self, request: HttpRequest, route_id: UUID) -> HttpResponse:
        """One tiny call to each model of the route, outside any transaction, and what came of it."""
        tenant = the_seat(request).tenant
        with tenant_scope(tenant):
            slug = self.row(request, route_id, to_change=True).slug
            route = resolve_route(tenant.pk, slug)
        began = time.monotonic()
        try:
            said, usage = asyncio.run(_try(route))
        except ProviderError as error:
            detail = {"ok": False, "detail": str(error.detail), "upstream": error.upstream}
            return JsonResponse(detail)
        took_ms = round((time.monotonic() - began) * 1000)
        if usage:
            with tenant_scope(tenant):
                record_call(route=route, usage=usage, duration_ms=took_ms, payer=Payer())
        return JsonResponse({"ok": True, "detail": said, "took_ms": took_ms})


async def _try(route: RouteConfig) -> tuple[str, Usage | None]:
    """What the endpoint said. Raises ProviderError."""
    parts, usage = [], None
    if not route.is_reader:
        text, usage = await _ask(route)
        parts.append(_("%(model)s says: %(text)s") % {"model": route.chat_model, "text": text})
    if route.embedding_model:
        vectors = await embed(route, [QUESTION])
        size = {"model": route.embedding_model, "count": vectors.shape[1]}
        parts.append(_("%(model)s gives vectors of %(count)d floats.") % size)
    return " ".join(parts), usage


async def _ask(route: RouteConfig) -> tuple[str, Usage]:
    request = ChatRequest([ChatMessage("user", QUESTION)], max_output_tokens=ANSWER_TOKENS)
    text, usage = "", Usage(count_tokens(QUESTION), 0, is_estimate=True)
    async with aclosing(stream_chat(route, request)) as items:
        async for item in items:
            match item:
                case TextDelta(piece):
                    text += piece
                case Finished():
                    usage = item.usage
    return text.strip()[:200] or "…", usage


@admin.register(ModelCall)
class ModelCallAdmin(ReadOnlyTenantAdmin):
    """What was used, call by call. Kept when what it was for is gone."""

    list_display = [
        "at",
        "operation",
        "model",
        "route",
        "input_tokens",
        "output_tokens",
        "price",
        "duration_ms",
        "outcome_label",
    ]
    list_filter = ["operation", "outcome", "model"]
    search_fields = ["end_user", "model"]
    date_hierarchy = "at"
    ordering = ["-at"]
    fields = [
        "at",
        "operation",
        "route",
        "model",
        "input_tokens",
        "output_tokens",
        "cached_tokens",
        "is_estimate",
        "cost",
        "currency",
        "duration_ms",
        "first_token_ms",
        "outcome",
        "error_code",
        "end_user",
    ]

    @column(gettext_lazy("Cost"), ordering="cost")
    def price(self, call: ModelCall) -> str:
        return f"{call.cost:.4f} {call.currency}" if call.cost else "–"

    outcome_label = choice_column(
        "outcome",
        gettext_lazy("Outcome"),
        {
            ModelCall.Outcome.OK: "success",
            ModelCall.Outcome.STOPPED: "warning",
            ModelCall.Outcome.FAILED: "danger",
        },
    )
