"""Request and initial assessment, and what can be done to a change on its way."""

from collections.abc import Iterable
from typing import Any

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from accounts.models import Organisation, User
from expansive_cm.mailreader.addresses import normal
from expansive_cm.workflow.acts import acting
from expansive_cm.workflow.decisions import Refusal
from expansive_cm.workflow.errors import (
    ChangeStale,
    SentBefore,
    StepForbidden,
    StepIllegal,
    StepIncomplete,
)
from expansive_cm.workflow.steps import attribute

from .. import finding, permissions, proposing, queries
from ..models import AccessLink, Assessment, Change, ChangeTemplate, SentForm, Service
from ..states import OPEN, ChangeType, State
from ..turns.groups import in_success_team
from .asked import ending
from .checklist import copy_checklist
from .core import Step, lock, read_locked, record_event, take_step

DRAFT_FIELDS = (
    "title",
    "description",
    "organisation",
    "requester",
    "channel",
    "desired_on",
    "template",
)


def find_or_create_requester(
    email: str, name: str, organisation: Organisation, *, actor: User
) -> User:
    """Return the person with this address, added without a password if there is none.

    Raises StepForbidden when the actor may not raise for this customer, or when the address
    belongs to somebody who is not of this customer, or, new, has a domain of another customer or
    of ourselves, or, for a customer's actor, none of the customer's: with the same words in each
    case, so that nobody learns whom we know there.
    """
    _may_raise(actor, organisation)
    person = User.objects.with_address(email)
    known = person is not None and person.organisation_id == organisation.pk
    if not known and (refusal := finding.why_not_added(actor, email, organisation)):
        raise StepForbidden(refusal)
    if person is None:
        person = add_requester(email, name, organisation, actor=actor)
    _requester_fits(person, organisation)
    return person


def add_requester(
    email: str,
    name: str,
    organisation: Organisation,
    *,
    actor: User | None,
    why: str = "added as a requester",
) -> User:
    """Add a person of a customer, who cannot sign in; without an actor the product itself does.

    Returns the one who has the address if somebody added it in the same moment.
    """
    email = normal(email)
    if not email:
        raise StepIncomplete(_("Enter a valid e-mail address."), ["requester"])
    person = User(email=email, display_name=name[:150], organisation=organisation)
    person.set_unusable_password()
    attribute(person, actor=actor, reason=why)
    try:
        with transaction.atomic():
            person.save()
    except IntegrityError:
        # Somebody else added the same address in this moment.
        return User.objects.get(email=email)
    return person


def _requester_fits(requester: User | None, organisation: Organisation | None) -> None:
    if requester is None or organisation is None:
        return
    requester.read_afresh()
    if requester.organisation_id != organisation.pk or not requester.is_active:
        raise StepForbidden(finding.NOT_THEIRS % organisation)


def _template_fits(
    actor: User, template: ChangeTemplate | None, organisation: Organisation | None
) -> None:
    """Refuse a template that is not this person's to use, or that is for another customer."""
    if template is None:
        return
    if not proposing.usable_by(actor).filter(pk=template.pk).exists():
        raise StepForbidden(str(proposing.NOT_USABLE))
    if organisation is not None and template.organisation_id not in (None, organisation.pk):
        words = {"template": template, "organisation": template.organisation}
        raise StepForbidden(proposing.NOT_THEIRS % words)


def save_draft(
    draft: Change | None,
    *,
    actor: User,
    services: Iterable[Service] = (),
    key: str = "",
    **fields: Any,
) -> Change:
    """Create or update a draft that only its writer sees; nothing in it is required.

    ``fields`` are those of DRAFT_FIELDS. ``key`` is that of the form: raises SentBefore, with the
    request, when the writer's form has made one, however many arrive at once. Effects: the draft,
    an event for a new one.
    """
    _may_raise(actor, fields.get("organisation"))
    if draft is not None:
        return edit(draft, actor=actor, services=services, **fields)
    _requester_fits(fields.get("requester"), fields.get("organisation"))
    _template_fits(actor, fields.get("template"), fields.get("organisation"))
    with acting():
        form = _first_sent(actor, key) if key else None
        draft = Change(raised_by=actor, **fields)
        step = Step(draft, "save_draft", actor)
        step.save(draft)
        if form is not None:
            form.change = draft
            form.save(update_fields=["change"])
        if wanted := list(services):
            _set_services(step, wanted)
        record_event(step)
    return draft


def _first_sent(actor: User, key: str) -> SentForm:
    """Take the key of a form; whoever sends the same one meanwhile waits, and gets SentBefore."""
    try:
        with transaction.atomic():
            return SentForm.objects.create(person=actor, key=key)
    except IntegrityError:
        sent = SentForm.objects.select_related("change").get(person=actor, key=key)
        raise SentBefore(sent.change) from None


