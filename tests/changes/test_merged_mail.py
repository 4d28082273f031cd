"""What a mail that waited says: how things are when it goes out, and nothing that is over."""

from collections.abc import Callable
from datetime import timedelta
from email.header import decode_header, make_header
from typing import Any

import pytest
import time_machine
from django.utils import timezone
from post_office.models import STATUS, Email

from accounts.middleware import zone_of
from accounts.models import User
from changes import dispatch, lifecycle, messages, tasks
from changes.models import AccessLink, Change, Notice
from tests import stories
from tests.mailing import deliver, last_row, mail_to, short, worded
from tests.people import Cast
from tests.smtp import Mailbox

pytestmark = pytest.mark.django_db
BURST = 120


@pytest.fixture(autouse=True)
def burst(settings: Any) -> None:
    settings.MAIL_BURST_SECONDS = BURST


def silent(settings: Any, make: Callable[[Cast], Change], cast: Cast) -> Change:
    """Return a change whose mails so far are sent."""
    settings.MAIL_BURST_SECONDS = 0
    change = make(cast)
    deliver()
    settings.MAIL_BURST_SECONDS = BURST
    return Change.objects.get(pk=change.pk)


def later() -> Any:
    """Be where a burst that began now has ended."""
    return time_machine.travel(timezone.now() + timedelta(seconds=BURST + 1))


def sent_to(box: Mailbox, person: User, since: int) -> list[tuple[str, str]]:
    """Return (subject, text) of what the mail server got for a person after a row."""
    with later():
        deliver()
    rows = Email.objects.filter(pk__gt=since, to=[person.email])
    keys = set(rows.values_list("message_id", flat=True))
    mails = [one for one in box.messages if one["Message-ID"] in keys]
    return [(_subject(one), _text(one)) for one in mails]


def _subject(mail: Any) -> str:
    return short(str(make_header(decode_header(mail["Subject"]))).replace("\n", ""))


def _text(mail: Any) -> str:
    part = next(one for one in mail.walk() if one.get_content_type() == "text/plain")
    return str(part.get_payload(decode=True).decode())


def say(change: Change, actor: User, body: str) -> None:
    lifecycle.comment(change, actor=actor, body=body)


# --- What is first, what is before, what is since ------------------------------------------------


def test_a_need_that_was_met_since_is_neither_subject_nor_first_word(
    cast: Cast, settings: Any, smtp_server: Mailbox
) -> None:
    """Whoever took the step is not told of it; their mail of the need still waits."""
    change = silent(settings, stories.in_confirmation, cast)
    before = last_row()
    lifecycle.answer_confirmation(
        change, actor=cast.requester, confirmed=False, reason="Not on Sundays."
    )
    lifecycle.rework(change, actor=cast.success, reason="Sundays were agreed.")
    ((subject, text),) = sent_to(smtp_server, cast.support, before)
    assert subject == "We are putting it right"
    assert text.index("This happened before") < text.index("Not on Sundays.")
    assert "Rework what was agreed, or close" not in text
    assert sent_to(smtp_server, cast.success, before) == [], "whoever reworks it knows"


def test_what_came_later_does_not_stand_under_before(
    cast: Cast, settings: Any, smtp_server: Mailbox
) -> None:
    change = silent(settings, stories.submitted, cast)
    change.watchers.add(cast.developer)
    before = last_row()
    say(change, cast.support, "First words.")
    lifecycle.assess(change, actor=cast.success, type="configuration", **stories.ASSESSMENT)
    say(change, cast.support, "Last words.")
    ((subject, text),) = sent_to(smtp_server, cast.developer, before)
    assert subject == "Cleo Success assessed the change"
    order = ["assessed the change", "happened since", "Last", "happened before", "First words."]
    assert [text.index(words) for words in order] == sorted(text.index(words) for words in order)


def test_a_rollback_is_named_whatever_came_after_it(
    cast: Cast, settings: Any, smtp_server: Mailbox
) -> None:
    change = silent(settings, stories.in_execution, cast)
    stories.plan(change, cast)
    deliver()
    before = last_row()
    with later():
        deliver()
        lifecycle.start_execution(change, actor=cast.support, reason="Early.")
        lifecycle.record_execution(
            change, actor=cast.support, outcome="rolled_back", notes="Would not open."
        )
        say(change, cast.support, "Sorry.")
        stories.plan(Change.objects.get(pk=change.pk), cast)
    with time_machine.travel(timezone.now() + timedelta(seconds=3 * BURST)):
        mails = sent_to(smtp_server, cast.requester, before)
    subject, text = mails[-1]
    assert subject == "The change was undone. News of your change"
    assert text.index("It is planned when") < text.index("happened before") < text.index("undone")


