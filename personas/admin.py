"""Personas: a draft with its form and a test chat beside it, and what was published of it."""

from typing import Any
from uuid import UUID

from django import forms
from django.contrib import admin, messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import URLPattern, path, reverse
from django.utils.decorators import method_decorator
from django.utils.html import format_html_join
from django.utils.text import slugify
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST
from unfold.widgets import UnfoldAdminCheckboxSelectMultipleWidget, UnfoldAdminTextInputWidget
from uuid_utils.compat import uuid7

from knowledge.models import KnowledgeBase
from personas.admin_form import draft_form, fieldsets
from personas.kinds import all_kinds, kind_named
from personas.models import Persona
from personas.publishing import create_persona, delete_persona, edit_persona, publish, roll_back
from personas.schema import load_settings
from tenants.adminsite.auditing import audit
from tenants.adminsite.base import EDITORS, TenantModelAdmin, column, the_seat
from tenants.errors import Conflict, Invalid, NotFound

SHOWN_VERSIONS = 20


class KindChoice(forms.RadioSelect):
    """Each kind as a card with a sentence about it."""

    template_name = "personas/widgets/kinds.html"

    def __init__(self, descriptions: dict[str, Any]) -> None:
        super().__init__()
        self.descriptions = descriptions

    def create_option(self, name: str, value: Any, *args: Any, **kwargs: Any) -> dict[str, Any]:
        option: dict[str, Any] = super().create_option(name, value, *args, **kwargs)
        return option | {"description": self.descriptions.get(value, "")}


class NewPersonaForm(forms.ModelForm):  # type: ignore[type-arg]
    """The little that a draft begins with."""

    kind = forms.ChoiceField(label=gettext_lazy("Kind"), widget=forms.RadioSelect)
    knowledge_bases = forms.MultipleChoiceField(
        label=gettext_lazy("Answers from"), required=False, widget=UnfoldAdminCheckboxSelectMultipleWidget
    )

    class Meta:
        model = Persona
        fields = ["name"]
        widgets = {"name": UnfoldAdminTextInputWidget}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        kinds = [kind for kind in all_kinds() if not kind.needs_world]
        self.fields["kind"].widget = KindChoice({kind.name: kind.description for kind in kinds})
        self.fields["kind"].choices = [(kind.name, kind.title) for kind in kinds]  # type: ignore[attr-defined]
        self.initial.setdefault("kind", "customer_service")
        bases = list(KnowledgeBase.objects.order_by("name").values_list("slug", "name"))
        self.fields["knowledge_bases"].choices = bases  # type: ignore[attr-defined]
        if len(bases) == 1:
            self.initial.setdefault("knowledge_bases", [bases[0][0]])
        if not bases:
            del self.fields["knowledge_bases"]


