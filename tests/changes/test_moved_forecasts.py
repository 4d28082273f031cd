"""Who counts on a promised change is told once when its day moves; nobody where it does not.

10 s of processor time.
"""

import re
from datetime import date, timedelta

import pytest
import time_machine
from django.test import Client
from django.utils import timezone
from post_office.models import STATUS, Email

from accounts.models import User
from changes import digest, lifecycle, plain, reminders, tasks
from changes.models import Change, Event, Notice, Release, UntoldMove
from changes.moved_forecasts import MOVED
from changes.settling import settle
from tests import stories
from tests.mailing import last_row, worded
from tests.people import Cast

pytestmark = pytest.mark.django_db
WHY, TOLD = "Otters ate the cable of the lab.", "A part of it has to be finished first."


def ahead(days: int) -> date:
    return timezone.localdate() + timedelta(days=days)


def written(day: date | None) -> str:
    """As a mail writes it: with its year where that is not this one."""
    assert day is not None
    return f"{day:%-d %B}" + (f" {day.year}" if day.year != ahead(0).year else "")


def slip(cast: Cast, days: int, release: Release | None = None) -> Release:
    """Move a release to so many days from now."""
    fresh = Release.objects.get(pk=(release or stories.release()).pk)
    return lifecycle.change_release(
        fresh,
        actor=cast.release_manager,
        name=fresh.name,
        planned_on=ahead(days),
        freeze_on=fresh.freeze_on,
        reason=WHY,
    )


def told_after(since: int) -> dict[str, list[Email]]:
    """Gather what moved, and return the mails after a row that go out, by their readers."""
    tasks.tell_of_forecasts()
    found: dict[str, list[Email]] = {}
    for email in worded(pk__gt=since).filter(expires_at=None).order_by("pk"):
        found.setdefault(email.to[0], []).append(email)
    return found


def planned(cast: Cast, owner: User | None = None) -> Change:
    change = stories.deployment_planned(stories.in_deployment(cast), cast)
    lifecycle.assign(change, actor=cast.success, owner=owner or cast.success)
    return Change.objects.get(pk=change.pk)


def sent(since: int) -> None:
    """Say that what was written after a row has gone out."""
    worded(pk__gt=since).filter(expires_at=None).update(status=STATUS.sent)


def test_requester_and_owner_read_once_that_the_day_moved(cast: Cast) -> None:
    change = planned(cast)
    since, first = last_row(), stories.release().planned_on
    slip(cast, 20)
    slip(cast, 30)
    mails = told_after(since)
    assert mails.keys() == {cast.requester.email, cast.success.email}
    (theirs,), (ours,) = mails[cast.requester.email], mails[cast.success.email]
    for body in (theirs.message, theirs.html_message):
        assert written(first) in body and written(ahead(30)) in body, "what it was, and is"
        assert written(ahead(20)) not in body and WHY not in body
        assert "After that we ask you" in body, "in the words of their page"
    assert WHY in ours.message and written(ahead(30)) in ours.message
    assert theirs.headers["X-Change-Request"] == change.reference, "a part of its thread"
    (event,) = Event.objects.filter(change=change, verb="forecast_moved")
    assert WHY in event.reason and not event.is_internal
    said = [one.text for one in plain.happened(change_now(change))]
    assert f"It is now planned for {ahead(30):%-d %B %Y}." in said
    assert told_after(last_row()) == {} and not UntoldMove.objects.exists()


def change_now(change: Change) -> Change:
    return Change.objects.get(pk=change.pk)


