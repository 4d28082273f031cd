"""The building blocks of permissions: each check returns None, or a refusal with its reason."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from accounts.models import User
from accounts.roles import Role

from .. import alone
from ..askers import how_asked
from ..models import Change, Event
from ..process import STEP, past_words
from ..states import FINAL, State

S = State


class Refusal(StrEnum):
    """What kind of rule objected."""

    PERSON = "person"
    STATE = "state"
    SEPARATION = "separation"
    GATE = "gate"


@dataclass(frozen=True)
class Decision:
    """Whether a step is allowed; if not, why, in a sentence for the person who asked."""

    allowed: bool
    reason: str = ""
    kind: Refusal | None = None

    def __bool__(self) -> bool:
        return self.allowed


ALLOWED = Decision(True)
Check = Decision | None


def decide(*checks: Check) -> Decision:
    """Return the first objection, or that the step is allowed."""
    return next((check for check in checks if check is not None), ALLOWED)


def refuse(kind: Refusal, reason: str) -> Decision:
    return Decision(False, reason, kind)


# Who the person is


def may_see(user: User, change: Change) -> bool:
    """Whether the change exists for this person (the rule of ``queries.visible_to``)."""
    if not user.is_active:
        return False
    if not user.is_internal and not _is_of_their_customer(user, change):
        return False
    if change.raised_by_id == user.pk:
        return True
    if change.state == S.DRAFT:
        return False
    if change.requester_id == user.pk:
        return True
    if user.is_internal:
        return bool(user.roles)
    return True


def _is_of_their_customer(user: User, change: Change) -> bool:
    """What a person asked for at their former customer stays there when they move."""
    own = change.organisation_id in (None, user.organisation_id)
    return own or change.organisation_id in user.approves_for_ids


def sees(user: User, change: Change) -> Check:
    if may_see(user, change):
        return None
    return refuse(Refusal.PERSON, _("There is no such change."))


def holds_role(user: User, *roles: Role) -> Check:
    if user.has_role(*roles):
        return None
    names = _(" or ").join(str(role.label) for role in roles)
    return refuse(Refusal.PERSON, _("This is for people with the role: %s.") % names)


def in_success_team(user: User, change: Change) -> bool:
    organisation = change.organisation
    return (
        organisation is not None
        and user.has_role(Role.CUSTOMER_SUCCESS)
        and organisation.success_team_id in user.team_ids
    )


def success_team(user: User, change: Change) -> Check:
    if in_success_team(user, change):
        return None
    return refuse(
        Refusal.PERSON,
        _("This is for the customer success team that looks after %s.") % change.organisation,
    )


def is_requester_or_raiser(user: User, change: Change) -> bool:
    return user.pk in (change.requester_id, change.raised_by_id)


def only_requester(user: User, change: Change) -> Check:
    if change.requester_id == user.pk:
        return None
    return refuse(Refusal.PERSON, _("Only the original requester answers this."))


def owner_or_success_team(user: User, change: Change) -> Check:
    if (user.pk == change.owner_id and user.is_internal) or in_success_team(user, change):
        return None
    return refuse(Refusal.PERSON, _("This is for the change's owner or its customer success team."))


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


# What the person did before (separation of duties: ISO 27001:2022, Annex A 5.3)


def acts_of(user: User, change: Change, verbs: Iterable[str]) -> list[Event]:
    """Return the person's earlier acts of these kinds, over the whole history of the change."""
    wanted = set(verbs)
    return [
        event for event in change.events.all() if event.actor_id == user.pk and event.verb in wanted
    ]


def separation(rule: str, act: str) -> Decision:
    return refuse(
        Refusal.SEPARATION,
        _("Separation of duties: %(rule)s %(act)s") % {"rule": rule, "act": act},
    )


def not_done(user: User, change: Change, rule: str, *verbs: str) -> Check:
    earlier = acts_of(user, change, verbs)
    if not earlier:
        return None
    event = earlier[0]
    day = date_format(timezone.localtime(event.at), "j F Y")
    act = _("On %(day)s you %(act)s.") % {"day": day, "act": past_words(event.verb)}
    return separation(rule, act)


def not_asker(user: User, change: Change, rule: str) -> Check:
    """Whoever asked once must not decide, whoever has taken their place since."""
    act = how_asked(user, change)
    return separation(rule, act) if act else None


def not_alone(user: User, change: Change) -> Check:
    """Whoever assessed and reviewed does not authorise too, if somebody else can."""
    if user.pk not in alone.barred(change):
        return None
    rule = _("nobody assesses, reviews and authorises a change alone.")
    return separation(rule, _("You assessed and reviewed this change."))


def not_executor(user: User, change: Change) -> Check:
    rule = _("the approver must not execute the change.")
    for execution in change.executions.all():
        if execution.executor_id == user.pk:
            return separation(rule, _("You are named as its executor."))
    return not_done(user, change, rule, "start_execution", "record_execution")


def not_author(user: User, change: Change, rule: str) -> Check:
    for development in change.developments.all():
        if any(author.pk == user.pk for author in development.authors.all()):
            return separation(rule, _("You are named as an author of its development."))
    return not_done(user, change, rule, "record_development")


def raiser(user: User, change: Change) -> Check:
    if change.raised_by_id == user.pk:
        return None
    return refuse(Refusal.PERSON, _("Only the person who wrote the draft can do this."))


def approver(user: User, change: Change) -> Check:
    if user.has_role(Role.APPROVER) and change.organisation_id in user.approves_for_ids:
        return None
    return refuse(
        Refusal.PERSON, _("This is for an authorised approver of %s.") % change.organisation
    )


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
