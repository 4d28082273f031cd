"""Standard changes: what is approved, by whom, for how long, and which changes it authorises.

Costs about 4 s.
"""

from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import time_machine
from django.utils import timezone

from accounts.models import User
from changes import lifecycle, permissions, standard
from changes.models import Change, Service, StandardApproval
from changes.states import State
from expansive_cm.workflow.errors import StepForbidden, StepIllegal, StepIncomplete
from tests import stories
from tests.people import Cast
from tests.standards import (
    CONTENT,
    PLAN,
    approved,
    edited,
    endorsed,
    executed,
    in_review,
    mail_to,
    proposed,
    template,
    used,
    why_normal,
)

Life = StandardApproval.State
S = State


# Texts with blanks ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("pattern", "text", "fits"),
    [
        ("Switch on", "Switch on", True),
        ("Switch on", "Switch on now", False),
        ("Switch …", "Switch maps", True),
        ("Switch ...", "Switch maps", True),
        ("Switch …", "Switch …", False),
        ("Switch …", "Switch ", False),
        ("Switch …", "Switch maps\nand delete all", False),
        ("Switch …", "Switch " + "x" * 201, False),
        ("Switch …", "Switch \u00a0\u200b", False),
        ("Switch …", "Switch –", False),
        ("Switch …", "Switch maps\rand delete all", False),
        ("Switch …", "Switch maps\u2028and delete all", False),
        ("Switch … on", "Switch \u202emaps on", False),
        ("Switch maps on", "Switch mаps on", False),
        ("Switch maps on", "Switch\u00a0maps on", False),
        ("Switch …", "Switch 地図", True),
        ("… on", "Maps on", True),
        ("… on", "Maps off", False),
        ("Set … to …", "Set A to B", True),
        ("Set … to …", "Set A to ", False),
        ("Set … to …", "Set A", False),
        ("Set … to ….", "Set A to B and C.", True),
        ("Set …… now", "Set A now", True),
        ("a … a", "a b a a", True),
        ("A: …\n\nB: …", "A: x\r\n\r\nB: y\r\n", True),
        ("A: …\n\nB: …", "A: x\n\nC: z\nB: y", False),
        ("…" * 50_000, "x", True),
        ("a…" * 10_000 + "b", "a" * 40_000, False),
    ],
)
def test_only_blanks_are_filled_in(pattern: str, text: str, fits: bool) -> None:
    assert standard.is_as_written(pattern, text) is fits


def test_a_year_ends_on_the_same_day_of_the_next() -> None:
    assert standard.a_year_from(date(2026, 11, 29)) == date(2027, 11, 29)
    assert standard.a_year_from(date(2028, 2, 29)) == date(2029, 2, 28)


# Proposed and approved ------------------------------------------------------------------------


def test_it_is_proposed_with_its_content_and_approved_for_a_year(cast: Cast) -> None:
    one = proposed(cast)
    assert one.state == Life.WAITING
    assert mail_to(cast.approver)[-1].subject.endswith("decide on a standard change: Feature flag")
    before = len(mail_to(cast.success))
    one = lifecycle.decide_standard(one, actor=cast.approver, approved=True, reason="Harmless.")
    assert (one.state, one.decided_by) == (Life.IN_FORCE, cast.approver)
    assert one.valid_until == standard.a_year_from(standard.today())
    assert {**CONTENT, "urgency": None} | one.content == {**one.content, "urgency": None}
    assert len(mail_to(cast.success)) == before + 1
    rows = [(row.history_user, row.history_change_reason) for row in one.history.order_by("pk")]
    assert rows == [
        (cast.success, "proposed the standard change"),
        (cast.approver, "approved the standard change: Harmless."),
    ]
    with pytest.raises(StepIllegal):
        lifecycle.propose_standard(one.template, actor=cast.success, case="Again.")
    with pytest.raises(StepIllegal):
        lifecycle.decide_standard(one, actor=cast.approver, approved=False, reason="No.")


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("type", "code", "Only configuration"),
        ("type", "", "Only configuration"),
        ("rollback_plan", "", "rollback plan"),
        ("steps", "", "steps"),
        ("steps", "… ...\n…", "steps"),
        ("description", "…", "description"),
        ("impact", 4, "low risk"),
        ("likelihood", None, "likelihood"),
        ("is_active", False, "withdrawn"),
    ],
)
def test_only_what_says_all_and_has_a_low_risk_is_proposed(
    cast: Cast, field: str, value: Any, said: str
) -> None:
    one = edited(template(cast), cast, **{field: value})
    with pytest.raises(StepIllegal, match=said):
        lifecycle.propose_standard(one, actor=cast.success, case="Often.")
    assert not StandardApproval.objects.exists()


