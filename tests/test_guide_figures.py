"""What the guides say in numbers is what the code has: limits, spans of time, counts."""

import re
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings
from django.core.management import load_command_class

from accounts import address_changes
from accounts.demo import demo_cast
from accounts.roles import Role
from changes import (
    also,
    calendar,
    digest,
    forecast,
    planning,
    saved_views,
    searching,
    selecting,
    spans,
)
from changes.importing import reading
from changes.lifecycle import access, promises, requesters
from changes.mail_in import taking
from changes.many import runs
from changes.models import BoardDecision, StagingTest
from changes.permissions.discussion import CORRECTABLE
from changes.views import access_link, further, lists, mail_log, secret_address, secret_link
from changes.views.calendar import IN_A_LIST
from crb import calendar_pages, periods, reminders, without_lead
from crb.forms import votes
from crb.lifecycle import agenda, attendance, scheduling
from crb.live import stream
from crb.models import Board
from crb.queries.agenda import ORDER_RESTS
from expansive_cm import broker, celery, environment, health
from expansive_cm.celery import SCHEDULE
from expansive_cm.post import sending
from expansive_cm.services import bootstrap, days, for_tests, gunicorn, hard, in_memory, product
from expansive_cm.services.check import __main__ as check
from expansive_cm.web import answers, application, bodies, worker
from tests.report import SLOWEST
from tests.test_guides import defaults, text_of
from tests.test_setup_deployment import ROOT, SERVICES

Said = Callable[[], Iterator[str]]
MINUTE = 60
HOUR = timedelta(hours=1)
NUMBERS = "no one two three four five six seven eight nine ten".split()


def in_words(number: int) -> str:
    """A small number as texts write it."""
    return NUMBERS[number] if number < len(NUMBERS) else {20: "twenty"}[number]


def default(app: str, command: str, option: str) -> Any:
    """What a management command takes where it is not asked for something else."""
    return load_command_class(app, command).create_parser("", command).get_default(option)


def on_operating() -> Iterator[str]:
    """What it says, with the figures of the code."""
    yield f"Python {'.'.join(map(str, bootstrap.OLDEST_PYTHON))} or later"
    yield f"Without Node.js {bootstrap.OLDEST_NODE} or later"
    yield f"where it is taken, the next {product.PORTS_TRIED - 1} are tried"
    yield f"| `PORT` | {product.FIRST_PORT} |"
    image = (ROOT / "Dockerfile").read_text()
    yield f"The account in the containers is number {re.findall('--uid ([0-9]+)', image)[0]}"
    yield f"PostgreSQL {SERVICES['postgres']['image'].partition(':')[2]}, Valkey"
    yield f"something is sent at least every {stream.BEAT_SECONDS} seconds"
    yield f"the answer is 503 with `Retry-After: {application.AGAIN_SECONDS}`"
    yield f"at least {environment.MINIMUM_KEY_LENGTH} random characters"
    yield f"may differ by up to {celery.LIFE_SECONDS // MINUTE} minutes"
    assert broker.KEPT == 100
    yield f"the last hundred lie in the list `{broker.UNREADABLE}`"
    assert health.WRITE_AGAIN_SECONDS == MINUTE / 2
    yield "takes what is written to it (tried every half minute"
    yield f"Files of the last {default('changes', 'orphaned_files', 'older_than_hours')} hours"
    bench = "expansive_cm.bench"
    yield f"measures the pages at {default(bench, 'bench', 'changes'):,} changes"
    yield f"a vote reaches {default(bench, 'bench_meeting', 'streams')} open browsers"
    people, changes = (default(bench, "bench_people", one) for one in ("people", "changes"))
    yield f"measures {people} people at work at once among {changes:,} changes"
    yield f"idle and after {default(bench, 'bench_memory', 'requests'):,} pages"
    yield f"4 … {sending.LONGEST_PAUSE_MINUTES} minutes"
    yield f"for {in_words(sending.GIVE_UP_AFTER.days)} days"
    yield f"did not take for {in_words(sending.GIVE_UP_AFTER.days)} days"
    yield f"The daily summary is written at {digest.HOUR:02}:00"
    yield f"cannot be taken {in_words(taking.MOST_TRIES)} times goes to `Failed`"
    yield f"From one network address {secret_address.FAILURES_ALLOWED} links that do not work"
    yield f"wrong ones refused for {secret_address.FAILURES_SECONDS // MINUTE} minutes"
    yield (
        f"{secret_link.NEW_LINKS.allowed} new ones can be asked for in "
        f"{secret_link.NEW_LINKS.seconds // MINUTE} minutes"
    )
    yield f"a person is mailed {access.LINKS_AN_HOUR} new links an hour"
    yield (
        f"can send {access_link.ACTS_ALLOWED.allowed} forms in "
        f"{access_link.ACTS_ALLOWED.seconds // MINUTE} minutes, and "
        f"{further.REQUESTS_ALLOWED.allowed} new requests an hour"
    )