@admin.register(Persona)
class PersonaAdmin(TenantModelAdmin):
    changed_by = EDITORS
    compressed_fields = False
    list_display = ["name", "kind_title", "state_label", "slug", "updated_at"]
    list_select_related = ["live_version"]
    search_fields = ["name", "slug"]
    ordering = ["name"]

    @column(gettext_lazy("Kind"), ordering="kind")
    def kind_title(self, persona: Persona) -> Any:
        return kind_named(persona.kind).title

    @column(gettext_lazy("State"), label={"draft": "", "live": "success", "changed": "warning", "world": "info"})
    def state_label(self, persona: Persona) -> tuple[str, str]:
        return state_of(persona)

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).select_related("live_version__tenant", "tenant")

    # --- The form ----------------------------------------------------------------------------------------
    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        if obj is None:
            return NewPersonaForm
        if self.has_change_permission(request, obj):
            return draft_form(obj)
        return super().get_form(request, obj, change, **kwargs)

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        if obj is None:
            has_bases = KnowledgeBase.objects.exists()
            return [(None, {"fields": ["name", "kind", *(["knowledge_bases"] if has_bases else [])]})]
        if self.has_change_permission(request, obj):
            return fieldsets(obj)
        return [(None, {"fields": ["name", "slug", "kind_title", "settings_shown"]})]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        is_form = obj is None or self.has_change_permission(request, obj)
        return [] if is_form else ["name", "slug", "kind_title", "settings_shown"]

    @column(gettext_lazy("Settings"))
    def settings_shown(self, persona: Persona) -> str:
        """For those who may look only."""
        schema = kind_named(persona.kind).schema()["properties"]
        rows = [(schema.get(name, {}).get("title", name), value) for name, value in persona.settings.items()]
        return format_html_join("", "<p><strong>{}</strong><br>{}</p>", rows)

    def save_form(self, request: HttpRequest, form: Any, change: bool) -> Any:
        return form.instance

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        if not change:
            made = _create(the_seat(request).tenant.pk, form.cleaned_data)
            obj.pk, obj.slug = made.pk, made.slug
            return
        given = form.cleaned_data
        edit_persona(
            obj,
            settings=form.changes,
            name=given["name"],
            slug=given["slug"],
            allowed_origins=given["allowed_origins"],
        )

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        """There is nothing else to save."""

    def response_add(self, request: HttpRequest, obj: Any, post_url_continue: str | None = None) -> HttpResponse:
        return redirect("admin:personas_persona_change", obj.pk)

    def response_change(self, request: HttpRequest, obj: Any) -> HttpResponse:
        """Back to the form, where the test chat now answers from what was saved."""
        messages.success(request, _("The draft is saved. Try it, then publish it."))
        return redirect("admin:personas_persona_change", obj.pk)

    def render_change_form(self, request: HttpRequest, context: Any, *args: Any, **kwargs: Any) -> HttpResponse:
        if persona := kwargs.get("obj"):
            context |= _about(request, persona)
        return super().render_change_form(request, context, *args, **kwargs)

    def delete_model(self, request: HttpRequest, obj: Any) -> None:
        delete_persona(obj)

    # --- Publishing --------------------------------------------------------------------------------------
    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view
        return [
            path("<uuid:persona_id>/publish/", view(self.publish_view), name="personas_persona_publish"),
            path("<uuid:persona_id>/rollback/", view(self.roll_back_view), name="personas_persona_rollback"),
            *super().get_urls(),
        ]

    @method_decorator(require_POST)
    def publish_view(self, request: HttpRequest, persona_id: UUID) -> HttpResponse:
        """Make the draft as it is saved the version that answers."""
        persona = self.row(request, persona_id, to_change=True)
        try:
            version = publish(persona, by=request.user.get_username())
        except Invalid as fault:
            details = " ".join(error["detail"] for error in fault.errors) or str(fault.detail)
            messages.error(request, _("Not published: %(why)s") % {"why": details})
        else:
            audit(request, "publish", persona, changes={"version": version.number})
            messages.success(request, _("Version %(number)s answers now.") % {"number": version.number})
        return redirect("admin:personas_persona_change", persona.pk)

    @method_decorator(require_POST)
    def roll_back_view(self, request: HttpRequest, persona_id: UUID) -> HttpResponse:
        """Let an older version answer again; the draft stays as it is."""
        persona = self.row(request, persona_id, to_change=True)
        number = request.POST.get("version", "")
        if not number.isdecimal() or len(number) > 9:
            raise NotFound
        version = roll_back(persona, number=int(number))
        audit(request, "roll_back", persona, changes={"version": version.number})
        messages.success(request, _("Version %(number)s answers again.") % {"number": version.number})
        return redirect("admin:personas_persona_change", persona.pk)


def _create(tenant_id: UUID, given: dict[str, Any]) -> Persona:
    bases = given.get("knowledge_bases") or []
    settings = {"knowledge_bases": bases} if bases else {}
    slug = slugify(given["name"])[:50] or "persona"
    try:
        return create_persona(tenant_id=tenant_id, slug=slug, name=given["name"], kind=given["kind"], settings=settings)
    except Conflict:
        # The name is taken as a slug; people choose names, and may change the slug later.
        slug = f"{slug}-{uuid7().hex[-6:]}"
        return create_persona(tenant_id=tenant_id, slug=slug, name=given["name"], kind=given["kind"], settings=settings)


def _about(request: HttpRequest, persona: Persona) -> dict[str, Any]:
    """What stands beside the form."""
    state, state_name = state_of(persona)
    return {
        "title": persona.name,
        "state": state,
        "state_name": state_name,
        "versions": persona.versions.order_by("-number")[:SHOWN_VERSIONS],
        "chat_url": request.build_absolute_uri(persona.chat_path),
        "widget_url": request.build_absolute_uri(reverse("widget-script")),
        "needs_world": kind_named(persona.kind).needs_world,
    }


def state_of(persona: Persona) -> tuple[str, str]:
    """How the draft stands to what answers: a name for styles, and one for people."""
    if kind_named(persona.kind).needs_world:
        return "world", _("In a world")
    version = persona.live_version
    if version is None:
        return "draft", _("Draft")
    if has_changed(persona):
        return "changed", _("Version %(number)s, draft differs") % {"number": version.number}
    return "live", _("Version %(number)s") % {"number": version.number}


def has_changed(persona: Persona) -> bool:
    """Whether publishing would make another version than the one that answers."""
    version = persona.live_version
    draft = load_settings(kind_named(persona.kind).settings_model, persona.settings).model_dump(mode="json")
    return (version.name, version.kind, version.settings) != (persona.name, persona.kind, draft)
