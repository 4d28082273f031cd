"""What people read while a change goes its way: many ways, paces and speeds, by a reader's rules.

Each way is played with all its mail waiting until the end, with a mail after each act, and with
one after every second act. What went out is then held against how things were at that moment.

Costs 12 s. With ``MAILS_TO`` in the environment the mails are written into that folder, to be read.
"""

import os
import re
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from html import unescape
from pathlib import Path
from typing import Any

import pytest
import time_machine
from django.db import transaction
from django.utils import timezone
from post_office.models import STATUS, Email

from accounts.models import User
from accounts.roles import Role
from changes import lifecycle, permissions, tasks
from changes.models import Change, Question
from changes.process import STEP
from changes.settling import settle
from changes.states import FINAL, State
from changes.turns import turn_of
from changes.worklist import task_url
from expansive_cm.post.words import absolute
from tests import stories
from tests.mailing import last_row, short
from tests.people import Cast, person

pytestmark = pytest.mark.django_db
S = State
Act = Callable[[Change, Cast], Any]
SECRET = "Only among colleagues: the contract ends."
SCREENFUL = 2000


def says(who: str, words: str, **more: Any) -> Act:
    return lambda change, cast: lifecycle.comment(
        change, actor=getattr(cast, who), body=words, **more
    )


def does(verb: str, who: str, **fields: Any) -> Act:
    return lambda change, cast: getattr(lifecycle, verb)(change, actor=getattr(cast, who), **fields)


def owned_by(who: str, actor: str = "success") -> Act:
    return lambda change, cast: lifecycle.assign(
        change, actor=getattr(cast, actor), owner=getattr(cast, who)
    )


def answered(change: Change, cast: Cast) -> None:
    question = Question.objects.get(decision__change=change)
    lifecycle.answer_question(change, actor=cast.requester, question=question, answer="Twelve.")


def asked_by_board(change: Change, cast: Cast) -> None:
    questions = [("How many rooms are there?", cast.requester)]
    stories.decided(change, cast, "information_required", questions=questions)


def handed_on(change: Change, cast: Cast) -> None:
    lifecycle.replace_requester(
        change, actor=cast.success, successor=cast.colleague, reason="Grace is on leave."
    )


def failed_test(change: Change, cast: Cast) -> None:
    lifecycle.record_test(
        change, actor=cast.tester, kind="functional", result="failed", evidence="It hung at 3:00."
    )


def later_plan(change: Change, cast: Cast) -> None:
    start = timezone.now() + timedelta(days=3)
    lifecycle.plan_execution(
        change,
        actor=cast.success,
        executor=cast.support,
        window_start=start,
        window_end=start + timedelta(hours=1),
        steps="Do it later.",
        rollback_plan="Undo it.",
    )


def deployment_undone(change: Change, cast: Cast) -> None:
    stories.carried_out(change, cast, "rolled_back")


def decided(outcome: str, **fields: Any) -> Act:
    return lambda change, cast: stories.decided(change, cast, outcome, **fields)


ASSESS = does("assess", "success", type="configuration", **stories.ASSESSMENT)
CODE = does("assess", "success", type="code", **stories.ASSESSMENT)
ENDORSE = does("review", "success", outcome="endorsed", findings="Harmless.")
AUTHORISE = does("authorise", "approver", outcome="authorised", reason="We need it.")
REFUSE = does("authorise", "approver", outcome="refused", reason="Too dear for us.")
PLAN: Act = stories.plan
START: Act = stories.started
DONE = does("record_execution", "support", outcome="succeeded", notes="Went as written.")
UNDONE = does("record_execution", "support", outcome="rolled_back", notes="Would not open.")
DOCUMENT = does(
    "document", "success", system="Success desk", reference="SD-77", summary="Round the clock."
)
YES = does("answer_confirmation", "requester", confirmed=True)
NO = does("answer_confirmation", "requester", confirmed=False, reason="Not on Sundays.")
REWORK = does("rework", "success", reason="Sundays were agreed.")
GIVE_UP = does("close_rolled_back", "success", reason="The vendor must mend it first.")
WITHDRAW = does("withdraw", "requester", reason="Done by hand.")
WATCH = does("watch", "developer")
ASK = says("requester", "When will it come?")
TELL = says("success", "Next week, we think.")
NOTE = says("support", SECRET, internal=True)

