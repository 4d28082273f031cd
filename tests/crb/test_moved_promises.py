"""A promise that is moved, or planned beyond: who leads the board is told, or moves it.

6 s of processor time.
"""

from datetime import date, timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from changes import lifecycle as change_lifecycle
from changes import plain
from changes.models import Change, Promise, Release
from changes.promises import Standing, moves_of, promised_of
from crb import lifecycle
from crb.models import AgendaItem, BoardEvent, BoardOutcome
from crb.overtime import figures
from crb.promised import board_of, led_by
from expansive_cm.workflow.errors import StepError, StepIllegal, StepIncomplete
from tests import stories
from tests.crb.conftest import Table, new_board, seat
from tests.crb.test_correct_decision import again, decided, fresh
from tests.mailing import last_row, mail_to, told, worded

pytestmark = pytest.mark.django_db
WHY = "Otters ate the cable of the lab."


def late_release(days: int = 500) -> Release:
    planned = timezone.localdate() + timedelta(days=days)
    return Release.objects.create(name=f"late {days}", planned_on=planned)


def test_the_chair_of_today_is_told_of_what_is_planned_beyond(table: Table) -> None:
    change = Change.objects.get(pk=decided(table, "accepted").change_id)
    manager, since = table.cast.release_manager, last_row()
    assert (board_of(change), led_by(change)) == (table.board, [table.chair])
    chosen = {"actor": manager, "reason": WHY}
    change = change_lifecycle.assign_release(change, release=late_release(), **chosen)
    mail = mail_to(table.chair.email)
    assert mail.pk > since and WHY in mail.message and "you lead the board" in mail.message
    assert not worded(pk__gt=since, to=table.deputy.email).exists()
    since = last_row()
    change = change_lifecycle.assign_release(change, release=late_release(501), **chosen)
    table.board.memberships.filter(user=table.chair).update(is_chair=False)
    assert led_by(change) == [table.deputy], "who stands in"
    sent = worded(pk__gt=since, to=table.chair.email).exclude(expires_at__isnull=False)
    assert not sent.exists(), "who no longer leads it"


MOVED = "The supplier delivers its part a season later."


def day(when: date | None) -> str:
    assert when is not None
    return f"{when:%-d %B %Y}"


def send(client: Client, item: AgendaItem, **fields: object) -> int:
    change = Change.objects.get(pk=item.change_id)
    sent = {"seen": change.version, "reason": MOVED, **fields}
    return client.post(reverse("crb:replan_promise", args=[item.pk]), sent).status_code


