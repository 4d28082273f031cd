"""Standard changes: proposed, approved for a year, used, renewed, and ended.

Locks are taken in this order: a change, a template, what was approved of it.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from accounts.models import User
from expansive_cm.sure import sure
from expansive_cm.workflow.acts import acting
from expansive_cm.workflow.decisions import Decision
from expansive_cm.workflow.errors import StepIncomplete
from expansive_cm.workflow.steps import opened, save

from .. import permissions, standard, standard_mail
from ..models import Authorisation, Change, ChangeTemplate, StandardApproval
from .core import Step, take_step

Ending = StandardApproval.Ending
Choice = StandardApproval.Decision


def propose_standard(
    template: ChangeTemplate, *, actor: User, case: str, seen: int | None = None
) -> StandardApproval:
    """Propose that changes made from a template need no authorisation of their own.

    ``seen`` is the version of the template on the page. Raises StepForbidden, StepIllegal for a
    template that does not say all that is approved, ChangeStale, and StepIncomplete without a
    case. Effects: the proposal, with the template's content as it is; mail to who may approve it.
    """

    def stale(fresh: ChangeTemplate) -> str:
        changed = _("In the meantime %s changed this template.") % fresh.updated_by
        return changed if seen not in (None, fresh.version) else ""

    with opened(
        lambda: _locked_template(template.pk),
        actor=actor,
        ask=partial(permissions.can_propose_standard, actor),
        stale=stale,
    ) as fresh:
        if not case.strip():
            raise StepIncomplete(_("Say why it needs no authorisation each time."), ["case"])
        made = StandardApproval(
            template=fresh,
            template_version=fresh.version,
            content=standard.content_of(fresh),
            case=case,
            proposed_by=actor,
        )
        save(made, actor=actor, reason=_("proposed the standard change"))
        standard_mail.proposed(made)
    return made


def decide_standard(
    approval: StandardApproval,
    *,
    actor: User,
    approved: bool,
    reason: str,
    seen: int | None = None,
) -> StandardApproval:
    """Approve what was proposed, for a year from today, or refuse it.

    Raises StepForbidden (separation of duties among it), StepIllegal, ChangeStale, and
    StepIncomplete without a reason. Effects: the decision; what was approved before ends; mail to
    who proposed it.
    """
    with _taking(approval, actor, permissions.can_decide_standard, seen) as fresh:
        _insist_on(reason)
        if approved:
            _replace_former(fresh, actor)
        fresh.decision = Choice.APPROVED if approved else Choice.REFUSED
        _stamp(fresh, actor, reason)
        act = _("approved the standard change") if approved else _("refused the standard change")
        save(fresh, actor=actor, reason=f"{act}: {reason}")
        standard_mail.decided(fresh)
    return fresh


def renew_standard(
    approval: StandardApproval, *, actor: User, reason: str, seen: int | None = None
) -> StandardApproval:
    """Approve the same content for another year from today, without a new proposal.

    Raises as ``decide_standard``. Effects: a new approval in the place of this one; mail.
    """
    with _taking(approval, actor, permissions.can_renew_standard, seen) as fresh:
        _insist_on(reason)
        _replace_former(fresh, actor)
        again = StandardApproval(
            template=fresh.template,
            template_version=fresh.template_version,
            content=fresh.content,
            case=fresh.case,
            proposed_by=fresh.proposed_by,
            decision=Choice.APPROVED,
        )
        _stamp(again, actor, reason)
        words = _("approved the standard change for another year: %s") % reason
        save(again, actor=actor, reason=words)
        standard_mail.decided(again)
    return again


def withdraw_standard(
    approval: StandardApproval, *, actor: User, reason: str, seen: int | None = None
) -> StandardApproval:
    """End an approval, or take a proposal back; changes authorised by it stay authorised.

    Raises StepForbidden, StepIllegal, ChangeStale, and StepIncomplete without a reason. Effects:
    the ending; mail to those who keep it.
    """
    with _taking(approval, actor, permissions.can_withdraw_standard, seen) as fresh:
        _insist_on(reason)
        _end(fresh, Ending.WITHDRAWN, actor=actor, why=reason)
    return fresh


def end_what_was_approved(template: ChangeTemplate, *, actor: User) -> None:
    """End what was proposed or approved of a template whose content has just changed.

    Belongs into the transaction that changed it and holds it locked.
    """
    rows = StandardApproval.objects.filter(template=template, ending="").exclude(decision="refused")
    content = standard.content_of(template)
    for one in _locked_rows(rows):
        if not template.is_active:
            _end(one, Ending.EDITED, actor=actor, why=_("The template was withdrawn."))
        elif one.content != content:
            words = _("Its content was changed with version %d of the template.")
            _end(one, Ending.EDITED, actor=actor, why=words % template.version)


def end_after_rollback(step: Step) -> None:
    """End the approval by which a change was authorised that is being rolled back.

    And whatever of the same content has taken its place meanwhile, or waits to: the template is
    locked, so that nothing is approved beside this.
    """
    authorisation = step.change.authorisation
    if authorisation is None or authorisation.standard_id is None:
        return
    used = authorisation.standard
    _locked_template(used.template_id)
    rows = StandardApproval.objects.filter(template=used.template_id, ending="")
    for one in _locked_rows(rows.exclude(decision=Choice.REFUSED)):
        if one.content == used.content:
            one.failed_change = step.change
            words = _("%s, which was made from it, was rolled back.") % step.change.reference
            _end(one, Ending.ROLLED_BACK, actor=step.actor, why=words)


def _end(approval: StandardApproval, how: Ending, *, actor: User | None, why: str) -> None:
    approval.ending, approval.ended_why = how, why
    approval.ended_by = None if how == Ending.ROLLED_BACK else actor
    approval.ended_at = timezone.now()
    approval.version += 1
    save(approval, actor=actor, reason=_("ended the standard change: %s") % why)
    standard_mail.ended(approval, besides=actor if approval.ended_by else None)


def _replace_former(approval: StandardApproval, actor: User) -> None:
    former = StandardApproval.objects.filter(template=approval.template_id, ending="")
    for one in _locked_rows(former.filter(decision=Choice.APPROVED)):
        one.ending, one.ended_why = Ending.RENEWED, _("It was approved anew.")
        one.ended_by, one.ended_at = actor, timezone.now()
        one.version += 1
        save(one, actor=actor, reason=_("approved the standard change anew"))


def _stamp(approval: StandardApproval, actor: User, reason: str) -> None:
    approval.decided_by, approval.decided_at, approval.reason = actor, timezone.now(), reason
    if approval.decision == Choice.APPROVED:
        approval.valid_until = standard.a_year_from(standard.today())


def _insist_on(reason: str) -> None:
    if not reason.strip():
        raise StepIncomplete(_("Say why. It stays on record."), ["reason"])


@contextmanager
def _taking(
    approval: StandardApproval,
    actor: User,
    ask: Callable[[User, StandardApproval], Decision],
    seen: int | None,
) -> Iterator[StandardApproval]:
    def lock() -> StandardApproval:
        template = _locked_template(approval.template_id)
        [fresh] = _locked_rows(StandardApproval.objects.filter(pk=approval.pk))
        fresh.template = template
        return fresh

    def stale(fresh: StandardApproval) -> str:
        if seen in (None, fresh.version):
            return ""
        latest = fresh.history.select_related("history_user").first()
        who = latest.history_user if latest else None
        words = _("In the meantime %(person)s %(act)s.")
        act = latest.history_change_reason if latest else ""
        return words % {"person": who or _("the system"), "act": act}

    with opened(lock, actor=actor, ask=lambda fresh: ask(actor, fresh), stale=stale) as fresh:
        fresh.version += 1
        yield fresh


def _locked_template(key: int) -> ChangeTemplate:
    rows = ChangeTemplate.objects.select_for_update(of=("self",), no_key=True)
    return rows.select_related("organisation", "updated_by").get(pk=key)


def _locked_rows(rows: Any) -> list[StandardApproval]:
    locked = rows.select_for_update(of=("self",), no_key=True).order_by("pk")
    return list(locked.select_related("template", "proposed_by", "decided_by"))


# Used by a change ---------------------------------------------------------------------------


def asked_at_review(step: Step) -> StandardApproval | None:
    """Return the approval by which a change that is being endorsed is authorised, locked.

    Effects: the event of the review says that it is, or why it is not.
    """
    change, actor = step.change, step.actor
    approval = standard.latest_approval(change, lock=True)
    if approval is not None and approval.ending == Ending.RENEWED:  # while we waited for it
        approval = standard.latest_approval(change, lock=True)
    found = standard.standing_of(change, approval, actor.pk if actor else None)
    if found.why_not:
        step.data["not_standard"] = found.why_not
    if found.approval is not None:
        step.data["standard"] = found.approval.pk
    return found.approval


def authorise_standard(change: Change, approval: StandardApproval) -> Change:
    """Authorise a change by the approval of the standard change that it is; nobody acts.

    Belongs into the act of the review that found it so. Effects: the authorisation, which counts
    as that of whoever approved; state ``execution``; event, which names template, version and
    approval; messages.
    """
    with take_step("authorise_standard", change, actor=None) as step:
        step.reason = _(
            "Authorised as standard change “%(name)s”, version %(version)d of the template, "
            "which %(person)s approved on %(day)s until %(until)s."
        ) % {
            "name": approval.template.name,
            "version": approval.template_version,
            "person": approval.decided_by,
            "day": date_format(timezone.localtime(approval.decided_at), "j F Y"),
            "until": date_format(sure(approval.valid_until), "j F Y"),
        }
        step.data = {
            "outcome": Authorisation.Outcome.AUTHORISED,
            "standard": approval.pk,
            "template": approval.template_id,
            "template_version": approval.template_version,
            "approved_by": approval.decided_by_id,
        }
        given = Authorisation(
            **{**step.stamp(), "recorded_by": approval.decided_by},
            revision=step.change.revision,
            outcome=Authorisation.Outcome.AUTHORISED,
            reason=step.reason,
            standard=approval,
        )
        step.save(given)
        step.change.authorise()
    return step.change


def check_plan(change: Change, **plan: str) -> None:
    """Raise StepIncomplete where the plan of a standard change is not the one approved."""
    faults = standard.plan_faults(change, **plan)
    if faults:
        words = _(
            "It was authorised as a standard change, with other words here: only the blanks may "
            "be filled in. To do it otherwise, have the change authorised."
        )
        raise StepIncomplete(words, faults)


# Its end ------------------------------------------------------------------------------------


def remind_of_standard(key: int) -> None:
    """Remind whoever may approve a standard change for another year; once, some weeks before."""
    with acting():
        [approval] = _locked_rows(StandardApproval.objects.filter(pk=key))
        if approval.reminded_at is not None or approval.state != StandardApproval.State.IN_FORCE:
            return
        approval.reminded_at = timezone.now()
        save(approval, actor=None, reason=_("reminded of the end of the standard change"))
        standard_mail.ends_soon(approval)
