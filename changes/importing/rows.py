"""Turns one line of a file into a change request, or into what is wrong with it."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from hashlib import blake2b

from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.models import Organisation, User
from expansive_cm.mailreader.addresses import normal

from ..lifecycle import ImportedChange
from ..models import Change, Channel
from ..states import FINAL, State
from .html import as_text
from .mapping import BadImport, ImportMap, type_demanded_by
from .reading import Line

TITLE_LENGTH = Change._meta.get_field("title").max_length or 0
DESCRIPTION_LENGTH = Change._meta.get_field("description").max_length or 0
ID_LENGTH = Change._meta.get_field("external_id").max_length or 0
EXCERPT = 120
EARLIEST = date(1990, 1, 1)
EASTERNMOST = timedelta(hours=14)
"""So far ahead of UTC are the first to have a day: nowhere is it a later one."""
EXAMPLE = date(2024, 12, 31)


@dataclass(frozen=True)
class Problem:
    """What is wrong with one value of one line."""

    line: int
    column: str
    value: str
    reason: str


@dataclass(frozen=True)
class Parties:
    """For whom and by whom the rows are raised."""

    organisation: Organisation
    requester: User
    raised_by: User


def find_parties(import_map: ImportMap, **given: str) -> Parties:
    """Find the people and the customer whom the map names, unless others are ``given``.

    Raises BadImport naming who is missing, unknown, inactive or of another customer. The requester
    is the customer's: one of Expansive's own people would confirm their own work.
    """
    names = {**import_map.defaults, **{key: value for key, value in given.items() if value}}
    for key in ("organisation", "requester"):
        if not names.get(key):
            raise BadImport(_("Neither the map nor you name the “%s” of the imported rows.") % key)
    organisation = Organisation.objects.filter(name=names["organisation"], is_active=True).first()
    if organisation is None:
        raise BadImport(_("There is no active organisation “%s”.") % names["organisation"])
    requester = _person(names["requester"], organisation)
    if requester.is_internal:
        raise BadImport(
            _("%(person)s is not somebody of %(organisation)s, and cannot be the requester.")
            % {"person": requester, "organisation": organisation}
        )
    raised_by = names.get("raised_by")
    return Parties(
        organisation, requester, _person(raised_by, organisation) if raised_by else requester
    )


def _person(email: str, organisation: Organisation) -> User:
    person = User.objects.with_address(email)
    if (
        person is None
        or not person.is_active
        or person.organisation_id not in (None, organisation.pk)
    ):
        raise BadImport(
            _("There is nobody active with the address “%(email)s” for %(organisation)s.")
            % {"email": email, "organisation": organisation}
        )
    return person


class RowReader:
    """Knows the map and the header, and remembers the people it has looked up."""

    def __init__(self, import_map: ImportMap, header: list[str], parties: Parties) -> None:
        self.map = import_map
        self.header = header
        self.parties = parties
        self.requesters: dict[str, User | None] = {}
        self.today = (timezone.now() + EASTERNMOST).date()

    def identity(self, line: Line) -> str:
        """Return what tells the row apart; what is too long for the field ends in a digest."""
        row = dict(zip(self.header, line.fields, strict=False))
        parts = [row.get(name, "").strip().replace("\0", "") for name in self.map.identity]
        if not any(parts):
            return ""
        whole = "/".join(parts)
        if len(whole) <= ID_LENGTH:
            return whole
        digest = blake2b(whole.encode(), digest_size=8).hexdigest()
        return f"{whole[: ID_LENGTH - len(digest) - 1]}~{digest}"

    def read(self, line: Line) -> tuple[ImportedChange | None, list[Problem]]:
        """Return the change, or every problem of the line."""
        if len(line.fields) != len(self.header):
            return None, [self._wrong_length(line)]
        reading = _Reading(self, line, self._row(line))
        change = reading.change()
        return (None, reading.problems) if reading.problems else (change, [])

    def _row(self, line: Line) -> dict[str, str]:
        """Return the cells by column: repeats of one joined, HTML as text where the map says so."""
        row: dict[str, str] = {}
        told = {section.column for section in self.map.description}
        for name, cell in zip(self.header, line.fields, strict=True):
            text = as_text(cell) if name in self.map.html else cell
            if row.get(name) and text:
                text = ("\n\n" if name in told else ", ").join((row[name], text))
            row[name] = text or row.get(name, "")
        return row

    def _wrong_length(self, line: Line) -> Problem:
        reason = _("The row has %(found)d fields, the header %(wanted)d.") % {
            "found": len(line.fields),
            "wanted": len(self.header),
        }
        return Problem(line.number, "", ",".join(line.fields)[:EXCERPT], reason)

    def requester(self, email: str) -> User | None:
        """Return the customer's person with this address."""
        key = normal(email)
        if key not in self.requesters:
            person = self.parties.organisation.people.with_address(email)
            self.requesters[key] = person if person and person.is_active else None
        return self.requesters[key]