def test_nobody_approves_what_they_proposed_or_wrote(cast: Cast) -> None:
    """Though they hold every role: who wrote any version of it, and who proposed it."""
    one = proposed(cast)
    one.template.save()  # by nobody, as a script does: that bars nobody
    for name in ("success", "administrator"):
        user = cast.people[name]
        user.groups.add(*User.objects.get(pk=cast.approver.pk).groups.all())
        cast.harbour.approvers.add(user)
    lifecycle.withdraw_standard(one, actor=cast.success, reason="Typo.")
    edited(one.template, cast, purpose="Better words.")
    lifecycle.save_template(one.template, actor=cast.administrator, system="Desk")
    again = lifecycle.propose_standard(one.template, actor=cast.success, case="Often.")
    for user, said in ((cast.success, "You proposed it"), (cast.administrator, "you wrote")):
        with pytest.raises(StepForbidden, match=said):
            lifecycle.decide_standard(again, actor=user, approved=True, reason="Fine.")
    assert permissions.possible_approvers(again) == [cast.approver]


def test_who_proposes_approves_withdraws_and_reads(cast: Cast) -> None:
    """The matrix of standard changes, of a customer's and of one for all customers."""
    theirs, ours = approved(cast), approved(cast, name="For all", organisation=None)
    waiting = proposed(cast, name="Waits")
    for_all = proposed(cast, name="Waits for all", organisation=None)
    free = template(cast, name="Free")
    keepers, keepers_of_ours = {"success", "administrator"}, {"stranger_success"}
    board = {"crb_member", "chair"}
    expected: dict[Any, set[str]] = {
        "propose": keepers,
        "decide": {"approver"},
        "decide for all": board,
        "withdraw": {*keepers, "approver"},
        "withdraw for all": {*keepers, *keepers_of_ours, *board},
    }
    insiders = {name for name, one in cast.people.items() if one.is_internal and name != "nobody"}
    expected |= {"read": insiders | {"approver"}, "read for all": insiders}
    asked = {
        "propose": lambda user: permissions.can_propose_standard(user, free),
        "decide": lambda user: permissions.can_decide_standard(user, waiting),
        "decide for all": lambda user: permissions.can_decide_standard(user, for_all),
        "withdraw": lambda user: permissions.can_withdraw_standard(user, theirs),
        "withdraw for all": lambda user: permissions.can_withdraw_standard(user, ours),
        "read": lambda user: permissions.standard_changes_for(user).filter(pk=theirs.pk).exists(),
        "read for all": lambda user: (
            permissions.standard_changes_for(user).filter(pk=ours.pk).exists()
        ),
    }
    for name, ask in asked.items():
        assert {who for who, user in cast.people.items() if ask(user)} == expected[name], name
    for user in cast.people.values():
        assert not permissions.can_renew_standard(user, theirs), "not so long before its end"
        user.is_active = False
        assert not permissions.standard_changes_for(user).exists(), user
        assert not permissions.can_decide_standard(user, waiting), user
        assert not permissions.can_withdraw_standard(user, ours), user
        assert not permissions.can_propose_standard(user, free), user


# What it authorises -----------------------------------------------------------------------------


