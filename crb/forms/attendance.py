"""What the chair notes of who is there."""

from datetime import datetime, timedelta
from typing import Any

from django import forms
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from expansive_cm.numbers import LARGEST_KEY

from ..models import AttendanceMark
from ..states import Mark
from .base import BoardForm

TAKE_BACK = "take_back"


class MarkForm(BoardForm):
    """One mark of one person: of somebody with an account, or of a guest by name."""

    name = "mark"

    person = forms.IntegerField(required=False, min_value=1, max_value=LARGEST_KEY)
    guest = forms.CharField(
        required=False,
        label=_("Name"),
        max_length=AttendanceMark._meta.get_field("guest").max_length,
    )
    is_presenter = forms.BooleanField(required=False)
    mark = forms.ChoiceField(choices=[*Mark.choices, (TAKE_BACK, _("Take back"))])
    at = forms.TimeField(required=False, label=_("Since"))
    seen = forms.IntegerField(required=False, min_value=0, max_value=LARGEST_KEY)

    @property
    def takes_back(self) -> bool:
        return self.cleaned_data["mark"] == TAKE_BACK

    def arguments(self) -> dict[str, Any]:
        """Return the arguments of both steps but for the person."""
        return {"guest": self.cleaned_data["guest"], "seen": self.cleaned_data["seen"]}

    @property
    def moment(self) -> datetime | None:
        """The last moment at which a clock showed this time, where the person is."""
        given = self.cleaned_data["at"]
        if given is None:
            return None
        now = timezone.localtime()
        found = now.replace(hour=given.hour, minute=given.minute, second=0, microsecond=0)
        return found if found <= now else found - timedelta(days=1)
