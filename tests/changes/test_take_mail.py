"""Mail that is taken in: whose it is, what it is about, what becomes of it."""

import hashlib
import io
from email.message import EmailMessage
from types import SimpleNamespace
from typing import Any

import pytest
from django.core.files.storage import default_storage
from django.core.management import CommandError, call_command
from post_office.models import Email

from accounts.models import Organisation, User
from changes import lifecycle
from changes.mail_in import sorting
from changes.models import (
    Change,
    IncomingMail,
    MailEvent,
    Notice,
    ProposedAnswer,
    RawMail,
)
from changes.states import State
from tests import stories
from tests.concurrently import at_once
from tests.letters import PDF, bounce_of, letter, taken, write
from tests.mailing import last_row, mail_to, told, worded
from tests.people import Cast

pytestmark = pytest.mark.django_db

Outcome = IncomingMail.Outcome


def only_change() -> Change:
    """Return the one change there is."""
    return Change.objects.get()


# A new request -------------------------------------------------------------------------------


def test_a_known_senders_mail_becomes_a_request(cast: Cast) -> None:
    raw = letter(
        "Please let night staff book rooms.\n\nGrace",
        subject="Fwd: Re: Rooms",
        files=(("plan.pdf", "application/pdf", PDF),),
    )
    mail = taken(raw)
    change = only_change()
    assert (mail.outcome, mail.change, mail.person) == (Outcome.CHANGE, change, cast.requester)
    assert "Grace Requester of Harbour Hospitals is known by this address" in mail.why
    assert change.state == State.SUBMITTED
    assert change.channel == "email"
    assert (change.requester, change.raised_by) == (cast.requester, cast.requester)
    assert change.organisation == cast.harbour
    assert change.title == "Rooms"
    assert "night staff book rooms" in change.description
    assert change.attachments.get().name == "plan.pdf"
    assert bytes(mail.raw.content) == raw
    assert mail.sha256 == hashlib.sha256(raw).hexdigest()


def test_its_sender_is_told_that_it_arrived_and_the_team_that_it_waits(cast: Cast) -> None:
    write()
    assert told() == [("cleo", "Waiting for you (Assess)"), ("grace", "We have the request")]


def test_the_story_says_that_it_came_by_mail(cast: Cast) -> None:
    write()
    event = only_change().events.get(verb="submit")
    assert event.reason == "By mail from grace.requester@harbour.example"
    assert event.data["via"] == "mail"
    history = only_change().history.latest()
    assert "By mail from grace.requester@harbour.example" in history.history_change_reason


def test_somebody_new_of_a_known_domain_is_added_without_a_password(cast: Cast) -> None:
    mail = write(sender="Nina New <nina@wards.harbour.example>")
    person = User.objects.get(email="nina@wards.harbour.example")
    assert (mail.outcome, mail.person) == (Outcome.CHANGE, person)
    assert "domain wards.harbour.example belongs to Harbour Hospitals" in mail.why
    assert (person.display_name, person.organisation) == ("Nina New", cast.harbour)
    assert not person.has_usable_password()
    assert not person.roles
    assert not person.is_staff
    reason = person.history.latest().history_change_reason
    assert "domain wards.harbour.example" in reason
    assert only_change().requester == person
    assert mail_to(person.email).subject.startswith("[CR-")


def test_an_unknown_sender_waits(cast: Cast) -> None:
    mail = write(sender="Someone <someone@elsewhere.example>")
    assert mail.outcome == Outcome.TRIAGE
    assert mail.why.startswith("Neither the address nor its domain, elsewhere.example, is known.")
    assert not Change.objects.exists()
    assert not Email.objects.exists(), "nobody answers a stranger"
    assert not User.objects.filter(email="someone@elsewhere.example").exists()


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"sender": "Sam <sam.support@expansive.example>"}, "one of Expansive's own people"),
        ({"sender": "not an address"}, "address is missing or not valid"),
        ({"text": "", "subject": ""}, "neither words nor files"),
        ({"list_id": "<all.harbour.example>"}, "mailing list"),
        ({"to": ", ".join(f"p{n}@harbour.example" for n in range(3000))}, "very many recipients"),
        ({"x_spam_flag": "YES"}, "marked it as spam"),
    ],
)
def test_what_needs_a_person_waits(cast: Cast, options: dict[str, Any], words: str) -> None:
    mail = write(**options)
    assert mail.outcome == Outcome.TRIAGE, mail.why
    assert words in mail.why
    assert not Change.objects.exists()


