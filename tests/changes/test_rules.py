"""Every rule of the published process, each as a test that bears its name."""

from datetime import date, timedelta

import pytest
import time_machine
from django.utils import timezone

from accounts.roles import Role
from changes import gates, lifecycle, permissions, queries
from changes.lifecycle.core import what_happened
from changes.models import CHECKLIST, Change, ChangeLink, Promise, Release
from changes.states import State
from changes.turns import next_step
from expansive_cm.workflow.errors import ChangeStale, StepForbidden, StepIllegal, StepIncomplete
from tests.people import Cast, person
from tests.stories import (
    ASSESSMENT,
    all_passed,
    assessed,
    change_in,
    decided,
    deployed,
    deployment_planned,
    developed,
    draft,
    executed,
    information_required,
    plan,
    reviewed,
    risk_assessed,
)

S = State


# Request and initial assessment


def test_a_draft_needs_nothing_and_a_request_needs_everything(cast: Cast) -> None:
    empty = lifecycle.save_draft(None, actor=cast.support)
    with pytest.raises(StepIncomplete) as refusal:
        lifecycle.submit(empty, actor=cast.support)
    assert refusal.value.missing == ["title", "description", "organisation", "requester"]
    assert Change.objects.get(pk=empty.pk).state == S.DRAFT


def test_nobody_raises_changes_for_another_customer(cast: Cast) -> None:
    for actor in (cast.requester, cast.success):
        with pytest.raises(StepForbidden):
            lifecycle.save_draft(None, actor=actor, organisation=cast.meridian)
    lifecycle.save_draft(None, actor=cast.support, organisation=cast.meridian)


def test_a_requester_of_another_customer_is_refused(cast: Cast) -> None:
    with pytest.raises(StepForbidden):
        lifecycle.find_or_create_requester(
            cast.stranger_customer.email, "Mia", cast.harbour, actor=cast.support
        )


def test_a_new_requester_is_added_without_a_password(cast: Cast) -> None:
    person = lifecycle.find_or_create_requester(
        "New.Person@harbour.example", "New Person", cast.harbour, actor=cast.support
    )
    assert (person.email, person.organisation) == ("new.person@harbour.example", cast.harbour)
    assert not person.has_usable_password()
    assert person.history.get().history_user == cast.support
    again = lifecycle.find_or_create_requester(
        "NEW.PERSON@harbour.example", "", cast.harbour, actor=cast.support
    )
    assert again == person


@pytest.mark.parametrize(("change_type", "state"), [("configuration", S.REVIEW), ("code", S.BOARD)])
def test_the_assessment_decides_the_type(cast: Cast, change_type: str, state: State) -> None:
    change = assessed(cast, change_type)
    assert (change.type, change.state) == (change_type, state)
    assert change.risk == 2  # 2 × 3 = 6: moderate
    assert change.owner == cast.success
    assert change.assessment.need == ASSESSMENT["need"]


def test_reclassifying_restarts_the_path_and_keeps_every_record(cast: Cast) -> None:
    change = change_in(S.EXECUTION, cast)
    fields = {**ASSESSMENT, "likelihood": 5, "impact": 5}
    change = lifecycle.reclassify(
        change, actor=cast.success, reason="Needs a new database column.", **fields
    )
    assert (change.type, change.state, change.path, change.risk) == ("code", S.BOARD, 2, 4)
    assert change.reviews.count() == change.authorisations.count() == 1
    assert change.assessments.count() == 2
    change = lifecycle.reclassify(change, actor=cast.success, reason="No.", **ASSESSMENT)
    assert (change.state, change.path) == (S.REVIEW, 3)
    # The authorisation of the first path counts for nothing on the third.
    with pytest.raises(StepIllegal):
        lifecycle.start_execution(change, actor=cast.support, reason="Early.")


def test_reclassifying_ends_when_execution_has_begun(cast: Cast) -> None:
    change = lifecycle.start_execution(
        plan(change_in(S.EXECUTION, cast), cast), actor=cast.support, reason="Early."
    )
    with pytest.raises(StepIllegal):
        lifecycle.reclassify(change, actor=cast.success, reason="Late.", **ASSESSMENT)


