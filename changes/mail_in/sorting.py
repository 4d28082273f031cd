"""Sorts mail: who wrote it, what it is about, and what is to be made of it.

Nothing is changed here. The address in From can be forged, so a mail never does more than its
sender could be trusted with by that address alone: it raises a request or says something on a
change that the person sees. ``Verdict.why`` says by what it was matched.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from email.utils import parseaddr

from django.conf import settings
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from post_office.models import Email

from accounts.models import Organisation, User
from expansive_cm.mailreader.addresses import normal, without_tag
from expansive_cm.mailreader.incoming import Incoming, Kind, Note

from .. import finding, permissions
from ..models import Change, IncomingMail, Question, parse_reference
from ..states import State
from . import declines

Outcome = IncomingMail.Outcome

BUSY = 30
"""So many mails of one address within an hour may be a loop: further ones wait for a person."""

SUBJECT_REFERENCE = re.compile(r"\bCR-\d{1,18}\b", re.IGNORECASE)
OUR_MARK = re.compile(r"\[CR-\d{1,18}\]|\A\s*CR-\d{1,18}\s*\Z", re.IGNORECASE)
"""How our own subjects name a change, and so the answers to them; or nothing but the number."""


@dataclass
class Verdict:
    """What is to be made of a mail, and why."""

    outcome: Outcome
    why: str
    person: User | None = None
    organisation: Organisation | None = None
    change: Change | None = None
    answers: Email | None = None
    questions: list[Question] = field(default_factory=list)
    internal: bool = False
    declines: bool = False
    """Whether the person is asked if they will be away from a meeting."""


@dataclass(frozen=True)
class Subject:
    """The change that a mail is about, the mail of ours that it answers, and what says so."""

    change: Change | None = None
    answers: Email | None = None
    how: str = ""
    is_sure: bool = True
    """False where the number of a change may be one of the sender's own, for something else."""


def sort(incoming: Incoming) -> Verdict:
    """Decide what is to be made of a mail that is no duplicate."""
    if incoming.kind == Kind.BOUNCE:
        return _bounce(incoming)
    person = known_by(incoming.sender)
    noise = noise_in(incoming)
    if person is not None and _declines(person, incoming):
        return _declined(person, incoming)
    if noise and not _may_be_from(person, incoming):
        return Verdict(Outcome.IGNORED, noise)
    subject = subject_of(incoming)
    verdict = Verdict(
        Outcome.TRIAGE,
        "",
        person=person,
        organisation=organisation_for(incoming.sender, person),
        change=subject.change,
        answers=subject.answers,
    )
    if doubt := _doubt(incoming, person):
        verdict.why = _sentences(doubt, subject.how)
    elif subject.change and subject.is_sure:
        _about(subject.change, subject.how, incoming, verdict)
    elif subject.change:
        _named_in_passing(subject.change, subject.how, verdict)
    elif subject.answers:
        verdict.why = _sentences(subject.how, _("That is about no single change request."))
    else:
        _new(incoming, verdict)
    return verdict


def known_by(address: str) -> User | None:
    """Return who has an address, or else the one of which it is a sub-address (``name+tag@``)."""
    person = User.objects.with_address(address)
    return person or User.objects.with_address(without_tag(address))


def organisation_for(address: str, person: User | None) -> Organisation | None:
    """Return the customer of a person, or else the one that the address's domain belongs to."""
    if person:
        return person.organisation
    return finding.organisation_of_address(address) if address else None


# What no person has to read ------------------------------------------------------------------


def noise_in(incoming: Incoming) -> str:
    """Say why nobody has to read this, or nothing."""
    own = own_addresses()
    through_a_group = incoming.kind == Kind.LIST or incoming.original not in {"", *own}
    if is_own(incoming.sender) and not through_a_group:
        return _("It comes from an address of our own.")
    if incoming.kind in (Kind.ORDINARY, Kind.LIST):
        return ""
    label = Kind(incoming.kind).label
    return f"{label} ({incoming.why})." if incoming.why else f"{label}."


def _declines(person: User, incoming: Incoming) -> bool:
    """Whether one of our own declines by calendar program, perhaps with words that matter."""
    return bool(incoming.declined) and person.is_active and person.is_internal


def _declined(person: User, incoming: Incoming) -> Verdict:
    """They are asked whether they are away; words of their own wait for a person besides.

    Nothing more is made of it: an address proves nothing, and an absence passes on a vote.
    """
    asked = declines.is_known(person, incoming.declined)
    if asked and not words_of(incoming).strip():
        words = _("%s declines an invitation to a meeting, and is asked whether they are away.")
        return Verdict(Outcome.IGNORED, words % person, person=person, declines=True)
    words = _("%s declines an invitation to a meeting: whoever is away records an absence.")
    return Verdict(Outcome.TRIAGE, words % person, person=person, declines=asked)


