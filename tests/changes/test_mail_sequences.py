"""What people read while a change goes its way: many ways, paces and speeds, by a reader's rules.

Ways are played twice: with a mail after each act and with all mail waiting until the end, of
longer ways also with one after every second act; speeds and the three paces take turns. What went
out is then held against how things were at that moment.

Costs 7 s of processor time. With ``MAILS_TO`` in the environment the mails are written into that
folder, to be read.
"""

import os
import re
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from html import unescape
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import time_machine
from django.db import transaction
from django.utils import timezone
from post_office.models import STATUS, Email

from accounts.models import User
from accounts.roles import Role
from changes import news, permissions, tasks
from changes.audiences import ALIKE, NEXT, OWNER, RESPONSIBLE, each_kind_once
from changes.models import Change, StandardApproval
from changes.process import STEP
from changes.settling import settle
from changes.states import FINAL
from changes.turns import turn_of
from changes.worklist import task_url
from expansive_cm.post.words import absolute
from tests import stories
from tests.changes.mail_ways import (
    ASK,
    ASSESS,
    AUTHORISE,
    DONE,
    ENDORSE,
    PLAN,
    SECRET,
    START,
    WAYS,
    owned_by,
)
from tests.mailing import last_row, short
from tests.people import Cast, person

pytestmark = pytest.mark.django_db
SCREENFUL = 2000
EVERY = {"slow": 1, "fast": 99, "mixed": 2}
"""After how many acts the mail goes out."""
SPEEDS = (("slow", "fast"), ("mixed", "fast"), ("slow", "mixed"))
SWITCHED_OFF = " ".join(f"{kind.name}:none" for kind in news.KINDS if kind.is_optional)
PACES = tuple(User.MailPace.values)


@dataclass
class Mail:
    """What went to one person, and how things were then."""

    person: User
    subject: str
    text: str
    html: str
    state: str
    waits_for: str
    step_url: str
    owner: int | None
    final: bool
    is_staff: bool
    may_rework: bool
    standard_ended: bool

    @property
    def body(self) -> str:
        """The plain text between greeting and footer."""
        return self.text.partition("Hello ")[2].partition("\n")[2].partition("\n-- \n")[0].strip()

    @property
    def now(self) -> str:
        """What is said as it is now."""
        return re.split(r"(?:This|These things) happened before", self.body)[0]

    @property
    def seen(self) -> str:
        """The HTML as its reader sees it."""
        plain = re.sub(r"(?s)<style>.*?</style>|<title>.*?</title>", "", self.html)
        return " ".join(unescape(re.sub(r"<[^>]+>", " ", plain)).split())


def out(since: int, change: Change, cast: Cast, *, is_settled: bool = False) -> Iterator[Mail]:
    """Send what waits, and return it; what was written at this moment is settled."""
    queued = Email.objects.filter(pk__gt=since, status=STATUS.queued, expires_at=None)
    with transaction.atomic():
        locked = queued.order_by("pk").select_for_update(of=("self",))
        rows = [row for row in locked if is_settled or settle(row)]
    change = Change.objects.get(pk=change.pk) if rows else change
    turn = turn_of(change) if rows else None
    known = {one.email: one for one in cast.people.values()}
    ended = bool(rows) and StandardApproval.objects.exclude(ended_at=None).exists()
    for row in rows:
        row.refresh_from_db()
        reader = known.get(row.to[0]) or User.objects.get(email=row.to[0])
        may = turn is not None and permissions.check(turn.verb, reader, change)
        yield Mail(
            reader,
            row.subject,
            row.message,
            row.html_message,
            str(change.get_state_display()),
            str(STEP[turn.verb].label) if turn and may else "",
            absolute(task_url(turn, change)) if turn and may else "",
            change.owner_id,
            change.state in FINAL,
            permissions.can_see_internal(reader),
            bool(permissions.check("rework", reader, change)),
            ended,
        )
    Email.objects.filter(pk__in=[row.pk for row in rows]).update(status=STATUS.sent)


def played(way: str, speed: str, pace: str, change: Change, cast: Cast) -> list[Mail]:
    """Play a way; return what everybody was sent meanwhile, and the day after."""
    acts = WAYS[way][1]
    User.objects.filter(pk__in=[one.pk for one in cast.people.values()]).update(mail_pace=pace)
    mails: list[Mail] = []
    since = last_row()
    for number, act in enumerate(acts, 1):
        act(Change.objects.get(pk=change.pk), cast)
        if number % EVERY[speed] == 0 or number == len(acts):
            mails += out(since, change, cast)
    if pace == User.MailPace.DAILY:
        with time_machine.travel(timezone.now() + timedelta(days=1, hours=1)):
            tasks.send_digests()
            mails += out(since, change, cast, is_settled=True)
    return mails


@contextmanager
def undone() -> Iterator[None]:
    """Take back what is written within the block: the next begins where this one did."""
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


