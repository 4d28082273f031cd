"""What support makes of mail that waits: a request, a comment, or nothing.

Each act locks the mail, asks whether the actor may, and does everything or nothing. What is
accepted is on the record of whoever accepted it: the address in From proves nothing.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.models import Organisation, User
from expansive_cm.workflow.errors import StepForbidden, StepIllegal, StepIncomplete

from .. import attachments, lifecycle, permissions
from ..models import Attachment, Change, IncomingMail
from .sorting import Verdict
from .taking import Taken, add_comment, raise_request, read_whole, save

Outcome = IncomingMail.Outcome
WAITING = frozenset({Outcome.TRIAGE, Outcome.DISCARDED, Outcome.IGNORED, Outcome.DUPLICATE})
"""What can still be accepted: all of which nothing was made, as that may be a mistake."""


@contextmanager
def _handling(mail: IncomingMail, actor: User, *outcomes: Outcome) -> Iterator[Taken]:
    """Lock a mail that has one of these outcomes, read it again, and note who has handled it."""
    kept: list[Attachment] = []
    try:
        with transaction.atomic():
            fresh = IncomingMail.objects.select_for_update(of=("self",)).get(pk=mail.pk)
            if not (decision := permissions.can_triage(actor.read_afresh())):
                raise StepForbidden(decision.reason)
            if fresh.outcome not in outcomes:
                raise StepIllegal(_what_became_of(fresh))
            raw = bytes(fresh.raw.content)
            incoming = read_whole(raw)
            if fresh.outcome == Outcome.DUPLICATE:
                fresh.message_id = ""  # it names the first one
            taken = Taken(fresh, incoming, Verdict(Outcome(fresh.outcome), fresh.why), kept)
            yield taken
            fresh.outcome = taken.verdict.outcome
            fresh.handled_by, fresh.handled_at = actor, timezone.now()
            save(fresh, actor, _what_became_of(fresh))
    except BaseException:
        attachments.discard(kept)
        raise


def _what_became_of(mail: IncomingMail) -> str:
    words = {"outcome": mail.get_outcome_display(), "person": mail.handled_by or _("the system")}
    return _("%(person)s has handled this mail: %(outcome)s.") % words


def accept_as_request(
    mail: IncomingMail,
    *,
    actor: User,
    address: str,
    organisation: Organisation,
    name: str = "",
) -> Change:
    """Raise what a mail asks for, for the person with this address, who is added when new.

    Raises StepForbidden when that address belongs to somebody who is not of this customer, and
    StepIllegal when somebody else was faster. Effects: the change in state ``submitted``, raised
    by the actor; its files; the requester and the success team are told; the mail's outcome.
    """
    with _handling(mail, actor, *WAITING) as taken:
        requester = lifecycle.find_or_create_requester(
            address, name or address, organisation, actor=actor
        )
        change = raise_request(taken, actor, requester, _accepted(taken.mail, actor))
        taken.verdict.outcome = Outcome.CHANGE
        taken.mail.change, taken.mail.person = change, requester
    return change


def accept_as_comment(mail: IncomingMail, *, actor: User, change: Change) -> Change:
    """Add what a mail says to a change as a public comment of the actor, who passes it on.

    Raises StepIncomplete for a change that the actor does not see, StepForbidden or StepIllegal
    when nothing can be said there. Effects: the comment, its files; messages; the outcome.
    """
    with _handling(mail, actor, *WAITING) as taken:
        if not permissions.may_see(actor, change):
            raise StepIncomplete(_("There is no such change."), ["target"])
        sender = mail.sender_name or mail.sender or _("an unknown sender")
        address = f" ({mail.sender})" if mail.sender_name and mail.sender else ""
        lead = _("Mail from %s:") % f"{sender}{address}"
        add_comment(taken, change, actor, _accepted(taken.mail, actor), lead=lead)
        taken.verdict.outcome = Outcome.COMMENT
        taken.mail.change = change
    return change


def discard(mail: IncomingMail, *, actor: User) -> None:
    """Say that nothing is to be made of a mail. It is kept, and can still be accepted."""
    with _handling(mail, actor, Outcome.TRIAGE) as taken:
        taken.verdict.outcome = Outcome.DISCARDED


def put_back(mail: IncomingMail, *, actor: User) -> None:
    """Let a mail wait again that was discarded, or ignored, by mistake."""
    with _handling(mail, actor, *(WAITING - {Outcome.TRIAGE})) as taken:
        taken.verdict.outcome = Outcome.TRIAGE


def _accepted(mail: IncomingMail, actor: User) -> str:
    words = {"address": mail.sender or _("an unknown sender"), "person": actor}
    return _("By mail from %(address)s, accepted by %(person)s") % words