def test_editing_a_submitted_request_makes_a_new_revision(cast: Cast) -> None:
    change = change_in(S.BOARD, cast)
    edited = lifecycle.edit(change, actor=cast.requester, title="Another title")
    assert (edited.revision, edited.title) == (2, "Another title")
    same = lifecycle.edit(edited, actor=cast.requester, title="Another title")
    assert same.revision == 2


def test_after_submission_the_requester_and_customer_stand(cast: Cast) -> None:
    change = lifecycle.edit(
        change_in(S.SUBMITTED, cast),
        actor=cast.support,
        requester=cast.colleague,
        organisation=cast.meridian,
    )
    assert (change.requester, change.organisation) == (cast.requester, cast.harbour)


# Configuration changes


def test_the_success_team_of_another_customer_reviews_nothing(cast: Cast) -> None:
    with pytest.raises(StepForbidden):
        lifecycle.review(
            change_in(S.REVIEW, cast),
            actor=cast.stranger_success,
            outcome="endorsed",
            findings="Fine.",
        )


def approver_too(cast: Cast, user: object) -> None:
    """Make somebody an authorised approver of Harbour beside what they are."""
    user.groups.add(cast.approver.groups.get())
    cast.harbour.approvers.add(user)
    for cached in ("roles", "approves_for_ids"):
        user.__dict__.pop(cached, None)


@pytest.mark.parametrize(
    ("part", "reason"),
    [("requester", "You requested this change."), ("support", "You raised this change.")],
)
def test_the_approver_did_not_ask_for_the_change(cast: Cast, part: str, reason: str) -> None:
    person = cast.people[part]
    approver_too(cast, person)
    change = change_in(S.AUTHORISATION, cast)
    with pytest.raises(StepForbidden, match="Separation of duties") as refusal:
        lifecycle.authorise(change, actor=person, outcome="authorised", reason="Mine.")
    assert reason in str(refusal.value)


def prepared_alone(cast: Cast) -> Change:
    """Cleo, who approves for Harbour too, has assessed and reviewed."""
    approver_too(cast, cast.success)
    return change_in(S.AUTHORISATION, cast)


def test_nobody_assesses_reviews_and_authorises_alone(cast: Cast) -> None:
    change = prepared_alone(cast)
    with pytest.raises(StepForbidden, match="Separation of duties") as refusal:
        lifecycle.authorise(change, actor=cast.success, outcome="authorised", reason="Mine.")
    assert "You assessed and reviewed this change." in str(refusal.value)
    assert not queries.waiting_on(cast.success).filter(pk=change.pk).exists()
    who = next_step(Change.objects.get(pk=change.pk)).who
    assert who is not None
    assert who.members() == [cast.approver]


@pytest.mark.parametrize("gone", ["inactive", "role", "not named"])
def test_the_only_approver_of_a_customer_may_and_that_is_recorded(cast: Cast, gone: str) -> None:
    change = prepared_alone(cast)
    if gone == "inactive":
        type(cast.approver).objects.filter(pk=cast.approver.pk).update(is_active=False)
    if gone == "role":
        cast.approver.groups.clear()
    if gone == "not named":
        cast.harbour.approvers.remove(cast.approver)
    assert queries.waiting_on(cast.success).filter(pk=change.pk).exists()
    change = lifecycle.authorise(change, actor=cast.success, outcome="authorised", reason="Urgent.")
    event = change.events.get(verb="authorise")
    assert event.data["alone"] is True
    assert "by one person: Harbour Hospitals has no other approver" in event.reason
    assert change.authorisations.get().reason == "Urgent."


def test_the_author_of_a_returned_risk_assessment_does_not_sign_the_next(cast: Cast) -> None:
    change = risk_assessed(cast)
    change = lifecycle.sign_risk_assessment(
        change, actor=cast.peer_reviewer, signed_off=False, remarks="Too short."
    )
    second = person("Dina Developer", Role.DEVELOPER)
    change = lifecycle.assess_risk(
        change, actor=second, security_risks="More.", impact_analysis="More.", mitigations="More."
    )
    with pytest.raises(StepForbidden, match="You wrote an earlier version"):
        lifecycle.sign_risk_assessment(change, actor=cast.developer, signed_off=True)
    assert not queries.waiting_on(cast.developer).filter(pk=change.pk).exists()
    who = next_step(Change.objects.get(pk=change.pk)).who
    assert who is not None
    assert not {cast.developer, second} & set(who.members())