def kept(way: str, speed: str, pace: str, mails: list[Mail]) -> None:
    """Write the mails where somebody wants to read them."""
    if folder := os.environ.get("MAILS_TO"):
        name = f"{way}-{speed}-{pace}".replace(" ", "_").replace(",", "")
        for number, mail in enumerate(mails):
            base = Path(folder) / f"{name}-{number:02}-{mail.person.email.split('.')[0]}"
            base.with_suffix(".html").write_text(mail.html)
        words = [f"## to {m.person} ({m.state})\n{m.subject}\n\n{m.text}" for m in mails]
        (Path(folder) / f"{name}.txt").write_text("\n\n".join(words))


# --- The rules ---------------------------------------------------------------------------------


def has_words(mail: Mail) -> str | None:
    return None if mail.subject.strip() and mail.body else "is empty"


def says_where_it_stands(mail: Mail) -> str | None:
    named = set(re.findall(r"The change is now in “([^”]+)”", mail.text + mail.seen))
    named |= set(re.findall(r"Now in “([^”]+)”", mail.subject))
    return f"says {named}" if named - {mail.state} else None


def asks_for_what_waits(mail: Mail) -> str | None:
    asked = re.findall(r"one that you can take: ([^.]+)\.", mail.text)
    asked += re.findall(r"Waiting for you \(([^)]+)\)", mail.subject)
    # What was not confirmed waits for whoever sees to it, whichever of two steps they take.
    if re.search(r"Waits for you\.|waiting for you", mail.text + mail.subject) and not asked:
        open_now = "is not as expected" in mail.now
        return None if open_now else "says that it waits for the reader"
    if set(asked) - {mail.waits_for}:
        return f"asks for {asked}, while {mail.waits_for!r} waits"
    if asked and not (mail.step_url in mail.text and mail.step_url in mail.html):
        return "does not lead to the step"
    return None


def begins_with_its_subject(mail: Mail) -> str | None:
    first = mail.body.partition("\n\n")[0]
    subject = short(mail.subject).removeprefix("The change was undone. ")
    if step := re.match(r"Waiting for you \((.+)\)", subject):
        return None if step[1] in first else f"begins with {first!r}"
    if state := re.match(r"Now in “(.+)”", subject):
        return None if state[1] in first else f"begins with {first!r}"
    if re.match("The board (accepted|decided|needs)|The request was ", subject):
        return None if first.startswith(subject[:20]) else f"begins with {first!r}"
    return None


MAY_REPEAT = re.compile(r"\* |> |(This|These things) happened|The change was then in|==|From|to ")
"""Moments, quotations of what people wrote, headings, and what is true of several steps."""


def says_nothing_twice(mail: Mail) -> str | None:
    lines = [line.strip() for line in mail.body.splitlines() if not MAY_REPEAT.match(line)]
    twice = [line for line, times in Counter(lines).items() if times > 1 and line]
    return f"says twice: {twice}" if twice else None


def is_the_same_in_html(mail: Mail) -> str | None:
    lines = [line.strip("> *-").strip() for line in mail.body.splitlines()]
    words = [" ".join(line.split()) for line in lines if "://" not in line and line[-1:] in ".?!"]
    seen = mail.seen.replace(" ", "").lower()
    ends = [line.rpartition(": ")[2].replace(" ", "").rstrip(".").lower() for line in words]
    lost = [line for line in ends if line not in seen]
    return f"has only as text: {lost}" if lost else None


def keeps_what_is_internal(mail: Mail) -> str | None:
    if mail.is_staff:
        return None
    inside = re.search(r"now in “|internal note", mail.text + mail.seen + mail.subject)
    return "says what is internal" if inside or SECRET in mail.text + mail.html else None


def promises_nothing_at_the_end(mail: Mail) -> str | None:
    if not mail.final:
        return None
    future = "Next, we|You get a mail with|will tell you|you can take:|Please confirm"
    found = re.findall(future, mail.body + mail.seen + mail.subject)
    future = "It is planned when|To be answered by|What we promise"
    found += re.findall(future, mail.body + mail.seen)
    return f"promises {found} at the end" if found else None


def leads_to_the_request_beside_the_question(mail: Mail) -> str | None:
    lost = [one for one in (mail.text, mail.html) if "/confirm/" in one and "/r/" not in one]
    return "asks without a way to the request" if lost else None


def says_which_link_needs_no_account(mail: Mail) -> str | None:
    """The address of a link by mail follows words that say so, and "works for" follows it alone."""
    lines = [line for line in mail.text.splitlines() if line]
    for before, line in pairwise(lines):
        if "/r/" in line and "without signing in" not in before.lower():
            return f"leads to {line} without saying that it needs no account"
        if line.startswith("The link works for 60") and "/r/" not in before:
            return f"says of {before!r} how long it works"
    return None


def says_what_was_decided(mail: Mail) -> str | None:
    said = re.search("decided on (the risk|authorisation)", mail.text + mail.subject)
    return f"does not say how: {said[0]}" if mail.is_staff and said else None


