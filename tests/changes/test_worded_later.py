"""A mail about a change is decided in the step and gets its words as it goes out."""

from contextlib import suppress
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from post_office.models import STATUS, Email

from changes import dispatch, lifecycle, link_mail, messages, outbox, tasks
from changes.message_words import TOPICS
from changes.models import AccessLink, Change, DeliveryProblem, Notice
from expansive_cm.post.rows import is_worded, take_words_back
from tests import stories
from tests.mailing import deliver, last_row, mail_to, worded
from tests.people import Cast
from tests.remembered import made_anew
from tests.smtp import Mailbox

pytestmark = pytest.mark.django_db
AT_ONCE = {"confirmation"}
"""What carries a link that no row knows, and is worded in the step."""
BURST = 120


def wordless(since: int = 0) -> list[Email]:
    """The mails without words, each of which must look so in every way."""
    mails = list(Email.objects.filter(pk__gt=since).order_by("pk"))
    found = [one for one in mails if not is_worded(one)]
    for one in mails:
        said = (one.subject, one.message, one.html_message)
        assert all(said) if is_worded(one) else not any(said)
    return found


def refuse_to_render(monkeypatch: Any, *, but: set[str] = frozenset()) -> None:
    render = outbox.render

    def rendered(person: Any, message: str, context: Any) -> Any:
        assert message in but, f"{message} was put into words"
        return render(person, message, context)

    monkeypatch.setattr(outbox, "render", rendered)


# --- In the step --------------------------------------------------------------------------------


@pytest.mark.parametrize("burst", [0, BURST])
def test_no_step_renders_a_mail_and_nothing_sends_one_without_words(
    cast: Cast, settings: Any, monkeypatch: Any, smtp_server: Mailbox, burst: int
) -> None:
    settings.MAIL_BURST_SECONDS = burst
    refuse_to_render(monkeypatch, but={*AT_ONCE, "several"} if burst else AT_ONCE)
    with made_anew():
        if burst:
            change = stories.in_development(cast)
            lifecycle.comment(change, actor=cast.success, body="Nearly there.")
        else:
            stories.in_confirmation(cast)
    mails = wordless()
    assert len(mails) > 4
    assert {one.message for one in Notice.objects.exclude(email__in=mails)} <= AT_ONCE
    assert not AccessLink.objects.filter(email__in=mails).exists(), "a link comes with the words"
    assert all(one.message_id and one.headers["References"] for one in mails)
    for one in mails[:2]:
        with pytest.raises(KeyError):
            one.dispatch(commit=False)
    assert smtp_server.messages == []


def test_every_message_has_words_for_who_looks_at_a_mail_without() -> None:
    assert set(TOPICS) >= {*messages.MESSAGES, "confirmation", "reminder", "escalation", "new_link"}


def test_what_waits_for_a_reader_goes_along_with_what_is_asked_of_them(
    cast: Cast, settings: Any
) -> None:
    """A question that is worded at once takes the rest with it, and the mail is due."""
    change = stories.in_documentation(cast)
    deliver()
    settings.MAIL_BURST_SECONDS = BURST
    before = last_row()
    lifecycle.comment(change, actor=cast.success, body="Nearly there.")
    assert wordless(before)
    lifecycle.document(
        change, actor=cast.success, system="Desk", reference="D-1", summary="Logged."
    )
    (mail,) = Email.objects.filter(pk__gt=before, to=cast.requester.email)
    assert is_worded(mail) and mail.scheduled_time is None
    assert "Please confirm" in mail.subject
    assert "Nearly there." in mail.message


def test_more_to_tell_takes_back_the_words_of_a_mail_that_waits(
    client: Client, cast: Cast, settings: Any
) -> None:
    """As the version before has left such mails, worded in the step."""
    change = stories.in_review(cast)
    deliver()
    settings.MAIL_BURST_SECONDS = BURST
    before = last_row()
    lifecycle.comment(change, actor=cast.success, body="First.")
    assert "First." in mail_to(cast.requester.email).message
    link = AccessLink.objects.get(email__pk__gt=before)
    lifecycle.comment(change, actor=cast.success, body="Second.")
    assert [one.to for one in wordless(before)] == [[cast.requester.email], [cast.support.email]]
    mail = mail_to(cast.requester.email)
    assert mail.message.index("First.") < mail.message.index("Second.")
    assert AccessLink.objects.get(email=mail) == link, "the one link, with another token"
    path = next(word for word in mail.message.split() if "/r/" in word).partition("/r/")[2]
    assert client.get(f"/r/{path}").status_code == 200


