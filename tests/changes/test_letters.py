"""How letters become mails: the pace a person chose, bursts, the daily summary, threads."""

import threading
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any
from weakref import WeakKeyDictionary
from zoneinfo import ZoneInfo

import pytest
import time_machine
from django.db import connection
from django.test import Client
from django.utils import timezone
from post_office.models import STATUS, Email

from accounts.models import User
from changes import digest, dispatch, lifecycle, messages, tasks
from changes.models import AccessLink, Change, ConfirmationLink, Notice
from expansive_cm import prepared
from tests import stories
from tests.mailing import deliver, last_row, link_in, mail_to, short, told, worded
from tests.people import Cast
from tests.smtp import Mailbox

pytestmark = pytest.mark.django_db
MORNING = datetime(2027, 3, 2, 9, 0, tzinfo=ZoneInfo("Europe/London"))


def pace(person: User, chosen: str, **fields: Any) -> None:
    """Let a person choose when mail comes."""
    for name, value in {"mail_pace": chosen, **fields}.items():
        setattr(person, name, value)
    person.save()


def say(change: Change, actor: User, body: str) -> None:
    lifecycle.comment(change, actor=actor, body=body)


def bodies(mail: Email) -> tuple[str, str]:
    return mail.message, mail.html_message


# --- One notice for each mail -------------------------------------------------------------------


def test_every_mail_about_a_change_leaves_a_notice_with_its_event(cast: Cast) -> None:
    stories.in_confirmation(cast)
    mails = Email.objects.count()
    notices = Notice.objects.select_related("email", "event", "person")
    assert notices.count() == mails > 10
    for notice in notices:
        assert notice.email.to == [notice.person.email]
        assert notice.event is not None or notice.message == "confirmation"
    assert {notice.why for notice in notices} >= {"you asked for this change"}


# --- Bursts -------------------------------------------------------------------------------------


def begin(settings: Any) -> None:
    """From now on what happens within two minutes goes together."""
    settings.MAIL_BURST_SECONDS = 120


def test_what_happens_within_two_minutes_is_one_mail_with_both_acts(
    cast: Cast, settings: Any
) -> None:
    change = stories.in_review(cast)
    begin(settings)
    before = last_row()
    with time_machine.travel(MORNING, tick=False) as clock:
        say(change, cast.success, "First words.")
        (first,) = worded(pk__gt=before, to=cast.requester.email)
        clock.shift(90)
        say(change, cast.support, "Second words.")
        mails = worded(pk__gt=before, to=cast.requester.email)
        (mail,) = mails
        assert mail.message_id == first.message_id
        assert mail.scheduled_time == first.scheduled_time == MORNING + timedelta(seconds=120)
        for body in bodies(mail):
            assert body.index("First words.") < body.index("Second words.")
            assert body.count("Hello Grace Requester,") == 1
        assert short(mail.subject) == "2 things happened"
        deliver()
        assert mails.get().status == STATUS.queued, "it waits for the two minutes to end"
        clock.shift(31)
        deliver()
        assert mails.get().status == STATUS.sent
        say(change, cast.success, "Later words.")
    assert mails.all().count() == 2
    assert "First words." not in mail_to(cast.requester.email).message
    assert mail.notices.count() == 2


def test_the_link_of_a_mail_that_is_written_anew_works_and_is_one(
    client: Client, cast: Cast, settings: Any
) -> None:
    change = stories.in_review(cast)
    begin(settings)
    before = last_row()
    say(change, cast.success, "First.")
    say(change, cast.support, "Second.")
    mail = worded(pk__gt=before, to=cast.requester.email).get()
    link = AccessLink.objects.get(email=mail)
    path = next(word for word in mail.message.split() if "/r/" in word).partition("/r/")[2]
    assert client.get(f"/r/{path}").status_code == 200
    assert link.change == change
    assert mail.html_message.count(f"/r/{path}") >= 1


