"""Tokens of mailed links are blanked out in whatever repeats them, by what they are."""

import base64
import quopri
import re
import time
from email.message import EmailMessage
from typing import Any
from urllib.parse import quote

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from changes import access_links, lifecycle
from changes.lifecycle import access
from changes.mail_in.secrets import file_holds_token, token_models, without_tokens
from changes.models import AccessLink, IncomingMail
from tests import stories
from tests.letters import letter, taken, write
from tests.mailing import mail_to
from tests.people import Cast

pytestmark = pytest.mark.django_db

LINK = "http://testserver/confirm/{}/"


def proofpoint(link: str) -> str:
    """Return a link as the second form of Proofpoint's filter writes it."""
    coded = link.replace("-", "-2D").replace("_", "-5F").replace(":", "-3A").replace("/", "_")
    return f"https://urldefense.proofpoint.com/v2/url?u={coded}&d=DwMFaQ"


WRITTEN = {
    "as it is": lambda link: link,
    "percent": lambda link: f"https://safelinks.example/?url={quote(link, '')}&data=05",
    "percent in small letters": lambda link: (
        f"https://cuda.example/url?a={quote(link, '').lower()}"
        if link == link.lower()
        else f"https://cuda.example/url?a={quote(link, '').replace('%3A', '%3a')}"
    ),
    "percent twice": lambda link: f"https://a.example/?u={quote(quote(link, ''), '')}",
    "every letter": lambda link: "https://a.example/" + "".join(f"%{ord(one):02X}" for one in link),
    "Proofpoint 2": proofpoint,
    "Proofpoint 2, careless": lambda link: link.replace(":", "-3A").replace("/", "_"),
    "Proofpoint 3": lambda link: f"https://urldefense.com/v3/__{link}__;!!abc",
    "HTML": lambda link: "".join(f"&#{ord(one)};" for one in link),
    "quoted-printable": lambda link: quopri.encodestring(link.encode(), quotetabs=True).decode(),
    "broken over lines": lambda link: f"{link[:40]}\n> {link[40:]}",
    "base64": lambda link: (
        "https://a.example/?u=" + base64.urlsafe_b64encode(link.encode()).decode()
    ),
    "another path": lambda link: link.replace("/confirm/", "/elsewhere/"),
    "alone": lambda link: link.split("/")[4],
}


def token_of(cast: Cast) -> str:
    """Return the token of the confirmation that somebody was mailed."""
    return mail_to(cast.requester.email).message.partition("/confirm/")[2].split("/")[0]


def test_a_token_is_blanked_out_however_it_is_written(cast: Cast) -> None:
    stories.in_confirmation(cast)
    token = token_of(cast)
    for name, write_as in WRITTEN.items():
        written = write_as(LINK.format(token))
        kept = without_tokens(f"Hello,\n{written}\ndoes not open.")
        assert token not in kept, name
        assert written not in kept, name
        assert kept.startswith("Hello,\n"), name
        assert kept.endswith("does not open."), name


def test_colleagues_do_not_read_it(client: Client, cast: Cast) -> None:
    """Said in the words themselves or in those that are quoted, in the subject and as a file."""
    change = stories.in_confirmation(cast)
    ours, token = mail_to(cast.requester.email), token_of(cast)
    above = "Thanks.\n\nOn Tue, 24 Nov 2026 at 10:00, Changes <c@x.example> wrote:\n> "
    files = ((f"{token}.pdf", "application/pdf", b"%PDF-1.7\n%%EOF\n"),)
    names = ("percent", "Proofpoint 2", "Proofpoint 3", "alone")
    lines = {name: WRITTEN[name](LINK.format(token)) for name in names}
    for name, line in lines.items():
        for text in (f"{above}{line}\n", f"It does not open:\n{line}\n"):
            raw = letter(text, subject=f"Re: {line}", in_reply_to=ours.message_id, files=files)
            mail = taken(raw)
            assert mail.outcome == IncomingMail.Outcome.COMMENT, (name, text)
            kept = mail.body + mail.quoted + mail.subject + change.comments.latest("pk").body
            assert token not in kept, (name, text)
            assert line not in kept, (name, text)
    assert change.comments.count() == change.attachments.count() == 2 * len(lines)
    client.force_login(cast.colleague)
    kept = client.get(change.get_absolute_url()).content.decode()
    kept += "".join(one.name for one in change.attachments.all())
    assert token not in kept
    assert [name for name, line in lines.items() if line in kept] == []


