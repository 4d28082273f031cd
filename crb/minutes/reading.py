"""Minutes in words, for one reader: the page and the file are drawn from the same answer."""

import hashlib
from collections.abc import Callable
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from django.utils.formats import date_format
from django.utils.translation import gettext as _

from ..models import Minutes
from ..states import Mark, MeetingKind

Json = dict[str, Any]


def reading(content: Json, minutes: Minutes | None = None, *, votes: bool) -> Json:
    """Return the minutes ready to be laid out, times in the board's own zone.

    ``votes`` says whether the reader may see single votes and the reasons of recusals: without
    it they are not in the answer at all. ``minutes`` gives who published them and the addenda.
    """
    zone = ZoneInfo(content["zone"])
    day = date_format(date.fromisoformat(content["date"]), "j F Y")
    items = [_item(item, content["votes"] if votes else {}, zone) for item in content["items"]]
    return {
        "title": _("Minutes: %(board)s, %(day)s") % {"board": content["board"], "day": day},
        "board": content["board"],
        "day": day,
        "is_published": minutes is not None and minutes.is_published,
        "status": _status(minutes, zone),
        "facts": _facts(content, zone),
        "attendance": _attendance(content, zone),
        "remarks": content["remarks"],
        "items": items,
        "actions": _actions(content, zone),
        "addenda": _addenda(minutes, zone),
        "has_votes": votes,
    }


def fingerprint(text: str) -> str:
    """Return what tells one text from another, so that a page can say which one it showed."""
    return hashlib.sha256(text.encode()).hexdigest()[:16]


# Moments


def _local(moment: str, zone: ZoneInfo) -> datetime:
    return datetime.fromisoformat(moment).astimezone(zone)


def _full(moment: datetime, zone: ZoneInfo) -> str:
    local = moment.astimezone(zone)
    return f"{date_format(local, 'j F Y, H:i')} {local.tzname()}"


def _clock(moment: str, zone: ZoneInfo, day: str = "") -> str:
    """Return a time of day, with its date where that is not the day of the meeting."""
    if not moment:
        return ""
    local = _local(moment, zone)
    shape = "H:i" if not day or local.date().isoformat() == day else "j F Y, H:i"
    return date_format(local, shape)


def _span(begin: str, end: str, zone: ZoneInfo, day: str) -> str:
    if not begin:
        return ""
    name = _local(begin, zone).tzname()
    from_, zoned = _clock(begin, zone, day), f"{name} ({zone.key})"
    if not end:
        return _("%(begin)s %(zone)s, still running") % {"begin": from_, "zone": zoned}
    return f"{from_}–{_clock(end, zone, day)} {zoned}"


def _day(day: str) -> str:
    return date_format(date.fromisoformat(day), "j F Y")


# The meeting


def _status(minutes: Minutes | None, zone: ZoneInfo) -> str:
    if minutes is None or minutes.published_at is None:
        return str(_("Draft"))
    return _("Published on %(when)s by %(name)s") % {
        "when": _full(minutes.published_at, zone),
        "name": minutes.published_by,
    }


def _facts(content: Json, zone: ZoneInfo) -> list[list[str]]:
    """Return label and words of what there is to say about the meeting as a whole."""
    day = content["date"]
    ballot = content["kind"] == MeetingKind.BALLOT
    planned = _span(content["planned_start"], content["planned_end"], zone, day)
    deadline = _full(_local(content["deadline"], zone), zone) if content["deadline"] else ""
    held = _span(content["opened_at"], content["closed_at"], zone, day)
    facts = [
        (_("Kind"), content["kind_words"]),
        (_("Why it was called"), content["purpose"]),
        (_("Date"), date_format(date.fromisoformat(day), "l j F Y")),
        (_("Votes until"), deadline) if ballot else (_("Planned"), planned),
        (_("Open") if ballot else _("Held"), held),
        (_("Opened by"), content["opened_by"]),
        (_("Closed by"), content["closed_by"]),
    ]
    return [[str(label), words] for label, words in facts if words]