def test_a_change_that_is_exactly_it_goes_straight_to_execution(cast: Cast) -> None:
    change = used(cast)
    assert change.state == S.EXECUTION
    given = change.authorisation
    assert (given.recorded_by, given.outcome) == (cast.approver, "authorised")
    verbs = [(one.verb, one.from_state, one.to_state) for one in change.events.order_by("-pk")[:2]]
    assert verbs == [
        ("authorise_standard", S.AUTHORISATION, S.EXECUTION),
        ("review", S.REVIEW, S.AUTHORISATION),
    ]
    event = change.events.latest("pk")
    assert event.actor is None and event.data["standard"] == given.standard_id
    for words in (
        "“Feature flag”",
        "version 1",
        "Ada Approver",
        f"{given.standard.valid_until:%Y}",
    ):
        assert words in event.reason
    # Nobody is told that it waits for them; requester and approver are told what happened.
    subjects = [mail.subject for mail in mail_to(cast.approver)]
    assert any("Used as you approved it" in one for one in subjects)
    assert not any("Authorise" in mail.message for mail in mail_to(cast.approver)[-1:])
    said = mail_to(cast.requester)[-1]
    assert "approved in advance" in said.message and "Feature flag" not in said.message


@pytest.mark.parametrize(
    ("field", "value", "named"),
    [
        ("title", "Switch maps on and delete all", "title"),
        ("description", "**Feature:** maps", "description"),
        ("services", [1], "services"),
    ],
)
def test_what_is_asked_otherwise_goes_the_normal_way(
    cast: Cast, field: str, value: Any, named: str
) -> None:
    more = {field: value}
    if field == "services":
        more = {"services": [Service.objects.create(name="Maps")]}
    change = endorsed(in_review(cast, approved(cast), **more), cast)
    assert named in why_normal(change)


def test_each_part_of_the_content_is_compared_with_the_change(cast: Cast) -> None:
    """Whatever is approved of a template, now or later: a change that differs in it alone."""
    one = approved(cast)
    change = in_review(cast, one)
    assert standard.differences(change, one.content) == []
    used_it = endorsed(change, cast)
    plans = {"steps": PLAN["steps"], "rollback_plan": PLAN["rollback_plan"]}
    for name, value in one.content.items():
        if name == "type":
            continue  # nothing else is ever in review
        other = [0] if name == "services" else value + (1 if isinstance(value, int) else ".")
        content = {**one.content, name: other}
        StandardApproval.objects.filter(pk=one.pk).update(content=content)
        fresh = Change.objects.get(pk=used_it.pk)
        found = standard.differences(fresh, content) or standard.plan_faults(fresh, **plans)
        assert len(found) == 1, name


def test_what_is_judged_otherwise_goes_the_normal_way(cast: Cast) -> None:
    change = in_review(cast, approved(cast))
    change.assessments.update(likelihood=2, need="Something else.")
    said = why_normal(endorsed(change, cast))
    assert "likelihood" in said and "need" in said and "impact on" not in said


def test_the_approval_is_asked_afresh_at_the_step(cast: Cast) -> None:
    one = approved(cast)
    change = in_review(cast, one)
    with time_machine.travel(timezone.now() + timedelta(days=367)):
        assert one.state == Life.EXPIRED
        assert "expired on" in why_normal(endorsed(change, cast))
    change = in_review(cast, one)
    lifecycle.withdraw_standard(one, actor=cast.approver, reason="We look again.")
    assert "We look again." in why_normal(endorsed(change, cast))
    later = endorsed(in_review(cast, approved(cast, name="Other")), cast)
    assert later.state == S.EXECUTION


def test_its_last_day_is_one_of_the_product_and_not_of_a_reader(cast: Cast) -> None:
    one = approved(cast)
    assert one.valid_until is not None
    zone = timezone.get_default_timezone()
    evening = datetime.combine(one.valid_until, datetime.max.time(), zone) - timedelta(minutes=1)
    for where in ("Pacific/Kiritimati", "Pacific/Pago_Pago"):
        with timezone.override(ZoneInfo(where)):
            with time_machine.travel(evening):
                assert one.state == Life.IN_FORCE
            with time_machine.travel(evening + timedelta(minutes=2)):
                assert one.state == Life.EXPIRED


def test_duties_stay_apart_over_the_change(cast: Cast) -> None:
    """Who approved in advance has authorised it: neither asker, preparer nor executor is that."""
    one = approved(cast)
    asked = in_review(cast, one, requester=cast.approver)
    assert "asked for this change" in why_normal(endorsed(asked, cast))
    cast.approver.groups.add(*cast.success.groups.all())
    change = endorsed(in_review(cast, one), cast)
    people = {"window_start": timezone.now(), "window_end": timezone.now() + timedelta(hours=1)}
    executor = cast.approver
    User.objects.filter(pk=executor.pk).update(organisation=None)
    executor.groups.set([*cast.support.groups.all()])
    with pytest.raises(StepIncomplete, match="approved the standard change"):
        lifecycle.plan_execution(change, actor=cast.success, executor=executor, **people, **PLAN)