SHOWN = {
    "forwarded by a colleague": {"sender": "Colin <colin.colleague@harbour.example>"},
    "forwarded by a stranger": {"sender": "Xena <xena@elsewhere.example>"},
    "with a colleague in copy": {"cc": "colin.colleague@harbour.example"},
}


@pytest.mark.parametrize("how", [*SHOWN, "in a file"])
def test_a_link_that_others_came_to_know_is_replaced(client: Client, cast: Cast, how: str) -> None:
    change = stories.in_confirmation(cast)
    ours = mail_to(cast.requester.email)
    links = {kind: re.search(rf"/{kind}/[\w-]{{20,}}/", ours.message) for kind in ("confirm", "r")}
    if how == "in a file":
        inner = EmailMessage()
        inner.set_content(ours.message)
        outer = EmailMessage()
        outer["From"], outer["To"] = cast.colleague.email, "changes@example.org"
        outer["Subject"] = change.reference
        outer.set_content("What is this?")
        outer.add_attachment(inner)
        taken(outer.as_bytes())
    else:
        write("What is this?\n\n" + ours.message, in_reply_to=ours.message_id, **SHOWN[how])
    for found in links.values():
        assert found and client.get(found.group()).status_code == 404
    new = mail_to(cast.requester.email)
    assert new.pk != ours.pk and new.to == [cast.requester.email]
    link = re.search(r"/confirm/[\w-]{20,}/", new.message)
    assert link and client.get(link.group()).status_code == 200
    event = change.events.get(verb="revoke_links")
    assert event.actor is None and event.is_internal
    assert change.confirmation.escalated_at is None


def test_who_answers_their_own_mail_goes_on_with_its_link(client: Client, cast: Cast) -> None:
    """As does whoever's mail came back, or is answered by a program again and again."""
    change = stories.in_confirmation(cast)
    ours = mail_to(cast.requester.email)
    link = f"/confirm/{token_of(cast)}/"
    quoted = "Thanks.\n\n" + ours.message
    write(quoted, in_reply_to=ours.message_id)
    write(
        quoted,
        sender="Robot <robot@elsewhere.example>",
        in_reply_to=ours.message_id,
        auto_submitted="auto-replied",
    )
    assert client.get(link).status_code == 200
    assert not change.events.filter(verb="revoke_links").exists()
    for _time in range(5):
        again = mail_to(cast.requester.email)
        write(again.message, sender="Robot <robot@elsewhere.example>")
    assert change.events.filter(verb="revoke_links").count() == 4, "the last found none that works"


def test_a_request_is_not_called_by_it(cast: Cast) -> None:
    stories.in_confirmation(cast)
    token = token_of(cast)
    mail = write("Please look at this.", subject=f"Door {token}")
    assert token not in mail.change.title + mail.subject


def test_a_mail_in_a_file_is_looked_through(cast: Cast) -> None:
    stories.in_confirmation(cast)
    link = LINK.format(token_of(cast))
    for coding in ("base64", "quoted-printable", "8bit"):
        inner = EmailMessage()
        inner.set_content(link, cte=coding)
        outer = EmailMessage()
        outer.set_content("See below.")
        outer.add_attachment(inner)
        assert file_holds_token(inner.as_bytes()), coding
        assert file_holds_token(outer.as_bytes()), coding
    assert file_holds_token(link.encode("utf-16"))


def test_a_token_is_found_in_a_picture(cast: Cast) -> None:
    stories.in_confirmation(cast)
    link, other = LINK.format(token_of(cast)), LINK.format("x" * 43)
    for between in (b"\x01", b"\xff", b"\x93&\xe9", b"%\x01", b"\x7f="):
        for name, write_as in WRITTEN.items():
            picture = 50 * between + write_as(link).encode() + 50 * between
            assert file_holds_token(picture), (between, name)
            nothing = between + write_as(other).encode()
            assert not file_holds_token(nothing), (between, name)