def test_who_has_left_waits(cast: Cast) -> None:
    cast.requester.is_active = False
    cast.requester.save()
    assert "no longer active" in write().why
    Organisation.objects.filter(pk=cast.harbour.pk).update(is_active=False)
    mail = write(sender="colin.colleague@harbour.example")
    assert (mail.outcome, mail.why) == (
        Outcome.TRIAGE,
        "Harbour Hospitals is no longer an active customer.",
    )


def test_a_loop_is_stopped(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sorting, "BUSY", 3)
    outcomes = [write().outcome for _number in range(4)]
    assert outcomes == [Outcome.CHANGE] * 3 + [Outcome.TRIAGE]


@pytest.mark.parametrize(
    ("subject", "title"),
    [
        ("AW: WG: [CR-000007] Türen", "Türen"),
        ("Re[2]: Doors", "Doors"),
        ("", "Please let night staff book rooms."),
        ("x" * 300, "x" * 199 + "…"),
        ("I: nostra richiesta", "nostra richiesta"),
    ],
)
def test_a_request_is_called_what_its_subject_says(cast: Cast, subject: str, title: str) -> None:
    write(subject=subject)
    assert only_change().title == title


# Files -----------------------------------------------------------------------------------------


def test_files_pass_the_checks_of_uploads(cast: Cast, settings: Any) -> None:
    settings.ATTACHMENT_MAX_BYTES = 1000
    write(
        files=(
            ("plan.pdf", "application/pdf", PDF),
            ("setup.exe", "application/octet-stream", b"MZ"),
            ("large.pdf", "application/pdf", PDF + b"x" * 1000),
            ("fake.png", "image/png", b"not a picture"),
        )
    )
    change = only_change()
    assert [one.name for one in change.attachments.all()] == ["plan.pdf"]
    for name in ("setup.exe", "large.pdf", "fake.png"):
        assert f"Not attached: “{name}”" in change.description


def test_winmail_dat_is_kept_as_a_file_and_said_to_be_one(cast: Cast) -> None:
    content = b"\x78\x9f\x3e\x22" + b"\x00" * 60
    write(files=(("winmail.dat", "application/ms-tnef", content),))
    change = only_change()
    assert change.attachments.get().name == "winmail.dat"
    assert "only Outlook opens" in change.description


def test_a_failure_leaves_neither_row_nor_file(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*arguments: Any, **options: Any) -> None:
        raise RuntimeError("the disk is full")

    monkeypatch.setattr(lifecycle, "submit", fail)
    before = stored_files()
    with pytest.raises(RuntimeError):
        write(files=(("plan.pdf", "application/pdf", PDF),))
    assert not IncomingMail.objects.exists()
    assert not Change.objects.exists()
    assert stored_files() == before


def stored_files() -> set[str]:
    """Return every uploaded file."""
    if not default_storage.exists("attachments"):
        return set()
    folders, _files = default_storage.listdir("attachments")
    return {
        f"{folder}/{name}"
        for folder in folders
        for name in default_storage.listdir(f"attachments/{folder}")[1]
    }


# A word on a change ------------------------------------------------------------------------------


def test_a_reply_becomes_a_public_comment(cast: Cast) -> None:
    change = stories.submitted(cast)
    ours = mail_to(cast.requester.email)
    since = last_row()
    mail = write(
        "Only for the east wing.\n\nOn 24 Nov 2026, at 10:00, Changes wrote:\n> We have it.\n",
        subject=f"Re: {ours.subject}",
        in_reply_to=ours.message_id,
    )
    comment = change.comments.get()
    assert (mail.outcome, mail.change, mail.comment) == (Outcome.COMMENT, change, comment)
    assert mail.in_answer_to == ours
    assert (comment.author, comment.is_internal) == (cast.requester, False)
    assert comment.body == "Only for the east wing."
    assert "We have it." in mail.quoted
    assert "It answers our mail" in mail.why
    event = MailEvent.objects.get()
    assert (event.kind, event.email, event.address) == ("answered", ours, cast.requester.email)
    assert told(since) == [
        ("cleo", "Grace Requester wrote"),
        ("sam", "Grace Requester wrote"),
    ]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"references": "<change-{pk}@{domain}> <else@where.example>"}, "belongs to the thread"),
        ({"subject": "About [CR-{pk:06d}], please"}, "Its subject names CR-"),
        (
            {"subject": "About CR-{pk:06d}", "in_reply_to": "<else@where.example>"},
            "Its subject names CR-",
        ),
    ],
)
def test_it_is_matched_by_thread_and_by_subject(
    cast: Cast, settings: Any, options: dict[str, str], words: str
) -> None:
    change = stories.submitted(cast)
    values = {"pk": change.pk, "domain": settings.POST_OFFICE["MESSAGE_ID_FQDN"]}
    mail = write(**{name: text.format(**values) for name, text in options.items()})
    assert (mail.outcome, mail.change) == (Outcome.COMMENT, change)
    assert words in mail.why


