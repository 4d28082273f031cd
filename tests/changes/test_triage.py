"""Mail that waits for support: what support makes of it."""

from typing import Any

import pytest
from django.test import Client

from accounts.models import User
from changes import permissions
from changes.mail_in import triage, waiting
from changes.models import Change, IncomingMail
from changes.states import State
from expansive_cm.workflow.errors import StepForbidden, StepIllegal
from tests import stories
from tests.concurrently import at_once
from tests.letters import PDF, write
from tests.mailing import last_row, mail_to, told
from tests.people import Cast

pytestmark = pytest.mark.django_db

Outcome = IncomingMail.Outcome
STRANGER = "Ines Visitor <ines@elsewhere.example>"


def stranger(**options: Any) -> IncomingMail:
    """A mail from somebody nobody knows, which waits."""
    mail = write(sender=STRANGER, **options)
    assert mail.outcome == Outcome.TRIAGE
    return mail


@pytest.fixture
def support(client: Client, cast: Cast) -> Client:
    """A browser in which support is signed in."""
    client.force_login(cast.support)
    return client


# Who --------------------------------------------------------------------------------------------


def test_only_support_triages_and_auditors_read(cast: Cast) -> None:
    allowed = {name for name, user in cast.people.items() if permissions.can_triage(user)}
    assert allowed == {"support"}
    readers = {
        name for name, user in cast.people.items() if permissions.can_read_incoming_mail(user)
    }
    assert readers == {"support", "auditor"}


def test_a_page_without_mail_says_what_will_come(support: Client) -> None:
    for view, words in {
        "": "No mail waits",
        "?view=answers": "No answer waits",
        "?view=all": "No mail has come yet",
    }.items():
        assert words in support.get(f"/triage/{view}").content.decode()


def test_the_pages_are_for_support(client: Client, cast: Cast) -> None:
    mail = stranger()
    reads = ["/triage/", f"/triage/{mail.pk}/"]
    posts = [f"/triage/{mail.pk}/{act}/" for act in ("request", "comment", "discard", "wait")]
    # Support comes last, as what they press is done.
    for name, user in sorted(cast.people.items(), key=lambda one: one[0] == "support"):
        client.force_login(user)
        # For those without a part in the process, customers first, there is no such page.
        outside = not permissions.can_see_internal(user)
        for url in reads + posts:
            answer = client.post(url) if url in posts else client.get(url)
            if name == "support":
                assert answer.status_code in (200, 302, 400, 409), url
            elif name == "auditor" and url in reads:
                page = answer.content.decode().partition("<main")[2].partition("</main>")[0]
                assert answer.status_code == 200, url
                assert "Booking rooms" in page, url
                assert "<form" not in page, "who only reads is offered nothing to do"
            else:
                assert answer.status_code == (404 if outside else 403), (name, url)
    client.logout()
    for url in reads + posts:
        answer = client.post(url) if url in posts else client.get(url)
        assert answer.url.startswith("/account/login/"), url
    assert not Change.objects.exists()


@pytest.mark.parametrize("act", ["accept_as_request", "accept_as_comment", "discard", "put_back"])
def test_the_acts_ask_themselves(cast: Cast, act: str) -> None:
    change = stories.submitted(cast)
    mail = stranger()
    options = {
        "accept_as_request": {"address": "a@b.example", "organisation": cast.harbour},
        "accept_as_comment": {"change": change},
        "discard": {},
        "put_back": {},
    }[act]
    for name, user in cast.people.items():
        if name != "support":
            with pytest.raises(StepForbidden):
                getattr(triage, act)(mail, actor=user, **options)
    mail.refresh_from_db()
    assert mail.outcome == Outcome.TRIAGE


# A request --------------------------------------------------------------------------------------


def test_a_stranger_is_accepted_as_a_new_person_of_a_customer(support: Client, cast: Cast) -> None:
    mail = stranger(files=(("plan.pdf", "application/pdf", PDF),))
    answer = support.post(
        f"/triage/{mail.pk}/request/",
        {"address": mail.sender, "name": mail.sender_name, "organisation": cast.harbour.pk},
        follow=True,
    )
    change = Change.objects.get()
    person = User.objects.get(email="ines@elsewhere.example")
    assert change.reference in answer.content.decode()
    assert (change.state, change.channel) == (State.SUBMITTED, "email")
    assert (change.requester, change.raised_by) == (person, cast.support)
    assert (person.organisation, person.display_name) == (cast.harbour, "Ines Visitor")
    assert not person.has_usable_password()
    assert change.attachments.get().name == "plan.pdf"
    event = change.events.get(verb="submit")
    assert event.reason == "By mail from ines@elsewhere.example, accepted by Sam Support"
    mail.refresh_from_db()
    assert (mail.outcome, mail.change, mail.person) == (Outcome.CHANGE, change, person)
    assert mail.handled_by == cast.support
    assert mail.history.latest().history_user == cast.support
    assert told() == [
        ("cleo", "Waiting for you (Assess)"),
        ("ines@elsewhere", "We have the request"),
    ]


