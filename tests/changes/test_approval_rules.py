"""Approval rules: who approves, how many, in which order, and what is said where nobody can.

Costs about 9 s.
"""

from typing import Any

import pytest
from django.test import Client

from accounts.models import User
from accounts.roles import Role
from changes import lifecycle
from changes.approval_gaps import gaps
from changes.lifecycle import RuleWords
from changes.models import ApprovalRule, Authorisation, Change
from changes.states import State
from changes.tasks import tell_of_unheld_parts
from expansive_cm.workflow.errors import ChangeStale, StepForbidden, StepIllegal, StepIncomplete
from tests import stories
from tests.concurrently import at_once
from tests.mailing import told
from tests.people import Cast, person
from tests.turns import agree, deactivate, take_roles


@pytest.fixture
def ian(cast: Cast) -> User:
    return person("Ian Internal", Role.APPROVER)


@pytest.fixture
def iris(cast: Cast) -> User:
    return person("Iris Internal", Role.APPROVER)


def signed_in(user: User) -> Client:
    client = Client()
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    return client


def rule(cast: Cast, *people: User, **words: Any) -> ApprovalRule:
    made = RuleWords(**{"name": "Careful", "people": people, **words})
    return lifecycle.make_rule(actor=cast.administrator, words=made)


def asked(cast: Cast) -> Change:
    """A change for which an authorisation was just asked."""
    change = stories.in_review(cast)
    return lifecycle.review(change, actor=cast.success, outcome="endorsed", findings="Harmless.")


def decide(change: Change, who: User, outcome: str = "authorised", **more: Any) -> Change:
    # Read as a page reads it: nothing that an earlier step loaded.
    fresh = Change.objects.get(pk=change.pk)
    return lifecycle.authorise(fresh, actor=who, outcome=outcome, reason="We need it.", **more)


def awaited(change: Change) -> set[User]:
    """Who is awaited, said alike by card, worklist, permission and mail."""
    [found] = agree([change]).values()
    return found


def page(user: User, change: Change) -> str:
    return signed_in(user).get(change.get_absolute_url()).content.decode()


def test_two_approve_one_after_the_other(cast: Cast, ian: User) -> None:
    rule(cast, ian, name="Meridian's", organisation=None, risk=4)
    made = rule(cast, ian, cast.approver, needed=2, in_order=True, organisation=cast.harbour)
    change = asked(cast)
    assert change.approval_rule == made
    assert change.approval_why == "the customer is Harbour Hospitals"
    assert awaited(change) == {ian}
    assert ("ian", "Waiting for you") in [(who, subject[:15]) for who, subject in told()]
    with pytest.raises(StepIllegal, match="in order: Ian Internal decides first"):
        decide(change, cast.approver)
    with pytest.raises(StepForbidden, match="approvers whom an approval rule names"):
        decide(change, cast.success)

    seen = Change.objects.get(pk=change.pk).version
    assert decide(change, ian).state == State.AUTHORISATION
    assert awaited(change) == {cast.approver}
    assert any(who == "ada" for who, _subject in told())
    assert not any(subject.startswith("The request was approved") for _who, subject in told())
    for words in ("1 of 2 given", "Ian Internal has approved", "Ada Approver is awaited"):
        assert words in page(cast.support, change) and words in page(cast.approver, change)
    assert "Ian Internal" not in page(cast.requester, change)
    with pytest.raises(StepIllegal, match="approved it already"):
        decide(change, ian)
    # Nothing that the second one decides on has changed since their page was shown.
    assert decide(change, cast.approver, seen=seen).state == State.EXECUTION
    with pytest.raises(ChangeStale, match="In the meantime Ada Approver"):
        decide(change, cast.approver, seen=seen)
    kept = [event.data["approval"]["given"] for event in change.events.filter(verb="authorise")]
    assert (kept, Authorisation.objects.count()) == ([1, 2], 2)
    assert "because the customer is Harbour Hospitals" in page(cast.support, change)
    assert made.name not in page(cast.approver, change)


