"""One line per event, also for an event that brings a traceback."""

import logging


class OneLineFormatter(logging.Formatter):
    """Keep each event on a line of its own, so that log readers never split one."""

    def format(self, record: logging.LogRecord) -> str:
        return super().format(record).replace("\r", "").replace("\n", " | ")
