"""Fetches mail over IMAP: one message at a time, each moved away once it is stored.

Nothing is remembered between two runs but rows: a run that was killed before a message was
stored finds it where it lay; one that was killed before it was moved finds its row and moves it.
"""

import functools
import logging
import ssl
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from django.conf import settings
from django.core.cache import cache
from django.db import DatabaseError, connection
from django.utils import timezone
from imapclient import IMAPClient, SocketTimeout
from imapclient.exceptions import IMAPClientError, LoginError

from expansive_cm.environment import Mailbox

from ..models import IncomingMail
from . import taking
from .taking import MOST_TRIES, Origin

logger = logging.getLogger(__name__)

Outcome = IncomingMail.Outcome
TAKEN, TRIAGE, IGNORED, BOUNCES, FAILED = "Taken", "Triage", "Ignored", "Bounces", "Failed"
FOLDERS: dict[str, str] = {
    Outcome.CHANGE: TAKEN,
    Outcome.COMMENT: TAKEN,
    Outcome.ANSWER: TAKEN,
    Outcome.TRIAGE: TRIAGE,
    Outcome.DISCARDED: TRIAGE,
    Outcome.IGNORED: IGNORED,
    Outcome.DUPLICATE: IGNORED,
    Outcome.BOUNCE: BOUNCES,
}
"""Where a message goes on the server, by what was made of it."""
PASS_SECONDS = 240
"""How long one pass goes on; what is left then is for the next one."""
AT_A_TIME = 200
"""So many messages are listed in one pass."""
PATIENCE = SocketTimeout(connect=15, read=60)
REMEMBERED_SECONDS = 30 * 24 * 3600


def fetch_all(seconds: float = PASS_SECONDS) -> None:
    """Take what lies in every mailbox. One that fails is logged and keeps no other waiting."""
    deadline = time.monotonic() + seconds
    for mailbox in settings.MAILBOXES:
        try:
            fetch(mailbox, deadline)
        except Exception:
            logger.exception("Mailbox %s stays as it is; it is read again later", mailbox)


def fetch(mailbox: Mailbox, deadline: float) -> int:
    """Take what lies in one mailbox; return how many messages were moved away.

    Does nothing while another process is at it. Never raises because of the mail server.
    """
    moved = 0
    with only_one(mailbox.name) as is_alone:
        if not is_alone:
            return 0
        try:
            with connected(mailbox) as server:
                for message in server.waiting():
                    if time.monotonic() > deadline:
                        break
                    moved += server.take(message)
        except (OSError, IMAPClientError) as error:
            problem = in_words(error)
            logger.error("Mailbox %s cannot be read: %s", mailbox.name, problem)
            note_state(mailbox, problem)
        else:
            note_state(mailbox, "")
    return moved


@contextmanager
def only_one(name: str) -> Iterator[bool]:
    """Hold a lock that one process in all has; it goes with the connection to the database."""
    arguments = ["mailbox", name]
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(hashtext(%s), hashtext(%s))", arguments)
        is_alone = cursor.fetchone()[0]
    try:
        yield is_alone
    finally:
        if is_alone:
            with suppress(DatabaseError), connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_unlock(hashtext(%s), hashtext(%s))", arguments)


@contextmanager
def connected(mailbox: Mailbox) -> Iterator["Server"]:
    """Sign in over TLS, with a certificate that is trusted, and open the folder."""
    context = trusting(settings.MAILBOX_CA)
    client = IMAPClient(
        mailbox.host,
        port=mailbox.port,
        ssl=not mailbox.starts_tls,
        ssl_context=None if mailbox.starts_tls else context,
        timeout=PATIENCE,
    )
    # It words all that a server says for a log that nobody keeps: a mail of 25 MB takes 0.3 s more.
    client._imap.debug = 0
    try:
        if mailbox.starts_tls:
            client.starttls(context)
        client.login(mailbox.user, mailbox.password)
        yield Server(client, mailbox)
    finally:
        with suppress(OSError, IMAPClientError):
            client.logout()