def test_who_assessed_and_reviewed_does_not_authorise_in_advance_either(cast: Cast) -> None:
    """Of one for all customers, approved by somebody of the board who is in the team as well."""
    one = approved(cast, organisation=None)
    chair = cast.chair
    chair.groups.add(*cast.success.groups.all())
    cast.care_team.members.add(chair)
    change = in_review(cast, one)
    events = change.events.filter(verb="assess")
    assert events.exists()
    other = lifecycle.review(change, actor=chair, outcome="endorsed", findings="Fine.")
    assert other.state == S.EXECUTION, "somebody else assessed it"
    change = in_review(cast, one)
    assessed = lifecycle.reclassify
    for verb in ("code", "configuration"):
        change = assessed(change, actor=chair, reason=f"It is {verb}.", **stories.ASSESSMENT)
    change = lifecycle.review(change, actor=chair, outcome="endorsed", findings="Fine.")
    assert change.state == S.AUTHORISATION


def test_the_plan_is_the_approved_one(cast: Cast) -> None:
    change = used(cast)
    with pytest.raises(StepIncomplete, match="only the blanks") as refused:
        stories.plan(change, cast)
    assert refused.value.missing == ["steps", "rollback_plan"]
    change = lifecycle.ask_authorisation(change, actor=cast.success, reason="Other steps.")
    assert why_normal(change) == "Other steps."
    change = lifecycle.authorise(
        change, actor=cast.approver, outcome="authorised", reason="Fine too."
    )
    assert stories.plan(change, cast).execution is not None
    with pytest.raises(StepIllegal, match="authorisation of its own"):
        lifecycle.ask_authorisation(change, actor=cast.success, reason="Again.")


def test_no_later_step_lets_it_be_done_or_asked_for_otherwise(cast: Cast) -> None:
    """Another requester, another request, a rework, and the other path and back."""
    change = used(cast)
    one = change.authorisation.standard
    with pytest.raises(StepIncomplete, match="Ada Approver approved"):
        lifecycle.replace_requester(
            change, actor=cast.success, successor=cast.approver, reason="On leave."
        )
    for fields in ({"title": "Switch all off"}, {"services": []}, {"template": None}):
        with pytest.raises(StepIllegal):
            lifecycle.edit(change, actor=cast.support, **fields)
    done = lifecycle.document(
        executed(change, cast), actor=cast.success, system="D", reference="1", summary="Done."
    )
    declined = lifecycle.answer_confirmation(
        done, actor=cast.requester, confirmed=False, reason="Not quite."
    )
    reworked = lifecycle.rework(declined, actor=cast.success, reason="We put it right.")
    with pytest.raises(StepIncomplete, match="only the blanks"):
        stories.plan(reworked, cast)
    with pytest.raises(StepIncomplete, match="only the blanks"):
        stories.plan(reworked, cast, **{**PLAN, "rollback_plan": "Set the switch back!"})
    stories.plan(reworked, cast, **PLAN)
    other = endorsed(in_review(cast, one), cast)
    assert other.state == S.EXECUTION
    for said in ("It is code.", "It is not."):
        other = lifecycle.reclassify(other, actor=cast.success, reason=said, **stories.ASSESSMENT)
    assert other.authorisation is None
    assert "need" in why_normal(endorsed(other, cast))


def test_it_is_not_planned_into_a_freeze(cast: Cast) -> None:
    """Approved in advance is not approved for any time."""
    change, now = used(cast), timezone.now()
    times = {"starts_at": now + timedelta(hours=1), "ends_at": now + timedelta(hours=24)}
    lifecycle.plan_window(
        actor=cast.release_manager,
        **{"kind": "freeze", "name": "Audit week", "effect": "refuses", "zone": "UTC", **times},
    )
    with pytest.raises(StepIncomplete, match="Audit week"):
        stories.plan(change, cast, **PLAN)
