"""Changes as a CSV file: streamed row by row, safe to open in a spreadsheet.

docs/export.md describes the columns. The file is UTF-8 with a byte order mark, because Excel
takes one without for the machine's old code page and spoils every accent.
"""

import csv
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, tzinfo
from typing import Any

from django.db.models import Count, F, OuterRef, Q, QuerySet, Subquery
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from expansive_cm.texts import Text

from .answers import latest_of
from .models import Authorisation, Change, ChangeLabel, ChecklistItem, Confirmation, Label
from .models.choices import Promise as Promised
from .models.label import shown
from .permissions.rules import can_see_internal
from .plain import briefly
from .promises import day_of, is_past
from .risk import RiskLevel, Urgency
from .states import OPEN, ChangeType, State

BYTE_ORDER_MARK = "\ufeff"
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
CHUNK = 1_000
Row = dict[str, Any]


@dataclass(frozen=True)
class ExportColumn:
    """A column: its heading, and how a row's value is written."""

    heading: Text
    value: Callable[[Row, tzinfo], Any]


def safe_cell(value: Any) -> str:
    """Write a value so that no spreadsheet takes it for a formula (OWASP: CSV injection)."""
    text = "" if value is None else str(value)
    return f"'{text}" if text.startswith(FORMULA_STARTS) else text


def _plain(name: str) -> Callable[[Row, tzinfo], Any]:
    return lambda row, zone: row[name]


def _moment(name: str) -> Callable[[Row, tzinfo], str]:
    """A moment in the viewer's zone with its offset, as spreadsheets and programs read it."""

    def write(row: Row, zone: tzinfo) -> str:
        moment: datetime | None = row[name]
        return "" if moment is None else moment.astimezone(zone).isoformat(" ", "seconds")

    return write


def _label(name: str, choices: Any) -> Callable[[Row, tzinfo], Any]:
    def write(row: Row, zone: tzinfo) -> Any:
        value = row[name]
        return "" if value in (None, "") else choices(value).label

    return write


def _yes_if_overdue(row: Row, zone: tzinfo) -> str:
    today = day_of(row["promise_zone"], timezone.now())
    late = is_past(row["due_on"], today) and row["state"] in OPEN
    return str(_("yes")) if late else ""


def _answer(value: Callable[[Confirmation], Any]) -> Callable[[Row, tzinfo], Any]:
    """Something about the newest question to the requester; nothing while nobody was asked."""
    return lambda row, zone: "" if row["asked"] is None else value(row["asked"])


def yes_or_no(answer: bool | None) -> str:
    """Write the answer to one of the two questions; nothing where it was not given."""
    return "" if answer is None else str(_("yes") if answer else _("no"))


REFERENCE = ExportColumn(_("Reference"), lambda row, zone: f"CR-{row['pk']:06d}")
TITLE = ExportColumn(_("Title"), _plain("title"))
TYPE = ExportColumn(_("Type"), _label("type", ChangeType))
ORGANISATION = ExportColumn(_("Organisation"), _plain("organisation__name"))
REQUESTER = ExportColumn(_("Requester"), _plain("requester__display_name"))
SERVICES = ExportColumn(_("Affected services"), _plain("services"))
DUE = ExportColumn(_("Due"), _plain("due_on"))
CREATED = ExportColumn(_("Created"), _moment("created_at"))
SUBMITTED = ExportColumn(_("Submitted"), _moment("submitted_at"))
UPDATED = ExportColumn(_("Last changed"), _moment("updated_at"))
CLOSED = ExportColumn(_("Closed"), _moment("closed_at"))

LABELS = ExportColumn(_("Labels"), _plain("labels"))
CHECKLIST = ExportColumn(_("Checklist"), _plain("checklist"))
INTERNAL_COLUMNS = (CHECKLIST, LABELS)
"""For Expansive's people with a role alone."""
CUSTOMER_COLUMNS = (
    REFERENCE,
    TITLE,
    ExportColumn(_("Where it stands"), lambda row, zone: briefly(row["state"], row["asked_of"])),
    TYPE,
    ORGANISATION,
    REQUESTER,
    SERVICES,
    ExportColumn(_("Desired date"), _plain("desired_on")),
    DUE,
    SUBMITTED,
    UPDATED,
    CLOSED,
)
STAFF_COLUMNS = (
    REFERENCE,
    TITLE,
    ExportColumn(_("State"), _label("state", State)),
    ExportColumn(_("In this state since"), _moment("state_since")),
    TYPE,
    ORGANISATION,
    REQUESTER,
    ExportColumn(_("Raised by"), _plain("raised_by__display_name")),
    ExportColumn(_("Owner"), _plain("owner__display_name")),
    ExportColumn(_("Risk"), _label("risk", RiskLevel)),
    ExportColumn(_("Urgency"), _label("urgency", Urgency)),
    SERVICES,
    ExportColumn(_("Channel"), _plain("channel")),
    ExportColumn(_("Desired date"), _plain("desired_on")),
    ExportColumn(_("Promise"), _label("promise", Promised)),
    ExportColumn(_("Promised by release"), _plain("promised_release__name")),
    DUE,
    ExportColumn(_("First promised by"), lambda row, zone: row["first_due_on"] or row["due_on"]),
    ExportColumn(_("Overdue"), _yes_if_overdue),
    ExportColumn(_("Standard change"), _plain("standard")),
    ExportColumn(_("Emergency change because"), _plain("emergency_reason")),
    ExportColumn(_("Confirmation"), _answer(lambda one: one.get_answer_display())),
    ExportColumn(_("Meets the need"), _answer(lambda one: yes_or_no(one.meets_need))),
    ExportColumn(_("As expected"), _answer(lambda one: yes_or_no(one.as_expected))),
    ExportColumn(_("Wish"), _answer(lambda one: one.get_wish_display())),
    ExportColumn(_("Rating"), _answer(lambda one: one.rating)),
    ExportColumn(_("Comment on the rating"), _answer(lambda one: one.rating_comment)),
    CREATED,
    SUBMITTED,
    UPDATED,
    CLOSED,
    CHECKLIST,
    LABELS,
)
FIELDS = (
    "pk title state state_since type organisation__name requester requester__display_name "
    "raised_by__display_name owner__display_name risk urgency channel desired_on promise "
    "promised_release__name due_on first_due_on promise_zone created_at submitted_at updated_at "
    "closed_at template emergency_reason"
).split()