def test_nobody_is_told_of_what_is_as_it_was(cast: Cast) -> None:
    change, since, first = planned(cast), last_row(), stories.release().planned_on
    slip(cast, 30)
    slip(cast, (first - timezone.localdate()).days)
    assert told_after(since) == {}, "moved back before anybody was told"
    slip(cast, 30)
    tasks.tell_of_forecasts()
    slip(cast, 14)
    assert told_after(since) == {}, "moved back before the mail went"
    slip(cast, 30)
    sent_before = told_after(since)
    sent(since)
    since = last_row()
    slip(cast, 14)
    again = told_after(since)
    assert again.keys() == sent_before.keys() and written(ahead(30)) in str(
        again[cast.requester.email][0].message
    ), "what was told is taken back"
    since = last_row()
    slip(cast, 40)
    other = Release.objects.create(name="9.9", planned_on=ahead(50))
    lifecycle.plan_deployment(
        change_now(change), actor=cast.release_manager, release=other, rollback_plan="Back."
    )
    tasks.tell_of_forecasts()
    assert not Notice.objects.filter(email__pk__gt=since, message="forecast_moved").exists(), (
        "the plan has told it"
    )
    slip(cast, 70, other)
    tasks.tell_of_forecasts()
    third = Release.objects.create(name="9.8", planned_on=ahead(80))
    lifecycle.plan_deployment(
        change_now(change), actor=cast.release_manager, release=third, rollback_plan="Back."
    )
    assert not any("has moved" in one.subject for one in told_after(since)[cast.requester.email])
    since = last_row()
    slip(cast, 50, third)
    assert written(ahead(80)) in told_after(since)[cast.requester.email][0].message, (
        "they know it from the plan, whatever was not told before that"
    )
    lifecycle.withdraw(change_now(change), actor=cast.requester, reason="No longer.")
    slip(cast, 60, third)
    since = last_row()
    assert told_after(since) == {}


def test_a_day_that_was_read_in_the_app_and_is_as_before_is_told(cast: Cast) -> None:
    change, since, first = planned(cast), last_row(), stories.release().planned_on
    slip(cast, 30)
    tasks.tell_of_forecasts()
    Notice.objects.filter(message=MOVED).update(read_at=timezone.now())
    assert told_after(since) == {}, "they have read it"
    since = last_row()
    slip(cast, (first - timezone.localdate()).days)
    mails = told_after(since)
    assert mails.keys() == {cast.requester.email, cast.success.email}
    (theirs,) = mails[cast.requester.email]
    assert written(ahead(30)) in theirs.message and written(first) in theirs.message
    assert change.reference in theirs.subject


def test_what_no_customer_read_of_is_for_colleagues(cast: Cast) -> None:
    change = stories.in_requirements(cast)
    release = Release.objects.create(name="9.1", planned_on=ahead(30))
    lifecycle.assign_release(change, actor=cast.release_manager, release=release)
    since = last_row()
    slip(cast, 60, release)
    assert cast.success.email in (mails := told_after(since)), "no owner: the team"
    assert cast.requester.email not in mails
    assert not [one for one in plain.happened(change_now(change)) if "planned" in one.text]
    sent(since)
    since = last_row()
    slip(cast, 500, release)
    (theirs,) = told_after(since)[cast.requester.email]
    assert change.due_on is not None
    promised = f"{change.due_on:%-d %B %Y}"
    assert f"We promised it by {promised}. It is now planned for" in theirs.message
    sent(since)
    since = last_row()
    lifecycle.cancel_release(
        Release.objects.get(pk=release.pk), actor=cast.release_manager, reason=WHY
    )
    (theirs,) = told_after(since)[cast.requester.email]
    assert f"We promise it by {promised}." in theirs.message
    assert f"planned for {written(ahead(500))}, and that has moved" in theirs.message


def test_who_asked_hears_once_that_a_change_is_put_into_a_release_that_is_late(
    cast: Cast,
) -> None:
    """Only where their page says so; who looks after it has read of a plan that is too late."""
    change = lifecycle.assign(stories.in_development(cast), actor=cast.success, owner=cast.success)
    assert change.due_on is not None
    days = [(change.due_on + timedelta(days=n) - timezone.localdate()).days for n in (-9, 70, 90)]
    soon, late, later = (Release.objects.create(name=f"9.{n}", planned_on=ahead(n)) for n in days)

    def put_into(release: Release | None, actor: User = cast.release_manager) -> None:
        reasons = {"reason": WHY, "told": TOLD}
        lifecycle.assign_release(change_now(change), actor=actor, release=release, **reasons)

    def moved(since: int) -> dict[str, list[str]]:
        """The mails of a day that has moved, by their readers."""
        found = {
            who: [one.message for one in mails if "The day has moved" in one.subject]
            for who, mails in told_after(since).items()
        }
        sent(since)
        return {who: mails for who, mails in found.items() if mails}

    since = last_row()
    put_into(soon)
    assert moved(since) == {}, "no customer reads of it"
    put_into(late)
    put_into(soon)
    assert moved(since) == {}, "put back before anybody was told"
    since = last_row()
    put_into(late)
    put_into(later)
    ((who, (theirs,)),) = moved(since).items()
    assert who == cast.requester.email
    assert f"It is now planned for {ahead(days[2]):%-d %B %Y}." in theirs and TOLD in theirs
    assert f" {written(late.planned_on)}" not in theirs and WHY not in theirs
    said = [str(one.text) for one in plain.happened(change_now(change))]
    assert f"It is now planned for {ahead(days[2]):%-d %B %Y}." in said
    assert moved(last_row()) == {}
    since = last_row()
    slip(cast, days[2] + 9, later)
    assert moved(since).keys() == {cast.requester.email, cast.success.email}
    slip(cast, days[2], later)
    assert moved(since).keys() == {cast.requester.email, cast.success.email}, "as they knew more"
    since = last_row()
    put_into(None)
    mails = moved(since)
    assert f"It was planned for {ahead(days[2]):%-d %B %Y}, and that has" in mails[who][0]
    assert mails.keys() == {cast.requester.email, cast.success.email}
    assert f"We promise it by {change.due_on:%-d %B %Y}." in mails[who][0]
    User.objects.filter(pk=cast.requester.pk).update(mail_pace=User.MailPace.DAILY)
    since = last_row()
    put_into(late)
    assert moved(since) == {}
    assert Notice.objects.filter(person=cast.requester, email=None, message=MOVED).exists()