def test_the_chair_moves_a_promise_and_every_day_promised_stays_readable(table: Table) -> None:
    item, client = decided(table, "accepted"), Client()
    change, cast, since = Change.objects.get(pk=item.change_id), table.cast, last_row()
    change_lifecycle.assign(change, actor=cast.success, owner=cast.success)
    first, address = change.due_on, reverse("crb:replan_promise", args=[item.pk])
    assert first is not None
    later = first + timedelta(days=90)
    client.force_login(table.chair)
    assert address in client.get(change.get_absolute_url()).content.decode()
    form = client.get(address).content.decode()
    assert f"It is promised by {day(first)}." in form
    today, release = table.board.today, late_release(600)
    out = Release.objects.create(
        name="out", planned_on=later, released_at=timezone.now() - timedelta(days=1)
    )
    for wrong in (
        {"due_on": today.isoformat()},
        {"due_on": (today - timedelta(days=3)).isoformat()},
        {"due_on": "9999-12-31"},
        {"due_on": "tomorrow"},
        {"due_on": first.isoformat()},
        {"due_on": ""},
        {"due_on": later.isoformat(), "release": release.pk},
        {"due_on": later.isoformat(), "reason": " "},
        {"due_on": later.isoformat(), "reason": "x" * 2001},
        {"release": out.pk},
        {"release": "9" * 30},
    ):
        assert send(client, item, **wrong) == 400, wrong
    assert send(client, item, due_on=later.isoformat(), seen=1) == 409
    assert not BoardEvent.objects.filter(verb="replan_promise").exists()
    assert send(client, item, due_on=later.isoformat()) == 302
    change = Change.objects.get(pk=change.pk)
    assert (change.promise, change.due_on, change.first_due_on) == ("replanned", later, first)
    assert change.history.first().history_user == table.chair
    for person in (cast.requester, cast.success):
        mail = mail_to(person.email)
        assert mail.pk > since and "promises another day" in mail.subject
        assert all(words in mail.message for words in (day(first), day(later), MOVED))
    assert not worded(pk__gt=since, to=table.chair.email).exists()
    assert str(plain.happened(change)[0].text) == f"The board promised it anew: by {day(later)}."
    status = plain.status_of(change, cast.requester).promise
    assert "We promise it by " in status and "At first it was promised by " in status
    lifecycle.replan_promise(
        fresh(item), actor=table.deputy, reason="With the next big one.", release=release
    )
    change = Change.objects.get(pk=change.pk)
    assert (change.due_on, change.first_due_on) == (release.planned_on, first)
    # Where the release slips, the promise does not: the forecast lies beyond it.
    Release.objects.filter(pk=release.pk).update(planned_on=release.planned_on + timedelta(days=9))
    change_lifecycle.settle_promise(change.pk)
    assert Change.objects.get(pk=change.pk).due_on == release.planned_on
    for page in (change.get_absolute_url(), reverse("changes:promises")):
        text = client.get(page).content.decode()
        assert f"{first:%-d %b %Y}" in text and f"{release.planned_on:%-d %b %Y}" in text
        assert "With the next big one." in text and str(table.deputy) in text, page
        assert f"({release})" in text
    assert MOVED in client.get(change.get_absolute_url()).content.decode()
    Release.objects.filter(pk=release.pk).update(cancelled_at=timezone.now())
    for page in (change.get_absolute_url(), reverse("changes:promises")):
        assert f"({release})" not in client.get(page).content.decode(), "it will not come"
    kept = list(BoardEvent.objects.filter(verb="replan_promise").order_by("pk"))
    assert [one.actor for one in kept] == [table.chair, table.deputy]
    assert kept[0].reason == f"{day(first)} → {day(later)}. {MOVED}"
    decision = client.get(reverse("crb:meeting", args=[item.meeting_id]) + f"?item={item.pk}")
    text = decision.content.decode()
    assert f"To be delivered by {day(first)}. Moved since:" in text
    assert f'href="{change.get_absolute_url()}#promise-moved">Who moved it, and why' in text
    assert 'id="promise-moved"' in client.get(change.get_absolute_url()).content.decode()


def test_standing_goes_by_the_promise_now_and_the_past_by_the_first(table: Table) -> None:
    change = stories.deployed(table.cast)
    item = AgendaItem.objects.create(meeting=table.meeting(), change=change, position=1, kind="new")
    BoardOutcome.objects.create(
        item=item, decision=change.board_decisions.get(), recorded_by=table.chair, sentence="–"
    )

    def standing() -> tuple[str, Standing | None]:
        found = promised_of(Change.objects.get(pk=change.pk))
        return figures.decisions(table.board, table.chair).get().promise, found and found.standing

    Change.objects.filter(pk=change.pk).update(due_on=table.board.today - timedelta(days=2))
    assert standing() == ("overdue", Standing.BROKEN)
    later = table.board.today + timedelta(days=300)
    change = lifecycle.replan_promise(fresh(item), actor=table.chair, reason=MOVED, due_on=later)
    assert standing() == ("open", Standing.ON_COURSE)
    change_lifecycle.answer_confirmation(change, actor=table.cast.requester, confirmed=True)
    assert standing() == ("late", Standing.KEPT), "who moves a promise has not kept the first"
    with pytest.raises(StepIllegal, match="under way"):
        lifecycle.replan_promise(fresh(item), actor=table.chair, reason=MOVED, due_on=later)


