"""What gunicorn itself has to say, as everything else is logged: see expansive_cm/logs.py."""

import sys

from gunicorn.config import Config
from gunicorn.glogging import Logger

from expansive_cm.logs import LINE, OneLineFormatter
from expansive_cm.settings import LOG_LEVEL


class ServerLog(Logger):
    """gunicorn's log on standard output, one line per event, without secret addresses.

    Its own setting for that (``logconfig_dict``) would switch the log of requests on.
    """

    def setup(self, cfg: Config) -> None:
        """Set gunicorn's handler up, and change what it writes and where."""
        super().setup(cfg)
        for handler in self.error_log.handlers:
            handler.setFormatter(OneLineFormatter(LINE))
            handler.setStream(sys.stdout)
            handler.setLevel(LOG_LEVEL)
