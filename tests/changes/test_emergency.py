"""Emergency changes and post-implementation reviews: marked, asked for, recorded, followed.

Costs 4 s.
"""

from datetime import UTC, date, datetime, timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.models import User
from changes import lifecycle, looking_back, permissions, story
from changes.models import Change, PostAction, PostReview
from changes.views import as_file
from changes.views.sections import sections
from changes.working_days import due_after
from expansive_cm.workflow.errors import ChangeStale, StepForbidden, StepIllegal, StepIncomplete
from tests import situations, stories
from tests.people import Cast

WHY = "Nobody can sign in until it is done."
FOUND = {"happened": "The switch was wrong.", "met": "partly", "findings": "Ask the ward first."}


def signed_in(person: User) -> Client:
    client = Client()
    client.force_login(person)
    return client


def an_emergency(change: Change, cast: Cast) -> Change:
    return lifecycle.declare_emergency(change, actor=cast.success, reason=WHY)


def only_review(change: Change) -> PostReview:
    return PostReview.objects.get(change=change)


def notices_of(person: User) -> str:
    return " ".join(one.text for one in looking_back.notices(person))


def in_two_weeks() -> date:
    return timezone.localdate() + timedelta(days=14)


def an_action(review: PostReview, owner: User, actor: User) -> PostAction:
    return lifecycle.add_post_action(
        review, actor=actor, text="Name the switch", owner=owner, due_on=in_two_weeks()
    )


def test_an_emergency_change_is_marked_wherever_it_is_shown(cast: Cast) -> None:
    change = an_emergency(stories.submitted(cast), cast)
    ours = signed_in(cast.success)
    page = ours.get(change.get_absolute_url()).content.decode()
    assert "Emergency change" in page and WHY in page
    theirs = signed_in(cast.requester).get(change.get_absolute_url()).content.decode()
    assert "Emergency change" in theirs and WHY not in theirs
    asked = {"view": "", "emergency": "1"}
    listed = ours.get(reverse("changes:list"), asked).content.decode()
    assert change.reference in listed and "Emergency</span>" in listed
    assert b"Emergency" in ours.get(reverse("changes:home")).content
    pdf = as_file.in_words(story.load(cast.requester, change.pk), cast.requester, timezone.now())
    assert ["Emergency change", "Yes"] in pdf["facts"] and WHY not in str(pdf)
    exported = b"".join(ours.get(reverse("changes:export"), asked).streaming_content).decode()
    assert WHY in exported
    lifecycle.assess(change, actor=cast.success, type="code", **stories.ASSESSMENT)
    situations.seat_everybody()
    for name in ("changes:home", "crb:board"):
        assert b"Emergency" in signed_in(cast.chair).get(reverse(name)).content

    fresh = Change.objects.get(pk=change.pk)
    lifecycle.withdraw_emergency(fresh, actor=cast.success, reason="It was a typo.")
    again = ours.get(change.get_absolute_url()).content.decode()
    assert "Emergency change because" not in again and "It was a typo." in again
    assert change.reference not in ours.get(reverse("changes:list"), asked).content.decode()


def test_working_days_are_those_of_the_board(cast: Cast) -> None:
    change = stories.submitted(cast)
    situations.seat_everybody()
    for moment, due in (
        # A Thursday: Friday and Monday are working days.
        (datetime(2026, 6, 4, 10, tzinfo=UTC), date(2026, 6, 8)),
        # Late on a Sunday of summer, which is Monday in London.
        (datetime(2026, 6, 7, 23, 30, tzinfo=UTC), date(2026, 6, 10)),
        # Christmas, a weekend, and the day that stands for Boxing Day.
        (datetime(2026, 12, 24, 10, tzinfo=UTC), date(2026, 12, 30)),
    ):
        assert due_after(change, moment, 2).date() == due


def test_an_emergency_is_reviewed_in_two_working_days_another_in_ten(cast: Cast) -> None:
    change = an_emergency(stories.in_authorisation(cast), cast)
    change = lifecycle.authorise(change, actor=cast.approver, outcome="authorised", reason="")
    change = stories.executed(stories.plan(change, cast), cast)
    review = only_review(change)
    assert (review.is_of_emergency, review.is_of_rollback) == (True, False)
    assert review.due_at.date() == due_after(change, review.asked_at, 2).date()
    assert change.reference in notices_of(cast.success) and not notices_of(cast.stranger_success)

    back = only_review(stories.rolled_back(cast))
    assert (back.is_of_emergency, back.is_of_rollback) == (False, True)
    assert back.due_at.date() == due_after(back.change, back.asked_at, 10).date()
    assert not PostReview.objects.filter(change=stories.in_documentation(cast)).exists()


