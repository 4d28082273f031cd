"""Who may take which step of the requester's side: steps × people × states, allowed and refused.

Written out by hand, as the matrix of the process (``test_permission_matrix``) is, which has the
steps that belong to certain states. Here are those beside it: links, mail, answers by mail,
watching, and who takes a person's place. Refusals are tried as well as read.
"""

from collections.abc import Callable
from datetime import date, timedelta
from functools import partial
from typing import Any

import pytest
from django.db import transaction
from django.utils import timezone

from accounts.models import Organisation, User
from changes import access_links, lifecycle, permissions
from changes.mail_in import triage
from changes.models import Change, DeliveryProblem, IncomingMail, ProposedAnswer, Release, Window
from changes.states import FINAL, State
from expansive_cm.workflow.errors import StepError
from tests.changes.test_permission_matrix import MATRIX, SEES, in_each_state, who_may_each
from tests.letters import write
from tests.mailing import mail_to
from tests.people import Cast
from tests.stories import change_in, information_required

S = State
Outcome = IncomingMail.Outcome

ALWAYS = set(State) - {S.DRAFT}
CARE = {"support", "success"}
CUSTOMERS = {"requester", "colleague", "approver"}

# step -> (who, in which states). A draft exists for its writer alone, who is support here.
BESIDE: dict[str, tuple[set[str], set[State]]] = {
    "settle_delivery": (CARE, ALWAYS),
    "see_mail": (SEES - CUSTOMERS, ALWAYS),
    "send_link": (CARE, ALWAYS),
    "revoke_links": (CARE, ALWAYS),
    "accept_answer": (CARE, {S.INFORMATION_REQUIRED}),
    "discard_answer": (CARE, ALWAYS),
    "watch": (SEES - {"auditor", "administrator"}, ALWAYS),
    "unwatch": (SEES, ALWAYS),
    "mute": (SEES - {"auditor", "administrator"} - CUSTOMERS, ALWAYS),
    "unmute": (SEES, ALWAYS),
    "follow_up": ({"support", "success", *CUSTOMERS}, set(FINAL)),
    "copy_as_new": ({"support", "success", *CUSTOMERS}, ALWAYS),
    "take_back_board_outcome": (
        {"crb_member", "chair"},
        {S.REQUIREMENTS, S.INFORMATION_REQUIRED, S.REJECTED},
    ),
    "reconsider_decision": ({"crb_member", "chair"}, {S.REQUIREMENTS, S.REJECTED}),
    "replan_promise": (
        {"crb_member", "chair"},
        {S.REQUIREMENTS, S.RISK_ASSESSMENT, S.DEVELOPMENT, S.TESTING, S.DEPLOYMENT},
    ),
    "detach": (set(), set()),  # what was sent stays
    # Of what is finished, for good; of a deployment see tests/changes/test_correct_record.py.
    "correct_execution": (
        CARE,
        {S.ROLLED_BACK, S.DOCUMENTATION, S.CONFIRMATION, S.NOT_CONFIRMED, S.CLOSED},
    ),
    "correct_deployment": (set(), set()),
    # Of a deployment see tests/changes/test_take_back_record.py.
    "take_back_execution": ({"support"}, {S.ROLLED_BACK, S.DOCUMENTATION}),
    "take_back_deployment": (set(), set()),
    # Of what was rolled back; see tests/changes/test_emergency.py.
    "record_post_review": (CARE - {"support"}, {S.ROLLED_BACK}),
    "add_post_action": (CARE - {"support"}, {S.ROLLED_BACK}),
    "change_post_action": (set(), set()),
    "complete_post_action": (set(), set()),
    # Of which window is asked besides: see ``may_override`` below.
    "override_window": (SEES - CUSTOMERS, {S.EXECUTION, S.ROLLED_BACK, S.DEPLOYMENT}),
}
IN_A_DRAFT = set(BESIDE) - {
    "correct_execution",
    "correct_deployment",
    "take_back_execution",
    "take_back_deployment",
    "record_post_review",
    "add_post_action",
    "change_post_action",
    "complete_post_action",
    "accept_answer",
    "follow_up",
    "override_window",
    "take_back_board_outcome",
    "reconsider_decision",
    "replan_promise",
}

