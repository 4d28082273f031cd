"""What can be asked of the list of promises; all of it is in the address."""

import re
from datetime import date, datetime, timedelta
from typing import Any

from django import forms
from django.db.models import QuerySet
from django.http import QueryDict
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext_lazy as _

from accounts.models import Organisation, User
from expansive_cm.statements import is_one_of
from expansive_cm.ui.forms import choice_field

from .. import promises, queries
from ..models import Change, Service
from ..promises import COUNTED, Standing
from ..states import OPEN

EVERY = "every"
AGES = [
    ("30", _("More than a month ago")),
    ("90", _("More than three months ago")),
    ("180", _("More than six months ago")),
    ("365", _("More than a year ago")),
]
MONTH = re.compile(r"(20\d\d|21\d\d)-(0[1-9]|1[0-2])", re.ASCII)
MONTHS_BACK, MONTHS_AHEAD = 5, 13


class PromiseFilterForm(forms.Form):
    """How it stands, customer, service, board, how long ago it was made, and when it is due."""

    standing = forms.ChoiceField(
        label=_("Standing"),
        choices=[("", _("Open")), *Standing.choices, (EVERY, _("Every promise"))],
        required=False,
    )
    organisation = forms.ModelChoiceField(
        label=_("Customer"),
        queryset=Organisation.objects.order_by("name"),
        empty_label=_("Any"),
        required=False,
    )
    service = forms.ModelChoiceField(
        label=_("Service"),
        queryset=Service.objects.order_by("name"),
        empty_label=_("Any"),
        required=False,
    )
    board = forms.ChoiceField(label=_("Board"), required=False)
    age = forms.ChoiceField(
        label=_("Promised"), choices=[("", _("Any time")), *AGES], required=False
    )
    due = forms.ChoiceField(label=_("Due in"), required=False)

    def __init__(self, data: QueryDict, today: date) -> None:
        super().__init__(data)
        known = promises.boards()
        boards = known.choices() if known else []
        choice_field(self, "board").choices = [("", _("Any")), *boards]
        if len(boards) <= 1:  # one board has promised all there is
            del self.fields["board"]
        self.months = months_around(today)
        given = data.get("due", "")
        months = {f"{day:%Y-%m}": day for day in self.months}
        if MONTH.fullmatch(given):
            months.setdefault(given, date.fromisoformat(f"{given}-01"))
        choice_field(self, "due").choices = [
            ("", _("Any month")),
            *((name, date_format(months[name], "F Y")) for name in sorted(months)),
        ]

    @property
    def active(self) -> int:
        """How many filters are on."""
        return sum(1 for name in self.fields if self.data.get(name))

    def narrowed(self) -> QuerySet[Change]:
        """Return the promises that every filter but standing and month lets through.

        For those who see every change that was ever sent, as a promise was (``visible_to``).
        """
        wanted = self.cleaned_data
        found = promises.promised(Change.objects.all())
        if wanted["organisation"]:
            found = found.filter(organisation=wanted["organisation"])
        if wanted["service"]:
            through = Change.services.through.objects.filter(service=wanted["service"])
            found = found.filter(pk__in=through.values("change"))
        known = promises.boards()
        if wanted.get("board") and known:
            found = found.filter(known.promised_by(int(wanted["board"])))
        if wanted["age"]:
            before = timezone.now() - timedelta(days=int(wanted["age"]))
            found = found.filter(promised_at__lt=before)
        return found

    def select(self, found: QuerySet[Change], now: datetime) -> QuerySet[Change]:
        """Narrow down further to the standing and the month asked for."""
        wanted = self.cleaned_data
        if wanted["due"]:
            first = date.fromisoformat(f"{wanted['due']}-01")
            found = promises.due_within(found, first, month_after(first))
        if not wanted["standing"]:
            return found.filter(state__in=sorted(OPEN))
        if wanted["standing"] == EVERY:
            return found.filter(state__in=sorted(COUNTED))
        return promises.standing_so(found, wanted["standing"], now)


class OwnPromiseFilterForm(PromiseFilterForm):
    """What a customer's people ask of their own: how it stands, when it is due, of which customer.

    What is at risk is not told: whether we will be late they read once that is planned.
    """

    def __init__(self, data: QueryDict, today: date, user: User) -> None:
        super().__init__(data, today)
        self.user = user
        for name in ("service", "board", "age"):
            self.fields.pop(name, None)
        choice_field(self, "standing").choices = [
            ("", _("Open")),
            (Standing.BROKEN.value, _("Late")),
            (Standing.KEPT.value, _("Kept")),
            (EVERY, _("Every promise")),
        ]
        if len(user.customer_ids) == 1:
            del self.fields["organisation"]
        else:
            field = self.fields["organisation"]
            assert isinstance(field, forms.ModelChoiceField)
            theirs = Organisation.objects.filter(is_one_of("pk", user.customer_ids))
            field.queryset = theirs.order_by("name")

    def narrowed(self) -> QuerySet[Change]:
        """Return the promises that exist for this person, of the customer asked for.

        ``visible_to`` says that they are of their customers in a way that finds no index.
        """
        wanted = self.cleaned_data.get("organisation")
        theirs = {wanted.pk} if wanted else self.user.customer_ids
        found = promises.promised(queries.visible_to(self.user))
        if len(theirs) == 1:
            return found.filter(organisation=next(iter(theirs)))
        return found.filter(is_one_of("organisation", theirs))


def months_around(today: date) -> list[date]:
    """Return the first days of the months that the page draws, the earliest first."""
    first = today.year * 12 + today.month - 1 - MONTHS_BACK
    numbers = range(first, first + MONTHS_BACK + MONTHS_AHEAD + 1)
    return [date(number // 12, number % 12 + 1, 1) for number in numbers]


def month_after(first: date) -> date:
    """Return the first day of the month that follows."""
    return (first + timedelta(days=31)).replace(day=1)


def asked_for(form: PromiseFilterForm, **changed: Any) -> dict[str, Any]:
    """Return what is asked for as an address has it, with some of it changed; "" leaves out."""
    asked = {name: form.data.get(name, "") for name in form.fields} | changed
    return {name: value for name, value in asked.items() if value}
