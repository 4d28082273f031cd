"""The demonstration: alive on whatever day it is looked at, and kept out of production."""

import io
from collections import Counter
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import groupby
from typing import Any

import pytest
from django.conf import global_settings
from django.core.management import call_command
from django.db import transaction
from django.test import Client
from django.utils import timezone
from post_office.models import STATUS, Email

from accounts.demo import DEMO_PASSWORD, demo_cast
from accounts.models import User
from accounts.roles import Role
from changes import (
    candidates,
    inbox,
    messages,
    permissions,
    promises,
    queries,
    reminders,
    saved_views,
    wording,
)
from changes.mail_in import waiting
from changes.models import (
    Change,
    Event,
    IncomingMail,
    ManyRow,
    ManyRun,
    Notice,
    StandardApproval,
)
from changes.settling import RELATED
from changes.states import State
from crb import lifecycle as board_lifecycle
from crb import queries as board_queries
from crb.lifecycle.scheduling import MONTHS_AHEAD
from crb.models import (
    Action,
    Attendance,
    Board,
    BoardOutcome,
    Meeting,
    Membership,
    Minutes,
)
from crb.schedule import holiday_on, months_ahead, slots
from expansive_cm.demo import board as demo_board
from expansive_cm.demo.catalogue import LONDON
from expansive_cm.demo.schedule import plan, read_stories
from expansive_cm.post import sending
from expansive_cm.post.rows import UNWORDED
from tests import marks
from tests.people import person

# The first start of the product has loaded it: they belong into its process.
pytestmark = pytest.mark.xdist_group("run")


def test_every_state_has_changes(demo: None) -> None:
    counts = Counter(Change.objects.values_list("state", flat=True))
    assert set(counts) == set(State)
    assert 60 <= sum(counts.values()) <= 80


def test_the_past_twelve_months_are_told_in_order(demo: None) -> None:
    moments = list(Event.objects.order_by("pk").values_list("at", flat=True))
    assert moments == sorted(moments)
    assert moments[-1] <= timezone.now()
    months = {(moment.year, moment.month) for moment in moments}
    assert len(months) >= 12
    created = list(Change.objects.order_by("pk").values_list("created_at", flat=True))
    assert created == sorted(created)


def test_times_of_states_events_and_history_agree(demo: None) -> None:
    for change in Change.objects.exclude(state=State.DRAFT):
        moved = [event for event in change.events.order_by("pk") if event.moved]
        assert change.state_since == moved[-1].at, change
        assert change.state == moved[-1].to_state
        dates = list(change.history.order_by("history_id").values_list("history_date", flat=True))
        assert dates == sorted(dates)
        assert change.created_at == dates[0]


def test_nothing_is_left_for_beat_to_catch_up_with(demo: None) -> None:
    assert not sending.due(timezone.now()).exists()
    assert reminders.due_reminders(limit=100) == []
    assert reminders.due_escalations(limit=100) == []
    assert reminders.untold_moves() == []
    board = Board.objects.get()
    assert board_lifecycle.schedule_meetings(board) == []
    assert board_lifecycle.fill_agenda(board) == []
    assert board_queries.due_agendas(timezone.now()) == []


def test_mail_of_the_past_was_sent_then(demo: None) -> None:
    """But for what told of the outcome that was taken back."""
    dropped = Email.objects.exclude(expires_at=None)
    told_of = Notice.objects.filter(email__in=dropped).values_list("event__verb", flat=True)
    assert set(told_of) == {"record_board_outcome"}
    assert not Email.objects.exclude(pk__in=dropped).exclude(status=STATUS.sent).exists()
    assert not Email.objects.filter(backend_alias=UNWORDED).exists()
    written = list(Email.objects.order_by("pk").values_list("created", "last_updated"))
    assert all(sent == created for created, sent in written)
    assert written[-1][0] - written[0][0] > timedelta(days=365)
    assert Email.objects.filter(message__contains="/confirm/").exists()


def test_everybody_finds_something_waiting(demo: None) -> None:
    for member in demo_cast():
        person = User.objects.get(email=member.email)
        waiting = queries.waiting_on(person).count()
        # An auditor changes nothing, so nothing waits; there is something to read.
        reads = person.roles == {Role.AUDITOR} and queries.visible_to(person).exists()
        assert waiting or reads, member.name


