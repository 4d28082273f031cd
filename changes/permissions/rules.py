"""The building blocks of permissions: each check returns None, or a refusal with its reason."""

from django.utils.translation import gettext as _

from accounts.models import User
from accounts.roles import Role
from expansive_cm.workflow.decisions import Check, Refusal, refuse

from ..models import Change
from ..process import STEP
from ..states import FINAL, State

S = State


# Who the person is


def may_see(user: User, change: Change) -> bool:
    """Whether the change exists for this person (the rule of ``queries.visible_to``)."""
    if not user.is_active:
        return False
    if not user.is_internal and not _is_of_their_customer(user, change):
        return False
    if change.raised_by_id == user.pk:
        return True
    if change.is_unsent:
        return False
    if change.requester_id == user.pk:
        return True
    if user.is_internal:
        return bool(user.roles)
    return True


def _is_of_their_customer(user: User, change: Change) -> bool:
    """What a person asked for at their former customer stays there when they move.

    What has no customer yet, be it withdrawn before it had one, is its writer's alone.
    """
    if change.organisation_id is None:
        return change.raised_by_id == user.pk
    own = change.organisation_id == user.organisation_id
    return own or change.organisation_id in user.approves_for_ids


def sees(user: User, change: Change) -> Check:
    if may_see(user, change):
        return None
    return refuse(Refusal.PERSON, _("There is no such change."))


def is_requester_or_raiser(user: User, change: Change) -> bool:
    return user.pk in (change.requester_id, change.raised_by_id)


# Where the change is


def in_state(change: Change, verb: str) -> Check:
    if change.state in STEP[verb].states:
        return None
    return refuse(
        Refusal.STATE,
        _("“%(step)s” does not belong here: the change is in “%(state)s”.")
        % {"step": STEP[verb].label, "state": State(change.state).label},
    )


def gate(objection: str) -> Check:
    return refuse(Refusal.GATE, objection) if objection else None


def still_open(change: Change) -> Check:
    if change.state in FINAL:
        return refuse(
            Refusal.STATE,
            _("The change is closed. Please raise a new change request for anything further."),
        )
    return None


def not_only_auditor(user: User, change: Change) -> Check:
    if is_requester_or_raiser(user, change) or not user.is_internal:
        return None
    if user.roles - {Role.AUDITOR, Role.ADMINISTRATOR}:
        return None
    return refuse(Refusal.PERSON, _("Auditors and administrators read changes only."))


def can_see_internal(user: User) -> bool:
    """Whether internal notes and files exist for this person."""
    return user.is_internal and bool(user.roles)


def internal(user: User) -> Check:
    if can_see_internal(user):
        return None
    return refuse(Refusal.PERSON, _("This is for Expansive's own people."))
