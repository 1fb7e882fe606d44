"""A persona's form, made from its kind's JSON Schema: what a kind adds to its settings shows by itself."""

from collections.abc import Iterator, Mapping
from typing import Any
from uuid import UUID

from django import forms
from django.utils.translation import gettext as _
from unfold.widgets import (
    UnfoldAdminCheckboxSelectMultipleWidget,
    UnfoldAdminIntegerFieldWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextareaWidget,
    UnfoldAdminTextInputWidget,
    UnfoldBooleanSwitchWidget,
)

from knowledge.models import KnowledgeBase
from llm.models import Route
from personas.admin_widgets import OptionalSlider, Rows, RowsField, ShortTextarea, TextField
from personas.kinds import kind_named
from personas.lookups import known_tools, offered_tools
from personas.models import Persona
from personas.publishing import checked_settings
from personas.references import base_ids
from personas.serializers import PersonaWriteSerializer
from tenants.errors import Invalid

# Form fields carry the path that errors have: "settings.memory.history_messages".
PREFIX = "settings."
# Named rows of these do not exist yet, so that there is nothing to choose from.
WITHOUT_CHOICES = {"lorebooks"}
# What fits on one line.
LINE_CHARACTERS = 200

Schema = Mapping[str, Any]


def draft_form(persona: Persona) -> type["DraftForm"]:
    """The form class for this draft: its own fields, and one per setting of its kind."""
    fields = {PREFIX + path: _field(path, schema, persona.tenant_id) for path, schema in _leaves(persona.kind)}
    return type("PersonaForm", (DraftForm,), fields)


def fieldsets(persona: Persona) -> list[tuple[Any, dict[str, Any]]]:
    """The form's tabs. A setting that no tab names comes last."""
    paths = [path for path, _schema in _leaves(persona.kind)]
    tabs: dict[Any, list[str]] = {
        _("Character"): ["instructions", "voice", "greeting", "suggestions", "refusal", "language"],
        _("Examples"): ["examples"],
        _("Knowledge"): ["knowledge_bases", "tools"],
        _("Model"): ["route", "fallback_routes", "model", "temperature", "max_output_tokens", "memory"],
        _("Safety"): ["safety", "handoff"],
        _("On your site"): ["widget"],
    }
    named = {name for names in tabs.values() for name in names}
    tabs[_("More")] = [path for path in paths if path.partition(".")[0] not in named]
    sets = [
        (title, [PREFIX + path for name in names for path in paths if path.split(".")[0] == name])
        for title, names in tabs.items()
    ]
    sets[0][1].insert(0, "name")
    sets.append((_("Access"), ["slug", "allowed_origins"]))
    return [(title, {"fields": names, "classes": ["tab"]}) for title, names in sets if names]


class DraftForm(forms.ModelForm):  # type: ignore[type-arg]
    """Checks a draft as the API does, and puts each fault at its field."""

    allowed_origins = RowsField(label=_("Allowed origins"), required=False)

    class Meta:
        model = Persona
        fields = ["name", "slug"]
        widgets = {"name": UnfoldAdminTextInputWidget, "slug": UnfoldAdminTextInputWidget}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        origins = self.fields["allowed_origins"]
        origins.label = _("Sites that may show it")
        origins.help_text = _("Such as https://shop.example; * lets any site. The chat page here needs no entry.")
        for path, value in _flat(self._shown()).items():
            if PREFIX + path in self.fields:
                self.initial[PREFIX + path] = value
        self.initial["allowed_origins"] = self.instance.allowed_origins

    def _shown(self) -> dict[str, Any]:
        """The settings with defaults filled in, and bases by their slugs. What is gone is left out."""
        persona: Persona = self.instance
        settings = _defaults(persona.kind)
        for name, value in persona.settings.items():
            settings[name] = _merged(settings[name], value) if isinstance(value, dict) else value
        ids = base_ids(persona.tenant_id, settings["knowledge_bases"])
        slugs = KnowledgeBase.objects.filter(pk__in=ids.values()).values_list("slug", flat=True)
        settings["knowledge_bases"] = list(slugs)
        known = known_tools(persona.tenant_id, settings["tools"])
        settings["tools"] = [tool for tool in settings["tools"] if tool in known]
        return settings

    def clean_slug(self) -> str:
        slug: str = self.cleaned_data["slug"]
        if Persona.objects.filter(slug=slug).exclude(pk=self.instance.pk).exists():
            raise forms.ValidationError(_("There is a persona with this slug already; choose another one."))
        return slug

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or {}
        self._check_like_the_api(cleaned)
        self.changes = _nested(self.cleaned_data, self.instance.kind)
        merged = {**self.instance.settings, **self.changes}
        try:
            checked_settings(self.instance.tenant_id, self.instance.kind, merged)
        except Invalid as fault:
            for error in fault.errors:
                self._point_at(error["field"], error["detail"])
        return cleaned

    def _check_like_the_api(self, cleaned: dict[str, Any]) -> None:
        given = {name: cleaned[name] for name in ("slug", "allowed_origins") if name in cleaned}
        serializer = PersonaWriteSerializer(data=given, partial=True)
        if serializer.is_valid():
            cleaned.update(serializer.validated_data)
            return
        for name, faults in serializer.errors.items():
            self._point_at(name, str(_first(faults)))

    def _point_at(self, path: str, detail: str) -> None:
        """Put a fault at the field that its path begins with; one that is wrong already says so itself."""
        while path and path not in self.fields:
            path = path.rpartition(".")[0]
        if path not in self.errors:
            self.add_error(path or None, detail)


