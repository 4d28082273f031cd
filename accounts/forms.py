"""What people say about themselves."""

import time
import zoneinfo
from typing import Any

from allauth.account.forms import ResetPasswordForm
from django import forms
from django.http import HttpRequest

from .models import User

SAME_TIME_SECONDS = 0.25
"""Longer than sending takes, so that the time of an answer says nothing about an address."""


def time_zone_choices() -> list[tuple[str, str]]:
    """Return the time zones of places, by name, with UTC first."""
    places = sorted(
        name
        for name in zoneinfo.available_timezones()
        if "/" in name and not name.startswith(("Etc/", "SystemV/", "US/"))
    )
    return [("UTC", "UTC"), *((name, name.replace("_", " ")) for name in places)]


class ProfileForm(forms.ModelForm):
    """Name and time zone; everything else about a person is an administrator's to change."""

    time_zone = forms.ChoiceField(
        label=User._meta.get_field("time_zone").verbose_name, choices=time_zone_choices
    )

    class Meta:
        model = User
        fields = ("display_name", "time_zone")


class ForgottenPasswordForm(ResetPasswordForm):
    """Asks for a reset; takes as long for an address that nobody has as for any other."""

    def save(self, request: HttpRequest, **kwargs: Any) -> str:
        """Send the link if there is an account, and answer no sooner than always."""
        started = time.monotonic()
        try:
            return super().save(request, **kwargs)
        finally:
            time.sleep(max(0.0, SAME_TIME_SECONDS - (time.monotonic() - started)))