def _may_be_from(person: User | None, incoming: Incoming) -> bool:
    """Whether bulk mail may be a person's after all, to which their relay added its marks."""
    known = person or organisation_for(incoming.sender, None)
    return bool(known) and incoming.kind == Kind.BULK and not incoming.why.startswith("Precedence")


def is_own(address: str) -> bool:
    """Whether an address, or the one of which it is a sub-address, is our own."""
    return bool(address) and bool({normal(address), without_tag(address)} & own_addresses())


def own_addresses() -> set[str]:
    """Return the addresses that our own mail comes from or that we read."""
    named = [settings.DEFAULT_FROM_EMAIL, getattr(settings, "REPLY_ADDRESS", "") or ""]
    addresses = [parseaddr(text)[1] for text in named]
    addresses += [mailbox.address for mailbox in settings.MAILBOXES]
    return {normal(address) for address in addresses if address}


def _bounce(incoming: Incoming) -> Verdict:
    bounce = incoming.bounce
    named = [bounce.message_id, *incoming.references] if bounce else incoming.references
    email = mail_of_ours(named)
    change = change_of(email) if email else None
    if email is None:
        why = _("It tells of no mail of ours.")
    elif bounce and bounce.permanent:
        why = _("Our mail “%s” came back.") % email.subject
    else:
        why = _("Our mail “%s” is delayed; its delivery is still being tried.") % email.subject
    return Verdict(Outcome.BOUNCE, why, change=change, answers=email)


# What it is about ----------------------------------------------------------------------------


def subject_of(incoming: Incoming) -> Subject:
    """Find what a mail is about: by the mail it answers, its thread, or its subject line."""
    email = mail_of_ours(incoming.references)
    change = change_of(email) if email else None
    if email:
        day = date_format(timezone.localtime(email.created), "j F Y")
        words = {"subject": email.subject, "day": day}
        how = _("It answers our mail “%(subject)s” of %(day)s.") % words
        return Subject(change, email, how)
    if change := _change_of_thread(incoming.references):
        return Subject(change, how=_("It belongs to the thread of %s.") % change.reference)
    if change := _change_named(incoming.subject):
        sure = bool(incoming.references or OUR_MARK.search(incoming.subject))
        return Subject(change, how=_("Its subject names %s.") % change.reference, is_sure=sure)
    return Subject()


def mail_of_ours(message_ids: list[str]) -> Email | None:
    """Return the mail of ours that is named first among these Message-IDs."""
    wanted = [one for one in message_ids if one]
    found = {email.message_id: email for email in Email.objects.filter(message_id__in=wanted)}
    return next((found[one] for one in wanted if one in found), None)


def change_of(email: Email) -> Change | None:
    """Return the change that a mail of ours is about."""
    number = parse_reference((email.headers or {}).get("X-Change-Request", ""))
    return _change(number)


def _change_of_thread(message_ids: list[str]) -> Change | None:
    domain = re.escape(settings.POST_OFFICE["MESSAGE_ID_FQDN"])
    root = re.compile(rf"<change-(\d{{1,18}})@{domain}>")
    matches = [match for one in message_ids if (match := root.fullmatch(one))]
    return _change(int(matches[0][1])) if matches else None


def _change_named(subject: str) -> Change | None:
    match = SUBJECT_REFERENCE.search(subject)
    return _change(parse_reference(match[0])) if match else None


def _change(number: int | None) -> Change | None:
    if not number:
        return None
    changes = Change.objects.select_related("organisation__success_team", "requester", "owner")
    return changes.exclude(state=State.DRAFT).filter(pk=number).first()


# What is to be made of it --------------------------------------------------------------------

DOUBTS: dict[Note, Callable[[], str]] = {
    Note.SENDER: lambda: _("Its sender's address is missing or not valid, or not the only one."),
    Note.HEADER_CUT: lambda: _("Its header was too long and was cut."),
    Note.SPAM: lambda: _("A mail server marked it as spam."),
    Note.MANY_RECIPIENTS: lambda: _("It went to very many recipients."),
    Note.ENCRYPTED: lambda: _("It is encrypted and could not be read."),
}


def _doubt(incoming: Incoming, person: User | None) -> str:
    """Say why a person has to look at this mail, whatever it is about; or nothing."""
    if incoming.kind == Kind.LIST or is_own(incoming.sender):
        wrote = _("%s wrote it.") % incoming.original if incoming.original else ""
        through = _("It came through a mailing list.")
        if incoming.kind != Kind.LIST:
            through = _("It came through a group or a form that gives our address as its sender.")
        return _sentences(through, wrote)
    if incoming.kind == Kind.BULK:
        return _("It has marks of bulk mail (%s), though its sender is known.") % incoming.why
    for note, words in DOUBTS.items():
        if note in incoming.notes:
            return words()
    if person and not person.is_active:
        return _("Its sender, %s, is no longer active here.") % person
    if not (words_of(incoming) or files_in(incoming)):
        return _("There is nothing new in it: neither words nor files.")
    if _is_busy(incoming.sender):
        return _("Very many mails came from this address within an hour.")
    return ""