def on_requests() -> Iterator[str]:
    """The same for how a request is served."""
    yield f"| connections | the event loop | {gunicorn.worker_connections:,}; "
    yield f"{worker.HEAD_SECONDS:.0f} s for the first request's headers"
    yield f"over {bodies.MEMORY_BYTES // 2**20} MiB into a file"
    yield f"{bodies.PATIENCE_SECONDS:.0f} s + {bodies.SLOWEST_BYTES_PER_SECOND // 2**10} KiB/s"
    assert answers.STALLED_SECONDS == MINUTE
    yield "a reader who stalls for a minute is cut off"
    assert answers.AHEAD_PIECES * answers.PIECE_BYTES == 2**20
    yield "a megabyte ahead of the reader"


def on_the_board() -> Iterator[str]:
    """The same for the board."""
    yield f"Meetings are planned {in_words(scheduling.MONTHS_AHEAD)} months ahead"
    yield f"the meetings of the last {in_words(calendar_pages.MONTHS_BACK)} months"
    yield f"After {in_words(secret_address.FAILURES_ALLOWED)} wrong addresses"
    yield f"within {in_words(secret_address.FAILURES_SECONDS // MINUTE)} minutes wrong ones get 429"
    yield f"while the agenda has fewer than {agenda.LONGEST} open items"
    yield f"one version, {in_words(ORDER_RESTS.seconds // MINUTE)} minutes after the last of them"
    yield f"takes up to {in_words(votes.MOST_QUESTIONS)} questions"
    yield f"without an account are added by name ({attendance.MOST_GUESTS} at most)"
    yield f"Nobody is marked more than {attendance.MOST_MARKS} times"
    yield f"within {in_words(attendance.MISTAKE.seconds // MINUTE)} minutes also one as left"
    yield f"planned in the next {in_words(without_lead.SOON.days // 7)} weeks"
    yield f"A stream ends after {in_words(stream.LIFE_SECONDS // MINUTE)} minutes"
    yield f"An owner is reminded at {reminders.MORNING}:00"
    yield f"due more than {reminders.FORGIVEN_DAYS} days ago"
    yield "looks back {}, {} or {} months".format(*periods.PERIODS)
    assert SCHEDULE["schedule meetings"] and SCHEDULE["send invitations"]
    yield "`schedule meetings` runs every hour and `send invitations` every minute"
    assert SCHEDULE["settle ballots"]
    yield "*settle ballots* looks after deadlines every minute"


def on_tests() -> Iterator[str]:
    """The same for the tests."""
    yield f"`.data/test-1` to `.data/test-{for_tests.RUNS_AT_ONCE}`"
    yield f"under `{in_memory.MEMORY}`, where {in_memory.ROOM // 1024**3} GB are free"
    yield f"It ends with the {in_words(SLOWEST)} slowest tests"
    yield f"as many as fit into {check.SECONDS} seconds of {in_words(check.WORKERS)} workers"
    yield f"the tests that wait for others, {in_words(hard.ROUNDS)} times while every core is busy"
    yield f"the tests on {in_words(len(days.DAYS))} dates on which software likes to fail"