def _attendance(content: Json, zone: ZoneInfo) -> list[Json]:
    """Return the groups of people, each a label and a list of [name, note]."""
    found = content["attendance"]
    ballot = content["kind"] == MeetingKind.BALLOT
    present = _("Took part") if ballot else _("Present")
    absent = _("Did not take part") if ballot else _("Not present")
    guests, apologies = found.get("guests", []), found["apologies"]
    groups = [
        (present, [[one["name"], _present(one, content, zone)] for one in found["present"]]),
        (_("Guests"), [[one["name"], _present(one, content, zone)] for one in guests]),
        (_("Apologies"), [[one["name"], _apology(one, content, zone)] for one in apologies]),
        (absent, [[one["name"], _place(one)] for one in found["absent"]]),
    ]
    return [{"label": str(label), "people": people} for label, people in groups if people]


def _place(one: Json) -> str:
    standing_in = _("for %s") % one["for"] if one["for"] else ""
    return ", ".join(part for part in (one["seat"], standing_in) if part)


def _present(one: Json, content: Json, zone: ZoneInfo) -> str:
    presents = _("presents") if one.get("presents") else ""
    parts = (_place(one), presents, *_course(one, content, zone))
    return ", ".join(part for part in parts if part)


def _course(one: Json, content: Json, zone: ZoneInfo) -> list[str]:
    """Return when somebody came and went: as marked, and beside it what they said themselves."""

    def clock(moment: str) -> str:
        return _clock(moment, zone, content["date"])

    marks = one.get("marks", [])
    if not marks:
        return [_("from %s") % clock(one["arrived"])]
    words = [_step(mark["mark"], clock(mark["at"]), number) for number, mark in enumerate(marks)]
    return [*words, _own(one, clock)]


def _step(mark: str, at: str, number: int) -> str:
    """Return one mark in words; who comes after having left is back."""
    shapes = {
        Mark.LATE: _("late, from %s"),
        Mark.LEFT: _("left at %s"),
        Mark.TELEPHONE: _("by telephone from %s") if at else _("by telephone"),
        Mark.PRESENT: _("from %s") if at else "",
    }
    shape = _("back from %s") if number and mark == Mark.PRESENT else shapes[Mark(mark)]
    return shape % at if "%s" in shape else shape


def _own(one: Json, clock: Callable[[str], str]) -> str:
    return _("own mark: from %s") % clock(one["said"]) if one.get("said") else ""


def _apology(one: Json, content: Json, zone: ZoneInfo) -> str:
    alternate = _("alternate: %s") % one["alternate"] if one["alternate"] else ""
    own = _own(one, lambda moment: _clock(moment, zone, content["date"]))
    return ", ".join(part for part in (alternate, own) if part)


# The items


def _item(item: Json, votes: Json, zone: ZoneInfo) -> Json:
    own = votes.get(str(item["item"]))
    return {
        **{name: item[name] for name in ("item", "number", "change", "reference", "title")},
        "meta": _meta(item),
        "state": item["state"],
        "outcome": item["outcome"],
        "result": item["outcome_words"] if item["outcome"] else item["state_words"],
        "marks": _marks(item),
        "notes": _notes(item, zone),
        "sentence": item["sentence"],
        "counts": _counts(item),
        "recused": ", ".join(item["recused"]),
        "questions": [_question(one, zone) for one in item.get("questions", [])],
        "discussion": item["discussion"],
        "actions": [_action(one, zone) for one in item["actions"]],
        "votes": _votes(own) if own else None,
    }


def _meta(item: Json) -> str:
    presenter = _("presented by %s") % item["presenter"] if item["presenter"] else ""
    kind = item["kind_words"] if item["kind"] != "new" else ""
    return " · ".join(part for part in (item["organisation"], presenter, kind) if part)


def _marks(item: Json) -> list[str]:
    marks = []
    if item.get("casting_vote"):
        marks.append(str(_("By casting vote")))
    if item.get("by_consent"):
        marks.append(str(_("By consent")))
    return marks


