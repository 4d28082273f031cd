"""A change as a PDF: all that its page unfolds, as the person who asks for it may read it."""

import re
from collections.abc import Iterable
from datetime import date, datetime
from typing import Any

from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.template.defaultfilters import filesizeformat
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from accounts.models import User
from expansive_cm.ui.typesetting import typeset

from .. import permissions
from ..conversation import Said
from ..models import Change
from ..risk import Impact, Likelihood, RiskLevel, risk_level
from ..states import State
from ..templatetags.change_ui import state_words
from ..turns import next_step
from .access import SignedInRequest
from .checklist import checklist_section
from .detail import next_card, offers
from .discussion import discussion_context
from .happenings import happenings
from .records import Record
from .sections import Section, sections
from .steps import change_or_404

TEMPLATE = "changes/change.typ"
ROOM = 150_000
"""Characters of what people wrote that a file holds, some fifty pages: set in two seconds."""
LINE = 50
"""What a line counts for beyond its length: lines of one sign take as long as whole ones."""
KNOWN_SIGNS = re.compile(r"[\0-\u058f\u2010-\u203a]*")
STAND_IN = 9
"""Of other scripts the fonts may lack each sign, for which its number is set."""
PIECE = 2000
"""Characters of a paragraph at most."""

Json = dict[str, Any]


@login_required
@require_safe
def change_pdf(request: SignedInRequest, pk: int) -> HttpResponse:
    """Send the change as a file, with what this person reads on its page and nothing else."""
    change = change_or_404(request, pk, with_talk=True)
    now = timezone.now()
    content = typeset(TEMPLATE, in_words(change, request.user, now), at=now)
    response = HttpResponse(content, content_type="application/pdf")
    response["Content-Disposition"] = f'inline; filename="{change.reference.lower()}.pdf"'
    response["Cache-Control"] = "private, no-store"
    return response


