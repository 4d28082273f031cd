"""Mail fetched from a real IMAP server, with real processes killed and connections cut."""

import os
import signal
import subprocess
import sys
import threading
import time
from base64 import encodebytes
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import md5
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from django.core.cache import cache
from django.core.management import CommandError, call_command
from django.db import connection, transaction
from django.db.models.functions import MD5

from changes import tasks
from changes.mail_in import fetching, taking
from changes.models import Change, IncomingMail, RawMail
from expansive_cm.environment import Mailbox
from tests.concurrently import at_once
from tests.dovecot import Dovecot, Relay, running_dovecot
from tests.environment import ROOT
from tests.letters import PDF, bounce_of, letter
from tests.people import Cast
from tests.worker import PATIENCE_SECONDS, running_worker, wait_until, worker_environment

pytestmark = pytest.mark.django_db(transaction=True)

Outcome = IncomingMail.Outcome


@pytest.fixture(autouse=True)
def nothing_remembered() -> None:
    """Forget the attempts of earlier tests."""
    cache.clear()


@pytest.fixture
def mailbox(dovecot: Dovecot, settings: Any) -> Mailbox:
    """A mailbox that the product is to read."""
    settings.MAILBOX_CA = dovecot.certificate
    settings.MAILBOXES = [dovecot.mailbox()]
    return settings.MAILBOXES[0]


def outcomes() -> list[str]:
    """Return what was made of all mail, in the order in which it came."""
    return list(IncomingMail.objects.order_by("pk").values_list("outcome", flat=True))


def address_of(mailbox: Mailbox, port: int | None = None) -> str:
    """Return a mailbox as it is written in the setting."""
    user, password = quote(mailbox.user, safe=""), quote(mailbox.password, safe="")
    return f"imaps://{user}:{password}@{mailbox.host}:{port or mailbox.port}"


