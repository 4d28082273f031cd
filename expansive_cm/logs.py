"""One line per event, also for an event that brings a traceback, and no secret address."""

import logging
import re

LINE = "%(asctime)s %(levelname)s %(name)s %(message)s"

# Whoever knows the rest of these addresses may answer or sign in for somebody.
SECRET_ADDRESS = re.compile(r"(/confirm/|/r/|/unwatch/|/reset/key/|/board/feed/)[^/\s'\"]+")


class OneLineFormatter(logging.Formatter):
    """Keep each event on a line of its own, so that log readers never split one."""

    def format(self, record: logging.LogRecord) -> str:
        line = super().format(record).replace("\r", "").replace("\n", " | ")
        return SECRET_ADDRESS.sub(r"\1…", line)
