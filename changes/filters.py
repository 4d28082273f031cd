"""Which changes a list shows: its address read as a form. ``selecting`` makes querysets of it.

Everything is in the query string, so that a link shares what somebody sees. Choices are those
that the person may know: another organisation's number is as wrong as one that never was.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache, partial
from typing import Any

from django import forms
from django.http import QueryDict
from django.utils.formats import date_format
from django.utils.functional import cached_property
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts.models import Organisation, User
from expansive_cm.ui.forms import DateInput, choice_field, choices_of
from expansive_cm.ui.paging import Order

from . import columns as list_columns
from . import saved_views
from .also import people_named
from .menus import Menu
from .offered import ORGANISATIONS, SERVICES, as_choices, labels, meetings, owners, requesters
from .orders import DEFAULT_SORT, DUE_WITHIN, LATE, SORTED_BY, SORTS
from .risk import RiskLevel
from .saved_views import Views
from .states import ChangeType, State

MAX_ASKERS = 100
NONE = "none"
ME = "me"

VIEWS = [
    ("open", _("Open")),
    ("", _("All")),
    ("waiting", _("Waiting on me")),
    ("mine", _("Mine")),
    ("watching", _("Watching")),
]
"""The tabs above the list; whom an empty address shows all changes has these first."""
AGES = [
    ("7", _("More than a week")),
    ("14", _("More than two weeks")),
    ("30", _("More than a month")),
    ("90", _("More than three months")),
]
DUE = [
    ("week", _("This week")),
    ("next_week", _("Next week")),
    ("month", _("This month")),
]
"""Spans of days that move with today, so that a saved view means those of whoever looks."""
RANGES = (("due_from", "due_to"), ("promised_from", "promised_to"))
"""The first and the last day of what can be asked for from a day to a day."""
EARLIEST, LATEST = date(2000, 1, 1), date(2100, 12, 31)
UPDATED = [
    ("1", _("In the last day")),
    ("7", _("In the last week")),
    ("30", _("In the last month")),
]

STAGES: dict[str, tuple[Any, frozenset[State]]] = {
    "looking": (_("Being looked at"), frozenset({State.SUBMITTED, State.REVIEW})),
    "decision": (
        _("Waiting for a decision"),
        frozenset({State.AUTHORISATION, State.BOARD, State.INFORMATION_REQUIRED}),
    ),
    "work": (
        _("Being worked on"),
        frozenset(
            {
                State.EXECUTION,
                State.ROLLED_BACK,
                State.DOCUMENTATION,
                State.REQUIREMENTS,
                State.RISK_ASSESSMENT,
                State.DEVELOPMENT,
                State.TESTING,
                State.DEPLOYMENT,
                State.NOT_CONFIRMED,
            }
        ),
    ),
    "confirmation": (_("Waiting for confirmation"), frozenset({State.CONFIRMATION})),
    "done": (_("Done"), frozenset({State.CLOSED})),
    "ended": (
        _("Refused, rejected or withdrawn"),
        frozenset({State.REFUSED, State.REJECTED, State.WITHDRAWN}),
    ),
}
"""What a customer filters by instead of the twenty states."""
ALONGSIDE = frozenset({"view", "sort", "columns"})
"""What an address says besides filters: it stays when these are cleared."""


def _day(label: Any) -> forms.DateField:
    return forms.DateField(
        label=label,
        required=False,
        widget=DateInput,
        input_formats=["%Y-%m-%d"],
        error_messages={"invalid": _("Write the day as in 2026-05-31.")},
        validators=[_sensible],
    )


def _sensible(day: date) -> None:
    if not EARLIEST <= day <= LATEST:
        raise forms.ValidationError(_("Give a day between 2000 and 2100."))


class ChangeFilterForm(forms.Form):
    """What can be asked of the list; unknown values are refused beside their field."""

    q = forms.CharField(label=_("Search"), max_length=200, required=False)
    view = forms.ChoiceField(choices=VIEWS, required=False)
    sort = forms.ChoiceField(required=False)
    state = forms.MultipleChoiceField(
        label=_("State"), choices=State.choices, required=False, widget=forms.CheckboxSelectMultiple
    )
    stage = forms.MultipleChoiceField(
        label=_("Where it stands"),
        choices=[(name, label) for name, (label, _states) in STAGES.items()],
        required=False,
        widget=forms.CheckboxSelectMultiple,
    )
    requester = forms.MultipleChoiceField(
        label=_("Asked by"), required=False, widget=forms.CheckboxSelectMultiple
    )
    asked_by = forms.CharField(label=_("Asked by"), max_length=200, required=False)
    type = forms.MultipleChoiceField(
        label=_("Type"),
        choices=[*ChangeType.choices, (NONE, _("Not assessed"))],
        required=False,
        widget=forms.CheckboxSelectMultiple,
    )
    organisation = forms.MultipleChoiceField(
        label=_("Organisation"), required=False, widget=forms.CheckboxSelectMultiple
    )
    service = forms.MultipleChoiceField(
        label=_("Service"), required=False, widget=forms.CheckboxSelectMultiple
    )
    owner = forms.MultipleChoiceField(
        label=_("Owner"), required=False, widget=forms.CheckboxSelectMultiple
    )
    label = forms.MultipleChoiceField(
        label=_("Label"), required=False, widget=forms.CheckboxSelectMultiple
    )
    risk = forms.MultipleChoiceField(
        label=_("Risk"),
        choices=[(str(value), label) for value, label in RiskLevel.choices],
        required=False,
        widget=forms.CheckboxSelectMultiple,
    )
    age = forms.ChoiceField(
        label=_("In its state for"),
        choices=[("", _("Any time")), *AGES],
        required=False,
        widget=forms.RadioSelect,
    )
    updated = forms.ChoiceField(
        label=_("Changed"),
        choices=[("", _("Any time")), *UPDATED],
        required=False,
        widget=forms.RadioSelect,
    )
    due = forms.ChoiceField(
        label=_("Due"),
        choices=[("", _("Any time")), *DUE],
        required=False,
        widget=forms.RadioSelect,
    )
    due_from = _day(_("Due (from)"))
    due_to = _day(_("Due (to)"))
    promised_from = _day(_("Promise made (from)"))
    promised_to = _day(_("Promise made (to)"))
    overdue = forms.BooleanField(label=_("Overdue"), required=False)
    meeting = forms.ChoiceField(label=_("Meeting"), required=False)
    emergency = forms.BooleanField(label=_("Emergency"), required=False)
    columns = forms.CharField(label=_("Columns"), required=False, strip=False)

    def __init__(self, user: User, data: QueryDict, views: Views | None = None) -> None:
        super().__init__(data)
        self.user = user
        self.views = views or Views()
        self.has_lost_columns = False
        sorts = list_columns.sorts_of(user)
        choice_field(self, "sort").choices = [(name, name) for name in SORTS if name in sorts]
        choice_field(self, "service").choices = as_choices(SERVICES.rows())
        if user.is_internal:
            choice_field(self, "organisation").choices = as_choices(ORGANISATIONS.rows())
            choice_field(self, "owner").choices = [
                (ME, _("Me")),
                (NONE, _("Nobody")),
                *owners(data),
            ]
            del self.fields["stage"], self.fields["requester"]
            if not user.roles:  # who our customers and colleagues are is nothing for everybody
                del self.fields["organisation"], self.fields["owner"], self.fields["asked_by"]
                del self.fields["label"], self.fields["meeting"]
            else:
                choice_field(self, "label").choices = cache(partial(labels, data))
                choice_field(self, "meeting").choices = meetings(user, data)
        else:
            del self.fields["owner"], self.fields["risk"], self.fields["asked_by"]
            del self.fields["label"], self.fields["meeting"], self.fields["emergency"]
            ids = user.customer_ids
            choice_field(self, "requester").choices = requesters(ids)
            known = Organisation.objects.filter(pk__in=ids)
            names = known.values_list("pk", "name")
            choice_field(self, "organisation").choices = as_choices(names) if len(ids) > 1 else []
            if len(ids) == 1:
                del self.fields["organisation"]
            self.fields["due"].label = _("Promised by")
            self.fields["due_from"].label = _("Promised by (from)")
            self.fields["due_to"].label = _("Promised by (to)")

    def leave_out_what_is_gone(self) -> list[str]:
        """Go on without the filters that do not exist for this person; return their names.

        Such as a colleague who is not one any more, in a view that somebody saved. No query, but
        that for whoever asked.
        """
        data = self.data
        assert isinstance(data, QueryDict)
        gone = {name for name in self.base_fields if name in data} - set(self.fields)
        for name in list(self.errors):
            field = self.fields[name]
            known: set[str] = set()
            if isinstance(field, forms.MultipleChoiceField):
                known = {str(value) for value, _label in choices_of(self, name)}
            data.setlist(name, [one for one in data.getlist(name) if one in known])
            gone.add(name)
        if self.errors:
            self.full_clean()
        if self.has_lost_columns:
            gone.add("columns")
        labels = {"view": _("View"), "sort": _("Order")}
        found = [name for name in self.base_fields if name in gone]
        named = [str(labels.get(name) or self.base_fields[name].label) for name in found]
        # Saved by another version of the product: what it is called there is all that is known.
        named += sorted(set(self.data) - set(self.base_fields))
        return list(dict.fromkeys(named))

    def clean_asked_by(self) -> str:
        """Refuse what would name more people than a list can be asked for at once."""
        text: str = self.cleaned_data["asked_by"]
        named = people_named(text).order_by() if text else User.objects.none()
        self.askers = list(named.values_list("pk", flat=True)[: MAX_ASKERS + 1])
        if len(self.askers) > MAX_ASKERS:
            words = _("More than %d people have this in name or address. Please write more of it.")
            raise forms.ValidationError(words % MAX_ASKERS)
        return text

    def clean_columns(self) -> str:
        """Go on with the columns that exist for this person, each once."""
        found, self.has_lost_columns = list_columns.read(self.user, self.cleaned_data["columns"])
        return list_columns.written(found)

    def clean(self) -> dict[str, Any]:
        """Add whom the words of ``asked_by`` name; days must be in order."""
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        for first, last in RANGES:
            since, until = cleaned.get(first), cleaned.get(last)
            if since and until and until < since:
                self.add_error(last, _("This day is before the first one."))
        if cleaned.get("asked_by"):
            cleaned["askers"] = self.askers
        return cleaned

    @property
    def has_wrong_days_alone(self) -> bool:
        """Whether days are all that is wrong: what somebody types, not a spoiled address."""
        return bool(self.errors) and set(self.errors) <= {name for pair in RANGES for name in pair}

    @property
    def asker(self) -> Any:
        """The field for whoever asked, for those who know all customers' people; or None."""
        return self["asked_by"] if "asked_by" in self.fields else None

    @property
    def customers(self) -> list[tuple[str, str]]:
        """The customers that this person may choose."""
        known = "organisation" in self.fields
        return choices_of(self, "organisation") if known else []

    @property
    def dropdowns(self) -> list[Menu]:
        """The fields that are drawn as menus, in order."""
        names: tuple[str, ...]
        names = (
            "state",
            "type",
            "organisation",
            "service",
            "owner",
            "label",
            "risk",
            "age",
            "updated",
        )
        if "stage" in self.fields:
            names = ("stage", "requester", "type", "organisation", "service", "updated")
        menus = [Menu(self[name]) for name in names if name in self.fields]
        of_days = [[self[name] for name in pair] for pair in RANGES]
        made = _("Promise made")
        return [*menus, Menu(self["due"], days=of_days[0]), Menu(None, made, of_days[1])]

    @cached_property
    def chips(self) -> list["Chip"]:
        """What is on, each with the address of the list without it."""
        return list(_chips(self)) if self.is_valid() else []

    @property
    def kept(self) -> list["Chip"]:
        """All that a saved view keeps, in words: tab, what is on, chosen order and columns."""
        tab, sort = self.cleaned_data["view"], self.sort_name
        kept = [Chip(_("View"), dict(VIEWS)[tab], "")] if tab else []
        kept += self.chips
        if sort != DEFAULT_SORT:
            by = SORTED_BY[sort.lstrip("-")]
            words = gettext("%s, descending") if sort.startswith("-") else gettext("%s, ascending")
            kept.append(Chip(_("Order"), words % by, ""))
        if self.cleaned_data["columns"]:
            labels = [str(one.label) for one in self.chosen_columns]
            kept.append(Chip(_("Columns"), ", ".join(labels), ""))
        return kept

    @cached_property
    def chosen_columns(self) -> tuple[list_columns.Column, ...]:
        """The columns after reference and title: the address's, the reader's own or the usual.

        One query where the address names none.
        """
        asked, _lost = list_columns.read(self.user, self.cleaned_data["columns"])
        return asked or list_columns.kept_by(self.user)

    @property
    def sort_name(self) -> str:
        """The order asked for, or the list's own."""
        return self.cleaned_data.get("sort") or DEFAULT_SORT

    @property
    def order(self) -> Order:
        """How the list is sorted."""
        found: Order | None = None
        if self.cleaned_data.get("overdue"):
            found = LATE.get(self.sort_name)
        elif any(self.cleaned_data.get(name) for name in ("due", *RANGES[0])):
            found = DUE_WITHIN.get(self.sort_name)
        return found or SORTS[self.sort_name]