def test_the_day_promised_by_a_release_does_not_move_silently(cast: Cast) -> None:
    releases = [Release.objects.create(name=f"7.{n}", planned_on=ahead(30 + n)) for n in range(3)]
    stories.decided(stories.on_board(cast), cast, "accepted_as_priority")
    since = last_row()
    slip(cast, 60, releases[2])
    (theirs,) = told_after(since)[cast.requester.email]
    assert f"We promised it by {written(ahead(32))}. It is now planned for" in theirs.message
    assert written(ahead(60)) in theirs.message


def test_several_changes_of_one_reader_are_one_mail(cast: Cast, client: Client) -> None:
    changes = [planned(cast) for _number in range(3)]
    User.objects.filter(pk=cast.requester.pk).update(password="!")
    User.objects.filter(pk=cast.success.pk).update(mail_pace=User.MailPace.DAILY)
    since = last_row()
    slip(cast, 30)
    tasks.tell_of_forecasts()
    lifecycle.withdraw(change_now(changes[2]), actor=cast.requester, reason="No longer.")
    mails = told_after(since)
    lists = [one for one in mails[cast.requester.email] if "has moved: 2 changes" in one.subject]
    (theirs,) = lists
    for change in changes[:2]:
        assert change.reference in theirs.message and change.reference in theirs.html_message
    assert changes[2].reference not in theirs.message, "what is over is dropped as it goes out"
    assert theirs.message.count(written(ahead(30))) >= 2
    links = re.findall(r"/r/[^/\s]+/", theirs.message)
    assert [client.get(one).status_code for one in links] == [200, 200]
    assert [one for one in mails.get(cast.success.email, ()) if "has moved" in one.subject] == []
    Notice.objects.filter(person=cast.success, email=None).update(
        created_at=timezone.now() - timedelta(days=2)
    )
    assert digest.send(cast.success.pk)
    summary = Email.objects.latest("pk")
    assert summary.to == [cast.success.email] and WHY in summary.message


def test_whoever_moved_it_left_or_gave_it_up_is_not_told(cast: Cast) -> None:
    change = planned(cast, owner=cast.release_manager)
    since = last_row()
    slip(cast, 30)
    assert told_after(since).keys() == {cast.requester.email}, "it was the owner's own act"
    sent(since)
    lifecycle.assign(change_now(change), actor=cast.success, owner=cast.success)
    since = last_row()
    slip(cast, 40)
    tasks.tell_of_forecasts()
    lifecycle.assign(change_now(change), actor=cast.success, owner=cast.developer)
    User.objects.filter(pk=cast.requester.pk).update(is_active=False)
    left = {
        email
        for email, mails in told_after(since).items()
        if any("has moved" in one.subject for one in mails)
    }
    assert left == set(), "neither who left nor who looks after it no more"


def test_what_went_on_while_it_waited_is_told_once_it_is_so_again(cast: Cast) -> None:
    change = planned(cast)
    since, first = last_row(), stories.release().planned_on
    slip(cast, 30)
    tasks.tell_of_forecasts()
    slip(cast, 40)
    worded(pk__gt=since)  # sending it now would be false
    slip(cast, 30)
    mails = told_after(since)
    assert mails.keys() == {cast.requester.email, cast.success.email}
    (theirs,) = mails[cast.requester.email]
    assert written(first) in theirs.message and written(ahead(30)) in theirs.message
    sent(since)
    slip(cast, 40)
    slip(cast, 30)
    assert told_after(last_row()) == {}, "they know it"
    assert Event.objects.filter(change=change, verb="forecast_moved").count() == 1