WAYS: dict[str, tuple[Callable[[Cast], Change], tuple[Act, ...]]] = {
    "assessed and endorsed": (stories.submitted, (ASSESS, ENDORSE)),
    "authorised and planned": (stories.in_review, (ENDORSE, AUTHORISE, PLAN)),
    "put in place": (stories.in_execution, (PLAN, START, DONE, DOCUMENT)),
    "confirmed": (stories.in_documentation, (DOCUMENT, YES)),
    "refused": (stories.in_review, (ENDORSE, TELL, REFUSE)),
    "refused at review": (
        stories.submitted,
        (ASSESS, does("review", "success", outcome="refused", findings="We have it already.")),
    ),
    "undone and planned again": (stories.in_execution, (PLAN, START, UNDONE, later_plan)),
    "undone and given up": (stories.in_execution, (PLAN, START, UNDONE, GIVE_UP)),
    "planned for another day": (stories.in_execution, (PLAN, ASK, later_plan)),
    "not confirmed and reworked": (stories.in_confirmation, (NO, REWORK, PLAN)),
    "withdrawn": (stories.in_authorisation, (ASK, AUTHORISE, WITHDRAW)),
    "watched and withdrawn": (stories.submitted, (WATCH, ASSESS, NOTE, WITHDRAW)),
    "talk": (stories.in_review, (ASK, TELL, NOTE)),
    "talk after a step": (stories.submitted, (ASK, ASSESS, TELL)),
    "owners change": (stories.submitted, (owned_by("support"), owned_by("success"), ASSESS)),
    "owned, then endorsed": (stories.in_review, (owned_by("support"), ENDORSE, ASK)),
    "another requester": (stories.in_execution, (PLAN, handed_on, START, DONE)),
    "another type": (
        stories.in_review,
        (does("reclassify", "success", reason="It needs code.", **stories.ASSESSMENT), TELL),
    ),
    "the board accepts": (stories.on_board, (TELL, decided("accepted"))),
    "the board rejects": (
        stories.on_board,
        (ASK, decided("rejected", category="not_strategic", reason="We leave this market.")),
    ),
    "the board asks": (stories.on_board, (asked_by_board, answered)),
    "the board asks and it is withdrawn": (stories.on_board, (asked_by_board, WITHDRAW)),
    "built": (
        stories.in_requirements,
        (stories.requirements_defined, stories.risk_written, stories.risk_signed),
    ),
    "a test fails": (stories.in_testing, (failed_test, stories.developed)),
    "tested": (stories.in_testing, (stories.all_passed, stories.deployment_planned)),
    "deployed": (stories.in_deployment, (stories.deployment_planned, stories.carried_out)),
    "deployed and undone": (
        stories.in_deployment,
        (
            stories.deployment_planned,
            deployment_undone,
            TELL,
        ),
    ),
    "asked again": (stories.in_confirmation, (does("resend_confirmation", "success"), ASK, YES)),
}
EVERY = {"slow": 1, "mixed": 2, "fast": 99}
PACES = ("immediate", "daily", "needed")


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


def out(since: int, change: Change) -> Iterator[Mail]:
    """Send what waits, and return it."""
    tasks.send_digests()
    queued = Email.objects.filter(pk__gt=since, status=STATUS.queued, expires_at=None)
    with transaction.atomic():
        rows = [row for row in queued.order_by("pk").select_for_update(of=("self",)) if settle(row)]
    change = Change.objects.get(pk=change.pk)
    turn = turn_of(change)
    for row in rows:
        row.refresh_from_db()
        reader = User.objects.get(email=row.to[0])
        may = turn is not None and permissions.check(turn.verb, reader, change)
        yield Mail(
            reader,
            row.subject,
            row.message,
            row.html_message,
            str(S(change.state).label),
            str(STEP[turn.verb].label) if turn and may else "",
            absolute(task_url(turn, change)) if turn and may else "",
            change.owner_id,
            change.state in FINAL,
            permissions.can_see_internal(reader),
        )
    Email.objects.filter(pk__in=[row.pk for row in rows]).update(status=STATUS.sent)


def played(way: str, speed: str, pace: str, cast: Cast) -> tuple[Change, list[Mail]]:
    """Play a way; return what everybody was sent meanwhile, and the day after."""
    begin, acts = WAYS[way]
    change = begin(cast)
    Email.objects.update(status=STATUS.sent)
    User.objects.filter(pk__in=[one.pk for one in cast.people.values()]).update(mail_pace=pace)
    mails: list[Mail] = []
    since = last_row()
    for number, act in enumerate(acts, 1):
        act(Change.objects.get(pk=change.pk), cast)
        if number % EVERY[speed] == 0:
            mails += out(since, change)
    mails += out(since, change)
    with time_machine.travel(timezone.now() + timedelta(days=1, hours=1)):
        mails += out(since, change)
    return Change.objects.get(pk=change.pk), mails


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
    if subject.startswith(("The board ", "The request was ")) and "question" not in subject:
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
    inside = re.search(r"now in “|internal note|is now in", mail.text + mail.seen + mail.subject)
    return "says what is internal" if inside or SECRET in mail.text + mail.html else None


def promises_nothing_at_the_end(mail: Mail) -> str | None:
    if not mail.final:
        return None
    future = "Next, we|You get a mail with|will tell you|you can take:|Please confirm"
    found = re.findall(future, mail.body + mail.seen + mail.subject)
    found += re.findall("It is planned when", mail.body + mail.seen)
    return f"promises {found} at the end" if found else None


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
    briefs_whoever_authorises,
)


# Of two acts each, every second is all of them.
SEQUENCES = [
    (way, speed)
    for way, (_begin, acts) in WAYS.items()
    for speed, every in EVERY.items()
    if every in (1, 99) or every < len(acts)
]


@pytest.mark.parametrize(("way", "speed"), SEQUENCES)
def test_what_is_read_is_so(way: str, speed: str, cast: Cast, settings: Any) -> None:
    settings.MAIL_BURST_SECONDS = 120
    pace = PACES[(list(WAYS).index(way) + list(EVERY).index(speed)) % 3]
    change, mails = played(way, speed, pace, cast)
    kept(way, speed, pace, mails)
    wrong = [
        f"{mail.person} “{mail.subject}” {found}"
        for mail in mails
        for rule in RULES
        if (found := rule(mail))
    ]
    assert not wrong, "\n".join(wrong)


def test_a_colleague_of_the_owner_is_mailed_once_at_most(cast: Cast, settings: Any) -> None:
    settings.MAIL_BURST_SECONDS = 120
    change = stories.submitted(cast)
    colleague = person("Tom Teammate", Role.CUSTOMER_SUCCESS)
    cast.care_team.members.add(colleague)
    mails: list[Mail] = []
    since = last_row()
    for act in (owned_by("success"), ASSESS, ENDORSE, ASK, AUTHORISE, PLAN, START, DONE):
        act(Change.objects.get(pk=change.pk), cast)
        mails += out(since, change)
    told = [mail.subject for mail in mails if mail.person == colleague]
    assert len(told) <= 1, told