def test_waiting_for_you_after_a_rollback_names_it(cast: Cast, settings: Any) -> None:
    silent(settings, stories.rolled_back, cast)
    assert short(mail_to(cast.success.email).subject) == (
        "The change was undone. Waiting for you (Plan execution)"
    )


def test_who_is_not_told_of_the_last_move_reads_where_it_stands(
    cast: Cast, settings: Any, smtp_server: Mailbox
) -> None:
    change = silent(settings, stories.in_authorisation, cast)
    change.watchers.add(cast.developer)
    before = last_row()
    lifecycle.authorise(change, actor=cast.approver, outcome="authorised", reason="Internal words.")
    lifecycle.withdraw(change, actor=cast.requester, reason="Done by hand.")
    ((subject, text),) = sent_to(smtp_server, cast.requester, before)
    assert subject == "News of your change"
    assert text.index("The request was withdrawn.") < text.index("happened before")
    assert "The request was approved" in text
    assert "Internal words." not in text, "what is final now is not why it was approved then"


def test_an_old_plan_reads_as_it_was(cast: Cast, settings: Any) -> None:
    change = silent(settings, stories.in_execution, cast)
    stories.plan(change, cast)
    first = Change.objects.get(pk=change.pk).execution.window_start
    lifecycle.plan_execution(
        change,
        actor=cast.success,
        executor=cast.support,
        window_start=first + timedelta(days=3),
        window_end=first + timedelta(days=3, hours=1),
        steps="Do it.",
        rollback_plan="Undo it.",
    )
    text = mail_to(cast.requester.email).message
    days = [f"{(first + timedelta(days=more)).day} " for more in (3, 0)]
    assert "happened before" in text
    head, _sign, tail = text.partition("happened before")
    assert f"From {days[0]}" in head and f"From {days[1]}" in tail


# --- What is not sent ----------------------------------------------------------------------------


def test_waiting_for_you_is_not_sent_once_the_step_was_taken(
    cast: Cast, settings: Any, smtp_server: Mailbox
) -> None:
    before = last_row()
    change = stories.submitted(cast)
    lifecycle.assess(change, actor=cast.success, type="configuration", **stories.ASSESSMENT)
    lifecycle.review(change, actor=cast.success, outcome="endorsed", findings="Harmless.")
    assert sent_to(smtp_server, cast.success, before) == []
    row = mail_to(cast.success.email)
    assert row.expires_at is not None, "the log says so"


def test_a_queue_that_stood_still_sends_no_step_that_was_taken(
    cast: Cast, settings: Any, smtp_server: Mailbox
) -> None:
    settings.MAIL_BURST_SECONDS = 0
    before = last_row()
    stories.in_confirmation(cast)
    subjects = [subject for subject, _text in sent_to(smtp_server, cast.success, before)]
    assert not [one for one in subjects if "Waiting for you" in one]
    told = [subject for subject, _text in sent_to(smtp_server, cast.requester, before)]
    assert {"We have the request", "Please confirm"} <= set(told)


def test_a_question_or_reminder_that_was_answered_is_not_sent(
    cast: Cast, settings: Any, smtp_server: Mailbox
) -> None:
    settings.MAIL_BURST_SECONDS = 0
    change = stories.in_confirmation(cast)
    before = last_row()
    lifecycle.resend_confirmation(change, actor=cast.success)
    lifecycle.answer_confirmation(change, actor=cast.requester, confirmed=True)
    assert sent_to(smtp_server, cast.requester, before) == []


@pytest.mark.parametrize("has_words", [False, True])
@pytest.mark.parametrize("how", ["deactivated", "moved"])
def test_mail_that_waits_for_somebody_who_may_not_read_it_is_not_sent(
    cast: Cast, settings: Any, smtp_server: Mailbox, how: str, has_words: bool
) -> None:
    change = silent(settings, stories.in_review, cast)
    before = last_row()
    say(change, cast.success, "Only for you.")
    if has_words:
        worded()
    if how == "deactivated":
        cast.requester.is_active = False
    else:
        cast.requester.organisation = cast.meridian
    cast.requester.save()
    assert sent_to(smtp_server, cast.requester, before) == []
    kept = mail_to(cast.requester.email)
    if has_words:
        assert "/r/…/" in kept.message, "no link is kept"
    else:
        assert (kept.subject, kept.message, kept.html_message) == ("", "", "")
        assert not AccessLink.objects.filter(email=kept).exists()