def test_the_approver_did_not_execute_the_change(cast: Cast) -> None:
    """Over the whole history: the executor of an earlier path cannot approve the next one."""
    change = executed(change_in(S.EXECUTION, cast), cast, outcome="rolled_back")
    change = lifecycle.reclassify(change, actor=cast.success, reason="Code.", **ASSESSMENT)
    change = lifecycle.reclassify(change, actor=cast.success, reason="No.", **ASSESSMENT)
    change = lifecycle.review(change, actor=cast.success, outcome="endorsed", findings="Fine.")
    change.executions.update(executor=cast.success)  # leaves support's acts as the only trace
    Change.objects.filter(pk=change.pk).update(raised_by=cast.colleague)
    approver_too(cast, cast.support)
    with pytest.raises(StepForbidden, match="Separation of duties"):
        lifecycle.authorise(change, actor=cast.support, outcome="authorised", reason="Fine.")


def test_the_executor_did_not_approve_the_change(cast: Cast) -> None:
    change = change_in(S.EXECUTION, cast)
    cast.approver.organisation = None
    cast.approver.save()
    cast.approver.groups.add(cast.support.groups.get())
    cast.approver.__dict__.pop("roles", None)
    with pytest.raises(StepIncomplete, match="must not have authorised") as refusal:
        lifecycle.plan_execution(
            change,
            actor=cast.success,
            executor=cast.approver,
            window_start=timezone.now(),
            window_end=timezone.now() + timedelta(hours=1),
            steps="Do it.",
            rollback_plan="Undo it.",
        )
    assert refusal.value.missing == ["executor"]


def plan_fields(cast: Cast, **changed: object) -> dict[str, object]:
    start = timezone.now()
    return {
        "actor": cast.success,
        "executor": cast.support,
        "window_start": start,
        "window_end": start + timedelta(hours=1),
        "steps": "Do it.",
        "rollback_plan": "Undo it.",
        **changed,
    }


def test_an_execution_needs_a_rollback_plan(cast: Cast) -> None:
    change = change_in(S.EXECUTION, cast)
    with pytest.raises(StepIncomplete) as refusal:
        lifecycle.plan_execution(change, **plan_fields(cast, rollback_plan=" \n"))
    assert refusal.value.missing == ["rollback_plan"]
    with pytest.raises(StepIllegal, match="not planned"):
        lifecycle.start_execution(change, actor=cast.support, reason="Early.")


def test_an_execution_window_closes_after_it_opens(cast: Cast) -> None:
    now = timezone.now()
    with pytest.raises(StepIncomplete) as refusal:
        lifecycle.plan_execution(
            change_in(S.EXECUTION, cast), **plan_fields(cast, window_start=now, window_end=now)
        )
    assert refusal.value.missing == ["window_end"]


def test_an_execution_has_no_outcome_before_it_starts(cast: Cast) -> None:
    change = plan(change_in(S.EXECUTION, cast), cast)
    with pytest.raises(StepIllegal, match="not started"):
        lifecycle.record_execution(change, actor=cast.support, outcome="succeeded", notes="Done.")


def test_a_rolled_back_change_is_planned_anew_or_closed(cast: Cast) -> None:
    change = change_in(S.ROLLED_BACK, cast)
    planned = plan(change, cast)
    assert (planned.state, planned.round) == (S.EXECUTION, 2)
    assert [e.outcome for e in planned.executions.order_by("pk")] == ["rolled_back", ""]
    change = executed(planned, cast, outcome="rolled_back")
    closed = lifecycle.close_rolled_back(change, actor=cast.success, reason="Not worth it.")
    assert closed.state == S.CLOSED


def test_documentation_asks_the_requester(cast: Cast) -> None:
    change = change_in(S.CONFIRMATION, cast)
    assert change.confirmation.what_was_done == "Rooms can be booked around the clock."
    assert change.confirmation.links.get().sent_to == cast.requester.email


def test_nothing_closes_without_the_requesters_answer(cast: Cast) -> None:
    change = change_in(S.CONFIRMATION, cast)
    with pytest.raises(StepIllegal, match="days to answer"):
        lifecycle.close_unanswered(change, actor=cast.success, reason="Impatient.")