def test_one_of_several_refuses_and_what_was_edited_is_approved_anew(
    cast: Cast, ian: User, iris: User
) -> None:
    rule(cast, ian, iris, customers_own=True, needed=2)
    change = asked(cast)
    assert awaited(change) == {ian, iris, cast.approver}
    decide(change, ian)
    assert awaited(change) == {iris, cast.approver}
    # An approval is of the content it was given for.
    Change.objects.filter(pk=change.pk).update(revision=change.revision + 1)
    assert awaited(change) == {ian, iris, cast.approver}
    assert decide(change, cast.approver).state == State.AUTHORISATION
    assert decide(change, iris, "refused").state == State.REFUSED


def test_first_rule_that_fits_applies(cast: Cast, ian: User) -> None:
    rule(cast, ian, name="Others", position=1, organisation=cast.meridian)
    rule(cast, ian, name="Second", position=3)
    first = rule(cast, ian, name="First", position=2, risk=1)
    change = asked(cast)
    assert change.approval_rule == first
    assert change.approval_why == "its risk is low or higher"
    assert change.history.first().approval_rule_id == first.pk


def test_who_leaves_is_passed_over_and_too_few_are_reported(
    cast: Cast, ian: User, iris: User
) -> None:
    made = rule(cast, ian, iris, needed=1, in_order=True)
    change, other = asked(cast), made.pk
    assert awaited(change) == {ian}
    take_roles(ian)
    assert awaited(change) == {iris}
    deactivate(iris)
    assert awaited(change) == set()
    words = "Too few people can approve by the rule “Careful”, which asks for 1."
    home = signed_in(cast.administrator).get("/").content.decode()
    assert words in home and "1 change waits for it" in home
    assert words not in signed_in(cast.support).get("/").content.decode()
    assert "Too few people are left" in page(cast.support, change)
    tell_of_unheld_parts()
    assert any(who == "alma" for who, _subject in told())
    listed = signed_in(cast.support).get("/approval-rules/").content.decode()
    assert "Too few people" in listed and "Iris Internal (cannot approve now)" in listed

    lifecycle.end_rule(made, actor=cast.administrator)
    assert awaited(change) == {cast.approver}
    assert decide(change, cast.approver).state == State.EXECUTION
    assert other == change.approval_rule_id


def test_fewer_are_asked_for_than_were_given(cast: Cast, ian: User, iris: User) -> None:
    made = rule(cast, ian, iris, needed=2)
    change = asked(cast)
    decide(change, ian)
    fewer = RuleWords(name="Careful", people=[ian, iris], needed=1)
    lifecycle.change_rule(made, actor=cast.administrator, words=fewer)
    assert awaited(change) == {iris}
    words = "The rule asks for fewer now: the next approval decides."
    assert words in page(cast.support, change) and words in page(iris, change)

    alone = RuleWords(name="Careful", people=[ian], needed=1)
    lifecycle.change_rule(made, actor=cast.administrator, words=alone)
    assert awaited(change) == set()
    assert "Too few people are left" in page(cast.support, change)
    home = signed_in(cast.administrator).get("/").content.decode()
    assert "1 change waits for it" in home
    lifecycle.end_rule(made, actor=cast.administrator)
    assert decide(change, cast.approver).state == State.EXECUTION


def test_who_is_named_and_the_customers_own_is_one_person(cast: Cast, ian: User) -> None:
    made = rule(cast, ian, cast.approver, customers_own=True, needed=2, organisation=cast.harbour)
    change = asked(cast)
    assert gaps(5) == []
    take_roles(ian)
    assert [(one.rule, one.waiting) for one in gaps(5)] == [(made, [change.pk])]
    cast.harbour.approvers.add(person("Second Approver", Role.APPROVER, organisation=cast.harbour))
    assert gaps(5) == []


def test_nobody_prepares_and_approves_alone_by_a_rule(cast: Cast, ian: User) -> None:
    both = person("Bo Both", Role.APPROVER, Role.CUSTOMER_SUCCESS)
    cast.care_team.members.add(both)
    rule(cast, both, ian)
    deactivate(cast.approver)
    change = stories.submitted(cast)
    lifecycle.assess(change, actor=both, type="configuration", **stories.ASSESSMENT)
    change = lifecycle.review(change, actor=both, outcome="endorsed", findings="Fine.")
    assert awaited(change) == {ian}
    with pytest.raises(StepForbidden, match="alone"):
        decide(change, both)
    deactivate(ian)
    assert awaited(change) == {both}