@dataclass(frozen=True)
class Chip:
    """One filter that is on."""

    label: Any
    value: Any
    without: str


def views_of(user: User) -> list[tuple[str, Any]]:
    """Return the tabs above somebody's list; what their list begins with comes first."""
    return VIEWS if user.is_internal else [VIEWS[1], VIEWS[0], *VIEWS[2:]]


def _chips(form: ChangeFilterForm) -> Iterator[Chip]:
    for name in form.fields:
        given = form.cleaned_data.get(name)
        if not given or name in ALONGSIDE:
            continue
        field = form.fields[name]
        if name in ("q", "asked_by", "overdue", "emergency"):
            value = "" if given is True else f"“{given}”"
            yield Chip(field.label, value, query_string(form, {name: None}))
            continue
        if isinstance(given, date):
            value = date_format(given, "j M Y")
            yield Chip(field.label, value, query_string(form, {name: None}))
            continue
        labels = {str(key): label for key, label in choices_of(form, name)}
        values = given if isinstance(given, list) else [given]
        for value in values:
            rest = [other for other in values if other != value]
            yield Chip(field.label, labels[str(value)], query_string(form, {name: rest}))


def meaning_of(form: ChangeFilterForm, **changed: Any) -> dict[str, list[str]]:
    """Return what the form asks for, filter by filter, with some of it changed."""
    wanted = {}
    for name in form.fields:
        value = changed[name] if name in changed else form.cleaned_data.get(name)
        if name == "sort" and value == DEFAULT_SORT:
            continue
        values = value if isinstance(value, list) else [value]
        if kept := [_as_text(one) for one in values if one]:
            wanted[name] = kept
    return wanted


def _as_text(value: Any) -> str:
    """Write a value of a filter as an address has it."""
    if value is True:
        return "1"
    return value.isoformat() if isinstance(value, date) else value


def query_string(
    form: ChangeFilterForm, changed: Mapping[str, Any] | None = None, *, alone: bool = False
) -> str:
    """Return the shortest address of what the form asks for, with some of it changed.

    The place in the list is left out: other filters or another order begin at the first page.
    A saved view in the address stays there, and stands for the filters that it holds; ``alone``
    leaves it out.
    """
    wanted: Mapping[str, list[str]] = meaning_of(form, **(changed or {}))
    view = None if alone else form.views.current
    if view is not None and saved_views.is_same(wanted, view.filters):
        return f"?saved={view.pk}"
    if not wanted and (view is not None or form.views.has_first or form.user.is_internal):
        wanted = saved_views.EVERYTHING
    before = {"saved": [str(view.pk)]} if view is not None else {}
    return "?" + saved_views.as_data({**before, **wanted}).urlencode()