def test_the_next_mail_of_an_accepted_person_needs_nobody(cast: Cast) -> None:
    triage.accept_as_request(
        stranger(), actor=cast.support, address="ines@elsewhere.example", organisation=cast.harbour
    )
    assert write(sender=STRANGER).outcome == Outcome.CHANGE


def test_an_address_of_somebody_else_is_refused_beside_its_field(
    support: Client, cast: Cast
) -> None:
    mail = stranger()
    for address in (cast.stranger_customer.email, cast.developer.email):
        answer = support.post(
            f"/triage/{mail.pk}/request/",
            {"address": address, "organisation": cast.harbour.pk},
        )
        assert answer.status_code == 400
        assert "This address cannot be used for Harbour Hospitals." in answer.content.decode()
    answer = support.post(f"/triage/{mail.pk}/request/", {"address": "nonsense"})
    assert answer.status_code == 400
    assert "Choose the customer" in answer.content.decode()
    assert not Change.objects.exists()


# A comment --------------------------------------------------------------------------------------


def test_a_mail_is_passed_on_as_a_comment_in_supports_name(support: Client, cast: Cast) -> None:
    change = stories.submitted(cast)
    mail = stranger(text="I am the electrician. See the plan.")
    since = last_row()
    support.post(f"/triage/{mail.pk}/comment/", {"target": f"{change.reference} {change.title}"})
    comment = change.comments.get()
    assert (comment.author, comment.is_internal) == (cast.support, False)
    assert comment.body.startswith("Mail from Ines Visitor (ines@elsewhere.example):\n\nI am")
    mail.refresh_from_db()
    assert (mail.outcome, mail.change, mail.comment) == (Outcome.COMMENT, change, comment)
    assert ("grace", "Sam Support wrote") in told(since)


@pytest.mark.parametrize("target", ["", "CR-999999", "nothing"])
def test_a_change_that_is_not_there_is_asked_for_again(
    support: Client, cast: Cast, target: str
) -> None:
    mail = stranger()
    answer = support.post(f"/triage/{mail.pk}/comment/", {"target": target})
    assert answer.status_code == 400
    mail.refresh_from_db()
    assert mail.outcome == Outcome.TRIAGE


def test_nothing_is_said_on_a_closed_change(support: Client, cast: Cast) -> None:
    change = stories.withdrawn(cast)
    mail = stranger()
    answer = support.post(f"/triage/{mail.pk}/comment/", {"target": change.reference})
    assert answer.status_code == 409
    assert "The change is closed" in answer.content.decode()
    mail.refresh_from_db()
    assert mail.outcome == Outcome.TRIAGE


# Nothing, and a second thought ------------------------------------------------------------------


def test_what_is_discarded_is_kept_and_can_still_be_accepted(support: Client, cast: Cast) -> None:
    mail = stranger()
    answer = support.post(f"/triage/{mail.pk}/discard/", follow=True)
    assert "is discarded" in answer.content.decode()
    mail.refresh_from_db()
    assert (mail.outcome, mail.handled_by) == (Outcome.DISCARDED, cast.support)
    assert "Booking rooms" not in support.get("/triage/").content.decode().partition("<main")[2]
    assert "Booking rooms" in support.get("/triage/?view=all").content.decode()
    triage.accept_as_request(
        mail, actor=cast.support, address=mail.sender, organisation=cast.harbour
    )
    assert Change.objects.exists()


@pytest.mark.parametrize("outcome", [Outcome.DISCARDED, Outcome.IGNORED])
def test_a_second_thought_lets_it_wait_again(support: Client, cast: Cast, outcome: str) -> None:
    mail = stranger()
    IncomingMail.objects.filter(pk=mail.pk).update(outcome=outcome)
    answer = support.post(f"/triage/{mail.pk}/wait/", follow=True)
    page = answer.content.decode()
    assert "waits again" in page
    assert "Put back by" in page
    mail.refresh_from_db()
    assert (mail.outcome, mail.handled_by) == (Outcome.TRIAGE, cast.support)
    assert mail.history.latest().history_user == cast.support
    assert "Booking rooms" in support.get("/triage/").content.decode().partition("<main")[2]
    assert support.post(f"/triage/{mail.pk}/wait/").status_code == 409


def test_the_list_of_all_mail_says_who_handled_it(support: Client, cast: Cast) -> None:
    mail = stranger()
    support.post(f"/triage/{mail.pk}/discard/")
    page = support.get("/triage/?view=all").content.decode().partition("<main")[2]
    assert "Sam Support," in page