def test_a_long_list_is_told_at_once_and_names_nothing_that_is_no_longer_theirs(
    cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(digest, "LONGEST", 2)
    changes = [planned(cast) for _number in range(3)]
    since = last_row()
    slip(cast, 30)
    for pk in reminders.untold_moves():
        lifecycle.tell_of_forecast(pk)
    with time_machine.travel(timezone.now() + timedelta(days=1)):
        assert digest.due(timezone.now()) == [], "a worker killed here sends nobody a summary"
    mails = told_after(since)[cast.requester.email]
    several, _one = mails
    for change in changes:
        assert any(change.reference in mail.message for mail in mails), "not an hour later"
    Email.objects.filter(pk=several.pk).update(number_of_retries=1)
    Change.objects.filter(pk=changes[0].pk).update(organisation=cast.meridian)
    assert settle(Email.objects.get(pk=several.pk))
    again = Email.objects.get(pk=several.pk)
    assert changes[1].reference in again.message
    for words in (again.message, again.html_message):
        assert changes[0].reference not in words, "another customer's by now, tried or not"


def test_what_moves_meanwhile_or_takes_the_place_of_what_was_cancelled_is_told(
    cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    releases = [Release.objects.create(name=f"7.{n}", planned_on=ahead(30 + n)) for n in range(3)]
    stories.decided(stories.on_board(cast), cast, "accepted_as_priority")
    slip(cast, 60, releases[2])
    since, settle_promise = last_row(), lifecycle.settle_promise

    def meanwhile(key: int) -> bool:
        settled = settle_promise(key)
        slip(cast, 70, releases[2])
        return settled

    with monkeypatch.context() as patched:
        patched.setattr("changes.lifecycle.forecasts.settle_promise", meanwhile)
        (theirs,) = told_after(since)[cast.requester.email]
    assert f"It is now planned for {written(ahead(70))}." in theirs.message
    sent(since)
    gone = Release.objects.get(pk=releases[2].pk)
    lifecycle.cancel_release(gone, actor=cast.release_manager, reason=WHY)
    since = last_row()
    told_after(since)
    sent(since)
    Release.objects.create(name="7.7", planned_on=ahead(90))
    tasks.settle_promises()
    since = last_row()
    (theirs,) = told_after(since)[cast.requester.email]
    assert f"It is now planned for {written(ahead(90))}." in theirs.message


def test_the_release_promised_is_not_blamed_for_the_day_of_another(cast: Cast) -> None:
    releases = [Release.objects.create(name=f"7.{n}", planned_on=ahead(30 + n)) for n in range(3)]
    change = stories.decided(stories.on_board(cast), cast, "accepted_as_priority")
    slip(cast, 20, releases[2])
    lifecycle.assign_release(change, actor=cast.release_manager, release=releases[0])
    tasks.tell_of_forecasts()
    said = Event.objects.get(change=change, verb="forecast_moved").reason
    assert said.startswith("Forecast:") and WHY not in said


def test_no_release_is_blamed_for_the_day_of_another(cast: Cast) -> None:
    change = stories.in_requirements(cast)
    left, joined = (Release.objects.create(name=f"9.{n}", planned_on=ahead(n)) for n in (30, 90))
    lifecycle.assign_release(change, actor=cast.release_manager, release=left)
    since = last_row()
    slip(cast, 60, left)
    lifecycle.assign_release(change_now(change), actor=cast.release_manager, release=joined)
    (mail,) = told_after(since)[cast.success.email]
    event = Event.objects.get(change=change, verb="forecast_moved")
    for words in (mail.message, mail.html_message, event.reason):
        assert WHY not in words and "Release 9.30" not in words
    assert f"{ahead(90):%-d %B %Y}, it was {ahead(30):%-d %B %Y}" in mail.message
    slip(cast, 120, joined)
    for pk in reminders.untold_moves():
        lifecycle.tell_of_forecast(pk)
    User.objects.filter(pk=cast.success.pk).update(mail_pace=User.MailPace.NEEDED)
    assert cast.success.email not in told_after(last_row()), "only what needs them, since then"