def on_people() -> Iterator[str]:
    """The same for who works with it."""
    yield f"it shows up to {selecting.MAX_SIMILAR} titles"
    yield f"the best of the newest {searching.NEAR:,} changes"
    yield f"where these hold too few, of {searching.CANDIDATES} others"
    yield f"{in_words(also.SHOWN)} of each and the newest first"
    yield f"needs a word of {in_words(also.SHORTEST)} letters or more"
    burst = int(defaults()["MAIL_BURST_SECONDS"]) // MINUTE
    yield f"what happens to one change within {in_words(burst)} minutes is one mail"
    undo = int(defaults()["OUTCOME_UNDO_SECONDS"]) // MINUTE
    yield f"For {in_words(undo)} minutes the chair takes it back"
    yield f"**once a day** at {digest.HOUR:02}:00"
    yield f"for {CORRECTABLE.seconds // MINUTE} minutes your own comment has *Correct*"
    yield f"*Confirmations → Mail that did not arrive* lists it, the newest {mail_log.MOST} at once"
    yield f"at most {runs.MOST} changes, a page, at once"
    yield f"keeps that under a name. You keep up to {saved_views.MOST}"
    yield f"whose gate is complete, up to {runs.MOST} as one act"
    yield f"More than {requesters.AT_ONCE} requests go over one by one"
    yield f"More than {requesters.AT_ONCE} changes or requests go over one by one"
    yield "after {}, {} and {} days".format(*defaults()["REMINDER_DAYS"].split(","))
    yield f"for {in_words(address_changes.REST.days)} days nobody chooses another one"
    yield f"in one of the next {in_words(promises.RELEASES_PROMISED)} releases"
    yield f"made for {in_words(spans.LONGEST_RULE.days // 365)} years at most"
    yield f"which other plans of the next {planning.AHEAD.days} days concern a change"
    yield f"Where there are fewer than three in {planning.LONGEST.days} days"
    yield f"A freeze or window of less than {calendar.NIGHT // HOUR} hours"
    yield f"shows {in_words(calendar.IN_A_CELL)} entries and in the list {in_words(IN_A_LIST)}"
    yield f"the last {forecast.REMEMBERED} changes whose code was complete"
    yield f"With fewer than {in_words(forecast.ENOUGH)} of them"
    cutoff = Board._meta.get_field("cutoff_days").default
    yield f"is published {in_words(cutoff)} working days before"


def on_growing() -> Iterator[str]:
    """The same for more than one machine."""
    (most,) = re.findall(r"max_connections=(\d+)", " ".join(SERVICES["postgres"]["command"]))
    yield f"the compose file says {most}"
    (port,) = re.findall(r"SECOND_PORT:-(\d+)", SERVICES["web-2"]["ports"][0])
    yield f"at `SECOND_PORT` ({port})"
    for name, limit in settings.DATABASE_LIMITS.items():
        given = f"'{limit // 1000}s'" if name.endswith("timeout") else limit
        given = f"'{given}'" if name == "work_mem" else given
        yield f"ALTER ROLE expansive_cm SET {name} = {given};"


def on_files() -> Iterator[str]:
    """The same for what comes in and goes out as CSV."""
    yield f"At most {reading.MAX_BYTES // 2**20} MB"
    assert lists.PAGE_SIZE == 50
    yield "The list shows fifty changes at a time"


def on_the_demo() -> Iterator[str]:
    """The same for whom one can try it as."""
    cast = demo_cast()
    assert {role for member in cast for role in member.roles} == set(Role)
    members = [member for member in cast if Role.CRB_MEMBER in member.roles]
    yield f"offers somebody for every role, and {in_words(len(members))} of the board's members"
    yield f"{in_words(len(BoardDecision.Outcome))} outcomes"
    yield f"{in_words(len(StagingTest.Kind))} kinds of staging test"
    yield "Reminders after {}, {} and {} days".format(*defaults()["REMINDER_DAYS"].split(","))


@pytest.mark.parametrize(
    ("pages", "said"),
    [
        (["README.md"], on_the_demo),
        (["docs/operators-guide.md"], on_operating),
        (["docs/architecture.md"], on_requests),
        (["docs/board.md"], on_the_board),
        (["docs/user-guide.md"], on_people),
        (["docs/scaling.md"], on_growing),
        (["docs/testing.md"], on_tests),
        (["docs/import.md", "docs/export.md"], on_files),
    ],
)
def test_a_guide_has_the_figures_of_the_code(pages: list[str], said: Said) -> None:
    text = " ".join(" ".join(map(text_of, pages)).split())
    missing = [sentence for sentence in said() if sentence not in text]
    assert not missing
