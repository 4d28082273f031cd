"""What people say about themselves."""

import zoneinfo

from django import forms

from .models import User


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
