"""Standard changes end: by an edit, a rollback, a person or their last day. Costs about 5 s."""

from datetime import timedelta

import pytest
import time_machine
from django.contrib.auth.models import Group
from django.db import IntegrityError, InternalError, transaction
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.models import User
from accounts.roles import Role
from changes import lifecycle, permissions, standard_notices, tasks
from changes.models import Service, StandardApproval
from changes.states import State
from expansive_cm.workflow.errors import ChangeStale, StepForbidden, StepIllegal, StepIncomplete
from tests import stories
from tests.people import Cast, person
from tests.standards import (
    PLAN,
    approved,
    edited,
    endorsed,
    executed,
    in_review,
    mail_to,
    proposed,
    rolled_back,
    template,
    used,
    why_normal,
)

Life = StandardApproval.State
S = State


def test_an_edit_of_the_content_voids_it_and_another_does_not(cast: Cast) -> None:
    one = approved(cast)
    edited(one.template, cast, name="Flag", purpose="New words.", is_offered=True, system="X")
    one.refresh_from_db()
    assert one.state == Life.IN_FORCE
    before = len(mail_to(cast.approver))
    edited(one.template, cast, steps="1. Something else.")
    one.refresh_from_db()
    assert (one.state, one.ending, one.ended_by) == (Life.ENDED, "edited", cast.success)
    assert "version 3" in one.ended_why
    assert one.ended_why in mail_to(cast.approver)[before].message
    waiting = proposed(cast, name="Other")
    edited(waiting.template, cast, is_active=False)
    waiting.refresh_from_db()
    assert (waiting.state, waiting.ended_why) == (Life.ENDED, "The template was withdrawn.")
    with pytest.raises(StepIllegal):
        lifecycle.decide_standard(waiting, actor=cast.approver, approved=True, reason="Late.")


def test_other_services_void_it(cast: Cast) -> None:
    one = approved(cast)
    edited(one.template, cast, services=[Service.objects.create(name="Maps")])
    one.refresh_from_db()
    assert one.ending == "edited"


def test_a_rollback_withdraws_it_and_those_who_keep_it_are_told(cast: Cast) -> None:
    change = rolled_back(cast)
    one = StandardApproval.objects.get()
    assert (one.ending, one.failed_change, one.ended_by) == ("rolled_back", change, None)
    assert one.ended_why == f"{change.reference}, which was made from it, was rolled back."
    for user in (cast.success, cast.approver):
        assert any(one.ended_why in mail.message for mail in mail_to(user)), user
    # It is not tried again without somebody's yes.
    with pytest.raises(StepIllegal, match="have it authorised first"):
        stories.plan(change, cast, **PLAN)
    inside = person("Inside", Role.APPROVER)
    cast.harbour.approvers.add(inside)
    change = lifecycle.ask_authorisation(change, actor=cast.success, reason="It was the network.")
    assert "It was the network." in mail_to(inside)[-1].message, "why they are asked"
    assert (change.state, change.round) == (S.AUTHORISATION, 2)
    change = lifecycle.authorise(change, actor=cast.approver, outcome="authorised", reason="Yes.")
    assert executed(change, cast).state == S.DOCUMENTATION
    again = lifecycle.propose_standard(one.template, actor=cast.success, case="Mended.")
    assert again.state == Life.WAITING


def test_a_rollback_ends_what_was_approved_anew_meanwhile(cast: Cast) -> None:
    change = used(cast)
    old = StandardApproval.objects.get()
    with time_machine.travel(timezone.now() + timedelta(days=350)):
        new = lifecycle.renew_standard(old, actor=cast.approver, reason="Went well.")
        assert new.valid_until > old.valid_until
        executed(change, cast, "rolled_back")
    assert list(StandardApproval.objects.values_list("ending", flat=True)) == [
        "rolled_back",
        "renewed",
    ]


