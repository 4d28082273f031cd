"""Rows of history in words: which field of what became what, by whom and why."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from django.contrib.auth.models import Group
from django.db import models
from django.db.models import CharField, F, IntegerField, Value
from django.db.models.functions import Cast
from django.urls import reverse
from django.utils import timezone
from django.utils.dateparse import parse_date, parse_datetime
from django.utils.formats import date_format
from django.utils.text import capfirst
from django.utils.translation import gettext as _

from accounts.models import Organisation, SuccessTeam, User
from accounts.roles import Role
from changes.models import (
    CHECKLIST,
    ApprovalRule,
    Change,
    ChangeLink,
    ChangeTemplate,
    Label,
    Release,
    Service,
    Window,
)
from changes.news import in_words as in_words_of_news
from changes.unseen import mentioned, nameless, unseen, without
from crb.models import AgendaItem, Meeting, Minutes
from crb.permissions import may_see_notes
from expansive_cm.sure import sure
from expansive_cm.texts import Text

from .queries import Version
from .sources import Source

NAMED: dict[type[models.Model], str] = {
    User: "display_name",
    Organisation: "name",
    SuccessTeam: "name",
    Service: "name",
    ChangeTemplate: "name",
    ApprovalRule: "name",
    Label: "name",
    Release: "name",
    Window: "name",
    Group: "name",
    Meeting: "date",
}
"""Objects that others point to, and the field that names them. A change has its reference."""
WITHHELD = {AgendaItem: ("notes", may_see_notes)}
"""Fields that are not for every reader of a change's history, and the right that they ask for."""
NAME_FIELDS = ("title", "display_name", "name", "domain", "text")
NOTHING = "–"
LONG = 160
"""Longer values are folded away."""

Labels = dict[tuple[type[models.Model], int], str]
"""Names of objects; a change is among them only where its reader must not know its number."""


@dataclass(frozen=True)
class FieldChange:
    """One field, before and after."""

    label: Text
    before: str
    after: str

    @property
    def only(self) -> str:
        """The one value that a new or removed object's field has."""
        return self.before if self.after == NOTHING else self.after

    @property
    def is_long(self) -> bool:
        """Whether the values are too long to stand side by side unasked."""
        return max(len(self.before), len(self.after)) > LONG


@dataclass(frozen=True)
class Entry:
    """One row, ready to be shown; ``both`` if its fields have a before and after.

    ``within`` is the number of the act in which it was written, where it has one.
    """

    at: datetime
    by: str
    act: Text
    icon: str
    tone: str
    what: str
    url: str
    why: str
    record: tuple[str, int]
    within: int | None = None
    is_change: bool = False
    both: bool = True
    fields: list[FieldChange] = field(default_factory=list)


ACTS: dict[str, tuple[str, str]] = {"+": ("plus", "green"), "~": ("pencil", "blue")}


def act_words(act: str) -> Text:
    """Say what was done to the object."""
    return {"+": _("created"), "~": _("changed"), "-": _("removed")}.get(act, act)


def describe(versions: list[Version], reader: User | None = None) -> list[Entry]:
    """Return the entries of a page. Costs one query, for every name that appears in it.

    For a ``reader``, links to what does not exist for them have no number, and what they may not
    read is left out; a query more where there are links, some where something is withheld.
    """
    if reader is not None:
        _withhold(versions, reader)
    labels = names_of(_mentioned(versions))
    if reader is not None:
        hidden = unseen(reader, _linked(versions))
        labels |= {(Change, pk): nameless() for pk in hidden}
    return [_entry(version, labels) for version in versions]


def _withhold(versions: list[Version], reader: User) -> None:
    """Empty the fields that this reader may not read, before and after."""
    for model, (name, may_see) in WITHHELD.items():
        held = [one for one in versions if one.source.model is model and _holds(one, name)]
        objects = model._default_manager.in_bulk({one.object_pk for one in held})
        allowed = {pk: may_see(reader, one) for pk, one in objects.items()}
        for version in held:
            if not allowed.get(version.object_pk):
                for values in filter(None, (version.values, version.before)):
                    values[name] = ""


def _holds(version: Version, name: str) -> bool:
    return any(values.get(name) for values in (version.values, version.before or {}))


def _linked(versions: list[Version]) -> set[int]:
    """Return the changes that are named by links between changes."""
    ends = ("source_id", "target_id")
    links = [version for version in versions if version.source.model is ChangeLink]
    named = {version.values[end] for version in links for end in ends}
    return named | mentioned(version.why for version in links)


def _entry(version: Version, labels: Labels) -> Entry:
    what, url = object_title(version, labels)
    icon, tone = ACTS.get(version.act, ("trash", "red"))
    return Entry(
        at=version.at,
        by=labels.get((User, version.by), "") if version.by else "",
        act=act_words(version.act),
        icon=icon,
        tone=tone,
        what=what,
        url=url,
        why=without(version.why, [pk for model, pk in labels if model is Change]),
        record=(version.source.key, version.object_pk),
        within=version.within,
        is_change=version.source.model is Change,
        both=version.act == "~",
        fields=field_changes(version, labels),
    )


