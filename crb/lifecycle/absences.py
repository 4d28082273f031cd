"""Absences: a member is away for some days, and perhaps an alternate takes the seat."""

from datetime import date, timedelta

from django.db.models import Q, QuerySet
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from accounts.models import User
from expansive_cm.workflow.acts import acting
from expansive_cm.workflow.decisions import Decision
from expansive_cm.workflow.errors import StepIllegal, StepIncomplete

from .. import permissions, queries
from ..models import Absence, Board, Meeting, Membership
from ..schedule import FURTHEST
from .core import lock_board, record_event, save, take_step
from .invitations import send_invitations


def record_absence(
    membership: Membership,
    *,
    actor: User,
    starts_on: date,
    ends_on: date,
    alternate: User | None = None,
    reason: str = "",
) -> Absence:
    """Record that a member is away, both days included. The member, the chair or the deputy.

    Effects: at the meetings of these days the alternate has the seat and the vote, recorded as
    being for the member; without an alternate the member keeps both and may vote beforehand.
    Invitations follow at once. Meetings that have begun keep the seats they began with, so an
    absence never reaches back. Raises StepIncomplete for dates outside the term, or already
    covered, and for an alternate who may not sit on the board or has a seat on it then.
    """
    with take_step("record_absence", membership, actor=actor, reason=reason, lock=_lock) as step:
        fresh = step.on
        _check_days(fresh, starts_on, ends_on)
        if alternate is not None:
            _check_alternate(fresh, alternate, starts_on, ends_on)
        absence = Absence(
            membership=fresh,
            starts_on=starts_on,
            ends_on=ends_on,
            alternate=alternate,
            reason=reason.strip(),
        )
        save(absence, actor=actor, reason="recorded an absence")
        send_invitations(fresh.board)
    return absence


def withdraw_absence(absence: Absence, *, actor: User) -> Absence:
    """Take an absence back. The member, the chair or the deputy.

    Effects: the member has the seat again at the meetings to come. Where one has begun during
    the absence, it ends with that day instead: what was decided by the alternate stays so.
    """
    with take_step("withdraw_absence", absence, actor=actor, lock=_lock_absence) as step:
        fresh, board = step.on, step.on.membership.board
        begun = queries.last_begun(board, fresh.starts_on, fresh.ends_on)
        if begun is None:
            fresh.withdrawn_at = timezone.now()
            save(fresh, actor=actor, reason="withdrew the absence")
        else:
            _end_early(fresh, max(begun.date, board.today - timedelta(days=1)), actor)
        send_invitations(board)
    return fresh


def will_attend(meeting: Meeting, *, actor: User) -> bool:
    """Let a member whose calendar declined a meeting say that they come all the same.

    Effects: they are asked no more, unless their calendar declines again; the meeting's history
    says it. Returns whether there was something to answer: a second click finds nothing.
    """
    with take_step("will_attend", meeting, actor=actor, rule=_may_answer) as step:
        fresh = step.on
        invitation = queries.declined_by(actor).filter(meeting=fresh).first()
        if invitation is None:
            step.happened = False
            return False
        invitation.declined_at = None
        invitation.save(update_fields=["declined_at"])
        save(fresh, actor=actor, reason="will be there, though their calendar declined")
    return True


def note_decline(person: User, meeting: int | None) -> None:
    """Keep that a mail from somebody's calendar declined a meeting to which they are invited.

    Mail proves nobody, so it decides nothing. Effects: the person is asked on Home whether they are
    away; an event of the product.
    """
    with acting():
        invitations = queries.invited_ahead(person).filter(meeting=meeting)
        invitation = invitations.select_related("meeting").first()
        if invitation is not None:
            invitations.update(declined_at=timezone.now())
            record_event("note_decline", invitation.meeting, person.display_name)


def _may_answer(user: User, _meeting: Meeting) -> Decision:
    return permissions.can_answer_invitation(user)


def _lock(membership: Membership) -> Membership:
    """Return a fresh membership under the lock of its board."""
    board = lock_board(membership.board_id)
    fresh = Membership.objects.select_related("user").get(pk=membership.pk)
    fresh.board = board
    return fresh


def _lock_absence(absence: Absence) -> Absence:
    """Return a fresh absence under the lock of its board."""
    board = lock_board(absence.membership.board_id)
    fresh = Absence.objects.select_related("membership").get(pk=absence.pk)
    fresh.membership.board = board
    return fresh


def _end_early(absence: Absence, day: date, actor: User) -> None:
    if day >= absence.ends_on:
        raise StepIllegal(_("A meeting has begun on the last day of this absence; it stays."))
    absence.ends_on = day
    save(absence, actor=actor, reason="ended the absence early")


def _check_days(membership: Membership, starts_on: date, ends_on: date) -> None:
    board = membership.board
    if ends_on < starts_on:
        raise StepIncomplete(_("The absence ends before it begins."), ["ends_on"])
    if starts_on < board.today:
        raise StepIncomplete(_("An absence is recorded beforehand, from today on."), ["starts_on"])
    if ends_on > board.today + 2 * FURTHEST:
        raise StepIncomplete(_("Whoever is away for years gives up the seat."), ["ends_on"])
    if starts_on < membership.starts_on or (membership.ends_on and ends_on > membership.ends_on):
        raise StepIncomplete(_("The member's term does not cover these days."), ["ends_on"])
    if queries.last_begun(board, starts_on, ends_on) is not None:
        sentence = _("A meeting has already begun on %s; it keeps its members.")
        words = sentence % date_format(starts_on, "j F Y")
        raise StepIncomplete(words, ["starts_on"])
    if _away(Q(membership=membership), starts_on, ends_on).exists():
        raise StepIncomplete(_("An absence is already recorded for that time."), ["starts_on"])


def _check_alternate(
    membership: Membership, alternate: User, starts_on: date, ends_on: date
) -> None:
    board = membership.board
    if not queries.possible_members().filter(pk=alternate.pk).exists():
        raise StepIncomplete(
            _("The alternate must be active and hold the role “CRB member”."), ["alternate"]
        )
    if _has_seat(board, alternate, starts_on, ends_on):
        raise StepIncomplete(
            _("%s already has a seat on the board at that time.") % alternate, ["alternate"]
        )


def _has_seat(board: Board, user: User, starts_on: date, ends_on: date) -> bool:
    """Whether somebody is a member, or stands in for another one, on any of these days."""
    own = board.memberships.filter(user=user, starts_on__lte=ends_on).filter(
        Q(ends_on=None) | Q(ends_on__gte=starts_on)
    )
    other = Q(alternate=user, membership__board=board)
    return own.exists() or _away(other, starts_on, ends_on).exists()


def _away(who: Q, starts_on: date, ends_on: date) -> QuerySet[Absence]:
    return Absence.objects.filter(
        who, withdrawn_at=None, starts_on__lte=ends_on, ends_on__gte=starts_on
    )