# The board's four outcomes


@time_machine.travel("2026-03-10 12:00Z")
def test_accepted_promises_delivery_within_twelve_months(cast: Cast) -> None:
    change = change_in(S.REQUIREMENTS, cast)
    assert change.promise == Promise.TWELVE_MONTHS
    assert change.due_on == date(2027, 3, 10)


@time_machine.travel("2028-02-29 12:00Z")
def test_twelve_months_after_a_leap_day_is_28_february(cast: Cast) -> None:
    assert change_in(S.REQUIREMENTS, cast).due_on == date(2029, 2, 28)


@time_machine.travel("2026-03-10 12:00Z")
def test_accepted_as_a_priority_promises_one_of_the_next_three_releases(cast: Cast) -> None:
    for number, day in enumerate(["2026-03-10", "2026-04-01", "2026-05-01", "2026-06-01"]):
        Release.objects.create(name=f"4.{number}", planned_on=day)
    change = decided(change_in(S.BOARD, cast), cast, "accepted_as_priority")
    assert change.state == S.REQUIREMENTS
    assert change.promised_release.name == "4.3"  # 4.0 is today's, and not a next one
    assert change.due_on == date(2026, 6, 1)


@time_machine.travel("2026-03-10 12:00Z")
def test_a_promise_waits_for_the_third_release_and_keeps_its_day(cast: Cast) -> None:
    Release.objects.create(name="4.1", planned_on="2026-04-01")
    Release.objects.create(name="4.2", planned_on="2026-05-01")
    change = decided(change_in(S.BOARD, cast), cast, "accepted_as_priority")
    assert change.due_on is None
    assert not lifecycle.settle_promise(change.pk)
    third = Release.objects.create(name="4.3", planned_on="2026-06-01")
    assert lifecycle.settle_promise(change.pk)
    assert not lifecycle.settle_promise(change.pk)
    third.planned_on = date(2026, 6, 15)
    third.save()
    assert not lifecycle.settle_promise(change.pk)
    change = Change.objects.get(pk=change.pk)
    assert change.due_on == date(2026, 6, 1)
    third.cancelled_at = timezone.now()
    third.save()
    assert lifecycle.settle_promise(change.pk)
    assert [e.reason for e in change.events.filter(verb="settle_promise")] == [
        "– → 2026-06-01",
        "Release 4.3 → –. The day promised stays.",
    ]
    assert Change.objects.get(pk=change.pk).due_on == date(2026, 6, 1)


def test_information_required_needs_a_question(cast: Cast) -> None:
    with pytest.raises(StepIncomplete) as refusal:
        decided(change_in(S.BOARD, cast), cast, "information_required")
    assert refusal.value.missing == ["questions"]


def test_the_last_answer_returns_the_change_to_the_board(cast: Cast) -> None:
    questions = [("How many?", cast.requester), ("How much?", cast.developer)]
    change = decided(change_in(S.BOARD, cast), cast, "information_required", questions=questions)
    first, second = change.questions.all()
    change = lifecycle.answer_question(
        change, actor=cast.requester, question=first, answer="Seven."
    )
    assert change.state == S.INFORMATION_REQUIRED
    change = lifecycle.answer_question(
        change, actor=cast.developer, question=second, answer="Little."
    )
    assert change.state == S.BOARD


def test_a_question_is_answered_once(cast: Cast) -> None:
    change = information_required(cast)
    question = change.questions.get()
    change = lifecycle.answer_question(
        change, actor=cast.requester, question=question, answer="Seven."
    )
    change = decided(change, cast, "information_required", questions=[("Why?", cast.requester)])
    with pytest.raises(StepIllegal, match="answered already"):
        lifecycle.answer_question(change, actor=cast.requester, question=question, answer="Eight.")


@pytest.mark.parametrize(
    ("fields", "missing"),
    [
        ({}, "category"),
        ({"category": "addressed_elsewhere"}, "elsewhere"),
        ({"category": "not_strategic"}, "reason"),
    ],
)
def test_a_rejection_says_why(cast: Cast, fields: dict[str, str], missing: str) -> None:
    with pytest.raises(StepIncomplete) as refusal:
        decided(change_in(S.BOARD, cast), cast, "rejected", **fields)
    assert refusal.value.missing == [missing]


