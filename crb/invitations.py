"""Meetings as iCalendar (RFC 5545, iTIP RFC 5546): pure, from loaded meetings.

A meeting has one UID for its whole life; its sequence number goes up with each change of plan,
and among mails with the same number calendars follow the newest. Times are written as local
wall-clock time with the zone and its rules, because that is what was agreed.
"""

import re
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from email.utils import parseaddr

from django.conf import settings
from django.utils.translation import gettext as _
from icalendar import Calendar, Event, vCalAddress, vDuration, vText

from accounts.models import User

from .models import Meeting
from .states import MeetingState
from .vtimezone import vtimezone

PRODUCT = "-//Expansive//Change Management//EN"
REQUEST, CANCEL, PUBLISH = "REQUEST", "CANCEL", "PUBLISH"
UNWANTED = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029]")
"""Signs that a text of RFC 5545 may not hold, or that a reader takes for the end of a line."""
REFRESH = timedelta(hours=1)
"""How often calendars are asked to read a feed; most decide for themselves."""


def uid_of(meeting: Meeting) -> str:
    """Return the name that calendars know a meeting by, for ever."""
    return f"board-meeting-{meeting.pk}@{settings.POST_OFFICE['MESSAGE_ID_FQDN']}"


def meeting_named(uid: str) -> int | None:
    """Return the key of the meeting that calendars know by this name, if it can be one of ours."""
    found = re.fullmatch(r"board-meeting-(\d{1,18})@(.+)", uid.strip(), re.IGNORECASE)
    ours = settings.POST_OFFICE["MESSAGE_ID_FQDN"].lower()
    return int(found[1]) if found and found[2].lower() == ours else None


def content_type(method: str) -> str:
    """Return the type of a mail's calendar part, which must name the method."""
    return f"text/calendar; method={method}; charset=utf-8"


def request(meeting: Meeting, people: Iterable[User], now: datetime) -> bytes:
    """Return an invitation, or a new version of one: iTIP REQUEST."""
    event = _event(meeting, now)
    _add_attendees(event, people, invited=True)
    return _calendar(REQUEST, [meeting], [event]).to_ical()


def cancel(meeting: Meeting, people: Iterable[User], now: datetime) -> bytes:
    """Return what takes a meeting out of the calendars of these people: iTIP CANCEL."""
    event = _event(meeting, now, cancelled=True)
    _add_attendees(event, people, invited=False)
    return _calendar(CANCEL, [meeting], [event]).to_ical()


def publish(meetings: Sequence[Meeting], now: datetime, name: str) -> bytes:
    """Return a person's meetings for a calendar that subscribes to them."""
    calendar = _calendar(PUBLISH, meetings, [_event(meeting, now) for meeting in meetings])
    calendar.add("name", name)
    calendar.add("x-wr-calname", name)
    calendar.add("refresh-interval", vDuration(REFRESH), parameters={"value": "DURATION"})
    calendar.add("x-published-ttl", vDuration(REFRESH))
    return calendar.to_ical()


def _calendar(method: str, meetings: Sequence[Meeting], events: Sequence[Event]) -> Calendar:
    calendar = Calendar()
    calendar.add("prodid", PRODUCT)
    calendar.add("version", "2.0")
    calendar.add("calscale", "GREGORIAN")
    calendar.add("method", method)
    first_years: dict[str, int] = {}
    for meeting in meetings:
        year = first_years.get(meeting.zone, meeting.date.year)
        first_years[meeting.zone] = min(year, meeting.date.year)
    for zone, year in sorted(first_years.items()):
        calendar.add_component(vtimezone(zone, year - 1))
    for event in events:
        calendar.add_component(event)
    return calendar


def _event(meeting: Meeting, now: datetime, cancelled: bool = False) -> Event:
    address = _address(meeting)
    event = Event()
    event.add("uid", uid_of(meeting))
    event.add("sequence", meeting.sequence)
    event.add("dtstamp", now)
    _add_local(event, "dtstart", meeting, meeting.starts_at)
    _add_local(event, "dtend", meeting, meeting.ends_at)
    event.add("summary", _summary(meeting))
    event.add("description", description(meeting))
    event.add("location", address)
    event.add("url", address)
    event.add("organizer", _organizer(meeting))
    gone = cancelled or meeting.state == MeetingState.CANCELLED
    event.add("status", "CANCELLED" if gone else "CONFIRMED")
    event.add("transp", "TRANSPARENT" if gone else "OPAQUE")
    return event


def _add_local(event: Event, name: str, meeting: Meeting, moment: datetime) -> None:
    """Write a moment as wall-clock time where the board meets."""
    local = moment.astimezone(meeting.tzinfo).replace(tzinfo=None)
    event.add(name, local, parameters={"tzid": meeting.zone})


def _summary(meeting: Meeting) -> str:
    if meeting.purpose:
        return _("%s: extraordinary meeting") % meeting.board.name
    return meeting.board.name


def description(meeting: Meeting) -> str:
    """Return what stands in the calendar beneath the title."""
    lines = [
        meeting.cancel_reason and _("Cancelled: %s") % meeting.cancel_reason,
        meeting.purpose,
        meeting.move_reason and _("Moved: %s") % meeting.move_reason,
        _("Agenda, votes and the meeting itself: %s") % _address(meeting),
    ]
    return UNWANTED.sub(" ", "\n\n".join(line for line in lines if line))


def _address(meeting: Meeting) -> str:
    return f"{settings.BASE_URL.rstrip('/')}{meeting.get_absolute_url()}"


def _organizer(meeting: Meeting) -> vCalAddress:
    mailbox = parseaddr(settings.DEFAULT_FROM_EMAIL)[1]
    return _calendar_user(mailbox, meeting.board.name)


def _add_attendees(event: Event, people: Iterable[User], *, invited: bool) -> None:
    for person in people:
        attendee = _calendar_user(person.email, person.display_name)
        attendee.params["CUTYPE"] = vText("INDIVIDUAL")
        attendee.params["ROLE"] = vText("REQ-PARTICIPANT")
        if invited:
            attendee.params["PARTSTAT"] = vText("NEEDS-ACTION")
            attendee.params["RSVP"] = vText("TRUE")
        event.add("attendee", attendee)


def _calendar_user(mailbox: str, name: str) -> vCalAddress:
    user = vCalAddress(f"mailto:{mailbox}")
    # A parameter can hold no quotation mark and no control character in any encoding.
    user.params["CN"] = vText("".join(c for c in name if c.isprintable()).replace('"', "'"))
    return user