# Where no single change is concerned.
ANYWHERE: dict[str, set[str]] = {
    "triage": {"support"},
    "follow_answers": {"support", "success", "stranger_success", "auditor", "administrator"},
    "import": {"administrator"},
    "maintain_templates": {"success", "stranger_success", "administrator"},
    "read_templates": {
        *("support", "success", "stranger_success", "developer", "peer_reviewer", "tester"),
        *("release_manager", "crb_member", "chair", "auditor", "administrator"),
    },
    "plan_releases": {"release_manager", "administrator"},
    "read_releases": {
        *("support", "success", "stranger_success", "developer", "peer_reviewer", "tester"),
        *("release_manager", "crb_member", "chair", "auditor", "administrator"),
    },
    "read_promises": {
        *("support", "success", "stranger_success", "developer", "peer_reviewer", "tester"),
        *("release_manager", "crb_member", "chair", "auditor", "administrator"),
    },
    "read_figures": {
        *("support", "success", "stranger_success", "developer", "peer_reviewer", "tester"),
        *("release_manager", "crb_member", "chair", "auditor", "administrator"),
    },
    "plan_windows": {"release_manager", "administrator"},
    "read_windows": {
        *("support", "success", "stranger_success", "developer", "peer_reviewer", "tester"),
        *("release_manager", "crb_member", "chair", "auditor", "administrator"),
    },
    "keep_labels": {"administrator"},
    "keep_services": {"administrator"},
    "read_services": {
        *("support", "success", "stranger_success", "developer", "peer_reviewer", "tester"),
        *("release_manager", "crb_member", "chair", "auditor", "administrator"),
    },
    "read_post_reviews": {
        *("support", "success", "stranger_success", "developer", "peer_reviewer", "tester"),
        *("release_manager", "crb_member", "chair", "auditor", "administrator"),
    },
    "keep_approval_rules": {"administrator"},
    "read_approval_rules": {
        *("support", "success", "stranger_success", "developer", "peer_reviewer", "tester"),
        *("release_manager", "crb_member", "chair", "auditor", "administrator"),
    },
    "find_candidates": {"success", "stranger_success", "administrator", "auditor"},
    "see_standard_changes": {
        *("support", "success", "stranger_success", "developer", "peer_reviewer", "tester"),
        *("release_manager", "crb_member", "chair", "auditor", "administrator"),
        *("approver", "stranger_approver"),
    },
    "read_incoming_mail": {"support", "auditor"},
    "read_own_promises": {
        *("requester", "colleague", "approver", "stranger_customer", "stranger_approver")
    },
    "see_internal": {
        *("support", "success", "stranger_success", "developer", "peer_reviewer", "tester"),
        *("release_manager", "crb_member", "chair", "auditor", "administrator"),
    },
    "raise": {
        *("requester", "colleague", "approver", "stranger_customer", "stranger_approver"),
        *("support", "success", "stranger_success"),
    },
}
OF_A_STANDARD_CHANGE = {
    *("propose_standard", "decide_standard", "renew_standard", "withdraw_standard")
}  # tests/changes/test_standard_rules.py
OF_A_RELEASE = {"change_release", "freeze_release", "finish_release", "cancel_release"}
DISCUSSION = {"comment", "correct_comment", "note", "attach", "link", "unlink"}
DISCUSSION |= {"label", "unlabel"}


def test_every_permission_is_in_a_matrix() -> None:
    known = {name.removeprefix("can_") for name in dir(permissions) if name.startswith("can_")}
    # Of a person; of many: see the deployment of one; of a freeze; by state: the other matrix.
    beside = {"hand_over", "deploy", "execute", "cancel_window", "tick_checklist"}
    objects = OF_A_RELEASE | OF_A_STANDARD_CHANGE
    assert known == {*MATRIX, *BESIDE, *ANYWHERE, *objects, *DISCUSSION, *beside}


@pytest.mark.xdist_group("everywhere")
def test_who_may_do_what_beside_the_process(cast: Cast, settings: Any) -> None:
    changes = in_each_state(cast)
    settings.OUTCOME_UNDO_SECONDS = 300
    for state, change in changes.items():
        expected = {
            verb: who if state in states else set() for verb, (who, states) in BESIDE.items()
        }
        if state == S.DRAFT:
            expected = {verb: {"support"} if verb in IN_A_DRAFT else set() for verb in BESIDE}
        assert who_may_each(BESIDE, cast, change) == expected, state


def test_who_may_do_what_anywhere(cast: Cast) -> None:
    for what, expected in ANYWHERE.items():
        ask = getattr(permissions, f"can_{what}")
        assert {name for name, user in cast.people.items() if ask(user)} == expected, what


def test_who_may_do_what_with_a_release(cast: Cast) -> None:
    release = Release.objects.create(name="4.12", planned_on=date(2100, 1, 1))
    asked = {what: getattr(permissions, f"can_{what}") for what in OF_A_RELEASE}
    may = {
        what: {name for name, one in cast.people.items() if ask(one, release)}
        for what, ask in asked.items()
    }
    assert may == dict.fromkeys(OF_A_RELEASE, {"release_manager", "administrator"})