def words_of(incoming: Incoming) -> str:
    """Return what somebody wrote; of a mail that only passes another on, what that says."""
    if not incoming.text.strip() and Note.FORWARDED in incoming.notes:
        return incoming.quoted.strip()
    return incoming.text.strip()


def files_in(incoming: Incoming) -> bool:
    """Whether there are files that somebody meant to send."""
    return any(not (file.decoration or file.quoted) for file in incoming.attachments)


def _is_busy(sender: str) -> bool:
    lately = timezone.now() - timedelta(hours=1)
    earlier = IncomingMail.objects.filter(sender=sender, received_at__gte=lately)
    return len(earlier.values_list("pk")[:BUSY]) == BUSY


def _about(change: Change, how: str, incoming: Incoming, verdict: Verdict) -> None:
    """A word on a change, if its sender is known, sees the change and may say something."""
    person = verdict.person
    if person is None:
        verdict.why = _sentences(how, _("Nobody is known by the address it came from."))
        return
    if not permissions.may_see(person, change):
        # Whoever sorts mail must not learn from it which changes other customers have.
        verdict.change = None
        words = _("%s cannot see the change that it is about.") % person
        verdict.why = _sentences(words)
        return
    decision = permissions.can_comment(person, change)
    if not decision:
        verdict.why = _sentences(how, _("%s may not comment there:") % person, decision.reason)
        return
    if permissions.can_see_internal(person):
        # Nobody speaks in the name of one of our own by an address that anybody can write.
        if not was_sent_to(verdict.answers, person.email):
            verdict.why = _sentences(how, _("It answers no mail that %s was sent.") % person)
            return
        verdict.internal = not is_public(verdict.answers)
    verdict.outcome = Outcome.COMMENT
    verdict.why = _sentences(_("%s is known by this address.") % person, how)
    if change.state == State.INFORMATION_REQUIRED and not verdict.internal:
        asked = change.questions.filter(decision__taken_back_at=None)
        verdict.questions = list(asked.filter(answerer=person, answered_at=None))
    if verdict.questions and words_of(incoming):
        verdict.outcome = Outcome.ANSWER


def _named_in_passing(change: Change, how: str, verdict: Verdict) -> None:
    """A new mail that names a number: whether it is ours is for a person to say."""
    if verdict.person is None or not permissions.may_see(verdict.person, change):
        verdict.change, how = None, _("Its subject names a number.")
    verdict.why = _sentences(
        how, _("It answers no mail of ours: the number may be one of the sender's own.")
    )


def was_sent_to(email: Email | None, address: str) -> bool:
    """Whether a mail of ours went to this address: then few others know its Message-ID."""
    wanted = normal(address)
    return email is not None and wanted != "" and wanted in {normal(one) for one in email.to}


def is_public(email: Email | None) -> bool:
    """Whether a mail of ours says what the customer may read: told of by its notices.

    What one of our own people replies to any other mail is for colleagues.
    """
    if email is None:
        return False
    notices = list(email.notices.select_related("event"))
    return bool(notices) and all(
        notice.message in PUBLIC_MESSAGES
        and not (notice.event and (notice.event.is_internal or notice.event.verb == "note"))
        for notice in notices
    )


PUBLIC_MESSAGES = frozenset(
    {
        *("received", "progress", "decision", "question", "rolled_back", "reworked"),
        *("closed", "withdrawn", "comment", "confirmation", "reminder", "succeeded"),
    }
)
"""What customers read as well (``changes.messages``)."""


def _new(incoming: Incoming, verdict: Verdict) -> None:
    """A new request, if its sender is a customer's person or has a customer's domain."""
    person, organisation = verdict.person, verdict.organisation
    domain = incoming.sender.rpartition("@")[2]
    if person and organisation is None:
        verdict.why = _("%s is one of Expansive's own people: for whom is this request?") % person
    elif organisation is None:
        verdict.why = _("Neither the address nor its domain, %s, is known.") % domain
    elif not organisation.is_active:
        verdict.why = _("%s is no longer an active customer.") % organisation
    else:
        verdict.outcome = Outcome.CHANGE
        words = {"person": person, "organisation": organisation, "domain": domain}
        if person:
            verdict.why = _("%(person)s of %(organisation)s is known by this address.") % words
        else:
            verdict.why = (
                _("The sender is new; the domain %(domain)s belongs to %(organisation)s.") % words
            )


def _sentences(*parts: str) -> str:
    return " ".join(part for part in parts if part)