@functools.cache
def trusting(authority: str | None) -> ssl.SSLContext:
    """Return what judges certificates: by what this machine trusts, and by one authority more.

    It is read once a process: reading what the machine trusts takes as long as fetching mail.
    """
    context = ssl.create_default_context()
    if authority:
        context.load_verify_locations(cadata=authority)
    return context


def in_words(error: Exception) -> str:
    """Say what is wrong with a mailbox, without a secret in it."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return (
            f"its certificate is not trusted ({error.verify_message}); "
            "name the right one in MAILBOX_CA"
        )
    if isinstance(error, LoginError):
        return "user name or password was refused"
    if isinstance(error, TimeoutError):
        return "it did not answer in time"
    return str(error) or type(error).__name__


# One server ------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Waiting:
    """A message in the folder where mail arrives, and what was made of it by an earlier run."""

    uid: int
    size: int
    row: IncomingMail | None


class Server:
    """An open folder of one account."""

    def __init__(self, client: IMAPClient, mailbox: Mailbox) -> None:
        self.client = client
        self.mailbox = mailbox
        self.folders = self._make_folders()
        answer = client.select_folder(mailbox.folder)
        self.uid_validity = int(answer[b"UIDVALIDITY"])

    def _make_folders(self) -> dict[str, str]:
        """Return the full name of each folder that messages are moved to, created when missing."""
        prefix = ""
        if self.client.has_capability("NAMESPACE"):
            personal = self.client.namespace().personal
            prefix = personal[0][0] if personal else ""
        wanted = {name: f"{prefix}{name}" for name in (TAKEN, TRIAGE, IGNORED, BOUNCES, FAILED)}
        there = {name for _flags, _separator, name in self.client.list_folders()}
        for name in wanted.values():
            if name not in there:
                self._make_folder(name)
        return wanted

    def _make_folder(self, name: str) -> None:
        """Create a folder, unless another program has been quicker."""
        try:
            self.client.create_folder(name)
        except IMAPClientError:
            if not self.client.folder_exists(name):
                raise
        self.client.subscribe_folder(name)

    def waiting(self) -> list[Waiting]:
        """Return what lies there, oldest first; what has made trouble before comes last."""
        uids = sorted(self.client.search(["UNDELETED"]))
        trouble = self._trouble(uids)
        chosen = sorted(uids, key=lambda uid: (trouble.get(uid, 0), uid))[:AT_A_TIME]
        if not chosen:
            return []
        sizes = self.client.fetch(chosen, ["RFC822.SIZE"])
        rows = IncomingMail.objects.filter(
            mailbox=self.mailbox.name, uid_validity=self.uid_validity, uid__in=chosen
        )
        known = {row.uid: row for row in rows.defer("body", "quoted")}
        return [
            Waiting(uid, int(sizes[uid][b"RFC822.SIZE"]), known.get(uid))
            for uid in chosen
            if uid in sizes
        ]

    def take(self, message: Waiting) -> bool:
        """Store a message, then move it; return whether it is gone from here."""
        row = message.row or self._store(message)
        has_failed = self._tries(message.uid) >= MOST_TRIES
        if row is None and not has_failed:
            return False
        is_taken = row is not None and not (has_failed and not row.was_taken)
        folder = FOLDERS[row.outcome] if row is not None and is_taken else FAILED
        self._move(message.uid, self.folders[folder])
        self._forget(message.uid)
        return True

    def _store(self, message: Waiting) -> IncomingMail | None:
        """Take a message in; return its row, or None if it is to be tried again."""
        origin = Origin(self.mailbox.name, self.uid_validity, message.uid)
        if message.size > settings.MAIL_LARGEST:
            header = self._fetch(message.uid, f"BODY.PEEK[HEADER]<0.{taking.HEADER_LIMIT}>")
            return taking.keep_too_large(header or b"", message.size, origin)
        if self._tries(message.uid) >= MOST_TRIES:
            # Whoever tried was killed each time: there is no error to be told.
            return self._give_up(message.uid, origin, "the process that took it ended")
        self._note_trouble(message.uid, "fetch")
        raw = self._fetch(message.uid, "BODY.PEEK[]")
        if raw is None:
            return None
        self._note_trouble(message.uid, "take")
        try:
            return taking.take(raw, origin)
        except Exception as error:
            tries = self._tries(message.uid)
            logger.exception(
                "Message %s of %s could not be taken (attempt %s)",
                message.uid,
                self.mailbox.name,
                tries,
            )
            if tries < MOST_TRIES:
                return None
            return self._give_up(message.uid, origin, type(error).__name__)

    def _give_up(self, uid: int, origin: Origin, error: str) -> IncomingMail | None:
        """Keep a message unread; where not even that works, the server's folder has it."""
        logger.error("Message %s of %s is set aside: %s", uid, self.mailbox.name, error)
        raw = self._fetch(uid, "BODY.PEEK[]") or b""
        try:
            return taking.keep_failed(raw, origin, error)
        except Exception:
            logger.exception("Message %s of %s has no row", uid, self.mailbox.name)
            return None

    def _fetch(self, uid: int, part: str) -> bytes | None:
        """Return a part of a message, None if it is no longer there."""
        found = self.client.fetch([uid], [part]).get(uid, {})
        return next((value for key, value in found.items() if key.startswith(b"BODY[")), None)

    def _move(self, uid: int, folder: str) -> None:
        if self.client.has_capability("MOVE"):
            self.client.move([uid], folder)
            return
        self.client.copy([uid], folder)
        self.client.delete_messages([uid])
        if self.client.has_capability("UIDPLUS"):
            self.client.uid_expunge([uid])
        else:
            self.client.expunge()

    # What has made trouble before: counted before each attempt, so that a message which kills
    # the process is counted too. "fetch" only puts a message at the end of the line.

    def _key(self, uid: int, kind: str) -> str:
        return f"mail-in:{kind}:{hash_of(self.mailbox.name)}:{self.uid_validity}:{uid}"

    def _tries(self, uid: int) -> int:
        return int(cache.get(self._key(uid, "take"), 0))

    def _note_trouble(self, uid: int, kind: str) -> None:
        key = self._key(uid, kind)
        cache.set(key, int(cache.get(key, 0)) + 1, REMEMBERED_SECONDS)

    def _trouble(self, uids: list[int]) -> dict[int, int]:
        newest = uids[: 5 * AT_A_TIME]
        keys = {self._key(uid, kind): uid for uid in newest for kind in ("take", "fetch")}
        counts: dict[int, int] = {}
        for key, count in cache.get_many(keys).items():
            counts[keys[key]] = counts.get(keys[key], 0) + int(count)
        return counts

    def _forget(self, uid: int) -> None:
        cache.delete_many([self._key(uid, "take"), self._key(uid, "fetch")])


def hash_of(name: str) -> str:
    """Return a mailbox's name in a form that any cache takes as part of a key."""
    return sha256(name.encode()).hexdigest()[:16]


# How the mailboxes are -------------------------------------------------------------------------


@dataclass(frozen=True)
class MailboxState:
    """When a mailbox was last read, and what is wrong with it."""

    name: str
    read_at: Any = None
    problem: str = ""
    since: Any = None


def note_state(mailbox: Mailbox, problem: str) -> None:
    """Remember how a mailbox was found, for the page of support."""
    before = state_of(mailbox)
    now = timezone.now()
    since = (before.since or now) if problem else None
    read_at = before.read_at if problem else now
    cache.set(_state_key(mailbox), (read_at, problem, since), None)


def state_of(mailbox: Mailbox) -> MailboxState:
    """Return how a mailbox was found last."""
    return MailboxState(mailbox.name, *cache.get(_state_key(mailbox), (None, "", None)))


def _state_key(mailbox: Mailbox) -> str:
    return f"mail-in:state:{hash_of(mailbox.name)}"