def _first(faults: Any) -> Any:
    while isinstance(faults, list | dict):
        faults = next(iter(faults.values() if isinstance(faults, dict) else faults))
    return faults


# --- From schema to fields ------------------------------------------------------------------------------
def _leaves(kind: str) -> Iterator[tuple[str, Schema]]:
    """Every setting by its path, objects taken apart: `("memory.history_messages", {…})`."""
    schema = kind_named(kind).schema()
    for name, part in schema["properties"].items():
        if name in WITHOUT_CHOICES:
            continue
        yield from _parts_of(name, part, schema)


def _parts_of(path: str, part: Schema, schema: Schema) -> Iterator[tuple[str, Schema]]:
    part = _resolved(part, schema)
    if part.get("type") != "object":
        yield path, part
        return
    for inner, leaf in part["properties"].items():
        yield from _parts_of(f"{path}.{inner}", leaf, schema)


def _resolved(part: Schema, schema: Schema) -> dict[str, Any]:
    """A part with its reference followed, in lists as well; what stands beside it counts more."""
    if "$ref" in part:
        part = {**schema["$defs"][part["$ref"].rpartition("/")[2]], **part}
    if "$ref" in part.get("items", {}):
        part = {**part, "items": _resolved(part["items"], schema)}
    return dict(part)


def _field(path: str, schema: Schema, tenant_id: UUID) -> forms.Field:
    common = {"label": schema.get("title"), "help_text": schema.get("description", ""), "required": False}
    match path:
        case "knowledge_bases":
            bases = KnowledgeBase.objects.order_by("name").values_list("slug", "name")
            return _choices(list(bases), common)
        case "tools":
            told = _("Its figures answer servers by their keys and members who are signed in, and never a visitor.")
            return _choices(offered_tools(tenant_id), common | {"label": _("Data"), "help_text": told})
        case "route":
            routes = Route.objects.order_by("name").values_list("slug", "name")
            return _choice([("", _("The default one")), *routes], common)
    return _field_by_type(schema, common)


def _field_by_type(schema: Schema, common: dict[str, Any]) -> forms.Field:
    match schema.get("type"):
        case "boolean":
            return forms.BooleanField(widget=UnfoldBooleanSwitchWidget, **common)
        case "integer":
            low, high = schema.get("minimum"), schema.get("maximum")
            return forms.IntegerField(
                min_value=low,
                max_value=high,
                widget=UnfoldAdminIntegerFieldWidget,
                **common | {"required": True},
            )
        case ["number", "null"] | "number":
            slider = OptionalSlider(schema.get("minimum", 0), schema.get("maximum", 1))
            return forms.FloatField(widget=slider, **common)
        case "array":
            columns = schema["items"].get("properties") or {"": {}}
            titles = {name: column.get("title", "") for name, column in columns.items()}
            return RowsField(widget=Rows(titles), **common)
    if "enum" in schema:
        names = {
            "": _("As the message"), "zh": _("Chinese"), "en": _("English"),
            "form": _("Offer a form"), "queue": _("Let them wait"),
            "auto": _("Automatic"), "light": _("Light"), "dark": _("Dark"), "right": _("Right"), "left": _("Left"),
        }  # fmt: skip
        return _choice([(value, names.get(value, value)) for value in schema["enum"]], common)
    return TextField(widget=_text_widget(schema.get("maxLength", LINE_CHARACTERS)), **common)


def _choice(choices: list[tuple[str, Any]], common: dict[str, Any]) -> forms.Field:
    return forms.ChoiceField(choices=choices, widget=UnfoldAdminSelectWidget, **common)


def _choices(choices: list[tuple[str, Any]], common: dict[str, Any]) -> forms.Field:
    return forms.MultipleChoiceField(choices=choices, widget=UnfoldAdminCheckboxSelectMultipleWidget, **common)


def _text_widget(max_characters: int) -> Any:
    if max_characters <= LINE_CHARACTERS:
        return UnfoldAdminTextInputWidget()
    return ShortTextarea() if max_characters <= 2000 else UnfoldAdminTextareaWidget(attrs={"rows": 8})


# --- From values to settings and back -------------------------------------------------------------------
def _defaults(kind: str) -> dict[str, Any]:
    return kind_named(kind).settings_model().model_dump(mode="json")


def _merged(defaults: Mapping[str, Any], given: Mapping[str, Any]) -> dict[str, Any]:
    deeper = {name: _merged(defaults[name], part) for name, part in given.items() if isinstance(part, dict)}
    return {**defaults, **given, **deeper}


def _flat(settings: Mapping[str, Any], within: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for name, value in settings.items():
        flat |= _flat(value, f"{within}{name}.") if isinstance(value, dict) else {within + name: value}
    return flat


def _nested(cleaned: Mapping[str, Any], kind: str) -> dict[str, Any]:
    """The settings that the form says, as `edit_persona` takes them: what is as by default becomes None."""
    defaults = _flat(_defaults(kind))
    changes: dict[str, Any] = {}
    for field, value in cleaned.items():
        if not field.startswith(PREFIX):
            continue
        path = field.removeprefix(PREFIX)
        name, *inner = path.split(".")
        changes.setdefault(name, None)
        if value == defaults[path]:
            continue
        if not inner:
            changes[name] = value
            continue
        changes[name] = part = changes[name] or {}
        for step in inner[:-1]:
            part = part.setdefault(step, {})
        part[inner[-1]] = value
    return changes
