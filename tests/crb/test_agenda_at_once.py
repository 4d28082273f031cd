"""Several people change an agenda in the same second, each on a connection of their own."""

from collections.abc import Callable

import pytest
from post_office.models import Email

from changes.models import Change
from crb import lifecycle, queries
from crb.models import AgendaItem, AgendaVersion, BoardOutcome, Meeting
from tests.crb.conftest import Table
from tests.crb.test_at_once import at_once, fresh

pytestmark = pytest.mark.django_db(transaction=True)


def meeting_of(item: AgendaItem) -> Meeting:
    return Meeting.objects.get(pk=item.meeting_id)


def agreed(table: Table, title: str) -> AgendaItem:
    item = table.item(title)
    table.vote(item, *["accepted"] * 4)
    return fresh(item)


def test_an_agenda_is_published_once(table: Table) -> None:
    item = table.item()
    acts = [
        lambda who=who: lifecycle.publish_agenda(meeting_of(item), actor=who)
        for who in (table.chair, table.deputy)
    ]
    answers = at_once(*acts, lambda: lifecycle.publish_agenda(meeting_of(item)))
    assert sorted(answer[:4] for answer in answers) == ["409 ", "done", "done"]
    assert AgendaVersion.objects.count() == 1
    assert Email.objects.filter(subject__contains="Agenda of").count() == 7


def test_of_two_who_reorder_one_is_told(table: Table) -> None:
    items = [table.item(name) for name in "ABC"]
    keys = [item.pk for item in items]
    seen = meeting_of(items[0]).version

    def act(user: object, order: list[int]) -> Callable[[], object]:
        return lambda: lifecycle.reorder_agenda(
            meeting_of(items[0]), actor=user, order=order, seen=seen
        )

    answers = at_once(
        act(table.chair, [keys[2], keys[0], keys[1]]),
        act(table.deputy, [keys[1], keys[0], keys[2]]),
    )
    assert sorted(answer[:4] for answer in answers) == ["409 ", "done"]
    order = list(meeting_of(items[0]).items.order_by("position").values_list("pk", flat=True))
    wanted = [keys[2], keys[0], keys[1]] if answers[0] == "done" else [keys[1], keys[0], keys[2]]
    assert order == wanted


def test_a_late_change_is_added_once(table: Table) -> None:
    meeting = table.meeting()
    lifecycle.publish_agenda(meeting, actor=table.chair)
    change = table.change("Late")
    answers = at_once(
        *[
            lambda who=who: lifecycle.add_late(
                Change.objects.get(pk=change.pk), meeting, actor=who, reason="It burns."
            )
            for who in (table.chair, table.deputy)
        ]
    )
    assert sorted(answer[:4] for answer in answers) == ["409 ", "done"]
    assert meeting.items.count() == 1


def test_recording_the_batch_while_somebody_votes_agrees_with_the_votes(table: Table) -> None:
    for number in range(4):
        item = agreed(table, f"Round {number}")
        if number == 0:
            lifecycle.start_meeting(item.meeting, actor=table.chair)
            item = fresh(item)
        else:
            AgendaItem.objects.filter(pk=item.pk).update(is_consent=True)
        recorded, voted = at_once(
            lambda i=item: lifecycle.record_consent(meeting_of(i), actor=table.chair),
            lambda i=item: lifecycle.cast_vote(
                fresh(i), actor=table.members[5], choice="rejected", category="not_strategic"
            ),
        )
        assert recorded == "done"
        if voted == "done":
            assert (fresh(item).state, fresh(item).is_consent) == ("open", False)
            lifecycle.defer_item(fresh(item), actor=table.chair, reason="Next time.")
        else:
            assert voted.startswith("409 The board has already decided")
            outcome = BoardOutcome.objects.get(item=item)
            assert outcome.tally["counts"]["rejected"] == 0


def test_recording_the_batch_while_somebody_takes_an_item_out(table: Table) -> None:
    items = [agreed(table, name) for name in ("One", "Two")]
    lifecycle.start_meeting(items[0].meeting, actor=table.chair)
    recorded, pulled = at_once(
        lambda: lifecycle.record_consent(meeting_of(items[0]), actor=table.chair),
        lambda: lifecycle.pull_from_consent(
            fresh(items[1]), actor=table.members[5], reason="Costs?"
        ),
    )
    assert recorded == "done"
    assert fresh(items[0]).state == "decided"
    if pulled == "done":
        assert (fresh(items[1]).state, fresh(items[1]).is_consent) == ("open", False)
    else:
        assert pulled.startswith("409 The board has already decided")
        assert fresh(items[1]).state == "decided"


def test_opening_the_meeting_while_somebody_votes_fixes_what_was_cast(table: Table) -> None:
    item = agreed(table, "One")
    opened, voted = at_once(
        lambda: lifecycle.start_meeting(meeting_of(item), actor=table.chair),
        lambda: lifecycle.cast_vote(
            fresh(item), actor=table.members[5], choice="rejected", category="not_strategic"
        ),
    )
    assert (opened, voted) == ("done", "done")
    assert queries.tally_of(fresh(item)).counts["rejected"] == 1
    lost = lifecycle.record_consent if fresh(item).is_consent else None
    if lost is not None:
        answer = lost(meeting_of(item), actor=table.chair)
        assert answer.recorded == []
