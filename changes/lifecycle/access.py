"""Who reaches a change without an account: new links, and taking them back."""

from collections.abc import Iterable
from datetime import timedelta

from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.models import User
from expansive_cm.workflow.acts import acting
from expansive_cm.workflow.errors import ChangeStale, StepIllegal, StepIncomplete

from .. import access_links, link_mail
from ..models import AccessLink, Change, ConfirmationLink
from ..process import past_words
from ..states import State
from .confirmation import issue_link
from .core import Step, lock, record_event, take_step

ON_REQUEST = "mailed a new link, which was asked for without signing in"
REPLACED = "mailed a new link, as others came to know the earlier one"
LINKS_AN_HOUR = 3
"""So many new links a person is mailed in an hour, whoever asks for them."""


def ask_for_link(change: Change, person: User) -> bool:
    """Mail a new link to the address that is recorded for a person; return whether it was.

    Whoever asks need not be known: the link reaches its person alone. Nothing is sent to
    somebody who has left, has no part in the change, or was sent LINKS_AN_HOUR in the last hour.
    Effects: the link, an internal event, mail.
    """
    with acting():
        fresh = lock(change)
        reader = User.objects.select_for_update(of=("self",)).get(pk=person.pk)
        if not access_links.is_for(fresh, reader) or _had_enough(reader):
            return False
        _send(Step(fresh, "send_link", None), reader)
        return True


def _had_enough(person: User) -> bool:
    recent = AccessLink.history.filter(
        person=person,
        history_change_reason=ON_REQUEST,
        history_date__gt=timezone.now() - timedelta(hours=1),
    )
    return recent.count() >= LINKS_AN_HOUR


def _send(step: Step, person: User) -> None:
    step.internal = True
    step.reason = person.display_name or person.email
    step.data = {"person": person.pk}
    link_mail.send_link(step.change, person, actor=step.actor, why=ON_REQUEST)
    record_event(step)


def send_link(change: Change, *, actor: User, person: User) -> None:
    """Mail a new link to one of the change's people, whom somebody has on the telephone.

    Raises StepIncomplete for somebody who gets no links. Effects: the link, an internal event,
    mail to the recorded address.
    """
    with take_step("send_link", change, actor=actor) as step:
        if not access_links.is_for(step.change, person):
            raise StepIncomplete(_("%s gets no links to this change.") % person, ["person"])
        step.internal = True
        step.reason = person.display_name or person.email
        step.data = {"person": person.pk}
        link_mail.send_link(step.change, person, actor=actor, why=access_links.MAILED)


def revoke_links(change: Change, *, actor: User, person: User) -> int:
    """Let no link of a person to this change work any more; return how many worked.

    Raises StepIllegal when none does. A new one can be sent. Effects: the links, an internal
    event.
    """
    with take_step("revoke_links", change, actor=actor) as step:
        revoked = revoke(step, person)
        if not revoked:
            raise StepIllegal(_("No link of %s works at present.") % person)
        step.internal = True
        step.reason = person.display_name or person.email
        step.data = {"person": person.pk, "links": revoked}
    return revoked


def revoke(step: Step, person: User) -> int:
    """Revoke a person's links as part of a step, to the change and to its confirmation.

    Return how many worked.
    """
    links = AccessLink.objects.select_for_update(of=("self",)).filter(
        change=step.change, person=person, revoked_at=None, expires_at__gt=timezone.now()
    )
    now, count = timezone.now(), 0
    for link in links:
        link.revoked_at, count = now, count + 1
        step.save(link)
    asking = ConfirmationLink.objects.select_for_update(of=("self",)).filter(
        confirmation__change=step.change,
        sent_to__iexact=person.email,
        superseded_at=None,
        expires_at__gt=now,
    )
    for asked in asking:
        asked.superseded_at, count = now, count + 1
        step.save(asked)
    return count


def hold(changes: Iterable[Change], people: Iterable[User]) -> None:
    """Lock rows of which one act needs several, in the order in which everybody does.

    Changes come before people, each by their number: two acts never wait for each other. Belongs
    into the transaction of that act.
    """
    for model, rows in ((Change, changes), (User, people)):
        locked = model.objects.select_for_update(of=("self",), no_key=model is Change)
        list(locked.filter(pk__in={one.pk for one in rows}).order_by("pk").values_list("pk"))


def replace_links(change: Change, person: User) -> bool:
    """Let new links take the place of a person's, which others have come to know.

    Returns whether any worked. Effects: their links to the change and to its confirmation are
    revoked; an internal event; mail to the recorded address, with the open question to the
    requester, else with a new link to the change; after LINKS_AN_HOUR of this person's in an hour
    none, as programs may answer each other: they ask for one where a link does not work.
    """
    with acting():
        fresh = lock(change)
        reader = User.objects.select_for_update(of=("self",)).get(pk=person.pk)
        lately = timezone.now() - timedelta(hours=1)
        earlier = fresh.events.filter(
            verb="revoke_links", actor=None, at__gt=lately, data__person=reader.pk
        )
        enough = earlier.count() >= LINKS_AN_HOUR
        step = Step(fresh, "revoke_links", None)
        revoked = revoke(step, reader)
        if not revoked:
            return False
        step.internal = True
        words = _("A mail showed them to others; %s is mailed new ones.")
        if enough:
            words = _(
                "A mail showed them to others, as several within an hour: %s can ask for new."
            )
        step.reason = words % reader
        step.data = {"person": reader.pk, "links": revoked}
        record_event(step)
        if enough:
            return True
        asked = fresh.confirmation
        waits = fresh.state == State.CONFIRMATION and asked is not None and asked.is_open
        if waits and fresh.requester_id == reader.pk:
            asked.change = fresh
            act = str(past_words("resend_confirmation"))
            link_mail.ask_requester(asked, issue_link(step, asked), actor=None, act=act)
        elif access_links.is_for(fresh, reader):
            link_mail.send_link(fresh, reader, actor=None, why=REPLACED)
    return True


def open_confirmation(change: Change, *, actor: User, link: AccessLink) -> str:
    """Lead the requester from the change's page to the question; return the token of its page.

    Whoever holds the link to the change has the requester's mailbox, as somebody has who holds
    the link to the question. Decides nothing. Raises StepIllegal when nothing is asked of them,
    and ChangeStale for a link that lost its meaning. Effects: a link, beside the mailed ones.
    """
    with acting():
        fresh = lock(change)
        asked = fresh.confirmation
        if not access_links.still_works(link):
            raise ChangeStale(_("This link is no longer valid."))
        waits = fresh.state == State.CONFIRMATION and asked is not None and asked.is_open
        if not waits or fresh.requester_id != actor.pk:
            raise StepIllegal(_("This has been settled already."))
        return issue_link(Step(fresh, "open_confirmation", actor), asked)
