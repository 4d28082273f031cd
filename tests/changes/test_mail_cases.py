"""Mail as real programs send it that was once lost, cut, or laid at a second person's door."""

import pytest
from post_office.models import Email

from accounts.models import User
from changes.mail_in import triage
from changes.models import Change, Comment, IncomingMail
from tests import stories
from tests.letters import answer, letter, taken, write
from tests.mailing import mail_to
from tests.people import Cast

pytestmark = pytest.mark.django_db
Outcome = IncomingMail.Outcome


# A Message-ID that is used again -----------------------------------------------------------------

SCANNER = "<device-4711-0001@scanner.harbour.example>"


def scan(text: str, date: str = "Mon, 16 Nov 2026 09:21:00 +0000") -> IncomingMail:
    return taken(letter(text, message_id=SCANNER, date=date))


def test_another_mail_with_the_same_message_id_waits_for_a_person(cast: Cast) -> None:
    first = scan("A new badge reader for gate A.")
    second = scan("Gate B stays closed at night.", "Wed, 18 Nov 2026 09:22:00 +0000")
    assert (first.outcome, second.outcome) == (Outcome.CHANGE, Outcome.TRIAGE)
    assert f"number {first.pk}" in second.why
    assert scan("Gate B stays closed at night.").outcome == Outcome.DUPLICATE
    change = triage.accept_as_request(
        second, actor=cast.support, address=cast.requester.email, organisation=cast.harbour
    )
    assert "Gate B" in change.description


@pytest.mark.parametrize(
    ("text", "date"),
    [
        ("A new badge reader for gate A.", "Mon, 16 Nov 2026 09:50:00 +0000"),
        ("A footer that a relay added.", "Mon, 16 Nov 2026 09:21:00 +0000"),
    ],
)
def test_one_that_agrees_in_words_or_date_is_a_duplicate_which_can_be_accepted(
    cast: Cast, text: str, date: str
) -> None:
    scan("A new badge reader for gate A.")
    again = scan(text, date)
    assert again.outcome == Outcome.DUPLICATE
    change = triage.accept_as_request(
        again, actor=cast.support, address=cast.requester.email, organisation=cast.harbour
    )
    again.refresh_from_db()
    assert (again.outcome, again.change) == (Outcome.CHANGE, change)


# Indented and prompted lines ---------------------------------------------------------------------


def reply(cast: Cast, text: str) -> str:
    """Return what becomes of a reply of the requester to our mail."""
    change = stories.in_review(cast)
    ours = mail_to(cast.requester.email)
    mail = write(text, subject=f"Re: {ours.subject}", in_reply_to=ours.message_id)
    assert (mail.outcome, mail.change) == (Outcome.COMMENT, change)
    return Comment.objects.latest("pk").body


def test_lines_at_the_end_that_nobody_wrote_before_are_the_senders_own(cast: Cast) -> None:
    body = reply(
        cast,
        "This is what I typed and what it said:\n\n"
        "> show rooms --floor 2\n> ERROR 17: no such floor\n",
    )
    assert "> show rooms --floor 2" in body and "ERROR 17" in body
    mail = IncomingMail.objects.latest("pk")
    assert "ERROR 17" in mail.body and "ERROR 17" not in mail.quoted


def test_lines_of_our_mail_stay_quoted_with_attribution_or_without(cast: Cast) -> None:
    ours = "> The customer success team is\n> reviewing the request."
    assert "reviewing" not in reply(cast, f"Thanks!\n\n{ours}\n")
    wrote = "On Mon, 16 Nov 2026 at 09:21, Changes <changes@expansive.example> wrote:"
    assert "whatever" not in reply(cast, f"Thanks!\n\n{wrote}\n> whatever it said\n")


# Sub-addresses -----------------------------------------------------------------------------------


def test_a_sub_address_is_the_person_who_is_known(cast: Cast) -> None:
    people = User.objects.count()
    mail = write(sender="Grace Okafor <Grace.Requester+expansive@harbour.example>")
    assert (mail.outcome, mail.person) == (Outcome.CHANGE, cast.requester)
    assert User.objects.count() == people, "nobody is added"
    assert Change.objects.get().requester == cast.requester


def test_whoever_has_the_sub_address_itself_is_meant(cast: Cast) -> None:
    own = User.objects.create(
        email="grace.requester+night@harbour.example", organisation=cast.harbour
    )
    assert write(sender=f"Night <{own.email}>").person == own


def test_a_sub_address_of_our_own_is_our_own(cast: Cast) -> None:
    mail = write(sender="Changes <changes+noreply@expansive.example>")
    assert (mail.outcome, mail.why) == (Outcome.IGNORED, "It comes from an address of our own.")
    assert not Email.objects.exists()


# Rich text ---------------------------------------------------------------------------------------

RTF = (
    rb"{\rtf1\ansi\ansicpg1252\deff0{\fonttbl{\f0 Calibri;}}{\*\generator Word;}\f0\fs22 "
    rb"Please add the field \'84cost centre\'93 to the visitor form.\par "
    rb"For gate\~A\emdash \u8364?5 each \{today\}.\line Thanks\par }"
)


def of_rtf(body: bytes) -> bytes:
    head = letter("x").replace(b'text/plain; charset="utf-8"', b'text/rtf; charset="us-ascii"')
    return head.partition(b"\r\n\r\n")[0] + b"\r\n\r\n" + body


def test_a_mail_that_is_rich_text_and_nothing_else_is_read(cast: Cast) -> None:
    mail = taken(of_rtf(RTF))
    assert mail.outcome == Outcome.CHANGE
    assert mail.body == (
        "Please add the field „cost centre“ to the visitor form.\n"
        "For gate A—€5 each {today}.\nThanks"
    )
    assert "Calibri" not in mail.body and "generator" not in mail.body


@pytest.mark.parametrize(
    "body", [b"", b"{\\rtf1 {", b"}}}{{\\'", b"{" * 5000, b"\\u99999999 \\bin9 x"]
)
def test_rich_text_of_any_kind_is_survived_and_never_taken_empty(cast: Cast, body: bytes) -> None:
    mail = taken(of_rtf(body))
    assert mail.outcome == Outcome.TRIAGE or mail.body


def test_much_rich_text_takes_no_time(cast: Cast) -> None:
    assert taken(of_rtf(b"{\\rtf1 " + b"{\\b\\i x}" * 100_000)).body.startswith("x")


# Answers to invitations --------------------------------------------------------------------------


@pytest.mark.parametrize("words", ["I am in hospital that week.", ""])
def test_a_declined_invitation_waits_with_its_words(cast: Cast, words: str) -> None:
    mail = answer(f"Max Member <{cast.crb_member.email}>", "DECLINED", words)
    assert (mail.outcome, mail.person) == (Outcome.TRIAGE, cast.crb_member)
    assert mail.why.startswith("Max Member declines an invitation to a meeting")
    assert words in mail.body


@pytest.mark.parametrize(
    ("who", "partstat"),
    [("crb_member", "ACCEPTED"), ("crb_member", "TENTATIVE"), ("requester", "DECLINED")],
)
def test_other_answers_to_invitations_are_nobodys_business(
    cast: Cast, who: str, partstat: str
) -> None:
    assert answer(getattr(cast, who).email, partstat).outcome == Outcome.IGNORED