def test_who_moves_a_promise(table: Table) -> None:
    item, cast = decided(table, "accepted"), table.cast
    later, client = table.board.today + timedelta(days=500), Client()
    moved = {"reason": MOVED, "due_on": later}

    def answer(who: object, about: AgendaItem) -> int:
        try:
            lifecycle.replan_promise(fresh(about), actor=who, **moved)
        except StepError as error:
            return error.status
        return 200

    for person in (table.members[1], cast.administrator, cast.release_manager, cast.requester):
        assert answer(person, item) == 403, person
        client.force_login(person)
        address = reverse("crb:replan_promise", args=[item.pk])
        assert client.get(address).status_code == (404 if person == cast.requester else 403)
        assert address not in client.get(item.change.get_absolute_url()).content.decode()
    Change.objects.filter(pk=item.change_id).update(raised_by=table.deputy)
    assert answer(table.deputy, item) == 403, "who asked for it"
    table.meeting(days=21)
    rejected = decided(table, "rejected", title="Not", category="not_strategic", reason="No.")
    assert answer(table.chair, rejected) == 409
    # A board that no longer meets: whoever leads the one that decides now.
    other = new_board(name="Next board")
    seat(other, table.members[2], is_chair=True)
    type(table.board).objects.filter(pk=table.board.pk).update(is_active=False)
    assert answer(table.chair, item) == 403
    assert answer(table.members[2], item) == 200
    assert Change.objects.get(pk=item.change_id).promise == Promise.REPLANNED


def test_what_the_board_decides_anew_keeps_and_restores_what_was_said(
    table: Table, settings: Any
) -> None:
    settings.OUTCOME_UNDO_SECONDS = 300
    item, manager = decided(table, "accepted"), table.cast.release_manager
    first = Change.objects.get(pk=item.change_id)
    assert first.due_on is not None
    moved = lifecycle.replan_promise(
        item, actor=table.chair, reason="Earlier.", due_on=first.due_on - timedelta(days=40)
    )
    late = Release.objects.create(name="late", planned_on=first.due_on - timedelta(days=20))
    said = {"release": late, "reason": WHY, "told": "Sorry."}
    change = change_lifecycle.assign_release(moved, actor=manager, **said)
    correction = again(table, item)
    change = table.decide(correction, "accepted_as_priority")
    assert (change.first_due_on, change.late_reason, moves_of(change)) == (None, "", [])
    lifecycle.take_back_outcome(fresh(correction), actor=table.chair, reason="The wrong one.")
    change = Change.objects.get(pk=change.pk)
    assert (change.due_on, change.first_due_on) == (moved.due_on, first.due_on)
    assert (change.late_reason, change.late_told) == (WHY, "Sorry.")
    assert [one.why for one in moves_of(change)] == ["Earlier."]
    # Where the board promises anew, and the release is late for that too, it stays why.
    for number in range(1, 4):
        near = table.board.today + timedelta(days=30 * number)
        Release.objects.create(name=f"near {number}", planned_on=near)
    change = table.decide(fresh(correction), "accepted_as_priority")
    assert change.due_on == near
    assert (change.late_reason, change.late_told) == (WHY, "Sorry.")
    lifecycle.close_meeting(fresh(correction).meeting, actor=table.chair)
    later = table.board.today + timedelta(days=500)
    change = lifecycle.replan_promise(
        fresh(correction), actor=table.chair, reason=MOVED, due_on=later
    )
    change = Change.objects.get(pk=change.pk)
    assert [one.why for one in moves_of(change)] == [MOVED], "of the promise that stands"
    assert (change.first_due_on, change.late_reason) == (near, "")