def test_the_button_that_stops_watching_goes_when_the_reader_is_told_for_more(
    cast: Cast, settings: Any
) -> None:
    change = stories.in_review(cast)
    change.watchers.add(cast.developer)
    settings.MAIL_BURST_SECONDS = BURST
    lifecycle.comment(change, actor=cast.success, body="First.")
    assert "List-Unsubscribe" in mail_to(cast.developer.email).headers
    notice = Notice.objects.filter(person=cast.developer).latest("pk")
    notice.pk, notice.why = None, "you are the owner"
    notice.save()
    lifecycle.comment(change, actor=cast.success, body="Second.")
    mail = mail_to(cast.developer.email)
    assert "List-Unsubscribe" not in mail.headers
    assert "/unwatch/" not in mail.message


# --- As it goes out -----------------------------------------------------------------------------


@pytest.mark.parametrize("end", [OSError("Gone"), SystemExit()], ids=["lost", "killed"])
def test_what_was_tried_keeps_its_words_and_its_links(
    client: Client, cast: Cast, monkeypatch: Any, end: BaseException
) -> None:
    """The mail server may have taken it before the worker, or the connection, was lost."""
    stories.submitted(cast)
    tried: list[str] = []
    send = Email.dispatch

    def dispatch(email: Email, **options: Any) -> None:
        if email.to != [cast.requester.email]:
            return send(email, **options)
        tried.append(email.message)
        raise end

    with monkeypatch.context() as patched, suppress(SystemExit):
        patched.setattr(Email, "dispatch", dispatch)
        deliver()
    (words,) = tried
    assert Email.objects.get(to=cast.requester.email).message == words
    arrived = f"/r/{words.partition('/r/')[2].split()[0]}"
    assert client.get(arrived).status_code == 200
    with time_machine.travel(timezone.now() + timedelta(minutes=2)):
        deliver()
    sent = Email.objects.get(to=cast.requester.email)
    assert sent.status == STATUS.sent
    assert AccessLink.objects.filter(email=sent).count() == 1
    assert client.get(arrived).status_code == 200, "the same link, if both arrive"


def test_a_mail_is_written_anew_once_for_what_is_no_longer_so(
    cast: Cast, settings: Any, monkeypatch: Any
) -> None:
    """Its link works whichever of the attempts arrives."""
    settings.MAIL_BURST_SECONDS = BURST
    change = stories.submitted(cast)
    lifecycle.comment(change, actor=cast.success, body="Hello.")
    note = lifecycle.comment(change, actor=cast.success, body="Between us.", internal=True)
    mail = Email.objects.get(to=cast.requester.email)
    hidden = Notice.objects.filter(event__data__comment=note.pk).first()
    hidden.pk, hidden.person, hidden.email = None, cast.requester, mail
    hidden.save()
    tried: list[str] = []

    def dispatch(email: Email, **options: Any) -> None:
        if email.pk == mail.pk:
            tried.append(email.message)
            raise ValueError if len(tried) == 3 else RuntimeError

    monkeypatch.setattr(Email, "dispatch", dispatch)
    for minutes in (3, 10, 30):
        with time_machine.travel(timezone.now() + timedelta(minutes=minutes)):
            deliver()
    assert len(tried) == 3 and len(set(tried)) == 1
    assert "Between us." not in tried[0] and "Hello." in tried[0]


def unworded(change: Change, event: Any) -> Any:
    raise AttributeError("no such field")


unworded.__name__ = "received"


def test_one_notice_that_cannot_be_worded_keeps_nothing_else_from_its_mail(
    cast: Cast, settings: Any, monkeypatch: Any, caplog: Any
) -> None:
    settings.MAIL_BURST_SECONDS = BURST
    change = stories.submitted(cast)
    lifecycle.comment(change, actor=cast.success, body="Still here.")
    monkeypatch.setitem(messages.MESSAGES, "received", unworded)
    assert "Still here." in mail_to(cast.requester.email).message
    assert "Could not word" in caplog.text


def test_a_mail_that_cannot_be_worded_stops_only_itself_and_is_seen_in_the_end(
    cast: Cast, monkeypatch: Any, caplog: Any, smtp_server: Mailbox
) -> None:
    begun = timezone.now()
    change = stories.submitted(cast)
    with monkeypatch.context() as patched:
        patched.setitem(messages.MESSAGES, "received", unworded)
        deliver()
        stuck = Email.objects.get(to=cast.requester.email)
        assert (stuck.status, is_worded(stuck)) == (STATUS.requeued, False)
        assert Email.objects.get(to=cast.success.email).status == STATUS.sent
        assert "Could not word mail" in caplog.text
        with time_machine.travel(begun + timedelta(days=5, hours=1)):
            tasks.send_queued_mail()
    problem = DeliveryProblem.objects.get()
    assert (problem.change, problem.person, problem.email) == (change, cast.requester, stuck)
    assert "could not be put into words" in problem.reason