def test_a_rejected_change_will_not_be_done(cast: Cast) -> None:
    change = decided(
        change_in(S.BOARD, cast),
        cast,
        "rejected",
        category="addressed_elsewhere",
        elsewhere="CR-000001",
    )
    assert (change.state, change.is_final) == (S.REJECTED, True)


# Code changes


def test_the_writer_of_a_risk_assessment_does_not_sign_it(cast: Cast) -> None:
    change = risk_assessed(cast)
    with pytest.raises(StepForbidden, match="second person"):
        lifecycle.sign_risk_assessment(change, actor=cast.developer, signed_off=True)


def test_a_returned_risk_assessment_is_written_again(cast: Cast) -> None:
    change = lifecycle.sign_risk_assessment(
        risk_assessed(cast), actor=cast.peer_reviewer, signed_off=False, remarks="Shallow."
    )
    assert change.state == S.RISK_ASSESSMENT
    change = lifecycle.assess_risk(
        change,
        actor=cast.developer,
        security_risks="More.",
        impact_analysis="More.",
        mitigations="More.",
    )
    change = lifecycle.sign_risk_assessment(change, actor=cast.peer_reviewer, signed_off=True)
    assert change.state == S.DEVELOPMENT


def test_the_secure_coding_checklist_is_complete(cast: Cast) -> None:
    with pytest.raises(StepIncomplete) as refusal:
        lifecycle.record_development(
            change_in(S.DEVELOPMENT, cast),
            actor=cast.developer,
            reference="feature/night",
            authors=[],
            checklist=list(CHECKLIST)[1:],
            notes="Built.",
        )
    assert refusal.value.missing == ["checklist"]


def give_role(user: object, other: object) -> None:
    """Give somebody the role of somebody else beside their own."""
    user.groups.add(*other.groups.all())
    user.__dict__.pop("roles", None)


def test_an_author_does_not_review_their_own_work(cast: Cast) -> None:
    give_role(cast.developer, cast.peer_reviewer)
    change = developed(change_in(S.DEVELOPMENT, cast), cast)
    with pytest.raises(StepForbidden, match="nobody reviews their own work"):
        lifecycle.peer_review(change, actor=cast.developer, outcome="approved", findings="Great.")


def test_a_named_author_does_not_test_their_own_work(cast: Cast) -> None:
    """Also when somebody else recorded the development, and also in a later round."""
    change = lifecycle.record_development(
        change_in(S.DEVELOPMENT, cast),
        actor=cast.developer,
        reference="feature/night",
        authors=[cast.tester],
        checklist=list(CHECKLIST),
        notes="Built by two.",
    )
    change = lifecycle.peer_review(
        change, actor=cast.peer_reviewer, outcome="changes_requested", findings="Not yet."
    )
    change = reviewed(change, cast)
    with pytest.raises(StepForbidden, match="nobody tests their own work"):
        lifecycle.record_test(
            change, actor=cast.tester, kind="functional", result="passed", evidence="Fine."
        )


def test_changes_requested_keep_the_change_in_development(cast: Cast) -> None:
    change = lifecycle.peer_review(
        developed(change_in(S.DEVELOPMENT, cast), cast),
        actor=cast.peer_reviewer,
        outcome="changes_requested",
        findings="No tests.",
    )
    assert change.state == S.DEVELOPMENT
    with pytest.raises(StepIllegal, match="has its review"):
        lifecycle.peer_review(
            change, actor=cast.peer_reviewer, outcome="approved", findings="Well…"
        )
    assert reviewed(change, cast).state == S.TESTING


def test_deployment_needs_all_three_kinds_of_test(cast: Cast) -> None:
    change = change_in(S.TESTING, cast)
    for kind in ("functional", "functional", "security"):
        change = lifecycle.record_test(
            change, actor=cast.tester, kind=kind, result="passed", evidence="Green."
        )
        assert change.state == S.TESTING
    change = lifecycle.record_test(
        change, actor=cast.tester, kind="regression", result="passed", evidence="Green."
    )
    assert change.state == S.DEPLOYMENT


