"""A real IMAP server for tests: Debian's Dovecot, on a free port, with a certificate of its own.

It is started by the account that runs the tests, root or not, and keeps everything in a temporary
folder. One serves the whole run; each test finds empty mailboxes. Between it and the product a
``Relay`` can be put, which stops or cuts the conversation at a chosen command.
"""

import grp
import os
import pwd
import shutil
import signal
import socket
import ssl
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import psutil
import pytest
from imapclient import IMAPClient

from expansive_cm.environment import Mailbox
from expansive_cm.services.bootstrap import DOVECOT
from expansive_cm.services.valkey import free_port
from tests.programs import program

PASSWORD = "open, sesame"
CONFIGURATION = """\
protocols = imap
base_dir = {folder}/run
state_dir = {folder}/state
log_path = {folder}/dovecot.log
listen = 127.0.0.1
ssl = required
ssl_cert = <{folder}/certificate.pem
ssl_key = <{folder}/key.pem
default_internal_user = {internal}
default_internal_group = {internal_group}
default_login_user = {login}
default_vsz_limit = 512M
mail_max_userip_connections = 100
mail_fsync = never
auth_failure_delay = 0
first_valid_uid = 1
first_valid_gid = 1
mail_location = maildir:~/Maildir
passdb {{
  driver = passwd-file
  args = scheme=PLAIN {folder}/passwords
}}
userdb {{
  driver = static
  args = uid={mail_uid} gid={mail_gid} home={folder}/mail/%n
}}
service imap-login {{
  chroot =
  # One process for every sign-in, ready before the first.
  service_count = 0
  process_min_avail = 1
  inet_listener imap {{
    address = 127.0.0.1
    port = {plain_port}
  }}
  inet_listener imaps {{
    address = 127.0.0.1
    port = {port}
    ssl = yes
  }}
}}
service anvil {{
  chroot =
  # After a wrong password it would let every sign-in from this address wait for seconds.
  unix_listener anvil-auth-penalty {{
    mode = 0
  }}
}}
service auth {{
  user = {internal}
}}
service stats {{
  chroot =
}}
namespace inbox {{
  inbox = yes
  separator = {separator}
  prefix = {prefix}
}}
"""


