"""What a person chose to be told of, and how: one rule for notifications and mail.

Costs 3 s.
"""

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from post_office.models import STATUS

from accounts.models import User
from changes import audiences, forecast_mail, inbox, lifecycle, messages, news
from changes.models import Change, Notice
from changes.news import Way
from changes.wording import IMMEDIATE, NEEDED
from tests import stories
from tests.mailing import last_row, mail_to, worded
from tests.people import Cast

pytestmark = pytest.mark.django_db
PAGE = "/notifications/choices/"


@pytest.fixture
def change(cast: Cast) -> Change:
    return stories.in_review(cast)


def choose(person: User, **ways: Way) -> User:
    """Let a person choose ways for kinds; what they chose before ends."""
    news.choose(person, ways)
    person.save()
    return person


def reached(person: User, change: Change, since: int) -> tuple[bool, bool]:
    """Whether the newest of a change is in a person's notifications, and in their mail."""
    latest = change.events.latest("pk")
    in_app = inbox.of(person).filter(event=latest).exists()
    mails = worded(pk__gt=since, to=[person.email]).filter(expires_at=None)
    return in_app, mails.exists()


def test_every_message_is_of_one_kind_and_what_needs_somebody_is_never_off() -> None:
    table = [message for kind in news.KINDS for message in kind.messages]
    assert len(table) == len(set(table))
    assert set(table) == {*messages.MESSAGES, *IMMEDIATE}
    needed = {m for kind in news.KINDS if not kind.is_optional for m in kind.messages}
    assert needed == NEEDED, "what comes to who wants only what needs them cannot be switched off"
    for kind in news.KINDS:
        assert bool(kind.reason) != kind.is_optional, f"{kind.name}: why it cannot be switched off"
    for message in NEEDED:
        assert news.way_of(User(mail_pace="needed"), message, "") is Way.BOTH
    person = User(mail_pace="at_once")
    person.set_password("Some words of their own")
    news.choose(person, {"comment": Way.NONE})
    person.mail_pace = "needed"
    assert not news.choose(person, {"comment": Way.NONE, "dates": Way.NONE})
    person.mail_pace = "at_once"
    assert news.way_for(person, news.COMMENT) is Way.NONE, "chosen once, whatever came after"
    assert news.way_for(person, news.DATES) is Way.BOTH, "not chosen"
    longest = " ".join(f"{kind.name}:both" for kind in news.KINDS)
    assert len(longest) <= (User._meta.get_field("news").max_length or 0)


@pytest.mark.parametrize("pace", ["at_once", "needed"])
def test_notifications_and_mail_follow_the_same_choice(
    cast: Cast, change: Change, pace: str
) -> None:
    worded()
    User.objects.filter(pk=cast.success.pk).update(mail_pace=pace)
    lifecycle.assign(change, actor=cast.support, owner=User.objects.get(pk=cast.success.pk))
    worded().update(status=STATUS.sent)  # what waits is joined: here each has a mail of its own
    for way in Way:
        choose(User.objects.get(pk=cast.success.pk), comment=way)
        since = last_row()
        lifecycle.comment(
            Change.objects.get(pk=change.pk), actor=cast.requester, body=f"Meter {way}"
        )
        assert reached(cast.success, change, since) == (way.is_in_app, way.is_mailed), way
        worded().update(status=STATUS.sent)
    is_told = pace == "at_once"
    choose(User.objects.get(pk=cast.success.pk))
    since = last_row()
    lifecycle.comment(Change.objects.get(pk=change.pk), actor=cast.requester, body="Once more")
    assert reached(cast.success, change, since) == (is_told, is_told), "as their mail is"


def test_a_mention_reaches_who_switched_comments_off_and_watching_is_a_kind_of_its_own(
    cast: Cast, change: Change
) -> None:
    choose(cast.tester, comment=Way.NONE, watched=Way.APP)
    lifecycle.watch(change, actor=cast.tester)
    since = last_row()
    lifecycle.comment(change, actor=cast.support, body="Who knows?")
    assert reached(cast.tester, change, since) == (True, False)
    lifecycle.comment(change, actor=cast.support, body="Who knows, @Tess Tester?")
    assert reached(cast.tester, change, since) == (True, True)