def test_a_question_takes_what_waits_along_at_once(cast: Cast, settings: Any) -> None:
    change = stories.on_board(cast)
    begin(settings)
    before = last_row()
    say(change, cast.success, "The board meets today.")
    questions = [("How many rooms?", cast.requester)]
    stories.decided(change, cast, "information_required", questions=questions)
    (mail,) = worded(pk__gt=before, to=cast.requester.email)
    assert mail.scheduled_time is None
    assert short(mail.subject) == "The board has a question for you"
    for body in bodies(mail):
        assert body.index("How many rooms?") < body.index("The board meets today.")
    assert "Answer the board" in mail.html_message
    assert "Open your request" not in mail.html_message, "one button, where the answer goes"


def test_a_turn_that_somebody_took_meanwhile_is_not_told(cast: Cast, settings: Any) -> None:
    begin(settings)
    change = stories.submitted(cast)
    other = cast.stranger_success
    cast.care_team.members.add(other)
    Change.objects.filter(pk=change.pk).update(owner=cast.success)
    change = Change.objects.get(pk=change.pk)
    say(change, cast.requester, "Please soon.")
    before = mail_to(cast.success.email)
    assert "Assess" in before.subject
    lifecycle.assess(change, actor=other, type="configuration", **stories.ASSESSMENT)
    mail = mail_to(cast.success.email)
    assert mail.pk == before.pk
    assert "(Assess)" not in mail.message
    assert "(Review)" in mail.subject
    assert "Please soon." in mail.message


def test_a_mail_that_was_tried_is_not_written_anew(cast: Cast, settings: Any) -> None:
    change = stories.in_review(cast)
    begin(settings)
    before = last_row()
    say(change, cast.success, "First.")
    Email.objects.filter(pk__gt=before).update(status=STATUS.requeued, number_of_retries=1)
    say(change, cast.success, "Second.")
    mails = worded(pk__gt=before, to=cast.requester.email).order_by("pk")
    assert [("First." in one.message, "Second." in one.message) for one in mails] == [
        (True, False),
        (False, True),
    ]


def test_two_changes_are_two_mails(cast: Cast, settings: Any) -> None:
    one, two = stories.in_review(cast), stories.in_review(cast)
    begin(settings)
    before = last_row()
    say(one, cast.success, "First.")
    say(two, cast.success, "Second.")
    assert Email.objects.filter(pk__gt=before, to=cast.requester.email).count() == 2


def test_who_lost_access_meanwhile_reads_only_what_is_theirs(cast: Cast, settings: Any) -> None:
    change = stories.in_review(cast)
    begin(settings)
    change.watchers.add(cast.developer)
    lifecycle.comment(change, actor=cast.success, body="Contract ends.", internal=True)
    before = mail_to(cast.developer.email)
    cast.developer.organisation = cast.harbour
    cast.developer.save()
    cast.developer.groups.clear()
    say(change, cast.success, "We are on it.")
    mail = mail_to(cast.developer.email)
    assert mail.pk == before.pk
    assert "We are on it." in mail.message
    for body in bodies(mail):
        assert "Contract ends." not in body


# --- Paces --------------------------------------------------------------------------------------


def after(act: Callable[[], object]) -> list[tuple[str, str]]:
    before = last_row()
    act()
    return told(before)


def test_who_wants_only_what_needs_them_gets_no_news(cast: Cast) -> None:
    for person in (cast.requester, cast.success, cast.support, cast.developer):
        pace(person, "needed")
    change = stories.submitted(cast)
    change.watchers.add(cast.developer)
    assert told() == [("cleo", "Waiting for you (Assess)")]
    assert after(lambda: say(change, cast.support, "Hello.")) == []
    assert Notice.objects.filter(is_for_digest=True).count() == 0
    change = stories.in_confirmation(cast)
    assert ("grace", "Please confirm") in told()
    declined = after(
        lambda: lifecycle.answer_confirmation(
            change, actor=cast.requester, confirmed=False, reason="No."
        )
    )
    assert declined == [("cleo", "Not as expected")], "the owner has to act"


