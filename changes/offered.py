"""What the filters of the list offer to choose: services, customers, people."""

from collections.abc import Iterable
from typing import Any

from django.db.models import Exists, OuterRef, Q, QuerySet
from django.db.models.functions import Coalesce
from django.http import QueryDict

from accounts.models import Organisation, User
from expansive_cm.numbers import whole_number
from expansive_cm.statements import Statement

from . import gathered, queries
from .models import Change, Label, Service

SERVICES = Statement(lambda: Service.objects.values_list("pk", "name"), planned_once=True)
ORGANISATIONS = Statement(lambda: Organisation.objects.values_list("pk", "name"), planned_once=True)
AT_WORK = Q(is_active=True, groups__isnull=False)
WORKING = Statement(lambda: _own_people(AT_WORK), planned_once=True)
LABELS = Statement(lambda: _labels(Q(merged_into=None)), planned_once=True)


def as_choices(rows: Iterable[tuple[Any, ...]]) -> list[tuple[str, str]]:
    """Return rows of a key and a name as a field takes them."""
    return [(str(pk), name) for pk, name in rows]


def requesters(organisations: Iterable[int | None]) -> list[tuple[str, str]]:
    """Whoever of these customers has asked for a change: one probe of an index per person."""
    asked = Change.objects.filter(requester=OuterRef("pk")).exclude(queries.UNSENT)
    people = User.objects.filter(Exists(asked), organisation__in=organisations)
    return as_choices(people.values_list("pk", "display_name"))


def owners(data: QueryDict) -> list[tuple[str, str]]:
    """Expansive's own people with a role; those who have left stay choosable while chosen."""
    asked = [whole_number(value) for value in data.getlist("owner")]
    numbers = [number for number in asked if number is not None]
    if not numbers:
        return as_choices(WORKING.rows())
    return as_choices(_own_people(AT_WORK | Q(pk__in=numbers)))


def labels(data: QueryDict) -> list[tuple[str, str]]:
    """Labels that stand for themselves; one that was merged stays choosable while chosen."""
    asked = [whole_number(value) for value in data.getlist("label")]
    numbers = [number for number in asked if number is not None]
    if not numbers:
        return as_choices(LABELS.rows())
    return as_choices(_labels(Q(merged_into=None) | Q(pk__in=numbers)))


def meetings(user: User, data: QueryDict) -> list[tuple[str, str]]:
    """The meeting that is chosen: its page leads here, and no menu offers any."""
    asked = data.get("meeting") or ""
    number = whole_number(asked)
    name = "" if number is None else gathered.name_of("meeting", user, number)
    return [(asked, name)] if name else []


def _labels(wanted: Q) -> QuerySet[Label, tuple[int, str]]:
    return Label.objects.filter(wanted).values_list("pk", "name")


def labels_for(chosen: Iterable[str]) -> QuerySet[Label, Any]:
    """Return what is meant by these labels: with each all that are shown as the same one."""
    shown_as = Coalesce("merged_into", "pk")
    meant = Label.objects.filter(pk__in=chosen).order_by().values(meaning=shown_as)
    return (
        Label.objects.annotate(meaning=shown_as).filter(meaning__in=meant).order_by().values("pk")
    )


def _own_people(wanted: Q) -> QuerySet[User, tuple[int, str]]:
    people = User.objects.filter(wanted, organisation=None).distinct()
    return people.values_list("pk", "display_name")