def test_who_owns_what_they_raised_or_watch_hears_of_it_as_its_owner(
    cast: Cast, change: Change
) -> None:
    """What they merely watch, or raised for others, is another kind: it silences nothing else."""
    Change.objects.filter(pk=change.pk).update(raised_by=cast.success, owner=cast.success)
    choose(cast.success, watched=Way.NONE)
    since = last_row()
    lifecycle.comment(Change.objects.get(pk=change.pk), actor=cast.requester, body="Which day?")
    assert reached(cast.success, change, since) == (True, True)
    Change.objects.filter(pk=change.pk).update(raised_by=cast.support, owner=None)
    lifecycle.watch(Change.objects.get(pk=change.pk), actor=cast.success)
    worded().update(status=STATUS.sent)
    since = last_row()
    lifecycle.withdraw(Change.objects.get(pk=change.pk), actor=cast.requester, reason="Enough.")
    assert reached(cast.success, change, since) == (True, True), "their team looks after it"


def test_ones_own_request_is_not_one_raised_for_somebody_else(cast: Cast, change: Change) -> None:
    change.raised_by = change.requester
    assert [why for _person, why in audiences.whom((audiences.RAISER,), change)] == [
        audiences.REQUESTER.why
    ]


def test_a_choice_counts_only_for_who_can_read_the_app(cast: Cast, change: Change) -> None:
    choose(cast.requester, progress=Way.APP, comment=Way.NONE)
    cast.requester.set_unusable_password()
    cast.requester.save()
    since = last_row()
    lifecycle.comment(change, actor=cast.support, body="Which meter?")
    assert reached(cast.requester, change, since)[1]


def test_dates_that_moved_are_gathered_for_who_chose_them(cast: Cast, change: Change) -> None:
    User.objects.filter(pk=cast.success.pk).update(mail_pace="needed")
    Notice.objects.create(
        person=cast.success, change=change, message="forecast_moved", is_for_digest=True
    )
    assert cast.success.pk not in forecast_mail.to_gather()
    choose(User.objects.get(pk=cast.success.pk), dates=Way.MAIL)
    assert cast.success.pk in forecast_mail.to_gather()


def test_the_page_keeps_what_is_chosen_with_its_history(client: Client, cast: Cast) -> None:
    assert client.get(PAGE)["Location"].startswith("/account/login/")
    for person in (cast.requester, cast.approver, cast.success):
        client.force_login(person)
        page = client.get(PAGE).content.decode()
        assert "Always in the app and by mail" in page and str(news.ASKED.reason) in page
        for kind in news.CHOSEN:
            assert f'name="{kind.name}"' in page and str(kind.label) in page
            assert kind.is_optional or str(kind.reason) in page.replace("&#x27;", "'")
    everything = {kind.name: "both" for kind in news.CHOSEN}
    before = cast.success.history.count()
    assert client.post(PAGE, everything).status_code == 302
    assert cast.success.history.count() == before, "nothing was chosen"
    page = client.post(PAGE, {**everything, "comment": "app"}, follow=True).content.decode()
    assert "Your choices are saved." in page
    assert '<option value="app" selected>' in page
    (row, *_earlier) = cast.success.history.all()
    assert cast.success.history.count() == before + 1 and row.history_user == cast.success
    assert row.history_change_reason == "Own choice of what they are told"
    client.force_login(cast.auditor)
    told = client.get("/history/", {"person": cast.success.pk}).content.decode()
    assert "Comments and files: In the app alone" in told


@pytest.mark.parametrize("sent", [{"turn": "none"}, {"mention": "loud"}, {"turn": ""}])
def test_what_may_not_be_chosen_is_said_beside_its_field(
    client: Client, cast: Cast, sent: dict[str, Any]
) -> None:
    client.force_login(cast.success)
    everything = {kind.name: "both" for kind in news.CHOSEN}
    answer = client.post(PAGE, {**everything, "comment": "none", **sent})
    assert answer.status_code == 400
    assert f'id="id_{next(iter(sent))}_error"' in answer.content.decode()
    client.post(PAGE, {**everything, "asked": "none"})
    assert User.objects.get(pk=cast.success.pk).news == "", "what is fixed is not asked"


def test_profile_notifications_and_each_mail_lead_there(
    client: Client, cast: Cast, change: Change
) -> None:
    lifecycle.comment(change, actor=cast.requester, body="Which meter?")
    mail = mail_to(cast.success.email)
    assert PAGE in mail.message and PAGE in mail.html_message
    client.force_login(cast.success)
    for name in ("accounts:profile", "changes:notifications"):
        assert PAGE in client.get(reverse(name)).content.decode()
    cast.requester.set_unusable_password()
    cast.requester.save()
    lifecycle.comment(change, actor=cast.support, body="The left one.")
    assert PAGE not in mail_to(cast.requester.email).message