def test_a_failed_test_returns_to_development_and_voids_review_and_tests(cast: Cast) -> None:
    change = change_in(S.TESTING, cast)
    change = lifecycle.record_test(
        change, actor=cast.tester, kind="security", result="passed", evidence="Green."
    )
    change = lifecycle.record_test(
        change, actor=cast.tester, kind="functional", result="failed", evidence="Red."
    )
    assert (change.state, change.round) == (S.DEVELOPMENT, 2)
    with pytest.raises(StepIllegal, match="not recorded yet"):
        lifecycle.peer_review(
            change, actor=cast.peer_reviewer, outcome="approved", findings="Same as before."
        )
    change = reviewed(change, cast)
    for kind in ("functional", "regression"):
        change = lifecycle.record_test(
            change, actor=cast.tester, kind=kind, result="passed", evidence="Green."
        )
    assert change.state == S.TESTING  # the security test of the first round does not count


def test_the_deployment_gate_names_what_is_missing(cast: Cast) -> None:
    change = change_in(S.DEPLOYMENT, cast)
    with pytest.raises(StepIllegal, match="release and rollback plan"):
        lifecycle.start_deployment(change, actor=cast.release_manager)
    empty = Change(pk=change.pk, type="code", path=9)
    assert gates.deployment_gaps(empty) == [
        "acceptance by the board",
        "requirement definition",
        "signed risk assessment",
        "development record",
        "passed test: functional",
        "passed test: security",
        "passed test: regression",
        "release and rollback plan",
    ]


def test_a_deployment_needs_a_rollback_plan(cast: Cast) -> None:
    release = Release.objects.create(name="5.0", planned_on="2030-01-01")
    with pytest.raises(StepIncomplete) as refusal:
        lifecycle.plan_deployment(
            change_in(S.DEPLOYMENT, cast),
            actor=cast.release_manager,
            release=release,
            rollback_plan="",
        )
    assert refusal.value.missing == ["rollback_plan"]


def test_a_rolled_back_deployment_returns_to_development(cast: Cast) -> None:
    change = deployed(cast, outcome="rolled_back")
    assert (change.state, change.round) == (S.DEVELOPMENT, 2)
    change = deployment_planned(all_passed(reviewed(change, cast), cast), cast)
    change = lifecycle.start_deployment(change, actor=cast.release_manager)
    change = lifecycle.record_deployment(
        change, actor=cast.release_manager, outcome="succeeded", notes="Now it holds."
    )
    assert change.state == S.CONFIRMATION


# Confirmation and close


def test_yes_closes(cast: Cast) -> None:
    change = lifecycle.answer_confirmation(deployed(cast), actor=cast.requester, confirmed=True)
    assert (change.state, change.is_final) == (S.CLOSED, True)
    assert change.closed_at is not None


def test_no_needs_a_reason_and_goes_back_to_the_owner(cast: Cast) -> None:
    change = change_in(S.CONFIRMATION, cast)
    with pytest.raises(StepIncomplete) as refusal:
        lifecycle.answer_confirmation(change, actor=cast.requester, confirmed=False, reason=" ")
    assert refusal.value.missing == ["reason"]
    change = lifecycle.answer_confirmation(
        change, actor=cast.requester, confirmed=False, reason="Sundays are missing."
    )
    assert change.state == S.NOT_CONFIRMED
    assert change.owner == cast.success


def test_rework_of_a_configuration_change_needs_a_new_execution(cast: Cast) -> None:
    change = lifecycle.rework(
        change_in(S.NOT_CONFIRMED, cast), actor=cast.success, reason="Sundays were agreed."
    )
    assert (change.state, change.execution) == (S.EXECUTION, None)
    change = executed(change, cast)
    assert change.state == S.DOCUMENTATION


def test_rework_of_a_code_change_starts_a_new_round(cast: Cast) -> None:
    change = lifecycle.answer_confirmation(
        deployed(cast), actor=cast.requester, confirmed=False, reason="Sundays are missing."
    )
    change = lifecycle.rework(change, actor=cast.success, reason="Sundays were agreed.")
    assert (change.state, change.development, change.deployment) == (S.DEVELOPMENT, None, None)