# --- Links ---------------------------------------------------------------------------------------


def path_in(text: str) -> str:
    return "/r/" + next(word for word in text.split() if "/r/" in word).partition("/r/")[2]


def test_a_mail_whose_link_was_revoked_goes_out_with_one_that_works(
    client: Any, cast: Cast, settings: Any, smtp_server: Mailbox
) -> None:
    change = silent(settings, stories.in_review, cast)
    before = last_row()
    say(change, cast.success, "Nearly there.")
    dead = path_in(mail_to(cast.requester.email).message)
    lifecycle.revoke_links(change, actor=cast.success, person=cast.requester)
    ((_subject_, text),) = sent_to(smtp_server, cast.requester, before)
    assert "Nearly there." in text
    assert client.get(dead).status_code == 404
    assert client.get(path_in(text)).status_code == 200


def test_a_new_link_that_was_revoked_is_not_sent(
    cast: Cast, settings: Any, smtp_server: Mailbox
) -> None:
    change = silent(settings, stories.in_review, cast)
    before = last_row()
    lifecycle.send_link(change, actor=cast.success, person=cast.requester)
    lifecycle.revoke_links(change, actor=cast.success, person=cast.requester)
    assert sent_to(smtp_server, cast.requester, before) == []


def read_daily(cast: Cast, settings: Any) -> Change:
    """A change of which its requester reads in a daily summary."""
    change = silent(settings, stories.in_review, cast)
    cast.requester.mail_pace = "daily"
    cast.requester.save()
    return change


def test_a_summary_that_waits_with_a_dead_link_is_written_anew(
    cast: Cast, settings: Any, smtp_server: Mailbox
) -> None:
    change = read_daily(cast, settings)
    say(change, cast.success, "Nearly there.")
    with time_machine.travel(timezone.now() + timedelta(days=1)):
        before = last_row()
        tasks.send_digests()
        lifecycle.revoke_links(change, actor=cast.success, person=cast.requester)
        deliver()
        tasks.send_digests()
        mails = sent_to(smtp_server, cast.requester, before)
    ((_subject_, text),) = mails
    assert "Nearly there." in text and AccessLink.objects.latest("pk").revoked_at is None


def test_a_summary_that_was_tried_does_not_go_to_who_may_not_read_it_any_more(
    cast: Cast, settings: Any, smtp_server: Mailbox
) -> None:
    change = read_daily(cast, settings)
    say(change, cast.success, "Nearly there.")
    with time_machine.travel(timezone.now() + timedelta(days=1)):
        before = last_row()
        tasks.send_digests()
        tried = Email.objects.filter(pk__gt=before)
        tried.update(status=STATUS.requeued, number_of_retries=1, scheduled_time=timezone.now())
        assert tried.exists()
        Change.objects.filter(pk=change.pk).update(organisation=cast.meridian)
        assert sent_to(smtp_server, cast.requester, before) == []


def test_a_summary_that_waits_with_words_that_were_corrected_is_written_anew_once(
    cast: Cast, settings: Any, smtp_server: Mailbox
) -> None:
    change = read_daily(cast, settings)
    there = timezone.now().astimezone(zone_of(cast.requester))
    eight = (there + timedelta(days=1)).replace(hour=8, minute=0, second=0)
    before = last_row()
    with time_machine.travel(eight - timedelta(minutes=5)):
        said = lifecycle.comment(change, actor=cast.success, body="It is hunter2.")
    with time_machine.travel(eight + timedelta(minutes=1)):
        tasks.send_digests()
        assert "hunter2" in mail_to(cast.requester.email).message
        lifecycle.correct_comment(said, actor=cast.success, body="Ask me for it.")
    with time_machine.travel(eight + timedelta(minutes=2)):
        deliver()
        tasks.send_digests()
        ((_subject_, text),) = sent_to(smtp_server, cast.requester, before)
    assert "Ask me for it." in text and "hunter2" not in text


# --- A request raised for the wrong customer -----------------------------------------------------