class Room:
    """How much of what people wrote still goes into the file; what comes first has it first."""

    def __init__(self) -> None:
        self.left = ROOM
        self.is_cut = False

    def take(self, text: object) -> str:
        """Return a text, or so much of it as there is room for."""
        kept: list[str] = []
        for line in str(text).split("\n"):
            weight = 1 if KNOWN_SIGNS.fullmatch(line) else STAND_IN
            part = line[: max(self.left // weight, 0)]
            if part != line or self.left <= 0 and kept:
                self.is_cut = True
                kept.append(f"{part}…")
                break
            kept.append(line)
            self.left -= len(line) * weight + LINE
        return "\n\n".join(_pieces("\n".join(kept)))

    def fill(self, rows: Iterable[Any]) -> Iterable[Any]:
        """Yield rows as long as there is room for another."""
        for row in rows:
            if self.left <= 0:
                self.is_cut = True
                return
            yield row


def _pieces(text: str) -> Iterable[str]:
    """Yield the paragraphs of a text, endless ones in pieces: typst gives up on those."""
    for paragraph in text.split("\n\n"):
        while len(paragraph) > PIECE:
            end = max(paragraph.rfind(sign, 0, PIECE) for sign in " \n")
            end = end if end > 0 else PIECE
            yield paragraph[:end]
            paragraph = paragraph[end:].removeprefix(" ")
        yield paragraph


def in_words(change: Change, reader: User, now: datetime) -> Json:
    """Return what the file says to this reader, in their time zone, as plain texts."""
    inside = permissions.can_see_internal(reader)
    talk = discussion_context(reader, change)
    links = talk["links"]
    stages = [*checklist_section(reader, change), *sections(change, reader)]
    room = Room()
    told = {
        "title": f"{change.reference} {change.title}".strip(),
        "status": state_words(State(change.state), plain=not inside),
        "author": "Expansive Change Management",
        "audience": _audience(reader, inside, now),
        "facts": [[label, room.take(text)] for label, text in _facts(change, reader, inside)],
        "request": room.take(change.description),
        "quoted": room.take(_quoted(talk["request_mail"])),
        "stages": [_stage(one, room) for one in room.fill(stages)],
        "comments": [_comment(one, inside, room) for one in room.fill(talk["comments"])],
        "files": [[room.take(one.name), _about(one)] for one in room.fill(talk["attachments"])],
        "links": [_link(one, inside) for one in room.fill(links)],
        "happened": [
            {
                "when": _moment(one.when),
                "what": str(one.text),
                "who": str(one.person or ""),
                "why": room.take(one.reason or ""),
            }
            for one in room.fill(happenings(change, reader, {one["change"].pk for one in links}))
        ],
        "words": _words(inside),
    }
    cut = _("This change is too long for a file: what is left out stands on its page.")
    return {**told, "cut": cut if room.is_cut else ""}


def _audience(reader: User, inside: bool, now: datetime) -> str:
    words = {
        "name": reader,
        "moment": _moment(now),
        "zone": timezone.get_current_timezone_name(),
    }
    if inside:
        return _("For %(name)s, %(moment)s (%(zone)s). With internal notes.") % words
    return _("For %(name)s, %(moment)s (%(zone)s).") % words


def _facts(change: Change, reader: User, inside: bool) -> list[tuple[str, str]]:
    card = next_card(reader, change, next_step(change, reader), offers(reader, change))
    label = _("How it ended") if card["ended"] else _("What happens next")
    found: list[tuple[str, object]] = [
        (_("Organisation"), change.organisation),
        (_("Requester"), change.requester),
        (_("Raised by"), change.raised_by),
        (_("Owner"), change.owner),
        (_("Type"), change.get_type_display()),
        (_("Risk"), RiskLevel(change.risk).label if change.risk else ""),
        (_("Urgency"), change.get_urgency_display() if change.urgency else ""),
        (_("Emergency change"), _emergency(change, inside)),
        (_("Affected services"), ", ".join(str(one) for one in change.services.all())),
        (_("Submitted"), _moment(change.submitted_at)),
        (_("Desired date"), _day(change.desired_on)),
        (_("Promise"), change.get_promise_display() if change.promise else ""),
        (_("Due"), _day(change.due_on)),
        (_("Release"), change.release if inside else ""),
        (_("Ended"), _moment(change.closed_at)),
        (label, " ".join(str(one) for one in (card["sentence"], card["note"]) if one)),
    ]
    return [(label, str(value)) for label, value in found if value]


def _emergency(change: Change, inside: bool) -> str:
    """Say to colleagues why it is one, and to a customer that it is."""
    if not change.is_emergency:
        return ""
    return change.emergency_reason if inside else _("Yes")


def _stage(section: Section, room: Room) -> Json:
    records = [*section.current, *section.earlier]
    return {
        "title": str(section.title),
        "records": [_record(one, room) for one in room.fill(records)],
    }


def _record(record: Record, room: Room) -> Json:
    marks = [record.badge[0] if record.badge else "", record.note]
    details = [
        [str(one.label), room.take(" ".join(part for part in _parts(one) if part))]
        for one in record.details
    ]
    for label, done in record.checks:
        details.append([_("Ticked") if done else _("Open"), str(label)])
    if record.matrix:
        details.append([_("Risk"), _risk(*record.matrix)])
    return {
        "title": str(record.title),
        "by": ", ".join(str(one) for one in (record.person, _moment(record.when)) if one),
        "marks": [str(one) for one in marks if one],
        "details": details,
    }


def _parts(detail: Any) -> list[str]:
    return [str(detail.text), _address(detail), _moment(detail.when)]


def _address(detail: Any) -> str:
    """Where a link leads, in full: on paper nothing is pressed."""
    url = f"{settings.BASE_URL.rstrip('/')}{detail.url}" if detail.url[:1] == "/" else detail.url
    return "" if url == str(detail.text) else url


def _risk(likelihood: int, impact: int) -> str:
    words = _("%(level)s (likelihood: %(likelihood)s, impact: %(impact)s)")
    return words % {
        "level": risk_level(likelihood, impact).label,
        "likelihood": Likelihood(likelihood).label,
        "impact": Impact(impact).label,
    }


def _comment(said: Said, inside: bool, room: Room) -> Json:
    one = said.comment
    marks = [
        _("Internal note") if one.is_internal else "",
        _("By mail") if said.mail else "",
        _("corrected") if one.corrected_at else "",
        _("To the customer")
        if inside and not one.is_internal and not one.author.organisation_id
        else "",
        _("not answered here, asked in %s") % said.goes_on.reference if said.goes_on else "",
        _("asked in %s") % said.comes_from.reference if said.comes_from else "",
    ]
    return {
        "who": str(one.author),
        "when": _moment(one.created_at),
        "marks": [str(mark) for mark in marks if mark],
        "text": room.take(one.body),
        "quoted": room.take(_quoted(said.mail)),
    }


def _quoted(mail: Any) -> str:
    return (mail and mail.quoted) or ""


def _about(file: Any) -> str:
    parts = [filesizeformat(file.size), str(file.uploaded_by), _moment(file.uploaded_at)]
    return " · ".join([*parts, _("Internal")] if file.is_internal else parts)


def _link(link: Json, inside: bool) -> str:
    other = link["change"]
    state = state_words(State(other.state), plain=not inside)
    return f"{link['words']} {other.reference} {other.title} ({state})"


def _moment(moment: datetime | None) -> str:
    return date_format(timezone.localtime(moment), "j F Y, H:i") if moment else ""


def _day(day: date | None) -> str:
    return date_format(day, "j F Y") if day else ""


def _words(inside: bool) -> dict[str, str]:
    words = {
        "page": _("Page {page} of {pages}"),
        "request": _("The request"),
        "nothing": _("No description yet."),
        "quoted": _("Quoted in the mail"),
        "comments": _("Comments and notes") if inside else _("Comments"),
        "files": _("Attachments"),
        "links": _("Linked changes"),
        "happened": _("What happened"),
    }
    return {name: str(text) for name, text in words.items()}