@pytest.mark.parametrize("subject", ["Our CR-{} is approved: a night shift", "About cr-{:06d}"])
def test_a_number_in_a_new_mail_may_be_the_senders_own(cast: Cast, subject: str) -> None:
    change = stories.submitted(cast)
    mail = write(subject=subject.format(change.pk))
    assert (mail.outcome, mail.change) == (Outcome.TRIAGE, change)
    assert "Its subject names CR-" in mail.why
    assert "may be one of the sender's own" in mail.why
    assert not change.comments.exists()


def test_such_a_number_tells_nothing_of_other_customers(cast: Cast) -> None:
    change = stories.submitted(cast)
    mail = write(sender="mia.meridian@harbour.example", subject=f"Our CR-{change.pk}")
    assert (mail.outcome, mail.change) == (Outcome.TRIAGE, None)
    assert change.reference not in mail.why


def test_the_mail_it_answers_counts_more_than_its_subject(cast: Cast) -> None:
    first, second = stories.submitted(cast), stories.submitted(cast)
    ours = worded().filter(headers__contains={"X-Change-Request": first.reference}).first()
    mail = write(subject=f"Re: [{second.reference}] Rooms", in_reply_to=ours.message_id)
    assert mail.change == first


@pytest.mark.parametrize(
    ("sender", "words"),
    [
        ("mia.meridian@harbour.example", "cannot see the change"),
        ("someone@elsewhere.example", "Nobody is known by the address"),
        ("new.person@harbour.example", "Nobody is known by the address"),
        ("otto.auditor@expansive.example", "may not comment there"),
        ("nora.nobody@expansive.example", "cannot see the change"),
        ("dan.developer@expansive.example", "answers no mail that Dan Developer was sent"),
    ],
)
def test_from_anybody_else_it_waits(cast: Cast, sender: str, words: str) -> None:
    change = stories.submitted(cast)
    ours = mail_to(cast.requester.email)
    mail = write(sender=sender, in_reply_to=ours.message_id)
    assert mail.outcome == Outcome.TRIAGE
    assert words in mail.why
    assert not change.comments.exists()
    assert not User.objects.filter(email="new.person@harbour.example").exists()


def test_a_reply_about_a_closed_change_waits(cast: Cast) -> None:
    change = stories.withdrawn(cast)
    mail = write(subject=f"Re: [{change.reference}] Rooms")
    assert (mail.outcome, mail.change) == (Outcome.TRIAGE, change)
    assert "The change is closed" in mail.why


def test_a_mail_to_nowhere_else_than_a_meeting_waits(cast: Cast) -> None:
    ours = Email.objects.create(
        from_email="a@b.example", to=[cast.chair.email], message_id="<m@x>", subject="Agenda"
    )
    mail = write(sender=cast.chair.email, in_reply_to=ours.message_id)
    assert mail.outcome == Outcome.TRIAGE
    assert "no single change request" in mail.why


def test_a_draft_is_nobodys_business(cast: Cast) -> None:
    draft = stories.draft(cast)
    mail = write(subject=f"About {draft.reference}")
    assert mail.outcome == Outcome.CHANGE
    assert not draft.comments.exists()


def test_colleagues_stay_among_themselves_unless_the_customer_has_the_mail_too(
    cast: Cast,
) -> None:
    change = stories.submitted(cast)
    ours = mail_to(cast.success.email)
    write(sender=cast.success.email, in_reply_to=ours.message_id)
    assert change.comments.get().is_internal
    assert Notice.objects.filter(email=ours).update(message="progress")
    write(sender=cast.success.email, in_reply_to=ours.message_id)
    assert not change.comments.latest("pk").is_internal