def _notes(item: Json, zone: ZoneInfo) -> list[list[str]]:
    """Return label and words of what was recorded about an item beside its discussion."""
    pulled = ": ".join(part for part in (item["pulled_by"], item["pull_reason"]) if part)
    recorded = ""
    if item["outcome"]:
        recorded = _("%(name)s, %(time)s") % {
            "name": item["recorded_by"],
            "time": _clock(item["recorded_at"], zone),
        }
    rejected = ": ".join(
        part for part in (item.get("category", ""), item.get("elsewhere", "")) if part
    )
    notes = [
        (_("Added late because"), item["late_reason"]),
        (_("Taken out of the consent items by"), pulled),
        (_("Remark"), item["remark"]),
        (_("Why"), rejected),
        (_("Reason, as told to the requester"), item.get("reason", "")),
        (_("What follows"), item.get("promise", "")),
        (_("Recorded by"), recorded),
        (_("Corrected"), _corrected(item.get("corrected") or {}, zone)),
        *((_("Taken back"), _taken_back(one, zone)) for one in item.get("taken_back", [])),
    ]
    return [[str(label), words] for label, words in notes if words]


def _corrected(one: Json, zone: ZoneInfo) -> str:
    if not one:
        return ""
    day = date_format(_local(one["at"], zone), "j F Y")
    return _("%(outcome)s, on %(day)s") % {"outcome": one["outcome_words"], "day": day}


def _taken_back(one: Json, zone: ZoneInfo) -> str:
    """Return who recorded what did not stand, and who took it back when and why."""
    words = {
        **one,
        "outcome": one["outcome_words"] or _("An outcome"),
        "recorded": _clock(one["recorded_at"], zone),
        "taken": _clock(one["taken_back_at"], zone),
    }
    return (
        _(
            "%(outcome)s, recorded by %(recorded_by)s at %(recorded)s; taken back by "
            "%(taken_back_by)s at %(taken)s: %(reason)s"
        )
        % words
    )


def _counts(item: Json) -> str:
    parts = [f"{one['words']}: {one['votes']}" for one in item.get("counts", [])]
    if item.get("abstained"):
        parts.append(_("Abstained: %d") % item["abstained"])
    return ", ".join(parts)


def _question(one: Json, zone: ZoneInfo) -> Json:
    if one["answered_at"]:
        day = date_format(_local(one["answered_at"], zone), "j F Y")
        state = _("answered on %(day)s by %(name)s") % {"day": day, "name": one["answered_by"]}
    else:
        state = _("not answered yet")
    return {"text": one["text"], "who": one["answerer"], "state": state}


def _votes(own: Json) -> Json:
    return {
        "ballots": [
            {
                "name": one["name"],
                "for": _("for %s") % one["for"] if one["for"] else "",
                "choice": one["choice"],
                "words": one["choice_words"],
                "remarks": [
                    text for text in (one["question"], one["elsewhere"], one["reason"]) if text
                ],
            }
            for one in own["ballots"]
        ],
        "has_remarks": any(
            one[name] for one in own["ballots"] for name in ("question", "elsewhere", "reason")
        ),
        "missing": ", ".join(own["missing"]),
        "recusals": own["recusals"],
    }


# Actions and addenda


def _action(one: Json, zone: ZoneInfo, about: str = "") -> Json:
    done = ""
    if one["done_at"]:
        day = date_format(_local(one["done_at"], zone), "j F Y")
        done = _("done on %(day)s by %(name)s") % {"day": day, "name": one["done_by"]}
    return {
        "text": one["text"],
        "owner": one["owner"],
        "owner_id": one["owner_id"],
        "due": _day(one["due_on"]),
        "done": done,
        "about": about,
    }


def _actions(content: Json, zone: ZoneInfo) -> list[Json]:
    """Return all actions of the meeting, those of items in the order of the agenda first."""
    found = [
        _action(one, zone, item["reference"])
        for item in content["items"]
        for one in item["actions"]
    ]
    return found + [_action(one, zone) for one in content["actions"]]


def _addenda(minutes: Minutes | None, zone: ZoneInfo) -> list[Json]:
    if minutes is None or minutes.pk is None:
        return []
    return [
        {
            "text": one.text,
            "by": _("%(when)s, %(name)s")
            % {"when": _full(one.added_at, zone), "name": one.added_by},
        }
        for one in minutes.addenda.select_related("added_by")
    ]