def test_who_may_do_what_with_a_freeze(cast: Cast) -> None:
    now = timezone.now()
    freeze = Window(kind="freeze", starts_at=now, ends_at=now + timedelta(hours=1))
    freeze.effect, freeze.override_role = "override", "crb_member"
    may = {name for name, one in cast.people.items() if permissions.may_override(one, freeze)}
    assert may == {"crb_member", "chair"}
    may = {name for name, one in cast.people.items() if permissions.can_cancel_window(one, freeze)}
    assert may == {"release_manager", "administrator"}
    for end in ("cancelled_at", "ends_at"):
        setattr(freeze, end, now)
        assert not permissions.can_cancel_window(cast.administrator, freeze)
        assert not permissions.may_override(cast.chair, freeze)
        freeze.cancelled_at = None


# Tried --------------------------------------------------------------------------------------


def tried(act: Callable[[], object]) -> str:
    """Return ``+`` for what is done, ``-`` for not this person, ``~`` for not the moment.

    Whatever was done is undone.
    """
    try:
        with transaction.atomic():
            act()
            transaction.set_rollback(True)
    except StepError as error:
        return {403: "-", 409: "~"}.get(error.status, str(error.status))
    return "+"


def signs(cast: Cast, act: Callable[[User], object]) -> dict[str, set[str]]:
    """Let everybody try; return who got which answer."""
    found: dict[str, set[str]] = {}
    for name, user in cast.people.items():
        found.setdefault(tried(lambda user=user: act(user)), set()).add(name)
    return found


def everybody_but(cast: Cast, *who: str) -> set[str]:
    return set(cast.people) - set(who)


@pytest.mark.xdist_group("everywhere")
def test_links_and_problems_are_settled_by_those_who_care(cast: Cast) -> None:
    for state, change in in_each_state(cast, but_draft=True).items():
        access_links.issue(change, cast.requester, actor=None)
        problem = DeliveryProblem.objects.create(
            change=change, person=cast.requester, address=cast.requester.email
        )
        acts: dict[str, Callable[[User], object]] = {
            "settle_delivery": partial(settle, change, problem),
            "send_link": partial(send_link, change, cast.requester),
            "revoke_links": partial(revoke_links, change, cast.requester),
        }
        for verb, act in acts.items():
            expected = {"+": CARE, "-": everybody_but(cast, *CARE)}
            assert signs(cast, act) == expected, (state, verb)


def settle(change: Change, problem: DeliveryProblem, user: User) -> object:
    return lifecycle.settle_delivery(change, actor=user, problem=problem, resolution="Rang her.")


def send_link(change: Change, person: User, user: User) -> object:
    return lifecycle.send_link(change, actor=user, person=person)


def revoke_links(change: Change, person: User, user: User) -> object:
    return lifecycle.revoke_links(change, actor=user, person=person)


@pytest.mark.xdist_group("everywhere")
def test_who_sees_a_change_watches_it_and_stops(cast: Cast) -> None:
    at_work = SEES - {"auditor", "administrator"}
    for state, change in in_each_state(cast, but_draft=True).items():
        for step, who in ((lifecycle.watch, at_work), (lifecycle.unwatch, SEES)):
            found = signs(cast, lambda user, step=step, change=change: step(change, actor=user))
            assert found == {"+": who, "-": everybody_but(cast, *who)}, (state, step)


@pytest.mark.xdist_group("everywhere")
def test_only_those_with_a_part_in_it_are_sent_a_link(cast: Cast) -> None:
    for state, change in in_each_state(cast).items():
        with transaction.atomic():
            asked = cast.people.items()
            sent = {name for name, user in asked if lifecycle.ask_for_link(change, user)}
            assert sent == (set() if state == S.DRAFT else {"requester"}), state
            transaction.set_rollback(True)


@pytest.mark.xdist_group("everywhere")
def test_only_the_requester_is_led_to_the_question(cast: Cast) -> None:
    for state, change in in_each_state(cast, but_draft=True).items():
        change.watchers.add(cast.colleague)
        found = {}
        for name in ("requester", "colleague"):
            _, link = access_links.issue(change, cast.people[name], actor=None)
            found[name] = tried(
                partial(lifecycle.open_confirmation, change, actor=cast.people[name], link=link)
            )
        assert found == {
            "requester": "+" if state == S.CONFIRMATION else "~",
            "colleague": "~",
        }, state


# Answers that came by mail ------------------------------------------------------------------


@pytest.fixture
def proposal(cast: Cast) -> ProposedAnswer:
    """A question of the board that the requester has answered by mail."""
    information_required(cast)
    write("There are twelve.", in_reply_to=mail_to(cast.requester.email).message_id)
    return ProposedAnswer.objects.get()


def accept_answer(proposal: ProposedAnswer, user: User) -> Change:
    return lifecycle.answer_question(
        proposal.question.change,
        actor=user,
        question=proposal.question,
        answer=proposal.text,
        proposal=proposal,
    )