def test_a_request_withdrawn_before_anybody_heard_of_it_reaches_nobody_of_the_customer(
    client: Any, cast: Cast, settings: Any, smtp_server: Mailbox
) -> None:
    before = last_row()
    change = stories.submitted(cast)
    change.watchers.add(cast.colleague)
    say(change, cast.support, "For the night staff.")
    path = path_in(mail_to(cast.requester.email).message)
    lifecycle.withdraw(change, actor=cast.support, reason="Wrong customer.")
    for person in (cast.requester, cast.colleague):
        assert sent_to(smtp_server, person, before) == []
        assert "For the night" not in mail_to(person.email).message or person is cast.colleague
    assert client.get(path).status_code == 404
    assert not AccessLink.objects.filter(revoked_at=None).exists()
    assert sent_to(smtp_server, cast.success, before), "our own people are told"


def test_a_request_withdrawn_after_it_was_told_is_told_as_withdrawn(
    cast: Cast, settings: Any, smtp_server: Mailbox
) -> None:
    change = silent(settings, stories.submitted, cast)
    before = last_row()
    lifecycle.withdraw(change, actor=cast.support, reason="Done by hand.")
    ((subject, _text),) = sent_to(smtp_server, cast.requester, before)
    assert subject == "Withdrawn"


def test_nothing_is_lost_when_a_waiting_mail_cannot_be_settled(
    cast: Cast, settings: Any, smtp_server: Mailbox, monkeypatch: Any
) -> None:
    change = silent(settings, stories.in_review, cast)
    before = last_row()
    say(change, cast.success, "Still here.")

    def fail(email: Email) -> bool:
        raise RuntimeError

    monkeypatch.setattr(dispatch, "SETTLE", [fail])
    assert sent_to(smtp_server, cast.requester, before) == []
    monkeypatch.undo()
    Email.objects.filter(pk__gt=before).update(scheduled_time=None)
    assert len(sent_to(smtp_server, cast.requester, before)) == 1


@pytest.mark.parametrize("internal", [False, True])
def test_what_was_corrected_before_a_mail_goes_is_not_sent_as_it_was(
    cast: Cast, settings: Any, smtp_server: Mailbox, internal: bool
) -> None:
    """Alone in its mail, and as a part of one with several."""
    change = silent(settings, stories.submitted, cast)
    change.watchers.add(cast.developer)
    before = last_row()
    said = lifecycle.comment(change, actor=cast.support, body="It is hunter2.", internal=internal)
    lifecycle.correct_comment(said, actor=cast.support, body="Ask me for it.")
    ((subject, text),) = sent_to(smtp_server, cast.success, before)
    assert subject == ("Internal note by Sam Support" if internal else "Sam Support wrote")
    assert "Ask me for it." in text and "hunter2" not in text
    reader, before = (cast.success if internal else cast.requester), last_row()
    said = lifecycle.comment(change, actor=cast.support, body="It is hunter3.", internal=internal)
    lifecycle.comment(change, actor=cast.support, body="Further words.", internal=internal)
    lifecycle.correct_comment(said, actor=cast.support, body="Call me.")
    ((_subject, text),) = sent_to(smtp_server, reader, before)
    assert "Call me." in text and "Further words." in text and "hunter3" not in text
    before = last_row()
    said = lifecycle.comment(change, actor=cast.support, body="It is hunter4.", internal=internal)
    tried = Email.objects.filter(pk__gt=before)
    tried.update(status=STATUS.requeued, number_of_retries=1, scheduled_time=timezone.now())
    lifecycle.correct_comment(said, actor=cast.support, body="Guess.")
    ((_subject, text),) = sent_to(smtp_server, reader, before)
    assert "Guess." in text and "hunter4" not in text


# --- Who has gone on since -----------------------------------------------------------------------


def test_only_colleagues_know_of_a_rollback_by_having_gone_on(cast: Cast) -> None:
    """A requester who confirms later has taken another step, and may not have heard of it."""
    change = stories.rolled_back(cast)
    event = change.events.get(verb="record_execution")
    change = lifecycle.document(
        stories.executed(change, cast),
        actor=cast.success,
        system="Desk",
        reference="D-1",
        summary="Done.",
    )
    change = lifecycle.answer_confirmation(change, actor=cast.requester, confirmed=True)
    for person, is_told in ((cast.requester, True), (cast.success, False)):
        notice = Notice(change=change, event=event, person=person, message="rolled_back", why="")
        assert (messages.again(notice) is not None) is is_told, person