def test_the_board_looks_back_on_code_that_went_out_as_an_emergency(cast: Cast) -> None:
    change = an_emergency(stories.in_requirements(cast), cast)
    change = stories.requirements_defined(change, cast)
    assert not permissions.can_withdraw_emergency(cast.developer, change)
    PostReview.objects.create(
        change=change, is_of_emergency=True, due_at=timezone.now() - timedelta(days=1)
    )
    review = only_review(change)
    assert "is late" in notices_of(cast.crb_member) and not notices_of(cast.success)
    with pytest.raises(StepForbidden):
        lifecycle.record_post_review(review, actor=cast.success, **FOUND)
    lifecycle.record_post_review(review, actor=cast.crb_member, **FOUND)
    assert not notices_of(cast.crb_member) and review.is_late


def test_a_review_is_recorded_once_and_its_actions_are_followed(cast: Cast) -> None:
    change = stories.rolled_back(cast)
    review, ours = only_review(change), signed_in(cast.success)
    address = review.get_absolute_url()
    assert ours.post(address, {"happened": "x"}).status_code == 400
    assert ours.post(address, FOUND).status_code == 302
    late = ours.post(address, {**FOUND, "happened": "Something else."})
    assert late.status_code == 409 and "Something else." in late.content.decode()
    told = {"text": "Name the switch", "owner": cast.developer.pk, "due_on": str(in_two_weeks())}
    assert ours.post(f"{address}actions/", {**told, "owner": ""}).status_code == 400
    assert ours.post(f"{address}actions/", told).status_code == 302
    action = PostAction.objects.get(review=review)

    assert "Name the switch" in notices_of(cast.developer)
    theirs = signed_in(cast.developer)
    listed = theirs.get(reverse("changes:post_reviews"), {"show": "actions"}).content.decode()
    assert "Name the switch" in listed and change.reference in listed
    done = reverse("changes:complete_post_action", args=[change.pk, action.pk])
    assert theirs.post(done, {"outcome": " "}).status_code == 400
    assert theirs.post(done, {"outcome": "It has a name."}).status_code == 302
    assert theirs.post(done, {"outcome": "Twice."}).status_code == 409
    assert not notices_of(cast.developer)
    page = ours.get(change.get_absolute_url()).content.decode()
    assert "It has a name." in page and FOUND["findings"] in page
    for show in ("", "recorded", "all-actions"):
        found = ours.get(reverse("changes:post_reviews"), {"show": show})
        assert found.status_code == 200
        assert (change.reference in found.content.decode()) == bool(show)
    assert ours.get(reverse("changes:post_reviews"), {"show": "none"}).status_code == 400


def test_a_customer_reads_no_review(cast: Cast) -> None:
    change = stories.rolled_back(cast)
    review = only_review(change)
    lifecycle.record_post_review(review, actor=cast.success, **FOUND)
    action = an_action(review, cast.success, cast.success)
    for person in (cast.requester, cast.approver):
        theirs = signed_in(person)
        page = theirs.get(change.get_absolute_url()).content.decode()
        assert FOUND["findings"] not in page and "implementation review" not in page
        for address in (
            review.get_absolute_url(),
            reverse("changes:complete_post_action", args=[change.pk, action.pk]),
        ):
            assert theirs.get(address).status_code == 404
        assert theirs.get(reverse("changes:post_reviews")).status_code == 403
    known = story.load(cast.requester, change.pk)
    assert "post_review" not in [one.key for one in sections(known, cast.requester)]


def test_an_action_is_not_lost_with_its_owner(cast: Cast) -> None:
    review = only_review(stories.rolled_back(cast))
    first = an_action(review, cast.developer, cast.success)
    second = an_action(review, cast.tester, cast.success)
    cast.developer.is_active = False
    cast.developer.save()
    told = notices_of(cast.success)
    assert f"for {cast.developer}, who has left" in told and str(cast.tester) not in told
    lifecycle.hand_over_post_actions(cast.tester, cast.success, cast.administrator, "Leaves.")
    assert PostAction.objects.get(pk=second.pk).owner == cast.success
    with pytest.raises(ChangeStale):
        lifecycle.change_post_action(
            second,
            actor=cast.success,
            text="Other",
            owner=cast.support,
            due_on=in_two_weeks(),
            seen=1,
        )
    for wrong in (cast.requester, cast.developer):
        with pytest.raises(StepIncomplete):
            lifecycle.change_post_action(
                first, actor=cast.success, text="x", owner=wrong, due_on=in_two_weeks()
            )
    lifecycle.complete_post_action(first, actor=cast.success, outcome="Done for them.")
    with pytest.raises(StepIllegal):
        lifecycle.complete_post_action(first, actor=cast.success, outcome="Twice.")