def test_the_first_day_is_that_which_an_undated_promise_got(table: Table) -> None:
    item = decided(table, "accepted_as_priority")
    assert Change.objects.get(pk=item.change_id).due_on is None
    days = [table.board.today + timedelta(days=number) for number in (100, 200)]
    for when in days:
        change = lifecycle.replan_promise(fresh(item), actor=table.chair, reason=MOVED, due_on=when)
    assert (change.first_due_on, change.due_on) == tuple(days)
    requester = table.cast.requester
    first = f"At first it was promised by {days[0]:%-d %B}"
    assert first in plain.status_of(change, requester).promise
    change = lifecycle.replan_promise(fresh(item), actor=table.chair, reason=MOVED, due_on=days[0])
    assert "At first" not in plain.status_of(change, requester).promise, "it is that again"
    change = lifecycle.replan_promise(fresh(item), actor=table.chair, reason=MOVED, due_on=days[1])
    assert (change.first_due_on, change.due_on) == tuple(days)
    since = last_row()
    lifecycle.replan_promise(
        fresh(item), actor=table.chair, reason="First.", due_on=days[1] + timedelta(days=3)
    )
    lifecycle.replan_promise(fresh(item), actor=table.chair, reason="Then back.", due_on=days[1])
    same_day = Release.objects.create(name="Same day", planned_on=days[1])
    change = lifecycle.replan_promise(
        fresh(item), actor=table.chair, reason=MOVED, release=same_day
    )
    assert (change.first_due_on, change.promised_release) == (days[0], same_day)
    sent = [who for who, subject in told(since) if subject.endswith("another day")]
    assert sent.count(requester.email.partition(".")[0]) == 1, "of what is so now, once"
    mail = mail_to(requester.email).message
    assert MOVED in mail and "Same day" in mail and "Then back." not in mail
    # Nobody hears of a promise that ended before its mail had words, and nothing of it stays.
    since = last_row()
    lifecycle.replan_promise(
        fresh(item), actor=table.chair, reason=MOVED, due_on=days[1] + timedelta(days=9)
    )
    change_lifecycle.withdraw(fresh(item).change, actor=requester, reason="Not needed.")
    assert not [one for one in told(since) if "another day" in one[1]]


def test_nobody_promises_the_day_of_a_release_that_they_have_not_seen(table: Table) -> None:
    item, client, release = decided(table, "accepted"), Client(), late_release(600)
    client.force_login(table.chair)
    address = reverse("crb:replan_promise", args=[item.pk])
    html = client.get(address).content.decode()
    chosen = f"{release.pk}:{release.planned_on}"
    assert f'value="{chosen}"' in html
    Release.objects.filter(pk=release.pk).update(planned_on=release.planned_on + timedelta(days=90))
    assert send(client, item, release=chosen) == 400
    with pytest.raises(StepIncomplete, match="is planned for"):
        lifecycle.replan_promise(fresh(item), actor=table.chair, reason=MOVED, release=release)
    release.refresh_from_db()
    assert send(client, item, release=f"{release.pk}:{release.planned_on}") == 302
    assert Change.objects.get(pk=item.change_id).due_on == release.planned_on


def test_who_left_is_told_nothing_and_another_path_forgets_the_first_day(table: Table) -> None:
    item, client, since = decided(table, "accepted"), Client(), last_row()
    change, requester = Change.objects.get(pk=item.change_id), table.cast.requester
    for person in (table.chair, requester):
        type(person).objects.filter(pk=person.pk).update(is_active=False)
    assert led_by(change) == [table.deputy]
    client.force_login(table.deputy)
    later = table.board.today + timedelta(days=500)
    sent = {"seen": change.version, "reason": MOVED, "due_on": later.isoformat()}
    answer = client.post(reverse("crb:replan_promise", args=[item.pk]), sent, follow=True)
    shown = answer.content.decode()
    assert f"is promised by {day(later)} now" in shown and "the requester is told" not in shown
    assert requester.email.partition(".")[0] not in [who for who, _subject in told(since)]
    change = Change.objects.get(pk=change.pk)
    change = change_lifecycle.reclassify(
        change, actor=table.cast.success, reason="A setting does it.", **stories.ASSESSMENT
    )
    assert (change.promise, change.due_on, change.first_due_on) == ("", None, None)
