"""What waits for support: mail that could not be sorted, and answers that came by mail."""

from collections.abc import Iterable
from dataclasses import dataclass

from django.db.models import QuerySet

from accounts.models import EmailDomain, Organisation, User
from expansive_cm.mailreader.addresses import normal
from expansive_cm.statements import Statement

from .. import permissions
from ..models import IncomingMail, ProposedAnswer
from ..states import State

COUNTED = 100
"""Counting stops here."""


def mail_waiting() -> QuerySet[IncomingMail]:
    """Return the mail that waits for support, the newest first."""
    return IncomingMail.objects.filter(outcome=IncomingMail.Outcome.TRIAGE).order_by("-pk")


def answers_waiting() -> QuerySet[ProposedAnswer]:
    """Return the answers that somebody has to accept or set aside, the oldest first."""
    return ProposedAnswer.objects.filter(
        accepted=None,
        question__answered_at=None,
        question__decision__taken_back_at=None,
        question__change__state=State.INFORMATION_REQUIRED,
    ).order_by("pk")


def how_many_wait(user: User) -> int:
    """Count both in one query, as far as a number can be read at a glance; 0 for mere readers."""
    if not permissions.can_triage(user):
        return 0
    return min(len(WAITING.rows()), COUNTED)


def _both() -> QuerySet[IncomingMail, tuple[int]]:
    mails = mail_waiting().order_by().values_list("pk")[:COUNTED]
    answers = answers_waiting().order_by().values_list("pk")[:COUNTED]
    return mails.union(answers, all=True)


WAITING = Statement(_both, planned_once=True)


@dataclass(frozen=True)
class Guess:
    """Whose request a mail probably is."""

    person: User | None = None
    organisation: Organisation | None = None


def guesses(mails: Iterable[IncomingMail]) -> dict[int, Guess]:
    """Guess for several mails, in two queries, by address and by domain."""
    senders = {mail.pk: normal(mail.sender) for mail in mails if mail.sender}
    people = {
        normal(person.email): person
        for person in User.objects.filter(email__in=senders.values(), is_active=True)
        .exclude(organisation=None)
        .select_related("organisation")
    }
    parents = {sender: _domains(sender) for sender in senders.values()}
    wanted = {domain for domains in parents.values() for domain in domains}
    found = EmailDomain.objects.filter(domain__in=wanted, organisation__is_active=True)
    owners = {one.domain: one.organisation for one in found.select_related("organisation")}
    guessed = {}
    for pk, sender in senders.items():
        person = people.get(sender)
        by_domain = (owners[domain] for domain in parents[sender] if domain in owners)
        organisation = person.organisation if person else next(by_domain, None)
        guessed[pk] = Guess(person, organisation)
    return guessed


def _domains(address: str) -> list[str]:
    """Return the domain of an address and those above it, the longest first."""
    labels = address.rpartition("@")[2].split(".")
    return [".".join(labels[start:]) for start in range(max(len(labels) - 1, 0))]