def tells_what_is_over_as_past(mail: Mail) -> str | None:
    before = re.split(r"(?:This|These things) happened before", mail.body)[1:]
    return "tells as present what was before" if "needs to know" in "".join(before) else None


def gives_no_reason_twice(mail: Mail) -> str | None:
    why = re.search(r"because (.+)\.$", mail.text, re.MULTILINE)
    given = why[1].split(" · ") if why else []
    alike = [{str(one.why) for one in kind} for kind in ALIKE]
    return f"gives {given}" if any(len(kind.intersection(given)) > 1 for kind in alike) else None


def keeps_its_links_apart(mail: Mail) -> str | None:
    return "has two links in a row" if re.search(r"</a>\s*<a", mail.html) else None


def offers_what_can_be_done(mail: Mail) -> str | None:
    asked = re.search("Rework what was agreed, or", mail.now)
    if asked and not mail.may_rework:
        return "asks for rework that is not theirs"
    asks = "withdraw the standard change" in mail.text + mail.seen
    return "offers to withdraw what has ended" if mail.standard_ended and asks else None


def briefs_whoever_authorises(mail: Mail) -> str | None:
    if mail.waits_for != str(STEP["authorise"].label) or "Waiting for you" not in mail.subject:
        return None
    for body in (mail.text[:SCREENFUL], mail.seen[:SCREENFUL]):
        missing = [one for one in ("Need", "Risk", "Impact", "Plan") if one not in body]
        if missing:
            return f"does not say {missing} in a screenful"
    return None if mail.text.find(mail.step_url) < SCREENFUL else "link below the first screen"


RULES = (
    has_words,
    says_where_it_stands,
    asks_for_what_waits,
    begins_with_its_subject,
    says_nothing_twice,
    is_the_same_in_html,
    keeps_what_is_internal,
    promises_nothing_at_the_end,
    leads_to_the_request_beside_the_question,
    says_which_link_needs_no_account,
    says_what_was_decided,
    tells_what_is_over_as_past,
    gives_no_reason_twice,
    keeps_its_links_apart,
    offers_what_can_be_done,
    briefs_whoever_authorises,
)


def speeds_of(way: str) -> list[tuple[str, str]]:
    """Return speeds of a way and their paces, by turns; less often the one that leaves most out."""
    at = list(WAYS).index(way)
    two = SPEEDS[at % 3] if len(WAYS[way][1]) > 3 else SPEEDS[0]
    pairs = [(speed, PACES[(at + number) % 3]) for number, speed in enumerate(two)]
    return [pair for pair in pairs if at % 2 or pair[1] != User.MailPace.NEEDED]


@pytest.mark.parametrize("way", WAYS)
def test_what_is_read_is_so(way: str, cast: Cast, settings: Any) -> None:
    settings.MAIL_BURST_SECONDS = 120
    change = WAYS[way][0](cast)
    Email.objects.update(status=STATUS.sent)
    wrong = []
    for speed, pace in speeds_of(way):
        with undone():
            mails = played(way, speed, pace, change, cast)
            kept(way, speed, pace, mails)
            wrong += [
                f"{speed}, {pace}: {mail.person} “{mail.subject}” {found}"
                for mail in mails
                for rule in RULES
                if (found := rule(mail))
            ]
    assert not wrong, "\n".join(wrong)


def test_nobody_is_mailed_what_they_chose_not_to_hear(cast: Cast, settings: Any) -> None:
    """Whoever switches off each kind reads what those do who want only what needs them."""
    settings.MAIL_BURST_SECONDS = 120
    way = "undone and planned again"
    change = WAYS[way][0](cast)
    Email.objects.update(status=STATUS.sent)
    heard = []
    people = User.objects.filter(pk__in=[one.pk for one in cast.people.values()])
    for switched_off, pace in (("", "needed"), (SWITCHED_OFF, "at_once")):
        with undone():
            people.update(news=switched_off)
            mails = played(way, "slow", pace, change, cast)
            heard.append({(mail.person, mail.step_url) for mail in mails})
    assert heard[0] == heard[1] != set()


def test_a_colleague_of_the_owner_is_mailed_once_at_most(cast: Cast, settings: Any) -> None:
    settings.MAIL_BURST_SECONDS = 120
    change = stories.submitted(cast)
    colleague = person("Tom Teammate", Role.CUSTOMER_SUCCESS)
    cast.care_team.members.add(colleague)
    mails: list[Mail] = []
    since = last_row()
    for act in (owned_by("success"), ASSESS, ENDORSE, ASK, AUTHORISE, PLAN, START, DONE):
        act(Change.objects.get(pk=change.pk), cast)
        mails += out(since, change, cast)
    told = [mail.subject for mail in mails if mail.person == colleague]
    assert len(told) <= 1, told


def test_of_reasons_that_are_nearly_the_same_the_newest_is_given() -> None:
    turn, team, owner = str(NEXT), str(RESPONSIBLE.why), str(OWNER.why)
    assert each_kind_once([team, turn, owner, turn]) == [owner, turn]