def test_each_rollback_ends_what_was_approved_since(cast: Cast) -> None:
    """The second one of a change from before: it was approved again, and fails again."""
    first = used(cast)
    one = StandardApproval.objects.get()
    second = endorsed(in_review(cast, one), cast)
    third = endorsed(in_review(cast, one), cast)
    executed(first, cast, "rolled_back")
    again = lifecycle.propose_standard(one.template, actor=cast.success, case="It was the net.")
    again = lifecycle.decide_standard(again, actor=cast.approver, approved=True, reason="Well.")
    executed(second, cast, "rolled_back")
    executed(third, cast, "rolled_back")
    for ended, by in ((one, first), (again, second)):
        ended.refresh_from_db()
        assert (ended.ending, ended.failed_change) == ("rolled_back", by)


def test_a_rollback_ends_what_is_proposed_with_the_same_content(cast: Cast) -> None:
    """Whoever decides on it was told that it went well; what has other content stays."""
    change = used(cast)
    one = StandardApproval.objects.get()
    lifecycle.withdraw_standard(one, actor=cast.success, reason="We look again.")
    again = lifecycle.propose_standard(one.template, actor=cast.success, case="Went well.")
    change = stories.started(stories.plan(change, cast, **PLAN), cast)
    before = len(mail_to(cast.success))
    lifecycle.record_execution(change, actor=cast.support, outcome="rolled_back", notes="No.")
    again.refresh_from_db()
    assert (again.ending, again.failed_change) == ("rolled_back", change)
    said = [mail.message for mail in mail_to(cast.success)[before:]]
    assert any(again.ended_why in one and "waits for approval no more" in one for one in said)
    with pytest.raises(StepIllegal):
        lifecycle.decide_standard(again, actor=cast.approver, approved=True, reason="Fine.")
    other = used(cast)
    edited(StandardApproval.objects.latest("pk").template, cast, steps="1. Otherwise.")
    template_of_other = StandardApproval.objects.latest("pk").template
    waiting = lifecycle.propose_standard(template_of_other, actor=cast.success, case="Mended.")
    executed(other, cast, "rolled_back")
    waiting.refresh_from_db()
    assert waiting.state == Life.WAITING


def test_what_goes_on_after_the_end_is_said(client: Client, cast: Cast) -> None:
    """In the mail of the end, on its page and on the change: nobody takes it for stopped."""
    going = lifecycle.assign(used(cast), actor=cast.support, owner=cast.developer)
    one = StandardApproval.objects.get()
    failed = executed(endorsed(in_review(cast, one), cast), cast, "rolled_back")
    words = f"{going.reference}, which it authorised, is not executed yet and goes on"
    [told] = [mail for mail in mail_to(cast.approver) if "has ended" in mail.subject]
    said = " ".join(told.message.split())
    assert words in said and f"{failed.reference}, which it" not in said
    [told] = [mail for mail in mail_to(cast.developer) if "has ended" in mail.subject]
    assert "you see a change through that it authorised" in " ".join(told.message.split())
    for who in (cast.success, cast.approver):
        client.force_login(who)
        html = client.get(one.get_absolute_url()).content.decode()
        assert words in html, who
    client.force_login(cast.success)
    html = client.get(going.get_absolute_url()).content.decode()
    assert f"{failed.reference}, which was made from it, was rolled back." in html
    assert "This change goes on" in html
    client.force_login(cast.requester)
    assert "This change goes on" not in client.get(going.get_absolute_url()).content.decode()
    # One that was given back, or executed, is not among them.
    lifecycle.ask_authorisation(going, actor=cast.success, reason="We look first.")
    client.force_login(cast.success)
    assert "and goes on" not in client.get(one.get_absolute_url()).content.decode()


def test_one_that_was_approved_anew_says_so_and_leads_to_it(client: Client, cast: Cast) -> None:
    """Changes made from it are not authorised one by one then."""
    old = approved(cast)
    with time_machine.travel(timezone.now() + timedelta(days=350)):
        new = lifecycle.renew_standard(old, actor=cast.approver, reason="Went well.")
        for who in (cast.auditor, cast.approver):
            client.force_login(who)
            html = client.get(old.get_absolute_url()).content.decode()
            assert "authorised one by one" not in html and new.get_absolute_url() in html, who