def object_title(version: Version, labels: Labels) -> tuple[str, str]:
    """Return what the object is called, and the address of the change that it belongs to."""
    source, values = version.source, version.values
    kind = capfirst(str(source.label))
    if source.model is Change:
        reference = Change(pk=version.object_pk).reference
        title = f"{reference} {values.get('title', '')}".strip()
        return title, reverse("changes:detail", args=[version.object_pk])
    if version.change_pk:
        reference = label_of(Change, version.change_pk, labels)
        title = _("%(kind)s of %(reference)s") % {"kind": kind, "reference": reference}
        is_hidden = (Change, version.change_pk) in labels
        return title, "" if is_hidden else reverse("changes:detail", args=[version.change_pk])
    if source.model is Minutes:
        day = label_of(Meeting, values["meeting_id"], labels)
        title = _("%(kind)s of %(day)s") % {"kind": kind, "day": day}
        return title, reverse("crb:minutes", args=[values["meeting_id"]])
    name = next((values[key] for key in NAME_FIELDS if values.get(key)), f"#{version.object_pk}")
    return f"{kind}: {name}", ""


# Fields -------------------------------------------------------------------------------------


def field_changes(version: Version, labels: Labels) -> list[FieldChange]:
    """Return the fields that differ; for a new or removed object, those that hold something."""
    found = []
    earlier = version.before if version.act == "~" and version.before is not None else {}
    later = {} if version.act == "-" else version.values
    if version.act == "-":
        earlier = version.values
    for one in version.source.fields:
        if one.related_model in (Change, AgendaItem) and one.name in ("change", "item"):
            continue  # the entry's title names it
        before, after = earlier.get(one.attname), later.get(one.attname)
        if (before or None) == (after or None) and not (before is False or after is False):
            continue
        if before != after:
            shown = [in_words(one, value, labels) for value in (before, after)]
            found.append(FieldChange(capfirst(str(one.verbose_name)), *shown))
    return found + _many_changes(version, labels)


def _many_changes(version: Version, labels: Labels) -> list[FieldChange]:
    found = []
    for name in version.source.many:
        one: Any = version.source.model._meta.get_field(name)
        sets = [version.many_before.get(name, set()), version.many.get(name, set())]
        if version.act == "+" or version.before is None:
            sets[0] = set()
        if version.act == "-":
            sets.reverse()
        if sets[0] != sets[1]:
            shown = [_joined(one.related_model, pks, labels) for pks in sets]
            found.append(FieldChange(capfirst(str(one.verbose_name)), *shown))
    return found


def _joined(model: type[models.Model], pks: Iterable[int], labels: Labels) -> str:
    return ", ".join(sorted(label_of(model, pk, labels) for pk in pks)) or NOTHING


def in_words(one: models.Field, value: Any, labels: Labels) -> str:
    """Write a value as the product's pages write it."""
    if value is None or value in ("", []):
        return NOTHING
    if one.model is User and one.name == "news":
        return in_words_of_news(value)
    if one.is_relation:
        return label_of(sure(one.related_model), value, labels)
    if one.choices:
        return str(dict(one.flatchoices).get(value, value))
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    if isinstance(one, models.DateTimeField):
        return _moment(parse_datetime(value))
    if isinstance(one, models.DateField):
        day: date | None = parse_date(value)
        return date_format(day, "j F Y") if day else str(value)
    if isinstance(value, list):
        return "\n".join(str(CHECKLIST.get(item, item)) for item in value)
    return str(value)


def _moment(moment: datetime | None) -> str:
    if moment is None:
        return NOTHING
    local = timezone.localtime(moment)
    return f"{date_format(local, 'j F Y, H:i')} ({local.tzname()})"


# Names --------------------------------------------------------------------------------------


def label_of(model: type[models.Model], pk: int, labels: Labels) -> str:
    """Return the name of an object that a field points to."""
    if model is Change:
        return labels.get((Change, pk)) or Change(pk=pk).reference
    return labels.get((model, pk), f"#{pk}")


def _mentioned(versions: list[Version]) -> dict[type[models.Model], set[int]]:
    found: dict[type[models.Model], set[int]] = defaultdict(set)
    for version in versions:
        if version.by:
            found[User].add(version.by)
        _mentioned_by(version.source, version, found)
    return found


def _mentioned_by(
    source: Source, version: Version, found: dict[type[models.Model], set[int]]
) -> None:
    for one in source.fields:
        model = one.related_model
        if model is not None and model in NAMED:
            for values in (version.values, version.before or {}):
                if values.get(one.attname):
                    found[model].add(values[one.attname])
    for name in source.many:
        named: Any = source.model._meta.get_field(name).related_model
        found[named] |= version.many.get(name, set()) | version.many_before.get(name, set())


def names_of(wanted: dict[type[models.Model], set[int]]) -> Labels:
    """Return the names of objects of several kinds in one query."""
    kinds = list(NAMED)
    parts = []
    for number, model in enumerate(kinds):
        if wanted.get(model):
            name = Cast(F(NAMED[model]), CharField())
            rows = model._default_manager.filter(pk__in=wanted[model]).order_by()
            parts.append(rows.values_list(Value(number, IntegerField()), F("pk"), name))
    if not parts:
        return {}
    merged = parts[0].union(*parts[1:], all=True) if len(parts) > 1 else parts[0]
    return {(kinds[number], pk): _named(kinds[number], name) for number, pk, name in merged}


def _named(model: type[models.Model], name: str) -> str:
    """Return a name as the pages have it: roles by their titles, meetings by their days."""
    if model is Group:
        return str(dict(Role.choices).get(name, name))
    if model is Meeting:
        day = parse_date(name)
        return date_format(day, "j F Y") if day else name
    return name