@contextmanager
def fetching_process(dovecot: Dovecot, mailbox: Mailbox) -> Iterator[subprocess.Popen]:
    """Run ``manage.py fetch_mail`` as a process of its own."""
    environment = {
        **os.environ,
        **worker_environment(),
        "MAILBOXES": address_of(mailbox),
        "MAILBOX_CA_FILE": str(dovecot.folder / "certificate.pem"),
    }
    process = subprocess.Popen(
        [sys.executable, "manage.py", "fetch_mail"],
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        yield process
    finally:
        if process.poll() is None:
            process.kill()
        process.communicate()


# What becomes of mail -----------------------------------------------------------------------


def test_each_message_is_taken_and_moved_to_the_folder_of_its_outcome(
    cast: Cast, dovecot: Dovecot, mailbox: Mailbox
) -> None:
    first = letter(files=(("plan.pdf", "application/pdf", PDF),))
    for raw in (
        first,
        letter(sender="someone@elsewhere.example"),
        letter(auto_submitted="auto-replied"),
        bounce_of("<never@sent.example>", "x@harbour.example"),
        first,
    ):
        dovecot.deliver(raw)
    fetching.fetch_all()
    assert outcomes() == ["change", "triage", "ignored", "bounce", "duplicate"]
    assert dovecot.folders() == {"Taken": 1, "Triage": 1, "Ignored": 2, "Bounces": 1}
    mail = IncomingMail.objects.get(outcome=Outcome.CHANGE)
    assert mail.mailbox == "changes@example.org"
    assert bytes(mail.raw.content) == first == dovecot.messages("Taken")[0]
    assert Change.objects.get().attachments.get().name == "plan.pdf"
    fetching.fetch_all()
    assert len(outcomes()) == 5


def test_several_mailboxes_are_read_and_one_that_fails_stops_no_other(
    cast: Cast, dovecot: Dovecot, mailbox: Mailbox, settings: Any, caplog: Any
) -> None:
    settings.MAILBOXES = [
        dovecot.mailbox(user="nobody@example.org"),
        dovecot.mailbox(),
        dovecot.mailbox(user="support@example.org"),
    ]
    raw = letter()
    dovecot.deliver(raw)
    dovecot.deliver(raw, user="support@example.org")
    dovecot.deliver(letter(), user="support@example.org")
    fetching.fetch_all()
    assert sorted(outcomes()) == ["change", "change", "duplicate"]
    assert "nobody@example.org cannot be read: user name or password was refused" in caplog.text
    assert fetching.state_of(settings.MAILBOXES[0]).problem
    assert fetching.state_of(settings.MAILBOXES[1]).problem == ""
    assert fetching.state_of(settings.MAILBOXES[1]).read_at


def test_another_folder_of_an_account_can_be_read(
    cast: Cast, dovecot: Dovecot, mailbox: Mailbox, settings: Any
) -> None:
    with dovecot.client() as client:
        client.create_folder("Requests")
        client.append("Requests", letter())
    dovecot.deliver(letter())
    settings.MAILBOXES = [dovecot.mailbox(folder="Requests")]
    fetching.fetch_all()
    assert dovecot.folders() == {"Taken": 1, "INBOX": 1}
    assert IncomingMail.objects.get().mailbox == "changes@example.org/Requests"


def test_folders_stand_where_the_server_wants_them(cast: Cast, settings: Any) -> None:
    with running_dovecot(separator=".", prefix="INBOX.") as server:
        settings.MAILBOX_CA = server.certificate
        settings.MAILBOXES = [server.mailbox()]
        server.deliver(letter())
        fetching.fetch_all()
        assert server.folders() == {"INBOX.Taken": 1}


def test_a_folder_that_somebody_made_meanwhile_is_used(
    cast: Cast, dovecot: Dovecot, mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    with dovecot.client() as client:
        client.create_folder("Taken")
    listing = fetching.IMAPClient.list_folders
    monkeypatch.setattr(
        fetching.IMAPClient, "list_folders", lambda self, *one: listing(self, *one) if one else []
    )
    dovecot.deliver(letter())
    fetching.fetch_all()
    monkeypatch.undo()
    assert dovecot.folders() == {"Taken": 1}


def test_without_move_a_message_is_copied_and_removed(
    cast: Cast, dovecot: Dovecot, mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    has = fetching.IMAPClient.has_capability
    monkeypatch.setattr(
        fetching.IMAPClient,
        "has_capability",
        lambda self, name: name not in ("MOVE", "UIDPLUS") and has(self, name),
    )
    dovecot.deliver(letter())
    fetching.fetch_all()
    assert dovecot.folders() == {"Taken": 1}


# Trust -------------------------------------------------------------------------------------


def test_a_certificate_that_nobody_vouches_for_is_refused(
    cast: Cast, dovecot: Dovecot, mailbox: Mailbox, settings: Any, caplog: Any
) -> None:
    dovecot.deliver(letter())
    settings.MAILBOX_CA = None
    fetching.fetch_all()
    assert outcomes() == []
    assert "certificate is not trusted" in caplog.text
    assert "MAILBOX_CA" in fetching.state_of(mailbox).problem
    dovecot.folders()
    wait_until(lambda: dovecot.sign_ins() > 1)
    assert dovecot.sign_ins() == 2, "no password is sent to a server that is not trusted"


def test_tls_can_be_started_on_a_connection(
    cast: Cast, dovecot: Dovecot, mailbox: Mailbox, settings: Any
) -> None:
    dovecot.deliver(letter())
    settings.MAILBOXES = [dovecot.mailbox(port=dovecot.plain_port, starts_tls=True)]
    fetching.fetch_all()
    assert outcomes() == ["change"]
    settings.MAILBOX_CA = None
    fetching.fetch_all()
    assert "not trusted" in fetching.state_of(mailbox).problem


def test_a_wrong_password_is_said_and_not_shown(
    dovecot: Dovecot, settings: Any, capsys: Any, caplog: Any
) -> None:
    settings.MAILBOX_CA = dovecot.certificate
    settings.MAILBOXES = [dovecot.mailbox(password="not-the-password")]
    with pytest.raises(CommandError):
        call_command("fetch_mail")
    said = capsys.readouterr().out
    assert said == "changes@example.org: user name or password was refused\n"
    assert "not-the-password" not in said + caplog.text + repr(settings.MAILBOXES)


def test_a_server_that_is_away_is_said(settings: Any, capsys: Any) -> None:
    settings.MAILBOXES = [Mailbox("127.0.0.1", 1, "changes@example.org", "x")]
    with pytest.raises(CommandError):
        call_command("fetch_mail")
    assert "refused" in capsys.readouterr().out
    settings.MAILBOXES = []
    with pytest.raises(CommandError, match="names no mailbox"):
        call_command("fetch_mail")


# Size --------------------------------------------------------------------------------------


LINE = 57
"""The bytes in a line of base64."""


def large_letter(megabytes: int) -> bytes:
    """Return a message of about this size; Python's own writer would need a second for its file."""
    small = letter(subject="A large plan", files=(("plan.pdf", "application/pdf", PDF),))
    before, after = small.split(encodebytes(PDF).strip())
    begins = encodebytes(PDF.ljust(len(PDF) // LINE * LINE + LINE, b"\n"))
    much = encodebytes(os.urandom(3 * 2**18 // LINE * LINE))
    lines = [one.replace(b"\n", b"\r\n") for one in (begins, much)]
    return before + (lines[0] + lines[1] * megabytes).strip() + after


def test_a_mail_of_25_mb_is_taken(cast: Cast, dovecot: Dovecot, mailbox: Mailbox) -> None:
    raw = large_letter(25)
    assert 25 * 2**20 < len(raw) < 30 * 2**20
    dovecot.deliver(raw)
    fetching.fetch_all()
    mail = IncomingMail.objects.get()
    assert (mail.outcome, mail.size) == (Outcome.CHANGE, len(raw))
    kept = RawMail.objects.defer("content").annotate(sum=MD5("content")).get()
    assert kept.sum == md5(raw, usedforsecurity=False).hexdigest()
    assert Change.objects.get().attachments.get().size > 18 * 2**20


def test_a_larger_one_stays_on_the_server_with_a_row_that_says_so(
    cast: Cast, dovecot: Dovecot, mailbox: Mailbox, settings: Any
) -> None:
    settings.MAIL_LARGEST = 2**20
    raw = large_letter(2)
    dovecot.deliver(raw)
    dovecot.deliver(letter())
    fetching.fetch_all()
    assert outcomes() == ["triage", "change"]
    mail = IncomingMail.objects.get(outcome=Outcome.TRIAGE)
    assert "the limit is 1.0" in mail.why
    assert mail.size == len(raw)
    assert (mail.sender, mail.subject) == ("grace.requester@harbour.example", "A large plan")
    assert len(mail.raw.content) < 2000, "the header is here, the message is on the server"
    assert dovecot.folders() == {"Triage": 1, "Taken": 1}
    # With another limit, and moved back, it is taken.
    settings.MAIL_LARGEST = 30 * 2**20
    with dovecot.client() as client:
        client.select_folder("Triage")
        client.move(client.search(), "INBOX")
    fetching.fetch_all()
    assert outcomes() == ["triage", "change", "change"]


# Faults ------------------------------------------------------------------------------------


def test_a_message_that_cannot_be_taken_is_set_aside_and_blocks_nothing(
    cast: Cast, dovecot: Dovecot, mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch, caplog: Any
) -> None:
    take = taking.take

    def take_unless_cursed(raw: bytes, origin: Any) -> IncomingMail:
        if b"cursed" in raw:
            raise ValueError("it is cursed")
        return take(raw, origin)

    monkeypatch.setattr(taking, "take", take_unless_cursed)
    cursed = letter("cursed", subject="Rooms for =?utf-8?q?M=C3=BCnchen?=")
    dovecot.deliver(cursed)
    dovecot.deliver(letter())
    fetching.fetch_all()
    assert outcomes() == ["change"]
    assert dovecot.folders() == {"INBOX": 1, "Taken": 1}
    dovecot.deliver(letter())
    fetching.fetch_all()
    assert outcomes() == ["change", "change"]
    fetching.fetch_all()
    assert dovecot.folders() == {"Failed": 1, "Taken": 2}
    mail = IncomingMail.objects.get(outcome=Outcome.TRIAGE)
    assert "could not be taken, 3 times: ValueError" in mail.why
    assert bytes(mail.raw.content) == cursed
    assert "is set aside" in caplog.text
    # Once the fault is repaired and the message moved back, it is taken after all.
    monkeypatch.setattr(taking, "take", take)
    with dovecot.client() as client:
        client.select_folder("Failed")
        client.move(client.search(), "INBOX")
    fetching.fetch_all()
    assert dovecot.folders() == {"Taken": 3}


def test_killed_between_fetch_and_store(cast: Cast, dovecot: Dovecot, mailbox: Mailbox) -> None:
    dovecot.deliver(letter())
    before = connections()  # of what this process keeps open, as a meeting's listener
    table = IncomingMail._meta.db_table
    with (
        fetching_process(dovecot, mailbox) as process,
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        # The message is here and its change is written; its own row has to wait.
        cursor.execute(f"LOCK TABLE {table} IN EXCLUSIVE MODE")
        wait_until(lambda: waits_for_a_lock(table), process=process)
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
    wait_until(lambda: connections() <= before)
    assert not Change.objects.exists()
    assert dovecot.folders() == {"INBOX": 1}
    fetching.fetch_all()
    assert outcomes() == ["change"]
    assert Change.objects.count() == 1
    assert dovecot.folders() == {"Taken": 1}


def waits_for_a_lock(table: str) -> bool:
    """Whether another connection waits to write into a table."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = %s::regclass", [table]
        )
        return bool(cursor.fetchone()[0])


def connections() -> set[int]:
    """The processes that serve the other connections to this database."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pid FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
        return {pid for (pid,) in cursor.fetchall()}


def test_a_worker_that_fetches_is_killed_between_store_and_move(
    cast: Cast,
    dovecot: Dovecot,
    mailbox: Mailbox,
    relay: Relay,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("MAILBOXES", address_of(mailbox, relay.port))
    monkeypatch.setenv("MAILBOX_CA_FILE", str(dovecot.folder / "certificate.pem"))
    dovecot.deliver(letter())
    relay.hold_at = b"UID MOVE"
    before = connections()  # of what this process keeps open, as a meeting's listener
    with running_worker(tmp_path / "worker.log") as worker:
        wait_until(relay.held.is_set, process=worker, task=tasks.fetch_mail)
        assert outcomes() == ["change"], "it is stored before it is moved"
        worker.kill()
    relay.stop()
    wait_until(lambda: connections() <= before)
    wait_until(lambda: dovecot.folders() in ({"INBOX": 1}, {"Taken": 1}))
    fetching.fetch_all()
    assert outcomes() == ["change"]
    assert Change.objects.count() == 1
    assert RawMail.objects.count() == 1
    assert dovecot.folders() == {"Taken": 1}


@pytest.mark.parametrize("command", [b"BODY.PEEK[]", b"UID MOVE", b"RFC822.SIZE", b"SELECT"])
def test_a_connection_that_is_cut_loses_and_repeats_nothing(
    cast: Cast, dovecot: Dovecot, mailbox: Mailbox, relay: Relay, settings: Any, command: bytes
) -> None:
    settings.MAILBOXES = [dovecot.mailbox(port=relay.port)]
    dovecot.deliver(letter())
    dovecot.deliver(letter())
    relay.cut_at = command
    for _time in range(4):
        fetching.fetch_all()
    assert relay.cuts == 4
    relay.cut_at = b""
    fetching.fetch_all()
    assert outcomes() == ["change", "change"]
    assert dovecot.folders() == {"Taken": 2}


def test_a_message_whose_fetching_fails_comes_last(
    cast: Cast, dovecot: Dovecot, mailbox: Mailbox, relay: Relay, settings: Any
) -> None:
    settings.MAILBOXES = [dovecot.mailbox(port=relay.port)]
    dovecot.deliver(letter("first"))
    dovecot.deliver(letter("second"))
    relay.cut_at = b"UID FETCH 1 (BODY.PEEK[])"
    fetching.fetch_all()
    fetching.fetch_all()
    assert dovecot.folders() == {"INBOX": 1, "Taken": 1}


def test_two_at_once_take_each_message_once(cast: Cast, dovecot: Dovecot, mailbox: Mailbox) -> None:
    for _number in range(5):
        dovecot.deliver(letter())
    at_once(fetching.fetch_all, fetching.fetch_all, fetching.fetch_all)
    fetching.fetch_all()
    assert outcomes() == ["change"] * 5
    assert dovecot.folders() == {"Taken": 5}


def test_while_one_reads_a_mailbox_another_leaves_it_alone(
    cast: Cast, dovecot: Dovecot, mailbox: Mailbox, relay: Relay, settings: Any
) -> None:
    slow = dovecot.mailbox(port=relay.port)
    relay.hold_at = b"BODY.PEEK[]"
    dovecot.deliver(letter())

    def fetch_slowly() -> None:
        try:
            fetching.fetch(slow, time.monotonic() + PATIENCE_SECONDS)
        finally:
            connection.close()

    thread = threading.Thread(target=fetch_slowly)
    thread.start()
    wait_until(relay.held.is_set)
    assert fetching.fetch(mailbox, time.monotonic() + PATIENCE_SECONDS) == 0
    assert outcomes() == []
    relay.go_on.set()
    thread.join(PATIENCE_SECONDS)
    assert outcomes() == ["change"]


def test_a_new_numbering_of_the_folder_takes_nothing_twice(
    cast: Cast, dovecot: Dovecot, mailbox: Mailbox
) -> None:
    raw = letter()
    dovecot.deliver(raw)
    fetching.fetch_all()
    IncomingMail.objects.update(uid_validity=1)
    dovecot.deliver(raw)
    fetching.fetch_all()
    assert outcomes() == ["change", "duplicate"]


def test_what_there_is_no_time_for_is_for_the_next_pass(
    cast: Cast, dovecot: Dovecot, mailbox: Mailbox
) -> None:
    dovecot.deliver(letter())
    fetching.fetch_all(seconds=0)
    assert outcomes() == []
    fetching.fetch_all()
    assert outcomes() == ["change"]


def test_a_burst_of_mail_is_taken_one_by_one(
    cast: Cast, dovecot: Dovecot, mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fetching, "AT_A_TIME", 3)
    for number in range(7):
        dovecot.deliver(letter(f"Request {number}."))
    for _pass in range(3):
        fetching.fetch_all()
    assert outcomes() == ["change"] * 7