def test_daily_readers_get_questions_at_once_and_the_rest_at_eight(cast: Cast) -> None:
    pace(cast.requester, "daily", time_zone="Asia/Tokyo")
    with time_machine.travel(MORNING, tick=False):
        change = stories.on_board(cast)
        questions = [("How many rooms?", cast.requester)]
        stories.decided(change, cast, "information_required", questions=questions)
        subjects = [short(one.subject) for one in worded(to=cast.requester.email)]
        assert subjects == ["The board has a question for you"]
    eight = datetime(2027, 3, 3, 8, 0, tzinfo=ZoneInfo("Asia/Tokyo"))
    with time_machine.travel(eight - timedelta(minutes=1), tick=False):
        assert after(tasks.send_digests) == []
    with time_machine.travel(eight, tick=False):
        assert [name for name, _ in after(tasks.send_digests)] == ["grace"]
        mail = mail_to(cast.requester.email)
        assert mail.subject == "[Changes] Your daily summary: 1 change"
        for body in bodies(mail):
            assert change.reference in body
            assert "We have your request" in body or "received" in body
            assert "Asia/Tokyo" in body
            assert "/r/" in body, "the change opens without an account"
        assert after(tasks.send_digests) == [], "once a day"
    with time_machine.travel(eight + timedelta(days=1), tick=False):
        assert after(tasks.send_digests) == [], "and not without news"
    assert AccessLink.objects.filter(email=mail).count() == 1


def test_a_missed_morning_is_made_up_for_and_a_new_day_waits(cast: Cast) -> None:
    pace(cast.success, "daily")
    with time_machine.travel(MORNING, tick=False) as clock:
        stories.submitted(cast)
        assert after(tasks.send_digests) == []
        clock.move_to(MORNING + timedelta(days=1, hours=3))
        assert [name for name, _ in after(tasks.send_digests)] == ["cleo"]
        mail = mail_to(cast.success.email)
        assert "1 waiting for you" in mail.subject
        stories.submitted(cast)
        assert after(tasks.send_digests) == []


def test_a_summary_leaves_out_what_is_no_longer_so_or_no_longer_theirs(cast: Cast) -> None:
    pace(cast.success, "daily")
    pace(cast.colleague, "daily")
    with time_machine.travel(MORNING, tick=False) as clock:
        change = stories.submitted(cast)
        change.watchers.add(cast.colleague)
        say(change, cast.support, "Hello.")
        lifecycle.withdraw(change, actor=cast.requester, reason="Done by hand.")
        cast.colleague.organisation = cast.meridian
        cast.colleague.save()
        clock.move_to(MORNING + timedelta(days=1))
        assert [name for name, _ in after(tasks.send_digests)] == ["cleo"]
    mail = mail_to(cast.success.email)
    assert "next step of this change is one that you can take" not in mail.message
    assert "Done by hand." in mail.message
    assert not digest.due(MORNING + timedelta(days=9))


def test_the_clock_change_moves_nobody(cast: Cast) -> None:
    """On the day when the clocks go forward it is 08:00 an hour earlier in UTC."""
    pace(cast.success, "daily")
    for day in (27, 28, 29):
        moment = datetime(2027, 3, day, 8, 0, tzinfo=ZoneInfo("Europe/London"))
        assert digest.last_eight(cast.success, moment) == moment
        before = digest.last_eight(cast.success, moment - timedelta(seconds=1))
        assert before.hour == 8 and before.day == day - 1


def test_the_summary_of_many_changes_costs_few_mails_and_groups_them(cast: Cast) -> None:
    pace(cast.requester, "daily")
    with time_machine.travel(MORNING, tick=False) as clock:
        changes = [stories.in_review(cast) for _time in range(3)]
        say(changes[0], cast.success, "A word.")
        clock.move_to(MORNING + timedelta(days=1))
        before = last_row()
        tasks.send_digests()
        (mail,) = worded(pk__gt=before)
    assert mail.subject == "[Changes] Your daily summary: 3 changes"
    for change in changes:
        assert mail.message.count(change.reference) == 1, "each change once, with all its news"