def test_a_mail_of_files_alone_attaches_them(cast: Cast) -> None:
    change = stories.submitted(cast)
    mail = write("", subject=change.reference, files=(("a.pdf", "application/pdf", PDF),))
    assert mail.outcome == Outcome.COMMENT
    assert change.attachments.get().name == "a.pdf"


def test_links_that_act_are_blanked_out(cast: Cast) -> None:
    change = stories.in_confirmation(cast)
    ours = mail_to(cast.requester.email)
    mail = write("See " + ours.message, subject=f"Re: {ours.subject}", in_reply_to=ours.message_id)
    token = ours.message.partition("/confirm/")[2].split("/")[0]
    kept = mail.body + mail.quoted + change.comments.get().body
    assert "/confirm/…" in kept
    assert token not in kept


def test_a_file_that_repeats_such_a_link_is_not_attached(cast: Cast) -> None:
    change = stories.in_confirmation(cast)
    ours = mail_to(cast.requester.email)
    raw = ours.email_message().message().as_bytes()
    message = EmailMessage()
    message["From"], message["Subject"] = cast.requester.email, change.reference
    message.set_content("See the mail I got.")
    message.add_attachment(raw, maintype="application", subtype="octet-stream", filename="it.eml")
    taken(message.as_bytes())
    assert not change.attachments.exists()
    assert "repeats a mail of ours" in change.comments.get().body


# What mail never does --------------------------------------------------------------------------


@pytest.mark.parametrize(
    "state", [State.AUTHORISATION, State.BOARD, State.CONFIRMATION, State.INFORMATION_REQUIRED]
)
def test_no_mail_decides_anything(cast: Cast, state: State) -> None:
    change = stories.change_in(state, cast)
    version = change.version
    for person in cast.people.values():
        for email in worded(to=person.email):
            write(
                "Yes. Approved. I confirm. I vote for it.",
                sender=person.email,
                subject=f"Re: {email.subject}",
                in_reply_to=email.message_id,
            )
    change = Change.objects.get(pk=change.pk)
    assert (change.state, change.version) == (state, version)
    assert change.comments.exists()


# Answers to the board --------------------------------------------------------------------------


def test_a_reply_to_a_question_is_proposed_as_its_answer(cast: Cast) -> None:
    change = stories.information_required(cast)
    question = change.questions.get()
    ours = mail_to(cast.requester.email)
    mail = write("There are twelve.", in_reply_to=ours.message_id)
    proposal = ProposedAnswer.objects.get()
    assert mail.outcome == Outcome.ANSWER
    assert (proposal.question, proposal.mail) == (question, mail)
    assert (proposal.text, proposal.accepted) == ("There are twelve.", None)
    assert change.comments.get().body == "There are twelve."
    question.refresh_from_db()
    assert question.is_open
    assert Change.objects.get().state == State.INFORMATION_REQUIRED


def test_what_somebody_else_replies_is_a_comment_and_no_answer(cast: Cast) -> None:
    change = stories.information_required(cast)
    mail = write("Twelve.", sender=cast.colleague.email, subject=change.reference)
    assert mail.outcome == Outcome.COMMENT
    assert not ProposedAnswer.objects.exists()


# Noise -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"auto_submitted": "auto-replied"}, "Auto-Submitted"),
        ({"precedence": "bulk"}, "bulk"),
        ({"subject": "Automatic reply: away", "x_auto_response_suppress": "All"}, "("),
        ({"sender": "Changes <changes@expansive.example>"}, "address of our own"),
    ],
)
def test_noise_is_kept_and_changes_nothing(cast: Cast, options: dict[str, str], words: str) -> None:
    change = stories.submitted(cast)
    since = last_row()
    mail = write(**{"subject": f"Re: {change.reference}", **options})
    assert mail.outcome == Outcome.IGNORED, mail.why
    assert words in mail.why
    assert RawMail.objects.filter(mail=mail).exists()
    assert not change.comments.exists()
    assert not told(since)


