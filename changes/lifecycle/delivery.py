"""What becomes of mail after it was written, as far as people have to act on it."""

from datetime import datetime, timedelta

from django.db.models import Exists, OuterRef
from django.utils import timezone
from django.utils.translation import gettext as _
from post_office.models import STATUS, Email

from accounts.models import User
from expansive_cm.post.rows import is_worded
from expansive_cm.workflow.acts import acting
from expansive_cm.workflow.errors import StepIllegal, StepIncomplete
from expansive_cm.workflow.steps import explain

from .. import messages
from ..models import Change, DeliveryProblem, MailEvent, Notice
from .core import Step, lock, record_event, take_step

LOOK_BACK = timedelta(days=30)
"""How long after the last attempt a refused mail is still looked for; it is found in a minute."""

LONGEST_DETAIL = 1000
"""So much is kept of what a foreign mail server says."""


def note_failure(
    email: Email | None,
    address: str,
    kind: MailEvent.Kind,
    detail: str,
    *,
    change: Change | None = None,
    is_of_address: bool = True,
) -> None:
    """Record that a mail will never reach an address, and flag it to those who have to act.

    ``email`` is the mail, None if a bounce does not say which; ``change`` is needed only then.
    ``kind`` is ``refused`` (by our own mail server) or ``bounced``; where the address is not
    what is wrong (``is_of_address``), the person is not marked. Effects, in one transaction:
    the person is marked; for each change that the mail tells of a MailEvent, one open
    DeliveryProblem per person, an internal event, and a mail to the owner, or else the success
    team. Calling it again for the same mail does nothing.
    """
    now, detail = timezone.now(), detail[:LONGEST_DETAIL]
    with acting():
        notices = Notice.objects.filter(email=email) if email else Notice.objects.none()
        told: dict[int, int | None] = dict(
            notices.order_by("change").values_list("change", "person")
        )
        person = User.objects.with_address(address)
        if change is not None and change.pk not in told:
            told[change.pk] = person.pk if person else None
        if person is not None and is_of_address:
            _mark(person, now, detail)  # first: whom mail does not reach is told of nothing
        for change_pk, person_pk in sorted(told.items()):
            reader = User.objects.filter(pk=person_pk or 0).first()
            _flag(Change(pk=change_pk), reader, email, address, kind, detail)


def _mark(person: User, now: datetime, detail: str) -> None:
    """Remember that mail to this person's address comes back."""
    if person.mail_failed_at and person.mail_failure == detail[:300]:
        return
    person.mail_failed_at, person.mail_failure = now, detail[:300]
    explain(person, _("Mail to the address came back"))
    person.save(update_fields=["mail_failed_at", "mail_failure"])


def _flag(
    change: Change,
    person: User | None,
    email: Email | None,
    address: str,
    kind: str,
    detail: str,
) -> None:
    fresh = lock(change)
    known = MailEvent.objects.filter(change=fresh, kind__in=MailEvent.FAILURES, email=email)
    if email is not None and known.exists():
        return
    MailEvent.objects.create(email=email, change=fresh, kind=kind, address=address, detail=detail)
    if person is None or fresh.delivery_problems.filter(person=person, resolved_at=None).exists():
        return
    step = Step(fresh, "undelivered", None)
    problem = DeliveryProblem(
        change=fresh, person=person, email=email, address=address, reason=detail
    )
    step.internal, step.reason = True, detail
    step.save(problem)
    step.data = {"problem": problem.pk, "address": address, "unreached": person.pk}
    messages.announce(fresh, record_event(step))


def unnoted_refusals(limit: int) -> list[int]:
    """Return the mails about changes that were given up and of which nobody has been told.

    The worker that gave one up may have died at that moment: the rows say what is left to do.
    """
    failed = Email.objects.filter(
        status=STATUS.failed, last_updated__gte=timezone.now() - LOOK_BACK
    )
    noted = MailEvent.objects.filter(email=OuterRef("pk"), kind__in=MailEvent.FAILURES)
    about = Notice.objects.filter(email=OuterRef("pk"))
    left = failed.filter(Exists(about)).exclude(Exists(noted))
    return list(left.order_by("pk").values_list("pk", flat=True)[:limit])


def note_refusal(email_id: int) -> None:
    """Flag one mail that was refused for good, or not taken or not worded for days."""
    email = Email.objects.get(pk=email_id)
    last = email.logs.filter(status=STATUS.failed).order_by("-pk").first()
    detail = last.message if last else _("The mail server did not take it.")
    if not is_worded(email):
        detail = _("It could not be put into words: the worker's log says why.")
    kind = MailEvent.Kind.REFUSED
    note_failure(email, email.to[0], kind, detail, is_of_address=is_worded(email))


def settle_delivery(
    change: Change, *, actor: User, problem: DeliveryProblem, resolution: str
) -> DeliveryProblem:
    """Say what was done about mail that did not arrive. From then on silence counts again.

    Raises StepIncomplete without words and StepIllegal for one that is settled. Effects: the
    problem; the mark on the person, unless another change still waits; an internal event.
    """
    if not resolution.strip():
        raise StepIncomplete(_("Please say what was done."), ["resolution"])
    with take_step("settle_delivery", change, actor=actor) as step:
        fresh = step.change.delivery_problems.select_for_update().get(pk=problem.pk)
        if fresh.resolved_at:
            sentence = _("%(name)s has settled this already: %(words)s")
            raise StepIllegal(sentence % {"name": fresh.resolved_by, "words": fresh.resolution})
        fresh.resolved_at, fresh.resolved_by = timezone.now(), actor
        fresh.resolution = resolution
        step.internal, step.reason = True, resolution
        step.data = {"problem": fresh.pk, "address": fresh.address}
        step.save(fresh)
        _unmark(step, fresh)
    return fresh


def _unmark(step: Step, problem: DeliveryProblem) -> None:
    person = problem.person
    others = DeliveryProblem.objects.filter(person=person, resolved_at=None)
    if person.mail_failed_at and not others.exists():
        person.mail_failed_at, person.mail_failure = None, ""
        step.save(person)