def test_who_asked_is_passed_over_in_the_order(cast: Cast, iris: User) -> None:
    rule(cast, cast.approver, iris, needed=1, in_order=True)
    change = stories.assessed(cast, "configuration", requester=cast.approver)
    change = lifecycle.review(change, actor=cast.success, outcome="endorsed", findings="Fine.")
    assert awaited(change) == {iris}
    deactivate(iris)
    assert awaited(change) == set()
    assert "Too few" in signed_in(cast.administrator).get("/").content.decode()


def test_two_at_once_are_two_and_one_twice_is_one(
    transactional_db: None, cast: Cast, ian: User, iris: User
) -> None:
    rule(cast, ian, iris, needed=2)
    first, second = asked(cast), asked(cast)
    at_once(lambda: decide(first, ian), lambda: decide(first, iris))
    answers = at_once(lambda: decide(second, ian), lambda: decide(second, ian))
    assert [type(one) for one in answers].count(StepIllegal) == 1, answers
    states = [Change.objects.get(pk=one.pk).state for one in (first, second)]
    assert states == [State.EXECUTION, State.AUTHORISATION]
    assert Authorisation.objects.count() == 3


def test_rules_are_kept_by_administrators(cast: Cast, ian: User, iris: User) -> None:
    client, new = signed_in(cast.administrator), "/approval-rules/new/"
    typed = {"name": "Two pairs of eyes", "position": 1, "needed": 2, "person_1": ian.pk}
    for more, said in (
        ({}, "1 person can approve; it asks for 2"),
        ({"person_2": ian.pk}, "named twice"),
        ({"person_1": ""}, "Say who approves"),
        ({"name": ""}, "id_name_error"),
        ({"needed": 0}, "id_needed_error"),
        ({"person_1": cast.support.pk}, "id_person_1_error"),
        (
            {"person_2": cast.stranger_approver.pk, "organisation": cast.harbour.pk},
            "Mark Meridian cannot approve these changes",
        ),
    ):
        answer = client.post(new, {**typed, **more})
        assert (answer.status_code, said in answer.content.decode()) == (400, True), said
    assert not ApprovalRule.objects.exists()
    twice = client.post(new, {**typed, "person_2": iris.pk, "person_3": iris.pk}).content.decode()
    assert "id_person_3_error" in twice, "the error stands beside who is named again"
    assert "id_person_1_error" not in twice

    client.post(new, {**typed, "person_2": iris.pk, "in_order": "yes"})
    assert client.get(new).context["form"]["position"].value() == 2, "a new rule comes last"
    [made] = ApprovalRule.objects.all()
    assert [one.person for one in made.named.all()] == [ian, iris]
    edit, swapped = f"{made.get_absolute_url()}edit/", {"person_1": iris.pk, "person_2": ian.pk}
    assert client.post(edit, {**typed, **swapped, "seen": 1}).status_code == 302
    assert client.post(edit, {**typed, **swapped, "seen": 1}).status_code == 409
    assert [one.person for one in made.named.all()] == [iris, ian]
    shown = client.get(made.get_absolute_url()).content.decode()
    assert "Changed the approval rule" in shown
    assert "2 approvals: Iris Internal, Ian Internal" in shown

    for who, status in ((cast.support, 200), (cast.approver, 403), (cast.requester, 403)):
        other = signed_in(who)
        assert other.get("/approval-rules/").status_code == status
        assert other.get(made.get_absolute_url()).status_code == status
        for at in (new, edit, f"{made.get_absolute_url()}end/"):
            assert other.post(at, typed).status_code == 403
    client.post(f"{made.get_absolute_url()}end/", {"seen": 1})
    assert not ApprovalRule.objects.exclude(ended_at=None).exists()
    client.post(f"{made.get_absolute_url()}end/", {"seen": 2})
    assert made.name in client.get("/approval-rules/?view=ended").content.decode()
    with pytest.raises(StepIllegal):
        lifecycle.end_rule(made, actor=cast.administrator)
    with pytest.raises(StepIncomplete):
        rule(cast, cast.support)