def test_everybody_can_sign_in(demo: None, settings: Any) -> None:
    settings.PASSWORD_HASHERS = [*global_settings.PASSWORD_HASHERS, *settings.PASSWORD_HASHERS]
    person = User.objects.get(email=demo_cast()[0].email)
    assert person.check_password(DEMO_PASSWORD)
    for member in demo_cast():
        person = User.objects.get(email=member.email)
        assert person.roles == frozenset(member.roles)


def test_the_board_of_seven_has_a_past_a_running_and_a_future_meeting(demo: None) -> None:
    assert Membership.objects.count() == 7
    states = Counter(Meeting.objects.values_list("state", flat=True))
    assert states["running"] == 1
    assert states["closed"] >= 12
    assert states["scheduled"] >= 5
    running = Meeting.objects.get(state="running")
    votes = [item.votes.count() for item in running.items.order_by("position")]
    assert votes[:3] == [7, 5, 2]
    assert running.starts_at < timezone.now()


def test_several_of_the_board_can_be_signed_in_as_and_have_votes_to_cast(demo: None) -> None:
    running = Meeting.objects.get(state="running")
    items = running.items.filter(state="open")
    members = [member for member in demo_cast() if Role.CRB_MEMBER in member.roles]
    chair, *others = [User.objects.get(email=member.email) for member in members]
    to_cast = [items.exclude(votes__member=member).count() for member in others]
    assert len(to_cast) == 3
    assert min(to_cast[1:]) >= 2
    assert Board.objects.get().memberships.filter(user__in=[chair, *others]).count() == 4


def test_the_calendar_shows_what_can_happen_to_a_meeting(demo: None) -> None:
    moved = Meeting.objects.exclude(move_reason="").get()
    assert (moved.state, moved.starts_at > timezone.now()) == ("scheduled", True)
    cancelled = Meeting.objects.filter(state="cancelled").order_by("starts_at")
    assert [one.starts_at > timezone.now() for one in cancelled] == [False, True]
    called = Meeting.objects.get(kind="extraordinary")
    outcomes = BoardOutcome.objects.filter(item__meeting=called)
    assert [one.decision.outcome for one in outcomes] == ["accepted_as_priority"]


def test_a_member_is_on_holiday_and_an_alternate_has_stood_in(demo: None) -> None:
    board = Board.objects.get()
    following = board.meetings.filter(state="scheduled").earliest("starts_at")
    assert [seat.absent.display_name for seat in following.members if seat.absent] == ["Priya Nair"]
    attendances = Attendance.objects.filter(for_member__display_name="Callum Reid")
    assert attendances.get().user.display_name == "Amara Okafor"


def test_the_last_meetings_have_minutes_and_actions(demo: None) -> None:
    assert Minutes.objects.exclude(published_at=None).count() == 3
    latest = Meeting.objects.filter(state="closed").latest("starts_at")
    assert latest.minutes.is_published
    taken_back = BoardOutcome.objects.get(item=None)
    assert taken_back.taken_from.meeting == latest
    kept = [one for one in latest.minutes.content["items"] if one["taken_back"]]
    assert [one["item"] for one in kept] == [taken_back.taken_from_id]
    assert Action.objects.exclude(done_at=None).exists()
    pending = Action.objects.filter(done_at=None)
    assert pending.exists()
    assert not pending.filter(due_on__lte=timezone.localdate()).exists()


def test_the_board_over_time_has_something_to_show(demo: None, client: Client) -> None:
    client.force_login(User.objects.get(email=AUDITOR))
    context = client.get("/board/overtime/").context
    decided, duration, questions, attendance, overdue = context["stats"]
    assert decided.value >= 25
    assert context["duration"].median >= 5
    assert questions.value >= 2
    assert 70 <= int(attendance.value.removesuffix(" %")) < 100
    assert overdue.value >= 1
    assert {state for state, number, _url in context["promises"] if number} >= {"Kept", "Open"}


def test_confirmations_wait_for_some_days_and_for_too_long(demo: None) -> None:
    waiting = Change.objects.filter(state=State.CONFIRMATION)
    reminded = sorted(change.confirmation.reminders.count() for change in waiting)
    assert reminded[0] == 0
    assert reminded[-1] == 3
    assert any(change.confirmation.escalated_at for change in waiting)


def test_of_the_notifications_some_are_read(demo: None) -> None:
    for who in ("grace.okafor@harbourview", "jonas.weber@expansive"):
        entries = inbox.of(User.objects.get(email__startswith=who))
        assert entries.filter(read_at=None).exists() and entries.exclude(read_at=None).exists()