def autosave(
    draft: Change, *, actor: User, seen: int, services: Iterable[Service], **fields: Any
) -> Change:
    """Keep what its writer is typing into a draft, so that a lost page loses nothing.

    ``fields`` are those of DRAFT_FIELDS that can be kept as they stand. History has every
    version; there is no event and no new version, so the open form does not become stale.
    Raises StepIllegal once the draft is submitted, ChangeStale when it was saved elsewhere.
    """
    with acting():
        fresh = lock(draft)
        decision = permissions.can_submit(actor.read_afresh(), fresh)
        if not decision and decision.kind == Refusal.PERSON:
            raise StepForbidden(decision.reason)
        if fresh.is_thrown_away:
            raise StepIllegal(_("The draft has been thrown away."))
        if fresh.state != State.DRAFT:
            raise StepIllegal(_("The draft has been submitted."))
        if fresh.version != seen:
            raise ChangeStale(_("The draft was saved in another window."))
        _may_raise(actor, fields.get("organisation"))
        step = Step(fresh, "save_draft", actor)
        if changed := _set_fields(fresh, fields):
            _requester_fits(fresh.requester, fresh.organisation)
            if {"template", "organisation"} & set(changed):
                _template_fits(actor, fresh.template, fresh.organisation)
            step.save(fresh)
        _set_services(step, services)
    return fresh


def _set_fields(change: Change, fields: dict[str, Any]) -> list[str]:
    """Set the fields that differ and return their names."""
    changed = [name for name, value in fields.items() if getattr(change, name) != value]
    for name in changed:
        setattr(change, name, fields[name])
    return changed


def _may_raise(actor: User, organisation: Organisation | None) -> None:
    decision = permissions.can_raise(actor)
    if not decision:
        raise StepForbidden(decision.reason)
    if organisation is not None and not permissions.may_raise_for(actor, organisation):
        raise StepForbidden(_("You cannot raise changes for this organisation."))


def submit(change: Change, *, actor: User, seen: int | None = None, via: str = "") -> Change:
    """Send a complete draft: it becomes a request that waits for its assessment.

    ``via`` says by what mail it came, if it did; then its sender is told that it is here.
    Raises StepIncomplete naming what is missing. Effects: state ``submitted``, event, the
    requester and the customer success team are told; a template that was withdrawn or given to
    another customer meanwhile is forgotten, and the change gets a copy of the checklist of one
    that was not.
    """
    with take_step("submit", change, actor=actor, seen=seen) as step:
        missing = _missing(step.change)
        if missing:
            raise StepIncomplete(_("Still missing: %s.") % ", ".join(missing), missing)
        _may_raise(actor, step.change.organisation)
        _requester_fits(step.change.requester, step.change.organisation)
        step.reason = via
        if via:
            step.came_by_mail()
        step.change.template = proposing.template_of(step.change)
        copy_checklist(step)
        step.change.submit()
    return step.change


def _missing(change: Change) -> list[str]:
    wanted = {
        _("title"): change.title.strip(),
        _("description"): change.description.strip(),
        _("organisation"): change.organisation_id,
        _("requester"): change.requester_id,
    }
    return [name for name, value in wanted.items() if not value]


def edit(
    change: Change,
    *,
    actor: User,
    seen: int | None = None,
    services: Iterable[Service] | None = None,
    reason: str = "",
    **fields: Any,
) -> Change:
    """Change what is asked for. Once submitted, that makes a new revision of the request.

    A draft may change every field of DRAFT_FIELDS; later organisation, requester, channel
    and template stand. Effects: the fields, revision + 1 (votes on the old one go stale), event.
    """
    with take_step("edit", change, actor=actor, seen=seen) as step:
        fresh = step.change
        is_draft = fresh.state == State.DRAFT
        if is_draft:
            _may_raise(actor, fields.get("organisation"))
        fixed = () if is_draft else ("organisation", "requester", "channel", "template")
        movable = {
            name: value
            for name, value in fields.items()
            if name in DRAFT_FIELDS and name not in fixed
        }
        changed = _set_fields(fresh, movable)
        if is_draft:
            _requester_fits(fresh.requester, fresh.organisation)
            if {"template", "organisation"} & set(changed):
                _template_fits(actor, fresh.template, fresh.organisation)
        step.reason = reason
        if services is not None and _set_services(step, services):
            changed.append("services")
        step.data = {"fields": changed}
        if changed and not is_draft:
            fresh.revision += 1
    return step.change