def test_our_own_mail_is_known_when_it_comes_back(cast: Cast) -> None:
    stories.submitted(cast)
    ours = mail_to(cast.requester.email)
    raw = ours.email_message().message().as_bytes()
    mail = taken(raw)
    assert mail.outcome == Outcome.IGNORED
    assert Change.objects.count() == 1


def test_a_bounce_marks_whom_it_did_not_reach(cast: Cast) -> None:
    change = stories.submitted(cast)
    ours, since = mail_to(cast.requester.email), last_row()
    mail = taken(bounce_of(ours.message_id, cast.requester.email))
    assert (mail.outcome, mail.change, mail.in_answer_to) == (Outcome.BOUNCE, change, ours)
    assert "came back" in mail.why
    event, problem = MailEvent.objects.get(), change.delivery_problems.get()
    assert (event.email, event.kind) == (ours, "bounced")
    assert (problem.person, problem.email) == (cast.requester, ours)
    assert "5.1.1" in problem.reason
    cast.requester.refresh_from_db()
    assert cast.requester.mail_failed_at
    assert "cleo" in {who for who, _subject in told(since)}


def test_a_forged_bounce_marks_nobody(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    noted: list[Any] = []
    monkeypatch.setattr(lifecycle, "note_failure", lambda *values, **_: noted.append(values))
    stories.submitted(cast)
    ours = mail_to(cast.requester.email)
    unknown = taken(bounce_of("<never@sent.example>", cast.requester.email))
    assert "no mail of ours" in unknown.why
    taken(bounce_of(ours.message_id, cast.success.email))
    late = taken(bounce_of(ours.message_id, cast.requester.email, action="delayed"))
    assert late.outcome == Outcome.BOUNCE
    assert "delayed" in late.why
    assert not noted


# Once and no more --------------------------------------------------------------------------------


def test_the_same_message_id_is_taken_once(cast: Cast) -> None:
    raw = letter()
    first = taken(raw, uid_validity=1, uid=1)
    second = taken(raw, uid_validity=1, uid=2)
    third = taken(raw, mailbox="other@example.org", uid_validity=1, uid=1)
    assert (second.outcome, third.outcome) == (Outcome.DUPLICATE, Outcome.DUPLICATE)
    assert f"number {first.pk}" in second.why
    assert Change.objects.count() == 1


def test_without_a_message_id_the_same_bytes_are_taken_once(cast: Cast) -> None:
    raw = letter(message_id="")
    assert [taken(raw).outcome, taken(raw).outcome] == [Outcome.CHANGE, Outcome.DUPLICATE]
    assert taken(letter("Another one.", message_id="")).outcome == Outcome.CHANGE


def test_the_same_place_on_the_server_is_taken_once(cast: Cast) -> None:
    first = taken(letter(), uid_validity=7, uid=3)
    again = taken(letter(), uid_validity=7, uid=3)
    assert again.pk == first.pk
    assert IncomingMail.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_two_who_take_the_same_message_take_it_once(cast: Cast) -> None:
    raw = letter()
    both = at_once(
        lambda: taken(raw, mailbox="a@example.org", uid_validity=1, uid=1),
        lambda: taken(raw, mailbox="b@example.org", uid_validity=1, uid=1),
    )
    assert sorted(mail.outcome for mail in both) == [Outcome.CHANGE, Outcome.DUPLICATE]
    assert Change.objects.count() == 1


# By hand -----------------------------------------------------------------------------------------


def test_a_message_on_standard_input_is_taken(
    cast: Cast, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.stdin", SimpleNamespace(buffer=io.BytesIO(letter())))
    call_command("take_mail")
    change = only_change()
    assert capsys.readouterr().out.startswith(f"Change request: {change.reference}.")
    assert IncomingMail.objects.get().mailbox == "take_mail"


def test_nothing_and_too_much_on_standard_input_are_refused(
    monkeypatch: pytest.MonkeyPatch, settings: Any
) -> None:
    monkeypatch.setattr("sys.stdin", SimpleNamespace(buffer=io.BytesIO(b"")))
    with pytest.raises(CommandError, match="no message"):
        call_command("take_mail")
    settings.MAIL_LARGEST = 10
    monkeypatch.setattr("sys.stdin", SimpleNamespace(buffer=io.BytesIO(letter())))
    with pytest.raises(CommandError, match="more than 10 bytes"):
        call_command("take_mail")
    assert not IncomingMail.objects.exists()
