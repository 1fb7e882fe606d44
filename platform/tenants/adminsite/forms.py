"""Forms of people, keys and tenants."""

from typing import Any

from django import forms
from django.contrib.auth.forms import AdminUserCreationForm, UserChangeForm
from django.contrib.auth.password_validation import validate_password
from django.utils.translation import gettext_lazy as _
from unfold.widgets import (
    UnfoldAdminCheckboxSelectMultipleWidget,
    UnfoldAdminEmailInputWidget,
    UnfoldAdminPasswordWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextInputWidget,
)

from tenants.models import ApiKey, Member, Scope, User


class FoundingForm(forms.Form):
    """A new tenant and who owns it."""

    name = forms.CharField(label=_("Name"), max_length=200, widget=UnfoldAdminTextInputWidget)
    slug = forms.SlugField(
        label=_("Slug"), max_length=50, required=False, widget=UnfoldAdminTextInputWidget,
        help_text=_("A short name in small letters. Empty: made from the name."),
    )  # fmt: skip
    owner = forms.EmailField(label=_("Owner's e-mail address"), widget=UnfoldAdminEmailInputWidget)
    password = forms.CharField(
        label=_("First password"), required=False, strip=False, widget=UnfoldAdminPasswordWidget(),
        help_text=_("For an owner who has no account yet. At least 10 characters."),
    )  # fmt: skip

    def clean(self) -> dict[str, Any]:
        given: dict[str, Any] = super().clean() or {}
        email, password = given.get("owner"), given.get("password")
        if email and not User.objects.filter(email__iexact=email).exists():
            if not password:
                self.add_error("password", _("There is no account with this address yet; set its first password."))
            else:
                _check_password(self, password)
        return given


def _check_password(form: forms.Form, password: str) -> None:
    try:
        validate_password(password)
    except forms.ValidationError as failure:
        form.add_error("password", failure)


class MemberForm(forms.ModelForm):  # type: ignore[type-arg]
    """A person's place: found by e-mail address when added, never by browsing accounts."""

    email = forms.EmailField(label=_("E-mail address"), widget=UnfoldAdminEmailInputWidget)

    class Meta:
        model = Member
        fields = ["role"]
        widgets = {"role": UnfoldAdminSelectWidget}

    def clean_email(self) -> str:
        email: str = self.cleaned_data["email"]
        if Member.objects.filter(user__email__iexact=email).exists():
            raise forms.ValidationError(_("This person works here already."))
        return email


class KeyForm(forms.ModelForm):  # type: ignore[type-arg]
    scopes = forms.MultipleChoiceField(
        label=_("Scopes"), choices=Scope.choices, widget=UnfoldAdminCheckboxSelectMultipleWidget,
        help_text=_("What the key may be used for. Give it no more than it needs."),
    )  # fmt: skip
    expires_in_days = forms.TypedChoiceField(
        label=_("Expires"), coerce=int, empty_value=None, required=False, widget=UnfoldAdminSelectWidget,
        choices=[("", _("Never")), (30, _("In 30 days")), (90, _("In 90 days")), (365, _("In a year"))],
    )  # fmt: skip

    class Meta:
        model = ApiKey
        fields = ["name"]
        widgets = {"name": UnfoldAdminTextInputWidget}


class AccountCreationForm(AdminUserCreationForm):  # type: ignore[type-arg]
    """A new account, for operators."""

    class Meta:
        model = User
        fields = ("email",)


class AccountForm(UserChangeForm):  # type: ignore[type-arg]
    class Meta:
        model = User
        fields = "__all__"
