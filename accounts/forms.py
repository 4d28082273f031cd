"""What people say about themselves."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from allauth.account import forms as allauth_forms
from django import forms
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from expansive_cm.ui.forms import RadioCards

from .models import User, time_zone_names

SAME_TIME_SECONDS = 0.25
"""Longer than sending takes, so that the time of an answer says nothing about an address."""


@contextmanager
def same_time() -> Iterator[None]:
    """Let what is done within take as long in any case, whether there is such a person or not."""
    started = time.monotonic()
    try:
        yield
    finally:
        time.sleep(max(0.0, SAME_TIME_SECONDS - (time.monotonic() - started)))


def time_zone_choices() -> list[tuple[str, str]]:
    """Return the time zones of places, by name, with UTC first."""
    places = sorted(
        name
        for name in time_zone_names()
        if "/" in name and not name.startswith(("Etc/", "SystemV/", "US/"))
    )
    return [("UTC", "UTC"), *((name, name.replace("_", " ")) for name in places)]


class ProfileForm(forms.ModelForm):
    """Name, time zone and mail; everything else about a person is an administrator's to change."""

    time_zone = forms.ChoiceField(label=_("Time zone"), choices=time_zone_choices)
    mail_pace = forms.ChoiceField(
        label=_("When we write to you"),
        choices=User.MailPace.choices,
        help_text=_("Questions to you and requests to confirm a change always come at once."),
        widget=RadioCards(
            icons={"at_once": "bolt", "daily": "calendar-event", "needed": "user-check"},
            descriptions={
                "at_once": _("What happens to one change within two minutes comes in one mail."),
                "daily": _("One mail with everything since the day before, in your time zone."),
                "needed": _("Steps that wait for you, and what goes wrong; no news."),
            },
        ),
    )

    class Meta:
        model = User
        fields = ("display_name", "time_zone", "mail_pace")


# --- Signing in and passwords: django-allauth's forms in our words -----------------------------

LABELS = {
    "login": _("E-mail address"),
    "email": _("E-mail address"),
    "password": _("Password"),
    "remember": _("Keep me signed in"),
    "oldpassword": _("Your password now"),
    "password1": _("New password"),
    "password2": _("New password again"),
}


class PlainWords:
    """Labels as on every other form, instead of placeholders that vanish while one types."""

    fields: dict[str, forms.Field]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name, field in self.fields.items():
            field.label = LABELS.get(name, field.label)
            field.widget.attrs.pop("placeholder", None)
        if "login" in self.fields:
            self.fields["password"].help_text = ""


class SignInForm(PlainWords, allauth_forms.LoginForm):
    """Address and password."""


class ConfirmPasswordForm(PlainWords, allauth_forms.ReauthenticateForm):
    """The password once more, before a protected step."""


class ChangePasswordForm(PlainWords, allauth_forms.ChangePasswordForm):
    """The password now, and a new one twice."""


class SetPasswordForm(PlainWords, allauth_forms.SetPasswordForm):
    """A first password."""


class NewPasswordForm(PlainWords, allauth_forms.ResetPasswordKeyForm):
    """A new password, chosen through the link in a mail."""


class ForgottenPasswordForm(PlainWords, allauth_forms.ResetPasswordForm):
    """Asks for a reset; takes as long for an address that nobody has as for any other."""

    def save(self, request: HttpRequest, **kwargs: Any) -> str:
        """Send the link if there is an account, and answer no sooner than always."""
        with same_time():
            return super().save(request, **kwargs)
