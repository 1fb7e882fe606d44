"""Prices, budgets and the ledger in the admin."""

from typing import Any

from django import forms
from django.contrib import admin
from django.db import transaction
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from unfold.admin import ModelAdmin
from unfold.widgets import UnfoldAdminSelectWidget

from llm.budgets import open_budget, standing_of
from llm.models import Budget, LedgerEntry, PlatformPrice, Price, Route
from llm.prices import forget_prices
from tenants.adminsite.auditing import audit
from tenants.adminsite.base import OWNERS, ReadOnlyTenantAdmin, TenantModelAdmin, column, the_seat
from tenants.limits.admin import SubjectField, subject_choices
from tenants.naming import names_of


class RouteField(forms.ChoiceField):
    """One of the tenant's routes by its slug, or none."""

    widget = UnfoldAdminSelectWidget


def route_choices(none: Any) -> list[tuple[str, Any]]:
    return [("", none), *((slug, name) for slug, name in Route.objects.order_by("name").values_list("slug", "name"))]


class BudgetForm(forms.ModelForm):  # type: ignore[type-arg]
    subject_id = SubjectField(
        label=_("which one"), required=False, help_text=_("The persona or key; none for the tenant itself.")
    )
    cheaper_route = RouteField(label=_("cheaper route"), required=False)

    class Meta:
        model = Budget
        fields = [
            *("of", "subject_id", "amount", "currency", "warn_at", "cheaper_at", "cheaper_route"),
            *("at_end", "text_en", "text_zh"),
        ]
        help_texts = {
            "text_en": _("What whoever chats is told. Empty: our words."),
            "text_zh": _("The same for who writes in Chinese."),
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "subject_id" in self.fields:
            self.fields["subject_id"].choices = subject_choices("–")  # type: ignore[attr-defined]
        self.fields["cheaper_route"].choices = route_choices(_("None"))  # type: ignore[attr-defined]

    def clean(self) -> dict[str, Any]:
        given: dict[str, Any] = super().clean() or {}
        if self.instance._state.adding and {"of", "currency"} <= given.keys():
            same = Budget.objects.filter(of=given["of"], subject_id=given.get("subject_id"), currency=given["currency"])
            if same.exists():
                self.add_error("of", _("There is a budget for this already; change that one."))
        return given


@admin.register(Budget)
class BudgetAdmin(TenantModelAdmin):
    """What may be spent in a month. Owners are told in the audit log when a budget comes to its next rung."""

    seen_by = OWNERS
    form = BudgetForm
    list_display = ["of", "whose", "amount_label", "spent_label", "rung_label"]
    fieldsets = [
        (None, {"fields": ["of", "subject_id", "amount", "currency"]}),
        (_("On the way down"), {"fields": ["warn_at", "cheaper_at", "cheaper_route"]}),
        (_("At the end"), {"fields": ["at_end", "text_en", "text_zh"]}),
    ]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        """Whose a budget is, and its currency, stay: what was spent is theirs."""
        return ["of", "whose", "currency"] if obj else []

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        if obj is None:
            return self.fieldsets
        first = (None, {"fields": ["of", "whose", "amount", "currency"]})
        return [first, *self.fieldsets[1:]]

    @column(_("which one"))
    def whose(self, budget: Budget) -> str:
        names = {**names_of("key"), **names_of("persona")}
        return names.get(budget.subject_id, str(budget.subject_id)) if budget.subject_id else "–"

    @column(_("amount a month"), ordering="amount")
    def amount_label(self, budget: Budget) -> str:
        return f"{budget.amount.normalize():f} {budget.currency}"

    @column(_("spent"))
    def spent_label(self, budget: Budget) -> str:
        standing = standing_of(budget)
        return f"{standing.spent:.2f} ({standing.percent:.0f} %)"

    @column(
        _("rung"),
        label={
            "normal": "success", "warned": "warning", "cheaper": "warning", "documents": "danger", "stopped": "danger",
        },
    )  # fmt: skip
    def rung_label(self, budget: Budget) -> tuple[str, Any]:
        rung = standing_of(budget).rung
        return rung.value, rung.label

    def save_model(self, request: HttpRequest, obj: Budget, form: Any, change: bool) -> None:
        if change:
            # Not the counters, which turns change meanwhile.
            obj.save(update_fields=form.changed_data)
            return
        obj.tenant_id = the_seat(request).tenant.pk
        open_budget(obj)


@admin.register(LedgerEntry)
class LedgerEntryAdmin(ReadOnlyTenantAdmin):
    """Movements of budgets. Rows are only added, the database sees to that."""

    seen_by = OWNERS
    list_display = ["at", "kind", "amount", "month", "reference"]
    list_filter = ["kind"]
    search_fields = ["reference"]
    fields = ["at", "kind", "amount", "month", "reference", "budget_id"]


class PriceForm(forms.ModelForm):  # type: ignore[type-arg]
    route = RouteField(label=_("route"), required=False)

    class Meta:
        model = Price
        fields = ["model", "route", "input", "cached", "output", "currency", "valid_from"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["route"].choices = route_choices(_("All routes"))  # type: ignore[attr-defined]


class ListAdmin(ModelAdmin):  # type: ignore[misc]
    """A change of prices holds at once where it was made."""

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        super().save_model(request, obj, form, change)
        transaction.on_commit(forget_prices)

    def delete_model(self, request: HttpRequest, obj: Any) -> None:
        super().delete_model(request, obj)
        transaction.on_commit(forget_prices)


@admin.register(Price)
class PriceAdmin(ListAdmin, TenantModelAdmin):
    """What models cost from a day on. A call pays the price of its own moment."""

    seen_by = OWNERS
    form = PriceForm
    list_display = ["model", "route", "input", "cached", "output", "currency", "valid_from"]
    search_fields = ["model"]


@admin.register(PlatformPrice)
class PlatformPriceAdmin(ListAdmin):
    """The operator's list, which holds where a tenant has no price of its own."""

    list_display = ["model", "input", "cached", "output", "currency", "valid_from"]
    search_fields = ["model"]
    actions = None

    def has_module_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.is_superuser)

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return bool(request.user.is_superuser)

    has_add_permission = has_view_permission
    has_change_permission = has_view_permission
    has_delete_permission = has_view_permission

    def log_addition(self, request: HttpRequest, obj: Any, message: Any) -> None:
        audit(request, "add", obj)

    def log_change(self, request: HttpRequest, obj: Any, message: Any) -> None:
        audit(request, "change", obj)

    def log_deletions(self, request: HttpRequest, queryset: Any) -> None:
        for obj in queryset:
            audit(request, "delete", obj)
