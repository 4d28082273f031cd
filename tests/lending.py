"""An interpreter that has loaded the product once and lends itself to each worker that begins.

What it lends is a process of its own, with its own session, queue and log, that dies and is killed
like any other. Only what each of them would read anew, 2 s of libraries and of the product, is
there when it begins. It opens no connection itself.
"""

import atexit
import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import psutil

from expansive_cm.sure import sure
from tests.environment import ROOT

INTERPRETER = """
import json, os, signal, sys

import celery.apps.worker, celery.bin.celery, celery.bin.worker
from celery.__main__ import main
from django.conf import settings
from expansive_cm.celery import app

app.loader.import_default_modules()
app.finalize()
signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # what ends is gone at once
for line in sys.stdin:
    arguments, broker, queue, log = json.loads(line)
    if copy := os.fork():
        print(copy, flush=True)
        continue
    os.setsid()
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    for number in 1, 2:
        os.dup2(os.open(log, os.O_WRONLY | os.O_APPEND), number)
    settings.CELERY_BROKER_URL = app.conf.broker_url = broker
    settings.CELERY_TASK_DEFAULT_QUEUE = app.conf.task_default_queue = queue
    sys.argv = arguments
    main()
    sys.exit()
"""
OF_ONE_ALONE = {"PYTEST_CURRENT_TEST", "REDIS_URL"}
"""Differs between workers that are otherwise alike; the broker is told to each."""

_lenders: dict[tuple[tuple[str, str], ...], "subprocess.Popen[str]"] = {}
"""By the environment in which each has read the settings."""


def lend(
    arguments: Sequence[str], environment: Mapping[str, str], broker: str, queue: str, log: Path
) -> psutil.Process:
    """Run Celery with this, its tasks from a queue of a broker; what it says goes to the log."""
    known = {name: value for name, value in environment.items() if name not in OF_ONE_ALONE}
    key = tuple(sorted(known.items()))
    if key not in _lenders:
        _lenders[key] = subprocess.Popen(
            [sys.executable, "-c", INTERPRETER],
            cwd=ROOT,
            env=dict(environment),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
    asked, answers = sure(_lenders[key].stdin), sure(_lenders[key].stdout)
    words = [["celery", *arguments], broker, queue, str(log)]
    print(json.dumps(words), file=asked, flush=True)
    return psutil.Process(int(answers.readline()))


@atexit.register
def _end_all() -> None:
    """Let those go that nobody will ask any more: they end with what asks them."""
    for lender in _lenders.values():
        sure(lender.stdin).close()
        lender.wait()
        sure(lender.stdout).close()
    _lenders.clear()
