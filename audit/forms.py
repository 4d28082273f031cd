"""What can be asked of the history."""

import zoneinfo
from datetime import date, datetime, time, timedelta
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.db.models import Q
from django.utils import timezone
from django.utils.text import capfirst
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from changes.searching import referred_to
from expansive_cm.numbers import whole_number
from expansive_cm.ui.forms import DateInput

from .queries import Wanted
from .sources import Source, source_named, sources

MOST_PEOPLE = 50


def _kinds() -> list[tuple[str, Any]]:
    kinds = [(source.key, capfirst(str(source.label))) for source in sources()]
    return [("", _("Everything")), *sorted(kinds, key=lambda kind: kind[1])]


class HistoryFilterForm(forms.Form):
    """Person, kind of object, object and days; all of it optional."""

    person = forms.CharField(
        label=_("Person"),
        max_length=254,
        required=False,
        help_text=_("Part of the name or address; “system” for the product itself."),
    )
    type = forms.ChoiceField(label=_("Kind of object"), choices=_kinds, required=False)
    reference = forms.CharField(
        label=_("Change"),
        max_length=30,
        required=False,
        help_text=_("A reference such as CR-000123, with all its records."),
    )
    since = forms.DateField(label=_("From"), required=False, widget=DateInput)
    until = forms.DateField(label=_("To"), required=False, widget=DateInput)

    def clean_person(self) -> list[int | None] | None:
        """Find the people meant; a number is a primary key."""
        text = self.cleaned_data["person"].strip()
        if not text:
            return None
        if text.lower() in ("system", str(_("system"))):
            return [None]
        named = Q(display_name__icontains=text) | Q(email__icontains=text)
        if (number := whole_number(text)) is not None:
            named = Q(pk=number)
        people = list(User.objects.filter(named).values_list("pk", flat=True)[: MOST_PEOPLE + 1])
        if not people:
            raise ValidationError(_("Nobody has this name or address."))
        if len(people) > MOST_PEOPLE:
            raise ValidationError(_("Too many people have this in their name: say more of it."))
        return list(people)

    def clean_reference(self) -> int | None:
        """Read the reference of a change."""
        text = self.cleaned_data["reference"].strip()
        number = referred_to(text) if text else None
        if text and number is None:
            raise ValidationError(_("Write it like CR-000123."))
        return number

    def clean(self) -> dict[str, Any]:
        """Days must be in order, and a change has only its own kinds of records."""
        cleaned = super().clean() or self.cleaned_data
        since, until = cleaned.get("since"), cleaned.get("until")
        if since and until and until < since:
            self.add_error("until", _("This day is before the first one."))
        source = source_named(cleaned.get("type") or "")
        if source and cleaned.get("reference") is not None and not source.changes:
            self.add_error("type", _("A change has no records of this kind."))
        return cleaned

    @property
    def wanted(self) -> Wanted:
        """Return what the form asks for."""
        cleaned = self.cleaned_data
        until = cleaned.get("until")
        return Wanted(
            sources=self._sources(),
            change=cleaned.get("reference"),
            people=cleaned.get("person"),
            since=_midnight(cleaned.get("since")),
            until=_midnight(until + timedelta(days=1)) if until and until < date.max else None,
        )

    def _sources(self) -> tuple[Source, ...]:
        chosen = source_named(self.cleaned_data.get("type") or "")
        if chosen:
            return (chosen,)
        if self.cleaned_data.get("reference") is not None:
            return tuple(source for source in sources() if source.changes)
        return sources()


def _midnight(day: date | None) -> datetime | None:
    """The beginning of a day in the viewer's zone."""
    if day is None:
        return None
    try:
        return timezone.make_aware(datetime.combine(day, time.min)).astimezone(
            zoneinfo.ZoneInfo("UTC")
        )
    except OverflowError:
        return None