def test_the_one_in_force_counts_whichever_was_proposed_first(client: Client, cast: Cast) -> None:
    """Proposed anew when it had expired, renewed beside that, then the proposal was approved."""
    one = approved(cast)
    with time_machine.travel(timezone.now() + timedelta(days=380)):
        waiting = lifecycle.propose_standard(one.template, actor=cast.success, case="Again.")
        renewed = lifecycle.renew_standard(one, actor=cast.approver, reason="Forgot it.")
        lifecycle.decide_standard(waiting, actor=cast.approver, approved=True, reason="Fine.")
        renewed.refresh_from_db()
        assert renewed.ending == "renewed" and renewed.pk > waiting.pk
        change = endorsed(in_review(cast, one), cast)
        assert change.state == S.EXECUTION and change.authorisation.standard == waiting
        client.force_login(cast.success)
        html = client.get(reverse("changes:template", args=[one.template_id])).content.decode()
        assert waiting.get_absolute_url() in html


def test_a_clock_that_is_set_back_revives_nothing(cast: Cast) -> None:
    """A change that came when the approval had expired knows that day, whatever the clock says."""
    one = approved(cast)
    with time_machine.travel(timezone.now() + timedelta(days=370)):
        change = in_review(cast, one)
    assert one.state == Life.IN_FORCE
    assert "expired on" in why_normal(endorsed(change, cast))


def test_it_is_approved_for_another_year_by_somebody_apart(cast: Cast) -> None:
    one = approved(cast)
    with pytest.raises(StepIllegal, match="six weeks"):
        lifecycle.renew_standard(one, actor=cast.approver, reason="Fine.")
    tasks.remind_of_standard_changes()
    assert not any("ends soon" in mail.subject for mail in mail_to(cast.approver))
    with time_machine.travel(timezone.now() + timedelta(days=330)):
        for _twice in range(2):
            tasks.remind_of_standard_changes()
        for user in (cast.approver, cast.success):
            told = [mail for mail in mail_to(user) if "ends soon" in mail.subject]
            assert len(told) == 1 and f"{one.valid_until:%Y}" in told[0].message, user
        with pytest.raises(StepForbidden):
            lifecycle.renew_standard(one, actor=cast.success, reason="Fine.")
    with time_machine.travel(timezone.now() + timedelta(days=380)):
        assert one.state == Life.EXPIRED
        new = lifecycle.renew_standard(one, actor=cast.approver, reason="Forgot it.")
        assert new.state == Life.IN_FORCE
        assert endorsed(in_review(cast, new), cast).authorisation.standard == new
    one.refresh_from_db()
    assert one.ending == "renewed"


def test_an_approval_outlives_its_approver_and_nobody_is_stuck(cast: Cast) -> None:
    """The past stays: what they approved holds until its day, others end or renew it."""
    one, waiting = approved(cast), proposed(cast, name="Waits")
    cast.approver.groups.clear()
    User.objects.filter(pk=cast.approver.pk).update(is_active=False)
    change = endorsed(in_review(cast, one), cast)
    assert change.state == S.EXECUTION and change.authorisation.recorded_by == cast.approver
    assert permissions.possible_approvers(waiting) == []
    lifecycle.withdraw_standard(waiting, actor=cast.success, reason="Nobody can decide.")
    second = person("Second Approver", Role.APPROVER, organisation=cast.harbour)
    cast.harbour.approvers.add(second)
    assert permissions.possible_approvers(one) == [second]
    lifecycle.withdraw_standard(one, actor=second, reason="I look again.")
    with pytest.raises(StepForbidden):
        lifecycle.withdraw_standard(one, actor=cast.approver, reason="Me too.")


