"""A customer who has nothing but a mailbox and a phone, from a first mail to the yes at the end.

Read it as documentation: Nadia writes and reads mail, and opens the links in it. Her mails lie
in a real IMAP server, ours go through a real SMTP server. Nothing that her mail system does by
itself, and nothing that she replies, decides anything.
"""

import re
from collections.abc import Callable
from email.header import decode_header, make_header
from email.message import Message
from typing import Any
from urllib.request import Request, urlopen

import pytest
from django.contrib.sessions.models import Session
from django.test import Client
from django.urls import reverse

from accounts.models import User
from changes import lifecycle
from changes.models import AccessLink, Change, ConfirmationLink, IncomingMail, ProposedAnswer
from changes.states import State
from changes.tasks import fetch_mail
from tests import stories
from tests.dovecot import Dovecot
from tests.journeys.conftest import Visitor
from tests.journeys.reader import Reader
from tests.letters import PDF, letter
from tests.mailing import deliver
from tests.people import Cast
from tests.smtp import Mailbox

ADDRESS = "nadia.night@harbour.example"
QUESTION = "How many wards would use it?"
GETS = 5


class MailProgram:
    """Nadia's mail program: what we send comes in here, what she sends arrives in our mailbox."""

    def __init__(self, smtp_server: Mailbox, dovecot: Dovecot) -> None:
        self.smtp_server = smtp_server
        self.dovecot = dovecot
        self._scanned = 0

    @property
    def inbox(self) -> list[Message]:
        """What has really gone out to her, in order."""
        return [one for one in self.smtp_server.messages if ADDRESS in one["X-Envelope-To"]]

    def receives(self, subject: str) -> Message:
        """Let our mail go out; return her newest, which has this in its subject."""
        deliver()
        subjects = [header_of(one, "Subject") for one in self.inbox]
        found = [one for one, words in zip(self.inbox, subjects, strict=True) if subject in words]
        assert found, subjects
        return found[-1]

    def writes(self, text: str, subject: str, **headers: Any) -> None:
        """Send a mail, and let the product fetch what has arrived."""
        sender = f"Nadia Night <{ADDRESS}>"
        self.dovecot.deliver(letter(text, sender=sender, subject=subject, **headers))
        fetch_mail()

    def replies(self, text: str, mail: Message) -> None:
        """Answer a mail as programs do: in its thread, with all of it quoted below."""
        quoted = "".join(f"> {line}\n" for line in body_of(mail).splitlines())
        self.writes(
            f"{text}\n\nOn Tue, 24 Nov 2026, Change Management wrote:\n{quoted}",
            f"Re: {header_of(mail, 'Subject')}",
            in_reply_to=header_of(mail, "Message-ID"),
            references=f"{header_of(mail, 'References')} {header_of(mail, 'Message-ID')}",
        )

    def is_scanned(self) -> None:
        """Let a mail gateway look at every link that has come: once as HEAD, then several GETs."""
        new = self.inbox[self._scanned :]
        self._scanned += len(new)
        for mail in new:
            for link in links_in(mail):
                assert re.search(r"/(r|confirm)/", link), "none leads to where one signs in"
                for method in ("HEAD", *["GET"] * GETS):
                    with urlopen(Request(link, method=method), timeout=20) as answer:
                        assert answer.status == 200


def header_of(mail: Message, name: str) -> str:
    """Return a header decoded and on one line."""
    return " ".join(str(make_header(decode_header(mail[name]))).split())


def body_of(mail: Message, kind: str = "text/plain") -> str:
    """Return the text, or the HTML, of a mail."""
    parts = [part for part in mail.walk() if part.get_content_type() == kind]
    return parts[0].get_payload(decode=True).decode()


def links_in(mail: Message) -> set[str]:
    """Return every link of a mail."""
    both = body_of(mail) + body_of(mail, "text/html")
    return set(re.findall(r"https?://[^\s\"<>]+", both))


def link_in(mail: Message, page: str) -> str:
    """Return the link to one of her pages: her request (r), or our question (confirm)."""
    (found,) = [link for link in links_in(mail) if f"/{page}/" in link]
    return found


@pytest.fixture
def nadias(
    cast: Cast, smtp_server: Mailbox, dovecot: Dovecot, live_server: Any, settings: Any
) -> MailProgram:
    """The mail program of somebody of Harbour Hospitals whom nobody has heard of yet."""
    settings.MAILBOX_CA = dovecot.certificate
    settings.MAILBOXES = [dovecot.mailbox()]
    settings.REPLY_ADDRESS = "changes@example.org"
    settings.BASE_URL = live_server.url
    return MailProgram(smtp_server, dovecot)