class _Line:
    """What the csv module writes to: it hands each line straight back."""

    def write(self, line: str) -> str:
        return line


def export_rows(
    changes: QuerySet[Change], user: User, zone: tzinfo, *, by_reference: bool = False
) -> Iterator[str]:
    """Yield the file piece by piece. Memory stays flat however many changes there are.

    PostgreSQL keeps the result and hands it over in chunks, the first when it has all of it.
    ``by_reference``, which never changes, each chunk is asked for when it is needed. The services
    of each chunk are one more query, for staff the confirmations another, and for those with a
    role the labels a third and, where some began with a template, their checklists a fourth.
    Customers get the columns that their list has.
    """
    columns: tuple[ExportColumn, ...] = STAFF_COLUMNS if user.is_internal else CUSTOMER_COLUMNS
    is_inside = can_see_internal(user)
    if not is_inside:
        columns = tuple(one for one in columns if one not in INTERNAL_COLUMNS)
    writer = csv.writer(_Line())
    yield BYTE_ORDER_MARK + writer.writerow([str(column.heading) for column in columns])
    values = changes.values(*FIELDS)
    if user.is_internal:
        values = values.annotate(standard=_standard())
    chunks = _after_one_another(values) if by_reference else _chunks(values.iterator(CHUNK))
    for chunk in chunks:
        pks = [row["pk"] for row in chunk]
        names = _services_of(pks)
        asked = latest_of(pks) if user.is_internal else {}
        labels = _labels_of(pks) if is_inside else {}
        checked = _checklists_of(row["pk"] for row in chunk if row["template"] and is_inside)
        lines = []
        for row in chunk:
            own = row["requester"] == user.pk
            row["asked_of"] = "" if own else row["requester__display_name"]
            row["asked"] = asked.get(row["pk"])
            row["labels"] = "; ".join(one.name for one in shown(labels.get(row["pk"], ())))
            row["checklist"] = checked.get(row["pk"], "")
            row["services"] = "; ".join(names.get(row["pk"], ()))
            cells = [safe_cell(column.value(row, zone)) for column in columns]
            lines.append(writer.writerow(cells))
        yield "".join(lines)


def csv_lines(headings: Iterable[Any], rows: Iterable[Iterable[Any]]) -> Iterator[str]:
    """Yield any table as such a file, line by line."""
    writer = csv.writer(_Line())
    yield BYTE_ORDER_MARK + writer.writerow([str(heading) for heading in headings])
    for row in rows:
        yield writer.writerow([safe_cell(value) for value in row])


def _after_one_another(rows: QuerySet[Any, Row]) -> Iterator[list[Row]]:
    """Yield rows that are ordered by their primary key, each time those after the last."""
    beyond = "pk__gt" if rows.query.order_by == ("pk",) else "pk__lt"
    chunk = list(rows[:CHUNK])
    while chunk:
        yield chunk
        more = len(chunk) == CHUNK
        chunk = list(rows.filter(**{beyond: chunk[-1]["pk"]})[:CHUNK]) if more else []


def _chunks(rows: Iterator[Row]) -> Iterator[list[Row]]:
    chunk = []
    for row in rows:
        chunk.append(row)
        if len(chunk) == CHUNK:
            yield chunk
            chunk = []
    if chunk:
        yield chunk


def _standard() -> Subquery:
    """The template of the standard change as which it was authorised; null by any other yes."""
    given = Authorisation.objects.filter(change=OuterRef("pk"), path=OuterRef("path"))
    return Subquery(given.order_by("-pk").values("standard__template__name")[:1])


def _labels_of(pks: list[int]) -> dict[int, list[Label]]:
    found: dict[int, list[Label]] = {}
    rows = ChangeLabel.objects.filter(change__in=pks).select_related("label__merged_into")
    for row in rows:
        found.setdefault(row.change_id, []).append(row.label)
    return found


def _checklists_of(pks: Iterable[int]) -> dict[int, str]:
    """How many entries of the checklists are ticked; no query where none began with a template."""
    of_this_round = Q(
        ticked_path=F("change__path"), ticked_round=F("change__round"), ticked_at__isnull=False
    )
    items = ChecklistItem.objects.filter(change__in=list(pks)).order_by("change")
    counted = items.values("change").annotate(
        number=Count("pk"), ticked=Count("pk", filter=of_this_round)
    )
    words = str(_("%(ticked)d of %(number)d"))
    return {row["change"]: words % row for row in counted}


def _services_of(pks: list[int]) -> dict[int, list[str]]:
    through = Change.services.through.objects.filter(change__in=pks)
    found: dict[int, list[str]] = {}
    pairs = through.order_by("service__name").values_list("change_id", F("service__name"))
    for pk, name in pairs:
        found.setdefault(pk, []).append(name)
    return found