def test_what_only_looks_like_one_stays(cast: Cast) -> None:
    text = f"https://www.example.org/{'a1-' * 30}/x?y=%2F and {'x' * 43}"
    assert without_tokens(text) == text
    assert not file_holds_token(text.encode())


def test_every_model_with_a_token_is_asked() -> None:
    names = {model.__name__ for model in token_models()}
    assert {"AccessLink", "ConfirmationLink", "CalendarFeed"} <= names


@pytest.mark.parametrize("made_of", ["a", "_", "=\n", "%25", "&amp;", "-2D", "a\n", "=3D"])
def test_looking_ends(made_of: str) -> None:
    text = made_of * (100_000 // len(made_of))
    began = time.process_time()
    without_tokens(text)
    assert time.process_time() - began < 20


@pytest.mark.parametrize(
    "addressed",
    [
        {"to": "changes@example.org, Changes <changes+cr-1@example.org>"},
        {"cc": "Grace <Grace.Requester@harbour.example>"},
    ],
    ids=["to us twice", "to themselves"],
)
def test_who_answers_all_shows_a_link_to_nobody_new(
    client: Client, cast: Cast, settings: Any, addressed: dict[str, str]
) -> None:
    settings.REPLY_ADDRESS = "changes@example.org"
    change = stories.in_confirmation(cast)
    ours, link = mail_to(cast.requester.email), f"/confirm/{token_of(cast)}/"
    write("Thanks.\n\n" + ours.message, in_reply_to=ours.message_id, **addressed)
    assert client.get(link).status_code == 200
    assert not change.events.filter(verb="revoke_links").exists()


def test_a_mailing_list_comes_to_know_a_link(client: Client, cast: Cast) -> None:
    stories.in_confirmation(cast)
    ours, link = mail_to(cast.requester.email), f"/confirm/{token_of(cast)}/"
    write(ours.message, in_reply_to=ours.message_id, list_id="<all.harbour.example>")
    assert client.get(link).status_code == 404
    assert mail_to(cast.requester.email).pk != ours.pk


def test_what_others_show_keeps_nobody_from_a_link(
    client: Client, cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One's links shown too often are not another's; and whoever has none left asks for one."""
    monkeypatch.setattr(access, "LINKS_AN_HOUR", 1)
    change = stories.in_review(cast)
    lifecycle.watch(change, actor=cast.colleague)
    for person in (cast.colleague, cast.requester):
        access_links.issue(change, person, actor=None)
        before = AccessLink.objects.filter(person=person).count()
        assert lifecycle.replace_links(change, person)
        assert AccessLink.objects.filter(person=person).count() == before + 1
    assert lifecycle.replace_links(change, cast.requester)
    events = change.events.filter(verb="revoke_links").order_by("pk")
    assert ["is mailed new ones" in one.reason for one in events] == [True, True, False]
    assert not access_links.working().filter(person=cast.requester).exists()
    assert lifecycle.ask_for_link(change, cast.requester)
    assert access_links.working().filter(person=cast.requester).exists()


def test_of_two_mails_none_waits_for_the_other_for_ever(cast: Cast) -> None:
    """All rows that a mail touches are held in one order: changes, then people, by number."""
    changes = [stories.in_review(cast) for _number in range(3)]
    links = [access_links.issue(one, cast.requester, actor=None)[0] for one in changes]
    words = "\n".join(f"http://testserver{link}" for link in reversed(links))
    with CaptureQueriesContext(connection) as queries:
        write(words, sender="colin.colleague@harbour.example", subject=f"Re: [{changes[1]}]")
    first, second, *_again = [one["sql"] for one in queries if "UPDATE OF" in one["sql"]]
    for one in changes:
        assert str(one.pk) in first
    assert 'SELECT "changes_change"."id" AS "pk"' in first and "ORDER BY 1 ASC" in first
    assert 'SELECT "accounts_user"."id" AS "pk"' in second and "ORDER BY 1 ASC" in second
