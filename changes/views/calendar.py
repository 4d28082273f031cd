"""The change calendar: a month as a grid or a list, and one day."""

from calendar import monthrange
from datetime import date, timedelta
from http import HTTPStatus
from typing import Any

from django import forms
from django.core.exceptions import BadRequest
from django.http import HttpResponse, QueryDict
from django.shortcuts import render
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_safe

from accounts.models import Organisation, User
from expansive_cm.errors import page as error_page
from expansive_cm.ui.components import Tab
from expansive_cm.ui.forms import choice_field, rows_field

from .. import calendar, permissions
from ..models import Service
from ..risk import RiskLevel
from .access import SignedInRequest, signed_in

NARROWING = ("kind", "service", "organisation", "risk", "person")
YEARS = range(2000, 2101)
IN_A_LIST, ON_A_DAY = 10, 200
"""So many entries a day shows in the list, and on its own page."""


class CalendarForm(forms.Form):
    """What narrows the calendar; all of it stands in the address."""

    kind = forms.MultipleChoiceField(
        label=gettext_lazy("Kinds"), required=False, widget=forms.CheckboxSelectMultiple
    )
    service = forms.ModelChoiceField(
        label=gettext_lazy("Service"),
        queryset=Service.objects.all(),
        empty_label=gettext_lazy("Every service"),
        required=False,
    )
    organisation = forms.ModelChoiceField(
        label=gettext_lazy("Customer"),
        queryset=Organisation.objects.none(),
        empty_label=gettext_lazy("Every customer"),
        required=False,
    )

    risk = forms.TypedChoiceField(
        label=gettext_lazy("Risk"),
        choices=[("", gettext_lazy("Every risk")), *RiskLevel.choices],
        coerce=int,
        empty_value=None,
        required=False,
    )
    person = forms.ModelChoiceField(
        label=gettext_lazy("Person who owns or executes it"),
        queryset=User.objects.none(),
        empty_label=gettext_lazy("Everybody"),
        required=False,
    )

    def __init__(self, data: Any, *, full: bool) -> None:
        super().__init__(data)
        choice_field(self, "kind").choices = [
            (name, kind.label) for name, kind in calendar.KINDS.items() if full or not kind.internal
        ]
        if full:
            rows_field(self, "organisation").queryset = Organisation.objects.order_by("name")
            people = User.objects.filter(organisation=None).order_by("display_name", "pk")
            rows_field(self, "person").queryset = people
        else:
            rows_field(self, "service").queryset = Service.objects.filter(is_active=True)
            for name in ("organisation", "risk", "person"):
                del self.fields[name]


@signed_in
@require_safe
def change_calendar(request: SignedInRequest) -> HttpResponse:
    """Show what happens when: a month as a grid or a list, or one day of it.

    An address that asks for what there is not is answered with 400.
    """
    try:
        return _calendar(request)
    except BadRequest:
        words = _(
            "The calendar has no such day, kind, service, customer, risk or person. Open it from"
            " the menu."
        )
        return error_page(request, HTTPStatus.BAD_REQUEST, words)


def _calendar(request: SignedInRequest) -> HttpResponse:
    full = permissions.can_see_internal(request.user)
    form = CalendarForm(request.GET, full=full)
    if not form.is_valid():
        raise BadRequest
    view = request.GET.get("view", "month")
    if view not in ("month", "list"):
        raise BadRequest
    day = _day(request.GET["day"]) if "day" in request.GET else None
    month = day.replace(day=1) if day else _month(request.GET.get("month", ""))
    first, last = (day, day) if day else _days_shown(month)
    wanted = calendar.Wanted(
        request.user,
        first,
        last,
        frozenset(form.cleaned_data["kind"] or calendar.KINDS),
        _key(form.cleaned_data["service"]),
        _key(form.cleaned_data.get("organisation")),
        form.cleaned_data.get("risk"),
        _key(form.cleaned_data.get("person")),
        ON_A_DAY if day else IN_A_LIST,
    )
    days = calendar.days_of(wanted, shown=ON_A_DAY if day else IN_A_LIST)
    weeks = [] if day else calendar.weeks_of(days, month)
    context = {
        "form": form,
        "view": view,
        "day": days[0] if day else None,
        "month": month,
        "weeks": weeks,
        "listed": [one for one in days if one.count and not one.is_outside],
        "title": date_format(day, "l j F Y") if day else date_format(month, "F Y"),
        "previous_url": _address(request, **_previous(month, day)),
        "next_url": _address(request, **_next(month, day)),
        "today_url": _address(request, **({"day": timezone.localdate()} if day else {})),
        "month_url": _address(request, month=f"{month:%Y-%m}"),
        "day_url": _address(request, day=""),
        "tabs": _tabs(request, month, "" if day else view),
        "cut": wanted.cut,
        "filtered": bool(request.GET.keys() & {*NARROWING}),
        "reset_url": f"?month={month:%Y-%m}&view={view}",
        "full": full,
        "zone": timezone.get_current_timezone_name(),
    }
    return render(request, "changes/calendar.html", context)


def _tabs(request: SignedInRequest, month: date, shown: str) -> list[Tab]:
    """Return the ways to look at a month; ``shown`` is the one that is, none on a day's page."""
    return [
        Tab(label, _address(request, month=f"{month:%Y-%m}", view=name), icon, active=name == shown)
        for name, label, icon in (("month", _("Month"), "calendar"), ("list", _("List"), "list"))
    ]


def _key(found: Any) -> int | None:
    return found.pk if found else None


def _month(text: str) -> date:
    return _day(f"{text}-01") if text else timezone.localdate().replace(day=1)


def _day(text: str) -> date:
    try:
        found = date.fromisoformat(text)
    except ValueError:
        raise BadRequest from None
    if found.year not in YEARS or found.isoformat() != text:
        raise BadRequest
    return found


def _days_shown(month: date) -> tuple[date, date]:
    """Return the first and last day of whole weeks, Monday to Sunday, that hold a month."""
    end = month.replace(day=monthrange(month.year, month.month)[1])
    return month - timedelta(days=month.weekday()), end + timedelta(days=6 - end.weekday())


def _previous(month: date, day: date | None) -> dict[str, Any]:
    if day:
        return {"day": day - timedelta(days=1)}
    return {"month": f"{month - timedelta(days=1):%Y-%m}"}


def _next(month: date, day: date | None) -> dict[str, Any]:
    if day:
        return {"day": day + timedelta(days=1)}
    return {"month": f"{month + timedelta(days=31):%Y-%m}"}


def _address(request: SignedInRequest, **place: Any) -> str:
    """Return the address of another place in the calendar, with what narrows this one."""
    query = QueryDict(mutable=True)
    for name in ("view", *NARROWING):
        values = [value for value in request.GET.getlist(name) if value]
        if values:
            query.setlist(name, values)
    for name, value in place.items():
        query[name] = str(value)
    return f"?{query.urlencode()}"