def discard_answer(proposal: ProposedAnswer, user: User) -> object:
    return lifecycle.discard_answer(proposal.question.change, actor=user, proposal=proposal)


@pytest.mark.parametrize("step", [accept_answer, discard_answer])
def test_a_proposed_answer_is_judged_once_by_those_who_care(
    cast: Cast, proposal: ProposedAnswer, step: Callable[[ProposedAnswer, User], object]
) -> None:
    refused = everybody_but(cast, *CARE)
    assert signs(cast, lambda user: step(proposal, user)) == {"+": CARE, "-": refused}
    discard_answer(proposal, cast.support)
    assert signs(cast, lambda user: step(proposal, user)) == {"~": CARE, "-": refused}


def test_an_answer_is_not_accepted_when_the_board_no_longer_waits(
    cast: Cast, proposal: ProposedAnswer
) -> None:
    question = proposal.question
    lifecycle.answer_question(question.change, actor=cast.success, question=question, answer="10.")
    found = signs(cast, lambda user: accept_answer(proposal, user))
    # Whoever was asked is told that it is over, as for an answer of their own.
    over = {"requester", *CARE}
    assert found == {"~": over, "-": everybody_but(cast, *over)}


# Triage -------------------------------------------------------------------------------------


def as_request(mail: IncomingMail, user: User, harbour: Organisation) -> object:
    return triage.accept_as_request(
        mail, actor=user, address="ines@elsewhere.example", organisation=harbour
    )


def as_comment(mail: IncomingMail, user: User, harbour: Organisation) -> object:
    change = Change.objects.filter(organisation=harbour).latest("pk")
    return triage.accept_as_comment(mail, actor=user, change=change)


def discard(mail: IncomingMail, user: User, harbour: Organisation) -> object:
    return triage.discard(mail, actor=user)


def put_back(mail: IncomingMail, user: User, harbour: Organisation) -> object:
    return triage.put_back(mail, actor=user)


# what became of a mail -> what support can still make of it: a request, a comment, nothing,
# or mail that waits again
TRIAGE: dict[str, str] = {
    Outcome.TRIAGE: "+ + + ~",
    Outcome.DISCARDED: "+ + ~ +",
    Outcome.IGNORED: "+ + ~ +",
    Outcome.CHANGE: "~ ~ ~ ~",
    Outcome.COMMENT: "~ ~ ~ ~",
    Outcome.ANSWER: "~ ~ ~ ~",
    Outcome.BOUNCE: "~ ~ ~ ~",
    Outcome.DUPLICATE: "+ + ~ +",
}


def test_the_matrix_names_every_outcome() -> None:
    assert set(TRIAGE) == set(Outcome)


def test_only_support_makes_something_of_mail_that_waits(cast: Cast) -> None:
    change_in(S.SUBMITTED, cast)
    mail = write(sender="Ines Visitor <ines@elsewhere.example>")
    steps: tuple[Any, ...] = (as_request, as_comment, discard, put_back)
    for outcome, expected in TRIAGE.items():
        IncomingMail.objects.filter(pk=mail.pk).update(outcome=outcome)
        for step, sign in zip(steps, expected.split(), strict=True):
            found = signs(cast, lambda user, step=step: step(mail, user, cast.harbour))
            right = {sign: {"support"}, "-": everybody_but(cast, "support")}
            assert found == right, (outcome, step)


# A successor --------------------------------------------------------------------------------

MAY_REPLACE = {"requester", "success", "administrator"}


@pytest.mark.xdist_group("everywhere")
def test_who_names_a_successor(cast: Cast) -> None:
    for state, change in in_each_state(cast, but_draft=True).items():
        found = signs(cast, partial(replace_requester, change, cast.colleague))
        over = state in {S.CLOSED, S.REFUSED, S.REJECTED, S.WITHDRAWN}
        expected = {"~" if over else "+": MAY_REPLACE, "-": everybody_but(cast, *MAY_REPLACE)}
        assert found == expected, state


def replace_requester(change: Change, successor: User, user: User) -> object:
    return lifecycle.replace_requester(change, actor=user, successor=successor, reason="Leaves.")


def test_who_hands_over_all_requests_of_a_person(cast: Cast) -> None:
    change_in(S.BOARD, cast)
    for person, who in ((cast.requester, MAY_REPLACE), (cast.support, set())):
        found = {n for n, user in cast.people.items() if permissions.can_hand_over(user, person)}
        assert found == who
    found = signs(
        cast,
        lambda user: lifecycle.hand_over(
            cast.requester, actor=user, successor=cast.colleague, reason="Leaves."
        ),
    )
    assert found == {"+": MAY_REPLACE, "-": everybody_but(cast, *MAY_REPLACE)}