def test_our_own_fault_is_not_held_against_an_address(
    client: Client, cast: Cast, monkeypatch: Any
) -> None:
    begun = timezone.now()
    change = stories.submitted(cast)
    monkeypatch.setitem(messages.MESSAGES, "received", unworded)
    with time_machine.travel(begun + timedelta(days=5, hours=1)):
        tasks.send_queued_mail()
    stuck = Email.objects.get(to=cast.requester.email)
    assert DeliveryProblem.objects.get().email == stuck
    cast.requester.refresh_from_db()
    assert (cast.requester.mail_failed_at, cast.requester.mail_failure) == (None, "")
    client.force_login(cast.auditor)
    log = reverse("changes:mail_log", args=[change.pk])
    for address in (f"/mail/?q={change.reference}", f"/mail/{stuck.pk}/", log):
        page = client.get(address).content.decode()
        assert "Could not be worded: the request has arrived" in page
        assert "when it goes out: the request" not in page and "are written when" not in page


def test_what_could_not_be_worded_is_worded_when_it_can(cast: Cast, monkeypatch: Any) -> None:
    stories.submitted(cast)
    with monkeypatch.context() as patched:
        patched.setitem(messages.MESSAGES, "received", unworded)
        deliver()
    with time_machine.travel(timezone.now() + timedelta(minutes=2)):
        deliver()
    mail = mail_to(cast.requester.email)
    assert mail.status == STATUS.sent and "We have the request" in mail.subject


def test_what_joins_a_mail_between_wording_and_sending_goes_along(
    cast: Cast, monkeypatch: Any, smtp_server: Mailbox
) -> None:
    """The mail is free for a moment; whoever began before it was due may find it waiting."""
    stories.submitted(cast)
    mail = Email.objects.get(to=cast.requester.email)
    joined: list[Email] = []

    def join(email: Email) -> bool:
        if email.pk == mail.pk and not joined:
            joined.append(email)
            take_words_back(email, at_least=0)
        return True

    monkeypatch.setattr(dispatch, "SETTLE", [*dispatch.SETTLE, join])
    deliver()
    sent = Email.objects.get(pk=mail.pk)
    assert (sent.status, sent.number_of_retries) == (STATUS.sent, None)
    assert [one["Message-ID"] for one in smtp_server.messages].count(mail.message_id) == 1


def test_two_mails_that_wait_for_the_same_reader_tell_each_its_own(cast: Cast) -> None:
    """What came after the first is said by the second, so the first need not."""
    change = stories.submitted(cast)
    with made_anew():
        lifecycle.assess(change, actor=cast.success, type="configuration", **stories.ASSESSMENT)
    first, second = worded(to=cast.requester.email).order_by("pk")
    assert "We have the request" in first.subject
    assert "News of your change" in second.subject
    assert "happened before" not in first.message


def test_a_question_that_was_answered_or_given_to_another_is_not_sent(cast: Cast) -> None:
    """As the mail server was away when the board asked."""
    change = stories.on_board(cast)
    deliver()
    before = last_row()
    asked = [("How many rooms?", cast.requester), ("Which doors?", cast.developer)]
    stories.decided(change, cast, "information_required", questions=asked)
    question = change.questions.get(answerer=cast.requester)
    lifecycle.answer_question(change, actor=cast.requester, question=question, answer="Forty.")
    deliver()
    mails = Email.objects.filter(pk__gt=before, expires_at=None)
    asked_of_grace = mails.filter(to=cast.requester.email, notices__message="question")
    assert not asked_of_grace.exists()
    assert (
        "Which doors?"
        in mails.get(to=cast.developer.email, subject__contains="has a quest").message
    )


def test_an_answer_goes_to_the_team_that_the_mail_names(cast: Cast, settings: Any) -> None:
    """Also where the customer was put right while the mail waited."""
    change = stories.submitted(cast)
    deliver()
    before = last_row()
    settings.MAIL_BURST_SECONDS = BURST
    lifecycle.comment(change, actor=cast.success, body="Hello.")
    waits = Email.objects.get(pk__gt=before, to=cast.support.email)
    lifecycle.correct_customer(
        change,
        actor=cast.support,
        organisation=cast.meridian,
        requester=cast.stranger_approver,
        reason="Mixed up.",
    )
    mail = worded(pk=waits.pk).get()
    team = cast.meridian.success_team
    assert f"Replies go to: {team.name}" in mail.message
    assert mail.headers == {**waits.headers, "Reply-To": team.email}


