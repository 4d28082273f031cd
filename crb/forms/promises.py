"""What the chair fills in to move a promise."""

from datetime import date
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from changes.forms.base import LongText
from changes.forms.release import ReleaseField
from changes.lifecycle.replanning import moved_words
from changes.models import Release
from expansive_cm.ui.forms import DateInput, rows_field

from .base import BoardForm


class PromisedReleaseField(ReleaseField):
    """A release with the day that its reader saw: no other day is promised by choosing it."""

    def prepare_value(self, value: Any) -> Any:
        """Return the key of a release and its day."""
        if isinstance(value, Release):
            return f"{value.pk}:{value.planned_on.isoformat()}"
        return value

    def to_python(self, value: Any) -> Release | None:
        """Return the release; refuse one whose day has moved since the page was opened."""
        key, _sep, seen = str(value or "").partition(":")
        release: Release | None = super().to_python(key)
        if release is not None and seen not in ("", release.planned_on.isoformat()):
            raise forms.ValidationError(moved_words(release))
        return release


class ReplanPromiseForm(BoardForm):
    """Another day, or a release, and why."""

    name = "promise"

    due_on = forms.DateField(
        label=_("New day promised"),
        required=False,
        widget=DateInput(),
        help_text=_("It ends where the board meets. Leave it empty to promise a release."),
    )
    release = PromisedReleaseField(
        label=_("Or a release"),
        queryset=Release.objects.none(),
        empty_label="–",
        required=False,
        help_text=_("Its day is promised as it is planned now: where it slips, the promise stays."),
    )
    reason = LongText(
        label=_("Why is the promise moved?"),
        max_length=2000,
        help_text=_("The requester reads this."),
        widget=forms.Textarea(attrs={"rows": 3}),
    )

    def __init__(self, *args: Any, today: date, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        coming = Release.objects.filter(
            released_at=None, cancelled_at=None, planned_on__gt=today
        ).order_by("planned_on", "pk")
        rows_field(self, "release").queryset = coming