def _set_services(step: Step, services: Iterable[Service]) -> bool:
    """Set the affected services; return whether they are others than before."""
    wanted = {service.pk for service in services}
    known = set(step.change.services.values_list("pk", flat=True))
    if wanted == known:
        return False
    attribute(step.change, actor=step.actor, reason=step.why)
    step.change.services.remove(*known - wanted)
    step.change.services.add(*wanted - known)
    return True


def assess(
    change: Change,
    *,
    actor: User,
    seen: int | None = None,
    services: Iterable[Service] | None = None,
    **assessment: Any,
) -> Change:
    """Decide the type and judge need, risk, impact and urgency (the process's step 2).

    ``assessment`` holds the fields of Assessment. Effects: the assessment; type, risk and
    urgency on the change; the assessor becomes owner if there is none; state ``review`` for a
    configuration change and ``board`` for a code change; event; messages.
    """
    with take_step("assess", change, actor=actor, seen=seen) as step:
        fresh = step.change
        record = Assessment(**step.stamp(), **assessment)
        step.reason = record.need
        _apply_assessment(step, record)
        if fresh.owner_id is None:
            fresh.owner = actor
        if services is not None:
            _set_services(step, services)
        if record.type == ChangeType.CONFIGURATION:
            fresh.start_configuration()
        else:
            fresh.start_code()
    return step.change


def _apply_assessment(step: Step, record: Assessment) -> None:
    step.save(record)
    step.change.risk = record.level
    step.change.urgency = record.urgency
    step.data = {"type": record.type, "risk": record.level}


def reclassify(
    change: Change, *, actor: User, reason: str, seen: int | None = None, **assessment: Any
) -> Change:
    """Turn a configuration change into a code change or back, and start the other path.

    Needs a reason. Every record made so far is kept and counts for nothing on the new path.
    Effects: a new assessment; path + 1; state ``board`` or ``review``; event; messages.
    """
    with take_step("reclassify", change, actor=actor, seen=seen) as step:
        fresh = step.change
        to_code = fresh.type == ChangeType.CONFIGURATION
        step.reason = reason
        if to_code:
            fresh.restart_as_code()
        else:
            fresh.restart_as_configuration()
        assessment["type"] = fresh.type
        _apply_assessment(step, Assessment(**step.stamp(), **assessment, reason=reason))
    return step.change


def assign(change: Change, *, actor: User, owner: User, seen: int | None = None) -> Change:
    """Name the person who sees the change through; one of Expansive's own people.

    What waits for the team, and only an owner of it was told of, is then told to all of it.
    """
    with take_step("assign", change, actor=actor, seen=seen) as step:
        owner.read_afresh()
        if not (owner.is_active and owner.is_internal and owner.roles):
            raise StepIncomplete(_("The owner must be one of Expansive's own people."))
        former, step.change.owner = step.change.owner, owner
        step.reason = owner.display_name
        step.data = {"owner": owner.pk}
        was_of_team = former is not None and in_success_team(former, step.change)
        if was_of_team and not in_success_team(owner, step.change):
            step.data["back_to_team"] = True
    return step.change


def hand_over_ownership(person: User, successor: User, actor: User, reason: str) -> None:
    """Name a successor for all open changes that somebody who leaves sees through.

    All of them or none; what a colleague took over or ended meanwhile stays as it is. Raises and
    does what ``assign`` does, for each; ``reason`` stands with the person's own history.
    """
    with acting():
        for pk in queries.owned_by(person).order_by("pk").values_list("pk", flat=True):
            change = read_locked(pk)
            if change.owner_id == person.pk and change.state in OPEN:
                assign(change, actor=actor, owner=successor)


def throw_away(change: Change, *, actor: User, seen: int | None = None) -> Change:
    """Give a draft up for good. Its writer alone still finds it, by its number; nobody is told.

    Effects: state ``withdrawn``, event. Nothing is deleted: history keeps what was written.
    """
    with take_step("throw_away", change, actor=actor, seen=seen) as step:
        step.change.throw_away()
    return step.change


def withdraw(
    change: Change,
    *,
    actor: User,
    reason: str,
    answer: str = "",
    link: AccessLink | None = None,
    seen: int | None = None,
) -> Change:
    """Take the request back, possible until its execution or deployment has begun.

    ``link`` is the mailed link it was done through, None for somebody signed in. Raises
    StepIncomplete where one of ours leaves something that the customer asked without an
    ``answer``.
    """
    with ending("withdraw", change, actor=actor, seen=seen, answer=answer) as step:
        step.reason = reason
        step.came_through(link)
        step.change.withdraw()
    return step.change
