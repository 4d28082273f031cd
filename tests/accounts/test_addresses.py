"""Addresses have one form; what looks like another one is not taken for it."""

import re

import pytest
from django.core.cache import cache
from django.test import Client
from hypothesis import assume, given
from hypothesis import strategies as st

from accounts.models import EmailDomain, User
from changes import finding
from changes.forms.intake import parse_person, person_as_text
from changes.mail_in.sorting import was_sent_to
from changes.models import IncomingMail
from expansive_cm.mailreader.addresses import normal
from tests import stories
from tests.letters import taken, write
from tests.mailing import mail_to
from tests.people import Cast

Outcome = IncomingMail.Outcome


@pytest.mark.parametrize(
    ("address", "form"),
    [
        ("Grace.Okafor@Harbour.Example", "grace.okafor@harbour.example"),
        (" grace@harbour.example\n", "grace@harbour.example"),
        ("grace@müller.example", "grace@xn--mller-kva.example"),
        ("grace@XN--Mller-KVA.example", "grace@xn--mller-kva.example"),
        ("grace@straße.example", "grace@xn--strae-oqa.example"),
        ("grace@h\u0131lton.example", "grace@xn--hlton-n4a.example"),
        ("gr\u0131ce@harbour.example", "gr\u0131ce@harbour.example"),
        ("\u212aate@harbour.example", "\u212aate@harbour.example"),
        ("grace@\u212aiosk.example", ""),
        ("grace@\uff48arbour.example", ""),
        ("grace@harbour\u3002example", ""),
        ("grace@har\ufb01n.example", ""),
        ("grace@mu\u0308ller.example", ""),
        ("grace@" + "ü" * 300 + ".example", ""),
        ("grace", ""),
        ("@harbour.example", ""),
        ("grace@", ""),
        ("", ""),
    ],
)
def test_an_address_has_one_form(address: str, form: str) -> None:
    assert normal(address) == form
    assert normal(form) == form


LOOKALIKES = {
    "a dotless i in the name": "grace.requester@m\u0131ller.example",
    "a Kelvin sign": "grace.requester@m\u0131\u212a.example",
    "wide letters": "grace.requester@\uff4d\uff49ller.example",
    "a long s": "grace.reque\u017fter@miller.example",
    "a Cyrillic e": "grace.requester@mill\u0435r.example",
    "another full stop": "grace.requester@miller\u3002example",
}


@pytest.mark.django_db
@pytest.mark.parametrize("address", LOOKALIKES.values(), ids=LOOKALIKES)
def test_who_only_looks_like_somebody_is_not_taken_for_them(cast: Cast, address: str) -> None:
    EmailDomain.objects.filter(organisation=cast.harbour).update(domain="miller.example")
    User.objects.filter(pk=cast.requester.pk).update(email="grace.requester@miller.example")
    change = stories.submitted(cast)
    head = "Subject: Re\r\nMessage-ID: <1@x.example>\r\nContent-Type: text/plain; charset=utf-8\r\n"
    text = f"From: Grace <{address}>\r\n{head}\r\nPlease close it."
    mail = taken(text.replace("Subject: Re", f"Subject: [{change.reference}]").encode())
    assert mail.outcome == Outcome.TRIAGE
    assert mail.person is None
    assert not change.comments.exists()
    assert User.objects.with_address(address) is None
    assert not was_sent_to(mail_to("grace.requester@miller.example"), address)


@pytest.mark.django_db
def test_a_lookalike_domain_is_no_customers(cast: Cast) -> None:
    EmailDomain.objects.create(organisation=cast.harbour, domain="kiosk.example")
    for address in ("new@\u212aiosk.example", "new@k\u0131osk.example"):
        assert finding.organisation_of_address(address) is None
        assert write(sender=f"=?utf-8?q?New?= <{address}>").outcome == Outcome.TRIAGE
    assert parse_person("New <new@\u212aiosk.example>") == ("", "")


@pytest.mark.django_db
def test_who_was_stored_with_capitals_is_still_found(cast: Cast) -> None:
    User.objects.filter(pk=cast.requester.pk).update(email="Grace.Requester@harbour.example")
    assert User.objects.with_address("grace.requester@HARBOUR.example") == cast.requester


@pytest.mark.django_db
def test_another_spelling_opens_no_account(client: Client) -> None:
    cache.clear()
    User.objects.create_user("iris@harbour.example", "a-long-enough-secret", display_name="Iris")
    for spelling in ("\u0131ris@harbour.example", "ir\u0131\u017f@harbour.example"):
        data = {"login": spelling, "password": "a-long-enough-secret"}
        assert client.post("/account/login/", data).status_code == 200


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("Okafor, Grace <grace@harbour.example>", ("Okafor, Grace", "grace@harbour.example")),
        ('"Okafor, Grace" <grace@harbour.example>', ("Okafor, Grace", "grace@harbour.example")),
        ("grace@harbour.example <grace@harbour.example>", None),
        ("Grace@Harbour.example", ("", "grace@harbour.example")),
        ("grace@harbour.example (Grace)", ("Grace", "grace@harbour.example")),
        ("Grace (Rooms) <grace@harbour.example>", ("Grace (Rooms)", "grace@harbour.example")),
        ("<grace@harbour.example>", ("", "grace@harbour.example")),
        ("Grace <grace@harbour.example> and more", ("", "")),
        ("Grace, grace@harbour.example", ("", "")),
        ("Grace <>", ("", "")),
        ("@", ("", "")),
        ("grace@harbour.example, bob@harbour.example", ("", "")),
        ("grace@harbour.example; bob@harbour.example", ("", "")),
        ("Grace <grace@harbour.example>, Bob <bob@harbour.example>", ("", "")),
        ("Grace <grace@harbour.example> <bob@harbour.example>", ("", "")),
        ("Grace <3 plants <grace@harbour.example>", ("Grace <3 plants", "grace@harbour.example")),
        ("(" * 400 + "@", ("", "")),
    ],
)
def test_a_person_is_read_as_they_are_shown(text: str, read: tuple[str, str] | None) -> None:
    expected = read or ("grace@harbour.example", "grace@harbour.example")
    assert parse_person(text) == expected


@given(st.text(max_size=150), st.sampled_from(["grace@harbour.example", "o'neil+a@x.example"]))
def test_whoever_is_shown_is_found_by_it(name: str, address: str) -> None:
    assume(not re.search(r"<[^<>]+@[^<>]+>", name))  # would be two people
    shown = " ".join(name.split())
    person = User(display_name=name, email=address)
    found = parse_person(person_as_text(person))
    quoted = len(shown) > 1 and shown[0] + shown[-1] == '""' and shown.count('"') == 2
    assert found == (shown[1:-1].strip() if quoted else shown, address)