class _Reading:
    """One line being read; collects all of its problems."""

    def __init__(self, reader: RowReader, line: Line, row: dict[str, str]) -> None:
        self.reader = reader
        self.map = reader.map
        self.line = line
        self.row = row
        self.problems: list[Problem] = []

    def change(self) -> ImportedChange:
        self._check_characters()
        state, change_type = self._state(), self._type()
        created, updated = self._date("created"), self._date("updated")
        if created and updated and updated < created:
            self._object(self.map.columns["updated"], _("This is before the row was created."))
        external_id = self.reader.identity(self.line)
        if not external_id:
            self._object(self.map.identity[0], _("A number that tells rows apart is needed."))
        return ImportedChange(
            line=self.line.number,
            external_id=external_id,
            title=self._title(),
            description=self._description(state),
            state=state,
            type=self._fitting_type(change_type, state),
            requester=self._requester(),
            channel=self._value("channel", Channel.API),
            created=created,
            updated=updated,
            desired=self._date("desired", may_be_ahead=True),
            kept=self._kept(),
        )

    def _object(self, column: str, reason: str) -> None:
        value = " ".join(self.row.get(column, "").replace("\0", "␀").split())
        self.problems.append(Problem(self.line.number, column, value[:EXCERPT], reason))

    def _check_characters(self) -> None:
        for name in self.map.wanted_columns:
            if "\0" in self.row[name]:
                self._object(name, _("The text holds a NUL character, which cannot be stored."))

    def _cell(self, name: str) -> str:
        column = self.map.columns.get(name)
        return self.row[column].strip() if column else ""

    def _title(self) -> str:
        title = " ".join(self._cell("title").split())
        if not title:
            self._object(self.map.columns["title"], _("A title is needed."))
        self._check_length(self.map.columns["title"], title, TITLE_LENGTH)
        return title

    def _check_length(self, column: str, text: str, limit: int) -> None:
        if len(text) > limit:
            self._object(
                column,
                _("The text has %(length)d characters; %(limit)d are allowed.")
                % {"length": len(text), "limit": limit},
            )

    def _description(self, state: str) -> str:
        parts = []
        for section in self.map.description:
            text = self.row[section.column].replace("\r\n", "\n").strip()
            if text:
                parts.append(f"## {section.heading}\n\n{text}" if section.heading else text)
        description = "\n\n".join(parts)
        first = self.map.description[0].column if self.map.description else ""
        if not description and state and state not in {*FINAL, State.DRAFT}:
            self._object(first, _("An open change needs a description."))
        self._check_length(first, description, DESCRIPTION_LENGTH)
        return description

    def _kept(self) -> dict[str, str]:
        kept = {name: self.row[name] for name in self.map.keep if self.row[name]}
        for name, text in kept.items():
            self._check_length(name, text, DESCRIPTION_LENGTH)
        return kept

    def _value(self, name: str, fallback: str) -> str:
        """Return a value by the map's table for it; an empty cell takes the map's default.

        Without a column the default or the fallback holds for all rows. Returns "" after an
        objection.
        """
        if name not in self.map.columns:
            return self.map.defaults.get(name, fallback)
        cell = self._cell(name).casefold()
        table = self.map.values.get(name, {})
        if cell in table:
            return table[cell]
        if cell:
            self._object(self.map.columns[name], _("The map does not say what this means."))
            return ""
        if name not in self.map.defaults:
            self._object(self.map.columns[name], _("A value is needed here."))
        return self.map.defaults.get(name, "")

    def _state(self) -> str:
        return self._value("state", State.SUBMITTED)

    def _type(self) -> str:
        return self._value("type", "")

    def _fitting_type(self, change_type: str, state: str) -> str:
        """Return the type, which some states demand; submitted changes have none yet."""
        demanded = type_demanded_by(state)
        if demanded and "type" in self.map.columns and change_type not in ("", demanded):
            reason = _("The state “%(state)s” belongs to changes of the type “%(type)s”.")
            self._object(self.map.columns["type"], reason % {"state": state, "type": demanded})
        if state in (State.DRAFT, State.SUBMITTED):
            return ""
        return demanded or change_type

    def _date(self, name: str, *, may_be_ahead: bool = False) -> date | None:
        cell = self._cell(name)
        if not cell or cell.casefold() in self.map.no_date:
            return None
        column = self.map.columns[name]
        for pattern in self.map.date_formats:
            try:
                day = datetime.strptime(cell, pattern).date()
            except ValueError:
                continue
            if day < EARLIEST or (day > self.reader.today and not may_be_ahead):
                self._object(column, _("This date cannot be right."))
            return day
        forms = _(" or ").join(EXAMPLE.strftime(pattern) for pattern in self.map.date_formats)
        self._object(column, _("This is not a date like %s.") % forms)
        return None

    def _requester(self) -> User:
        email = self._cell("requester")
        if not email:
            return self.reader.parties.requester
        person = self.reader.requester(email)
        if person is None:
            self._object(
                self.map.columns["requester"],
                _("Nobody at %s has this address.") % self.reader.parties.organisation,
            )
        return person or self.reader.parties.requester