class Dovecot:
    """A running server. Every address of it takes the same password."""

    def __init__(self, folder: Path, separator: str = "/", prefix: str = "") -> None:
        self.folder = folder
        self.separator = separator
        self.prefix = prefix
        self.host = "127.0.0.1"
        self.port = self.plain_port = 0
        self.log = folder / "dovecot.log"

    def start(self) -> None:
        """Write certificate, passwords and configuration, and start the server."""
        self.folder.chmod(0o755)
        self._make_certificate()
        self.port, self.plain_port = free_port(), free_port()
        accounts = account_names()
        mail = self.folder / "mail"
        mail.mkdir()
        os.chown(mail, accounts["mail_uid"], accounts["mail_gid"])
        passwords = self.folder / "passwords"
        passwords.write_text(
            "".join(f"{user}@example.org:{{PLAIN}}{PASSWORD}\n" for user in ("changes", "support"))
        )
        passwords.chmod(0o644)
        self.configuration = self.folder / "dovecot.conf"
        self.configuration.write_text(
            CONFIGURATION.format(
                folder=self.folder,
                port=self.port,
                plain_port=self.plain_port,
                separator=self.separator,
                prefix=self.prefix,
                **accounts,
            )
        )
        self.process = subprocess.Popen(
            [program(DOVECOT), "-F", "-c", str(self.configuration)],
            stdout=subprocess.DEVNULL,
            stderr=(self.folder / "errors").open("w"),
            start_new_session=True,
        )
        self._wait()

    def _make_certificate(self) -> None:
        subprocess.run(
            [
                *("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "30"),
                *("-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1,DNS:localhost"),
                *("-keyout", str(self.folder / "key.pem")),
                *("-out", str(self.folder / "certificate.pem")),
            ],
            check=True,
            capture_output=True,
        )

    def _wait(self) -> None:
        deadline = time.monotonic() + 120
        while time.monotonic() < deadline and self.process.poll() is None:
            with suppress(OSError), socket.create_connection((self.host, self.port), 1):
                return
            time.sleep(0.05)
        said = [path.read_text() for path in (self.log, self.folder / "errors") if path.exists()]
        self.stop()
        pytest.fail(f"Dovecot did not start. What it said:\n{''.join(said)}", pytrace=False)

    def stop(self) -> None:
        """End the server and everything it has started; nothing of it is kept."""
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def empty(self) -> None:
        """End every conversation and throw away all mail, all folders and the log."""
        sessions = [
            child for child in psutil.Process(self.process.pid).children() if child.name() == "imap"
        ]
        for session in sessions:
            with suppress(psutil.NoSuchProcess):
                session.terminate()
        psutil.wait_procs(sessions, timeout=20)
        for home in (self.folder / "mail").iterdir():
            shutil.rmtree(home)
        os.truncate(self.log, 0)

    # What tests do with it

    @property
    def certificate(self) -> str:
        """The certificate that must be trusted to talk to it."""
        return (self.folder / "certificate.pem").read_text()

    def mailbox(self, user: str = "changes@example.org", **fields: Any) -> Mailbox:
        """Return an account as the product's setting names it."""
        values = {"host": self.host, "port": self.port, "user": user, "password": PASSWORD}
        return Mailbox(**{**values, **fields})

    @contextmanager
    def client(self, user: str = "changes@example.org") -> Iterator[IMAPClient]:
        """Sign in as a mail program does."""
        context = ssl.create_default_context(cadata=self.certificate)
        with IMAPClient(self.host, port=self.port, ssl_context=context, timeout=120) as client:
            client.login(user, PASSWORD)
            yield client

    def deliver(self, raw: bytes, user: str = "changes@example.org") -> None:
        """Put a message into somebody's inbox."""
        with self.client(user) as client:
            client.append("INBOX", raw)

    def folders(self, user: str = "changes@example.org") -> dict[str, int]:
        """Return how many messages each folder holds, the empty ones left out."""
        found = {}
        with self.client(user) as client:
            for _flags, _separator, name in client.list_folders():
                count = client.folder_status(name, ["MESSAGES"])[b"MESSAGES"]
                if count:
                    found[name] = count
        return found

    def sign_ins(self) -> int:
        """Return how often somebody has given a password and was let in."""
        return self.log.read_text().count(" Login: ")

    def messages(self, folder: str, user: str = "changes@example.org") -> list[bytes]:
        """Return the messages of a folder, byte for byte."""
        with self.client(user) as client:
            client.select_folder(folder, readonly=True)
            found = client.fetch(client.search(), ["BODY.PEEK[]"])
            return [found[uid][b"BODY[]"] for uid in sorted(found)]


class Relay:
    """Passes an IMAP conversation on, and can hold it or cut it at a command of the client.

    It speaks TLS on both sides with the server's own certificate, as it has to read along.
    """

    def __init__(self, dovecot: Dovecot) -> None:
        self.dovecot = dovecot
        self.hold_at = b""
        self.cut_at = b""
        self.cuts = 0
        self.held = threading.Event()
        self.go_on = threading.Event()
        self.open: list[socket.socket] = []
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        folder = dovecot.folder
        context.load_cert_chain(folder / "certificate.pem", folder / "key.pem")
        self.listener = context.wrap_socket(
            socket.create_server(("127.0.0.1", 0)), server_side=True
        )
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            try:
                client, _address = self.listener.accept()
            except ssl.SSLError:
                continue
            except OSError:
                return
            context = ssl.create_default_context(cadata=self.dovecot.certificate)
            raw = socket.create_connection((self.dovecot.host, self.dovecot.port))
            server = context.wrap_socket(raw, server_hostname=self.dovecot.host)
            self.open += [client, server]
            pairs = ((client, server, True), (server, client, False))
            for source, target, is_client in pairs:
                threading.Thread(
                    target=self._pass_on, args=(source, target, is_client), daemon=True
                ).start()

    def _pass_on(self, source: socket.socket, target: socket.socket, is_client: bool) -> None:
        with suppress(OSError):
            while data := source.recv(65536):
                if is_client and self.hold_at and self.hold_at in data:
                    self.held.set()
                    self.go_on.wait(120)
                if is_client and self.cut_at and self.cut_at in data:
                    self.cuts += 1
                    break
                target.sendall(data)
        for end in (source, target):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()

    def stop(self) -> None:
        """Stop listening and end every conversation."""
        self.go_on.set()
        for one in (self.listener, *self.open):
            with suppress(OSError):
                one.close()


def account_names() -> dict[str, Any]:
    """Return the accounts that Dovecot works under: others where root runs the tests."""
    me = pwd.getpwuid(os.geteuid())
    group = grp.getgrgid(os.getegid()).gr_name
    if me.pw_uid != 0:
        return {
            "internal": me.pw_name,
            "internal_group": group,
            "login": me.pw_name,
            "mail_uid": me.pw_uid,
            "mail_gid": me.pw_gid,
        }
    nobody = pwd.getpwnam("nobody")
    return {
        "internal": "dovecot",
        "internal_group": "dovecot",
        "login": "dovenull",
        "mail_uid": nobody.pw_uid,
        "mail_gid": nobody.pw_gid,
    }


@pytest.fixture(scope="session")
def kept_dovecot() -> Iterator[Dovecot]:
    """The IMAP server of this process."""
    with running_dovecot() as server:
        yield server


@pytest.fixture
def dovecot(kept_dovecot: Dovecot) -> Dovecot:
    """A running IMAP server with two empty mailboxes."""
    kept_dovecot.empty()
    return kept_dovecot


@contextmanager
def running_dovecot(**options: Any) -> Iterator[Dovecot]:
    """Start a server and stop it in the end."""
    program(DOVECOT)
    # A short path outside of pytest's own: a socket's name must not be long, and other accounts
    # must reach it.
    folder = Path(tempfile.mkdtemp(prefix="dovecot-"))
    server = Dovecot(folder, **options)
    try:
        server.start()
        yield server
    finally:
        if hasattr(server, "process"):
            server.stop()
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def relay(dovecot: Dovecot) -> Iterator[Relay]:
    """A relay in front of the server."""
    between = Relay(dovecot)
    yield between
    between.stop()