def test_what_goes_beyond_the_agreed_change_is_a_new_change_request(cast: Cast) -> None:
    change = change_in(S.NOT_CONFIRMED, cast)
    successor = lifecycle.close_with_successor(
        change,
        actor=cast.success,
        reason="Sundays were never asked for.",
        title="Let night staff book on Sundays",
        description="Sundays too.",
    )
    assert successor.state == S.SUBMITTED
    assert (successor.requester, successor.organisation) == (cast.requester, cast.harbour)
    link = ChangeLink.objects.get()
    assert (link.source, link.target.pk, link.kind) == (successor, change.pk, "successor_of")
    assert Change.objects.get(pk=change.pk).state == S.CLOSED


def test_withdrawal_ends_when_execution_has_begun(cast: Cast) -> None:
    change = lifecycle.start_execution(
        plan(change_in(S.EXECUTION, cast), cast), actor=cast.support, reason="Early."
    )
    with pytest.raises(StepIllegal, match="already being put in place"):
        lifecycle.withdraw(change, actor=cast.requester, reason="Too late.")


# Promises of every step


def test_a_stale_page_is_told_what_happened(cast: Cast) -> None:
    change = change_in(S.REVIEW, cast)
    seen = change.version
    lifecycle.review(change, actor=cast.success, outcome="endorsed", findings="Fine.")
    with pytest.raises(ChangeStale, match="Cleo Success reviewed the change.*Authorisation"):
        lifecycle.review(
            change, actor=cast.success, outcome="refused", findings="Not fine.", seen=seen
        )
    assert change.reviews.count() == 1


@pytest.mark.parametrize("state", [S.DRAFT, S.WITHDRAWN])
def test_what_has_no_customer_is_its_writers_alone(cast: Cast, state: State) -> None:
    change = draft(cast)
    Change.objects.filter(pk=change.pk).update(organisation=None, requester=None, state=state)
    change = Change.objects.get(pk=change.pk)
    for one in cast.people.values():
        visible = queries.visible_to(one).filter(pk=change.pk).exists()
        assert permissions.may_see(one, change) is visible, one
    for one in (cast.requester, cast.stranger_customer):
        assert not permissions.may_see(one, change)


def test_what_happened_among_colleagues_is_not_told_to_a_customer(cast: Cast) -> None:
    change = change_in(S.SUBMITTED, cast)
    lifecycle.assign(change, actor=cast.success, owner=cast.developer)
    assert "Cleo Success assigned an owner" in what_happened(change, cast.support)
    lifecycle.correct_customer(
        change,
        actor=cast.support,
        organisation=cast.harbour,
        requester=cast.colleague,
        reason="Colin asked.",
    )
    assert "Sam Support corrected" in what_happened(change, cast.developer)
    assert what_happened(change, cast.colleague).startswith("The change has moved on")


def test_a_comment_does_not_make_a_page_stale(cast: Cast) -> None:
    change = change_in(S.REVIEW, cast)
    lifecycle.comment(change, actor=cast.requester, body="Thank you.")
    lifecycle.review(
        change, actor=cast.success, outcome="endorsed", findings="Fine.", seen=change.version
    )


def test_a_refused_step_leaves_nothing_behind(cast: Cast) -> None:
    change = change_in(S.AUTHORISATION, cast)
    before = (change.events.count(), change.history.count(), change.version)
    with pytest.raises(StepForbidden):
        lifecycle.authorise(change, actor=cast.success, outcome="authorised", reason="Mine.")
    change = Change.objects.get(pk=change.pk)
    assert (change.events.count(), change.history.count(), change.version) == before
    assert not change.authorisations.exists()


def test_every_step_leaves_an_event_and_history_with_person_and_reason(cast: Cast) -> None:
    change = lifecycle.review(
        change_in(S.REVIEW, cast), actor=cast.success, outcome="endorsed", findings="Harmless."
    )
    event = change.events.last()
    assert (event.verb, event.actor, event.reason) == ("review", cast.success, "Harmless.")
    assert (event.from_state, event.to_state) == (S.REVIEW, S.AUTHORISATION)
    for record in (change, change.reviews.get()):
        row = record.history.first()
        assert row.history_user == cast.success
        assert row.history_change_reason == "reviewed the change: Harmless."


def test_a_draft_belongs_to_its_writer(cast: Cast) -> None:
    with pytest.raises(StepForbidden):
        lifecycle.submit(draft(cast), actor=cast.requester)