def test_promises_are_kept_broken_and_due(demo: None) -> None:
    late = Change.objects.filter(due_on__lt=timezone.localdate(), closed_at=None)
    assert Change.objects.exclude(late_told="").exists(), "one is planned later than promised"
    told = Notice.objects.filter(message="forecast_moved")
    assert told.exclude(email=None).exists(), "a release has slipped"
    moved = Change.objects.filter(promise="replanned").get()
    assert [one.verb for one in moved.events.filter(verb="replan_promise")] == ["replan_promise"]
    assert set(late.values_list("promise", flat=True)) == {"twelve_months", "three_releases"}
    found = promises.with_standings(Change.objects.exclude(promise=""), timezone.now())
    assert set(found.values_list("standing", flat=True)) == set(promises.Standing)


def test_nobody_reads_on_any_page_what_is_not_for_them(demo: None) -> None:
    """A customer, a developer, and one of our own without a role; 8 s for all three.

    The pages of changes that are theirs open, in every state: a draft for whoever writes it.
    """
    wrong: dict[str, Any] = {}
    opened: set[str] = set()
    with transaction.atomic():
        run = ManyRun.objects.create(person=User.objects.get(email=AUDITOR), act="comment")
        ManyRow.objects.create(run=run, change=Change.objects.latest("pk"), reason="Why not")
        marks.plant()
        for who in ("grace.okafor@harbourview", "jonas.weber@expansive", "nobody"):
            viewer = User.objects.filter(email__startswith=who).first() or person("No Body")
            changes = marks.samples(viewer)
            read = marks.read_by(viewer, changes)
            wrong |= {f"{who}: {row}": page for row, page in marks.leaked(viewer, read).items()}
            names = {pk for name, pk in read if name == marks.NAMES}
            if who == "nobody":
                assert names <= {viewer.pk}
                continue
            assert "changes.Change.description" in {name for name, _pk in read}, who
            opened |= {one.state for one in changes if permissions.may_see(viewer, one)}
        assert wrong == {}
        draft = Change.objects.filter(state=State.DRAFT)[0]
        client = Client()
        client.force_login(draft.raised_by)
        assert client.get(draft.get_absolute_url()).status_code == 200
        assert opened | {State.DRAFT} == set(State)
        transaction.set_rollback(True)


def test_no_mail_about_a_change_says_what_is_not_for_its_reader(demo: None) -> None:
    """One of each kind of mail that a customer's or one of our own got, worded anew; 1 s."""
    told = Notice.objects.exclude(email=None).exclude(event=None).select_related(*RELATED)
    kinds: dict[tuple[Any, ...], list[Notice]] = {}
    for _mail, notices in groupby(told.order_by("email_id", "pk"), lambda one: one.email_id):
        mail = list(notices)
        inside = permissions.can_see_internal(mail[0].person)
        what = sorted({(one.message, one.event.verb) for one in mail})
        kinds.setdefault((inside, mail[0].is_for_digest, *what), mail)
    assert {inside for inside, *_ in kinds} == {True, False} and len(kinds) > 20
    wrong, seen = {}, set()
    with transaction.atomic():
        marks.plant()
        for kind, mail in kinds.items():
            kept = {one.pk: one.message for one in mail}  # by which its words are found
            notices = list(
                Notice.objects.filter(pk__in=kept).select_related(*RELATED).order_by("pk")
            )
            for one in notices:
                one.message = kept[one.pk]
            letters = [letter for one in notices if (letter := messages.again(one))]
            if not letters:
                continue
            change, email, person = notices[0].change, notices[0].email, letters[0].person
            wording.rewrite(change, email, letters, wording.last_move(change))
            email.refresh_from_db()
            read = marks.found_in(f"{email.subject} {email.message} {email.html_message}")
            seen |= {(name, kind[0]) for name, _pk in read}
            wrong |= marks.leaked(person, dict.fromkeys(read, str(kind)))
        transaction.set_rollback(True)
    own = "changes.Notice.why"  # why it is mailed to this very reader
    assert {row: kind for row, kind in wrong.items() if row[0] != own} == {}
    assert ("changes.Change.title", False) in seen and ("changes.Event.reason", True) in seen