def test_what_was_handled_stays_as_it_is(support: Client, cast: Cast) -> None:
    mail = stranger()
    data = {"address": mail.sender, "organisation": cast.harbour.pk}
    assert support.post(f"/triage/{mail.pk}/request/", data).status_code == 302
    for path in ("request", "discard"):
        answer = support.post(f"/triage/{mail.pk}/{path}/", data)
        assert answer.status_code == 409
        assert "Sam Support has handled this mail: Change request." in answer.content.decode()
    assert Change.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_of_two_at_once_one_is_told(cast: Cast) -> None:
    mail = stranger()

    def accept() -> Any:
        return triage.accept_as_request(
            mail, actor=cast.support, address=mail.sender, organisation=cast.harbour
        )

    answers = at_once(accept, lambda: triage.discard(mail, actor=cast.support))
    refused = [answer for answer in answers if isinstance(answer, StepIllegal)]
    mail.refresh_from_db()
    # Discarding first leaves it to be accepted; accepting first refuses the discard.
    assert (mail.outcome, len(refused)) in {(Outcome.CHANGE, 1), (Outcome.CHANGE, 0)}
    assert Change.objects.count() == 1


# The pages --------------------------------------------------------------------------------------


def test_a_mail_page_runs_nothing_and_shows_what_it_was_matched_by(
    support: Client, cast: Cast
) -> None:
    mail = stranger(text="<script>alert(1)</script> **bold**", authentication_results="dmarc=fail")
    page = support.get(f"/triage/{mail.pk}/").content.decode()
    assert "<script>alert(1)" not in page
    assert "Neither the address nor its domain, elsewhere.example, is known." in page
    assert "dmarc=fail" in page


def test_every_outcome_has_a_page(support: Client, cast: Cast) -> None:
    change = stories.information_required(cast)
    for options in (
        {},
        {"sender": STRANGER},
        {"auto_submitted": "auto-replied"},
        {"subject": change.reference, "sender": cast.colleague.email},
        {"subject": change.reference},
    ):
        write(**options)
    assert set(IncomingMail.objects.values_list("outcome", flat=True)) == {
        "change",
        "triage",
        "ignored",
        "comment",
        "answer",
    }
    for mail in IncomingMail.objects.all():
        assert support.get(f"/triage/{mail.pk}/").status_code == 200
    assert support.get("/triage/?view=answers").status_code == 200
    for query in ("view=x", "view=all&before=x"):
        assert support.get(f"/triage/?{query}").status_code == 400


def test_pages_follow_each_other(support: Client, cast: Cast) -> None:
    IncomingMail.objects.bulk_create(
        IncomingMail(mailbox="m", subject=f"Mail {n}", outcome="ignored", size=1, sha256="x")
        for n in range(35)
    )
    first = support.get("/triage/?view=all")
    assert len(first.context["mails"]) == 30
    second = support.get(f"/triage/{first.context['older']}")
    assert [mail.subject for mail in second.context["mails"]] == [
        f"Mail {n}" for n in range(4, -1, -1)
    ]
    assert not second.context["older"]


def test_the_list_costs_the_same_for_one_mail_and_for_three(
    support: Client, cast: Cast, django_assert_num_queries: Any
) -> None:
    support.get("/triage/")
    for sender in (STRANGER, "x@wards.harbour.example", "sam.support@expansive.example"):
        write(sender=sender, list_id="<all.x.example>")
        with django_assert_num_queries(10):
            support.get("/triage/")


def test_an_excerpt_ends_with_a_word(support: Client, cast: Cast) -> None:
    stranger(text="Kingfisher " * 30)
    page = support.get("/triage/").content.decode()
    assert "Kingfisher Kingfisher…" in page


@pytest.mark.parametrize("view", ["waiting", "answers", "all"])
def test_a_list_without_mail_says_each_thing_once(support: Client, cast: Cast, view: str) -> None:
    page = support.get(f"/triage/?view={view}").content.decode()
    lists = {"waiting": "/triage/", "answers": "/triage/?view=answers", "all": "/triage/?view=all"}
    for name, address in lists.items():
        assert f'href="{address}"{" aria-current" if name == view else ">"}' in page
    for sentence in ("becomes requests", "cannot be sorted", "questions of the board"):
        assert page.count(sentence) <= 1


def test_the_header_counts_what_waits(client: Client, cast: Cast) -> None:
    stories.information_required(cast)
    ours = mail_to(cast.requester.email)
    write("Twelve.", in_reply_to=ours.message_id)
    stranger()
    assert waiting.how_many_wait(cast.support) == 2
    client.force_login(cast.support)
    page = " ".join(client.get("/").content.decode().split())
    assert "waiting: </span>2</span>" in page
    client.force_login(cast.developer)
    assert "/triage/" not in client.get("/").content.decode()