def test_a_change_from_a_customers_mail_to_her_yes_on_the_phone(
    cast: Cast, visitor: Callable[..., Visitor], nadias: MailProgram
) -> None:
    support = Reader(cast.support)

    # Nadia writes a mail. She is new; the domain of her address is that of Harbour Hospitals.
    nadias.writes(
        "Please remind the night shift of booked rooms, 15 minutes before.",
        "Remind the night shift",
        files=(("rota.pdf", "application/pdf", PDF),),
    )
    change = Change.objects.get()
    assert (change.state, change.channel) == (State.SUBMITTED, "email")
    assert (change.organisation, change.requester.email) == (cast.harbour, ADDRESS)
    assert nadias.dovecot.folders() == {"Taken": 1}
    received = nadias.receives("We have the request")
    assert received["Reply-To"] == "changes@example.org"

    # Support finds the request, with her file, and asks what it does not say.
    support.opens(change).sees("Remind the night shift")
    support.sees("15 minutes before.", "rota.pdf", "Nadia Night", "E-mail")
    support.fills(audience="public", body="By mail or on the phone?")
    support.presses("Send to the customer").sees("By mail or on the phone?")
    asked = nadias.receives("Sam Support wrote")
    assert "By mail or on the phone?" in body_of(asked)
    nadias.replies("On the phone, please.", asked)

    # The success team sees that it needs code. The board wants to know more, and she replies.
    change = lifecycle.assess(
        Change.objects.get(), actor=cast.success, type="code", **stories.ASSESSMENT
    )
    assert "Change Request Board" in body_of(nadias.receives("News of your change"))
    stories.decided(change, cast, "information_required", questions=[(QUESTION, change.requester)])
    question = nadias.receives("The board has a question for you")
    assert QUESTION in body_of(question)
    nadias.is_scanned()
    nadias.replies("Twelve, all in the main building.", question)
    assert ProposedAnswer.objects.get().accepted is None
    assert Change.objects.get().state == State.INFORMATION_REQUIRED, "a mail decides nothing"
    assert "/r/" not in IncomingMail.objects.latest("pk").quoted.replace("/r/…", "")
    support.opens(change).sees("On the phone, please.")
    support.sees("An answer came by mail", "Twelve, all in the main building.")
    support.presses("Accept as the answer").sees("The answer is taken from the mail.")
    assert Change.objects.get().state == State.BOARD

    # The board decides. Nadia reads what that means for her.
    change = stories.decided(change, cast, "accepted")
    decision = nadias.receives("The board accepted the request")
    page = link_in(decision, "r")
    reads(page, "The board accepted the change on", "Next, we look at its security risks.")
    reads(page, "By mail or on the phone?", "On the phone, please.", "rota.pdf", QUESTION)

    # It is specified, built, tested, and planned for a release, which she is told of.
    change = stories.risk_signed(
        stories.risk_written(stories.requirements_defined(change, cast), cast), cast
    )
    change = stories.all_passed(stories.reviewed(change, cast), cast)
    change = stories.deployment_planned(change, cast)
    planned = nadias.receives("News of your change")
    reads(link_in(planned, "r"), "planned for release 4.12", "The release is planned")
    change = stories.carried_out(change, cast)
    assert change.state == State.CONFIRMATION

    # Her mail gateway opens every link there is before she does. Nothing is used up by it.
    confirm = nadias.receives("Please confirm")
    nadias.is_scanned()
    assert Change.objects.get().state == State.CONFIRMATION
    assert not ConfirmationLink.objects.exclude(used_at=None).exists()

    # She reads where her request is, opens the question on her phone, and answers both parts.
    reads(link_in(confirm, "r"), "The change has been in place since")
    phone = visitor(None, width=360, height=740)
    phone.opens(link_in(confirm, "confirm")).sees("15 minutes before.", "Deployed with 4.12.")
    phone.fills(meets_need="yes", as_expected="yes").sends().sees("Thank you")
    assert Change.objects.get().state == State.CLOSED
    reads(link_in(confirm, "r"), "you confirmed that the change meets your needs")

    # The mail log tells what became of ours; hers were all taken; she never had an account.
    reader = Client()
    reader.force_login(cast.support)
    log = reader.get(reverse("changes:mail_log", args=[change.pk])).content.decode()
    assert "Link opened" in log and "Answered" in log
    assert nadias.dovecot.folders() == {"Taken": 3}
    assert has_never_had_an_account()


def reads(link: str, *texts: str) -> None:
    """Open the page of a request by its link, and expect each text there."""
    with urlopen(link, timeout=20) as answer:
        page = answer.read().decode()
    missing = [text for text in texts if text not in page]
    assert not missing, (missing, page)


def has_never_had_an_account() -> bool:
    """Whether Nadia could not have signed in, and never has."""
    nadia = User.objects.get(email=ADDRESS)
    sessions = [session.get_decoded() for session in Session.objects.all()]
    signed_in = {session.get("_auth_user_id") for session in sessions}
    assert AccessLink.objects.filter(person=nadia).exists()
    return (
        not nadia.has_usable_password()
        and nadia.last_login is None
        and not nadia.groups.exists()
        and str(nadia.pk) not in signed_in
    )