@pytest.mark.django_db(transaction=True)
def test_beats_at_the_same_moment_write_one_summary(cast: Cast) -> None:
    pace(cast.requester, "daily")
    with time_machine.travel(MORNING, tick=False):
        stories.submitted(cast)
    before = last_row()
    barrier = threading.Barrier(3)

    def run() -> None:
        barrier.wait(60)
        tasks.send_digests()
        connection.close()

    with time_machine.travel(MORNING + timedelta(days=1)):
        threads = [threading.Thread(target=run) for _time in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(30)
    assert [name for name, _ in told(before)] == ["grace"]
    assert Notice.objects.filter(email=None, is_for_digest=True).count() == 0


# --- Watchers -----------------------------------------------------------------------------------


@pytest.fixture
def watched(cast: Cast) -> Change:
    change = stories.in_review(cast)
    change.watchers.add(cast.developer)
    say(change, cast.success, "We are on it.")
    return change


def stop_path(mail: Email) -> str:
    address = mail.headers["List-Unsubscribe"].strip("<>")
    assert address in mail.message and address in mail.html_message
    return "/unwatch/" + address.partition("/unwatch/")[2]


def test_only_those_who_merely_watch_can_unsubscribe(cast: Cast, watched: Change) -> None:
    mail = mail_to(cast.developer.email)
    assert mail.headers["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    for person in (cast.requester, cast.support):
        assert "List-Unsubscribe" not in mail_to(person.email).headers


def test_one_click_stops_watching_without_an_account(
    client: Client, cast: Cast, watched: Change
) -> None:
    strict = Client(enforce_csrf_checks=True)
    path = stop_path(mail_to(cast.developer.email))
    assert strict.post(path, {"List-Unsubscribe": "One-Click"}).status_code == 200
    assert not watched.watchers.filter(pk=cast.developer.pk).exists()
    event = watched.events.latest("pk")
    assert (event.verb, event.actor) == ("unwatch", cast.developer)
    assert strict.post(path, {"List-Unsubscribe": "One-Click"}).status_code == 200, "and again"
    assert watched.events.latest("pk") == event
    assert after(lambda: say(watched, cast.success, "More.")) == [
        ("grace", "Cleo Success wrote"),
        ("sam", "Cleo Success wrote"),
    ]


def test_opening_the_address_stops_nothing(client: Client, cast: Cast, watched: Change) -> None:
    path = stop_path(mail_to(cast.developer.email))
    page = client.get(path)
    assert page.status_code == 200
    assert watched.title in page.content.decode()
    assert "no-store" in page["Cache-Control"]
    client.head(path)
    assert client.post(path).status_code == 400
    assert watched.watchers.filter(pk=cast.developer.pk).exists()


def test_a_bent_address_or_a_lost_change_is_not_found(
    client: Client, cast: Cast, watched: Change
) -> None:
    path = stop_path(mail_to(cast.developer.email))
    assert client.get(path[:-4] + "xyz/").status_code == 404
    cast.developer.groups.clear()
    assert client.get(path).status_code == 404


# --- Links live from when they are sent ---------------------------------------------------------


def test_the_time_of_a_link_begins_when_its_mail_is_sent(cast: Cast, settings: Any) -> None:
    with time_machine.travel(MORNING, tick=False) as clock:
        change = stories.in_confirmation(cast)
        clock.shift(timedelta(days=3))
        deliver()
        now = timezone.now()
    asked = change.confirmations.get().links.get()
    assert asked.expires_at == now + timedelta(days=settings.CONFIRMATION_LINK_DAYS)
    assert asked.history.first().history_change_reason == "the mail that carries it was sent"
    for link in AccessLink.objects.all():
        assert link.email.to == [cast.requester.email]
        assert link.expires_at == now + timedelta(days=settings.ACCESS_LINK_DAYS)


def test_a_mail_that_is_out_stays_sent_where_a_migration_widens_its_links(
    cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Plans that are made meanwhile must not outlive the column's other type.
    monkeypatch.setattr(prepared, "_known", WeakKeyDictionary())
    stories.in_confirmation(cast)
    deliver()  # this connection has asked for a mail's links before
    change = stories.in_confirmation(cast)
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        for model in (AccessLink, ConfirmationLink):
            table = model._meta.db_table
            cursor.execute(f"ALTER TABLE {table} ALTER COLUMN sent_to TYPE varchar(300)")
    deliver()
    asked = change.confirmations.get().links.get()
    assert asked.email.status == STATUS.sent
    assert asked.history.first().history_change_reason == "the mail that carries it was sent"


def test_a_question_that_went_out_late_promises_what_its_link_keeps(
    client: Client, cast: Cast, settings: Any, smtp_server: Mailbox
) -> None:
    days = timedelta(days=settings.CONFIRMATION_LINK_DAYS)
    with time_machine.travel(MORNING, tick=False) as clock:
        stories.in_confirmation(cast)
        clock.shift(timedelta(days=4))
        deliver()
        sent_at = timezone.now()
        asked = mail_to(cast.requester.email)
        (mail,) = [one for one in smtp_server.messages if one["Message-ID"] == asked.message_id]
        for part in mail.walk():
            if part.get_content_maintype() == "text":
                words = part.get_payload(decode=True).decode()
                assert "The link works for one answer, for 30 days." in words
                assert "until" not in words, "no date, which would count from before the delay"
        clock.move_to(sent_at + days - timedelta(minutes=1))
        assert client.get(link_in(asked)).status_code == 200
        clock.move_to(sent_at + days)
        assert client.get(link_in(asked)).status_code == 404


def test_a_link_in_use_does_not_hold_up_the_mail(cast: Cast) -> None:
    """``skip_locked`` is what this is about; here the rows are free and one pass sends all."""
    stories.in_confirmation(cast)
    assert dispatch.deliver_due() is False
    assert not Email.objects.exclude(status=STATUS.sent).filter(expires_at=None).exists()
    assert Email.objects.filter(status=STATUS.sent).count() > 5


# --- Where answers and bounces go ---------------------------------------------------------------


def test_with_a_mailbox_that_is_read_answers_and_bounces_go_there(
    cast: Cast, settings: Any, smtp_server: Any
) -> None:
    settings.REPLY_ADDRESS = "changes-in@expansive.example"
    senders: list[str] = []
    take = smtp_server.handle_DATA

    async def handle_DATA(server: Any, session: Any, envelope: Any) -> str:
        senders.append(envelope.mail_from)
        return await take(server, session, envelope)

    smtp_server.handle_DATA = handle_DATA
    stories.submitted(cast)
    deliver()
    assert set(senders) == {"changes-in@expansive.example"}
    for message in smtp_server.messages:
        assert message["Reply-To"] == "changes-in@expansive.example"
        assert message["From"] == settings.DEFAULT_FROM_EMAIL
    assert "becomes a comment on the change" in mail_to(cast.requester.email).message


# --- Notices that are old when they are worded ---------------------------------------------------


def test_a_rollback_right_after_planning_is_recorded(cast: Cast, settings: Any) -> None:
    """The mail of the plan still waits for the burst to end, and is written anew."""
    settings.MAIL_BURST_SECONDS = 120
    change = stories.deployed(cast, outcome="rolled_back")
    assert change.state == "development"
    mails = worded(to=[cast.requester.email])
    assert "Release 4.12" in "".join(mails.values_list("message", flat=True))


def test_a_notice_that_cannot_be_worded_keeps_nothing_else_from_a_summary(
    cast: Cast, monkeypatch: Any, caplog: Any
) -> None:
    pace(cast.requester, "daily")
    with time_machine.travel(MORNING, tick=False) as clock:
        change = stories.in_review(cast)
        say(change, cast.support, "This one is fine.")
        broken = {**messages.MESSAGES, "received": _unworded}
        monkeypatch.setattr(messages, "MESSAGES", broken)
        clock.shift(timedelta(days=1))
        tasks.send_digests()
    assert "This one is fine." in mail_to(cast.requester.email).message
    assert "Could not word" in caplog.text
    assert not Notice.objects.filter(email=None, is_for_digest=True, person=cast.requester).exists()


def _unworded(change: Change, event: Any) -> Any:
    raise AttributeError
