"""Of which days and which customer the figures are; all of it is in the address."""

from datetime import timedelta
from typing import Any

from django import forms
from django.http import QueryDict
from django.utils.http import urlencode
from django.utils.translation import gettext_lazy as _

from accounts.models import Organisation
from expansive_cm.ui.forms import DateInput

from ..figures.span import LONGEST, USUAL, Span, last_days
from ..filters import EARLIEST, LATEST

MOST_DAYS = 36_500


def _day(label: Any) -> forms.DateField:
    return forms.DateField(
        label=label,
        required=False,
        widget=DateInput,
        input_formats=["%Y-%m-%d"],
        error_messages={"invalid": _("Write the day as in 2026-05-31.")},
    )


class FiguresForm(forms.Form):
    """The days, both included, and one customer or all; without days the last so many."""

    earliest = EARLIEST
    since = _day(_("From"))
    until = _day(_("To"))
    organisation = forms.ModelChoiceField(
        label=_("Customer"),
        queryset=Organisation.objects.order_by("name"),
        empty_label=_("All"),
        required=False,
    )

    def __init__(self, data: QueryDict) -> None:
        super().__init__(data)
        usual = last_days(USUAL)
        for name, day in (("since", usual.since), ("until", usual.until)):
            if not data.get(name):
                self.fields[name].widget.attrs["value"] = day.isoformat()
        self.usual = usual

    @property
    def active(self) -> int:
        """How many filters are on."""
        return sum(1 for name in self.fields if self.data.get(name))

    def clean(self) -> dict[str, Any]:
        """Days must be in order, not out of this time, and no more than five years of them."""
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        for name in ("since", "until"):
            day = cleaned.get(name)
            if day and not self.earliest <= day <= LATEST:
                self.add_error(name, _("Give a day between 2000 and 2100."))
        if self.errors:
            return cleaned
        until = cleaned["until"] or self.usual.until
        since = cleaned["since"] or max(until - timedelta(days=USUAL - 1), self.earliest)
        if until < since:
            name = "until" if cleaned["until"] else "since"
            self.add_error(name, _("The last day is before the first one."))
        elif (until - since).days >= LONGEST:
            self.add_error("since", _("Ask for five years at most."))
        else:
            self.span = Span(since, until)
        return cleaned

    @property
    def customer(self) -> int | None:
        """The customer asked for, by its key."""
        found: Organisation | None = self.cleaned_data["organisation"]
        return found.pk if found else None

    def address(self, span: Span, **more: Any) -> str:
        """Return other days, and what else, of the same customer, as an address has it."""
        asked = {"since": span.since, "until": span.until, "organisation": self.customer, **more}
        return urlencode({name: value for name, value in asked.items() if value not in (None, "")})


class FigureRowsForm(FiguresForm):
    """Which rows of one figure: those that took so many days or more, or all.

    Its days may be those before the first ones of which there are figures.
    """

    earliest = EARLIEST - timedelta(days=LONGEST)
    over = forms.FloatField(
        min_value=0, max_value=MOST_DAYS, required=False, widget=forms.HiddenInput
    )