def test_a_proposal_that_nobody_may_decide_is_seen(client: Client, cast: Cast) -> None:
    """By administrators, who name approvers, and on its page; by no approver who is barred."""
    theirs, ours = proposed(cast), proposed(cast, name="For all", organisation=None)

    def said(who: User) -> str:
        for one in StandardApproval.objects.filter(decision="", ending=""):
            found = permissions.nobody_may_decide().filter(pk=one.pk).exists()
            assert found is not bool(permissions.possible_approvers(one)), one
        return " ".join(one.text for one in standard_notices.notices(who.read_afresh()))

    assert "nobody may decide" not in said(cast.administrator)
    cast.approver.groups.clear()
    assert "1 proposed standard change waits, and nobody may" in said(cast.administrator)
    for user in (cast.chair, cast.crb_member):
        assert "1 standard change waits for approval" in said(user)
        lifecycle.withdraw_standard(ours, actor=cast.success, reason="Typo.")
        user.groups.add(Group.objects.get(name=Role.CUSTOMER_SUCCESS))
        edited_by = User.objects.get(pk=user.pk)
        lifecycle.save_template(ours.template, actor=edited_by, purpose=f"By {user}.")
        ours = lifecycle.propose_standard(ours.template, actor=cast.success, case="Often.")
        assert "waits for approval" not in said(user), "they wrote some of it"
    assert "2 proposed standard changes wait, and nobody may" in said(cast.administrator)
    client.force_login(cast.administrator)
    assert "2 proposed standard changes wait" in client.get("/").content.decode()
    client.force_login(cast.success)
    for one in (theirs, ours):
        html = client.get(one.get_absolute_url()).content.decode()
        assert "Nobody may decide on it at present" in html
    cast.harbour.approvers.add(person("Second Approver", Role.APPROVER, organisation=cast.harbour))
    assert "1 proposed standard change waits, and nobody may" in said(cast.administrator)
    html = client.get(theirs.get_absolute_url()).content.decode()
    assert "Nobody may decide on it at present" not in html


def test_the_end_is_told_though_everybody_who_kept_it_has_left(cast: Cast) -> None:
    """Of one for all customers: whoever may approve another is told then."""
    one = approved(cast, organisation=None)
    User.objects.filter(pk__in=[cast.success.pk, cast.chair.pk]).update(is_active=False)
    lifecycle.withdraw_standard(one, actor=cast.stranger_success, reason="Nobody keeps it.")
    [told] = [mail for mail in mail_to(cast.crb_member) if "has ended" in mail.subject]
    assert "because you may approve this standard change" in " ".join(told.message.split())


def test_a_proposal_that_was_taken_back_is_not_said_to_have_been_in_force(cast: Cast) -> None:
    waiting = proposed(cast)
    before = len(mail_to(cast.success))
    lifecycle.withdraw_standard(waiting, actor=cast.administrator, reason="Not now.")
    [told] = mail_to(cast.success)[before:]
    assert "A standard change has ended" not in told.subject and "proposal" in told.subject
    assert "From now on" not in told.message


def test_stale_pages_and_missing_words_change_nothing(cast: Cast) -> None:
    one = proposed(cast)
    for act in (
        lambda: lifecycle.decide_standard(one, actor=cast.approver, approved=True, reason=" "),
        lambda: lifecycle.withdraw_standard(one, actor=cast.success, reason=""),
        lambda: lifecycle.propose_standard(template(cast, name="B"), actor=cast.success, case=" "),
    ):
        with pytest.raises(StepIncomplete):
            act()
    with pytest.raises(ChangeStale, match="Cleo Success proposed"):
        lifecycle.decide_standard(one, actor=cast.approver, approved=True, reason="Y", seen=7)
    with pytest.raises(ChangeStale):
        other = template(cast, name="C")
        lifecycle.propose_standard(other, actor=cast.success, case="Often.", seen=0)
    assert list(StandardApproval.objects.values_list("decision", flat=True)) == [""]


def test_the_database_keeps_one_in_force_and_deletes_none(cast: Cast) -> None:
    one = approved(cast)
    StandardApproval.objects.filter(pk=one.pk).update(version=2)
    one.pk = None
    for act in (one.save, StandardApproval.objects.all().delete):
        with pytest.raises((IntegrityError, InternalError)), transaction.atomic():
            act()