AUDITOR = "edward.lam@expansive.example"
MOMENTS = [
    datetime(2026, 11, 22, 12, tzinfo=UTC),  # a Sunday
    datetime(2026, 12, 25, 23, 30, tzinfo=UTC),
    datetime(2027, 1, 1, 3, 10, tzinfo=UTC),
    datetime(2027, 3, 28, 1, 30, tzinfo=UTC),  # the clocks change
    datetime(2027, 3, 29, 6, tzinfo=UTC),  # Easter Monday
    datetime(2027, 6, 4, 23, 1, tzinfo=UTC),  # Saturday in London
    datetime(2028, 2, 29, 8, 20, tzinfo=UTC),
]


@pytest.mark.parametrize("now", MOMENTS)
def test_the_running_meeting_fits_any_day(now: datetime) -> None:
    rhythm = demo_board.rhythm_for(now)
    begins = demo_board.meeting_time(rhythm, 0)
    assert timedelta(minutes=30) <= now - begins < timedelta(days=6)
    day = begins.astimezone(LONDON).date()
    assert day.weekday() < 5
    assert not holiday_on(day, demo_board.REGION)


def test_what_is_planned_on_the_running_meetings_day_is_enough_on_any_day() -> None:
    noon = datetime(2028, 1, 1, 12, tzinfo=UTC)
    for now in (*MOMENTS, *(noon + timedelta(days=day) for day in range(366))):
        rhythm = demo_board.rhythm_for(now)
        begun = demo_board.meeting_time(rhythm, 0).date()
        planned, wanted = (
            slots(rhythm, begun, months_ahead(day, MONTHS_AHEAD)) for day in (begun, now.date())
        )
        assert planned == wanted, now


@pytest.mark.parametrize("now", [*MOMENTS, *(MOMENTS[0] + timedelta(days=d) for d in range(14))])
def test_stories_keep_their_order_on_any_day(now: datetime) -> None:
    rhythm = demo_board.rhythm_for(now)
    latest: dict[str, datetime] = {}
    for planned in plan(read_stories(), now, partial(demo_board.outcome_time, rhythm)):
        key = planned.story.key
        assert planned.moment <= now
        assert key not in latest or planned.moment > latest[key] or planned.moment == now
        latest[key] = planned.moment
        if planned.step["do"] == "record_board_outcome":
            turns = [14 * turn for turn in range(demo_board.PAST_MEETINGS + 1)]
            turns.append(demo_board.EXTRAORDINARY)
            begins = [demo_board.meeting_time(rhythm, ago) for ago in turns]
            minutes = [(planned.moment - begin) / timedelta(minutes=1) for begin in begins]
            assert any(0 < passed < 90 for passed in minutes), planned.story.title


def test_one_login_per_role_is_printed() -> None:
    out = io.StringIO()
    call_command("demo_logins", stdout=out)
    lines = out.getvalue().splitlines()
    assert lines[0] == f"The password of everybody below is {DEMO_PASSWORD}"
    roles = [line[2:].split("  ")[0] for line in lines[2:]]
    assert len(roles) == len(set(roles)) == len({str(member.role) for member in demo_cast()})


def test_mail_has_come_in_and_some_of_it_waits(demo: None) -> None:
    outcomes = Counter(IncomingMail.objects.values_list("outcome", flat=True))
    assert outcomes == {"triage": 3, "change": 1, "answer": 1, "ignored": 1}
    assert waiting.answers_waiting().count() == 1
    stranger = IncomingMail.objects.get(sender="gareth@penrose-lifts.example")
    assert "penrose-lifts.example, is known" in stranger.why
    assert IncomingMail.objects.filter(outcome="triage").exclude(change=None).exists()
    answer = IncomingMail.objects.get(outcome="answer")
    assert answer.quoted
    assert answer.in_answer_to


def test_a_standard_change_was_used_one_was_rolled_back_and_one_is_a_candidate(demo: None) -> None:
    used, failed = StandardApproval.objects.order_by("pk")
    assert (used.state, failed.ending) == (StandardApproval.State.IN_FORCE, "rolled_back")
    assert used.authorisations.get().change.state == State.CLOSED
    assert failed.failed_change == failed.authorisations.get().change
    assert [one.template.name for one in candidates.candidates()] == ["Badge of a contractor"]


def test_two_views_are_shared_each_with_some(demo: None) -> None:
    mine, theirs = ["Late, and nobody's"], ["To be confirmed"]
    readers = {"owen": mine, "bethan": mine, "sofia": [], "grace": theirs, "peter": theirs}
    for who, expected in {**readers, "tom": []}.items():
        user = User.objects.get(email__startswith=who)
        assert [one.name for one in saved_views.visible_to(user)] == expected, who
