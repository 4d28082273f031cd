"""`make test-hard`: what keeps the cores busy ends with it."""

import signal
import subprocess
import sys

import psutil

from expansive_cm.services.hard import busy
from expansive_cm.services.processes import is_alive, wait_until_ended
from tests.environment import ROOT

KILLED = """
import time
from expansive_cm.services.hard import busy
with busy(2) as burners:
    print(*(burner.pid for burner in burners), flush=True)
    time.sleep(600)
"""


def test_the_cores_are_free_again_after_the_block() -> None:
    try:
        with busy(2) as burners:
            found = [psutil.Process(burner.pid) for burner in burners]
            assert all(map(is_alive, found))
            raise KeyboardInterrupt
    except KeyboardInterrupt:
        assert not any(map(is_alive, found))


def test_the_cores_are_free_again_after_a_kill() -> None:
    command = [sys.executable, "-c", KILLED]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        found = [psutil.Process(int(pid)) for pid in process.stdout.readline().split()]
        assert len(found) == 2
        process.send_signal(signal.SIGKILL)
        process.wait()
    wait_until_ended(found, 120)
    assert not any(map(is_alive, found))