def test_nobody_is_told_that_they_own_what_was_given_to_another(cast: Cast, settings: Any) -> None:
    change = stories.in_review(cast)
    deliver()
    before = last_row()
    settings.MAIL_BURST_SECONDS = BURST
    for owner in (cast.support, cast.developer):
        lifecycle.assign(change, actor=cast.success, owner=owner)
    told = worded(pk__gt=before).filter(expires_at=None)
    assert {one.to[0] for one in told if "You are the owner now" in one.subject} == {
        cast.developer.email
    }
    log = Notice.objects.filter(change=change, person=cast.support, message="ownership")
    assert log.get().email.expires_at, "the log still says what came of it"


def test_history_lets_nobody_act_when_their_mail_goes_out(cast: Cast) -> None:
    """Minutes later, or days: they may have left since."""
    change = stories.in_review(cast)
    deliver()
    before = last_row()
    lifecycle.comment(change, actor=cast.success, body="My last day.")
    cast.success.is_active = False
    cast.success.save()
    with time_machine.travel(timezone.now() + timedelta(days=2)):
        deliver()
    link = AccessLink.objects.get(email__pk__gt=before, email__to=cast.requester.email)
    made = link.history.earliest("history_id")
    assert (made.history_user, made.history_change_reason) == (None, "mailed a link to the change")


@pytest.mark.parametrize("way", ["left", "lost the role", "moved to the customer"])
def test_who_is_no_longer_a_colleague_is_asked_nothing(
    cast: Cast, settings: Any, smtp_server: Mailbox, way: str
) -> None:
    """What is worded in the step may wait as well, for days while the mail server is away."""
    change = stories.in_confirmation(cast)
    lifecycle.assign(change, actor=cast.success, owner=cast.developer)
    deliver()
    before = last_row()
    settings.MAIL_BURST_SECONDS = BURST
    lifecycle.comment(change, actor=cast.success, body="Between us.", internal=True)
    link_mail.escalate(Change.objects.get(pk=change.pk).confirmation)
    (mail,) = Email.objects.filter(pk__gt=before, to=cast.developer.email)
    assert "Between us." in mail.message
    if way == "left":
        cast.developer.is_active = False
    elif way == "lost the role":
        cast.developer.groups.clear()
    else:
        cast.developer.organisation = change.organisation
    cast.developer.save()
    with time_machine.travel(timezone.now() + timedelta(minutes=3)):
        deliver()
    assert Email.objects.get(pk=mail.pk).expires_at is not None
    assert mail.message_id not in [one["Message-ID"] for one in smtp_server.messages]


# --- Where it is looked at meanwhile ------------------------------------------------------------


def test_pages_say_what_a_mail_without_words_will_tell(
    client: Client, cast: Cast, settings: Any, monkeypatch: Any
) -> None:
    settings.MAIL_BURST_SECONDS = BURST
    change = stories.submitted(cast)
    lifecycle.comment(change, actor=cast.success, body="A secret of theirs.")
    refuse_to_render(monkeypatch)
    client.force_login(cast.auditor)
    tells = "To be worded when it goes out: the request has arrived, somebody wrote"
    heading = f"[{change.reference}] {tells}"
    log = client.get(reverse("changes:mail_log", args=[change.pk])).content.decode()
    listed = client.get(f"/mail/?q={change.reference}").content.decode()
    titled = client.get("/mail/", {"q": change.title[4:].upper()}).content.decode()
    mail = Email.objects.get(to=cast.requester.email)
    page = client.get(f"/mail/{mail.pk}/").content.decode()
    assert heading not in client.get("/mail/", {"q": "no such title"}).content.decode()
    for seen in (log, listed, titled, page):
        assert heading in seen
        assert "A secret of theirs." not in seen
    assert "“you asked for this change”" in log and "“you asked for this change”" in page
    assert client.get(f"/mail/{mail.pk}/body/").content == b""
    assert (
        mail.message_id.strip("<>") in client.get(f"/mail/{mail.pk}/?part=headers").content.decode()
    )


def test_a_mail_that_was_dropped_before_it_had_words_says_so(client: Client, cast: Cast) -> None:
    change = stories.submitted(cast)
    lifecycle.withdraw(change, actor=cast.support, reason="Done by hand.")
    deliver()
    client.force_login(cast.auditor)
    log = client.get(reverse("changes:mail_log", args=[change.pk])).content.decode()
    assert "Never worded: the request has arrived" in log
    assert "by then there was nothing left to tell them" in log
    dropped = Email.objects.filter(to=cast.requester.email).first()
    assert not is_worded(dropped)
    assert "It was not sent" in client.get(f"/mail/{dropped.pk}/").content.decode()


def test_the_list_costs_the_same_whatever_has_no_words(
    client: Client, cast: Cast, django_assert_num_queries: Any
) -> None:
    for _time in range(2):
        stories.submitted(cast)
        with django_assert_num_queries(2):
            client.get("/mail/")
