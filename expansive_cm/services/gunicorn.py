"""How gunicorn serves the product, here and in the container image."""

import os
import resource
from typing import Any

from expansive_cm.settings import WEB_PROCESSES

# Two cores: two processes. In each an event loop holds all connections, and WEB_THREADS threads
# do the work of pages: see expansive_cm/web.
worker_class = "expansive_cm.web.worker.Worker"
workers = WEB_PROCESSES
worker_connections = 4000
preload_app = True
asgi_lifespan = "on"
# Whose browser has gone waits for no thread any more.
asgi_disconnect_grace_period = 0
timeout = 60
graceful_timeout = 10
# A connection that is kept costs little, one that is opened again costs time.
keepalive = 65
# A beating file on a disk can stall a worker; memory cannot.
worker_tmp_dir = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None  # noqa: S108


def on_starting(server: Any) -> None:
    """Let processes have as many connections as the system lets them, and share what is loaded."""
    from expansive_cm.web.preload import load_everything

    _soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    load_everything()


def post_worker_init(worker: Any) -> None:
    """Let open streams end when their process is asked to stop, instead of holding it up."""
    from crb.live import hub

    hub.end_with(lambda: not worker.alive)


# Which proxies are believed is decided by TRUSTED_PROXIES alone.
forwarded_allow_ips = ""
limit_request_line = 8190
logger_class = "expansive_cm.web.log.ServerLog"
errorlog = "-"
loglevel = "warning"
# The address of a confirmation page is a secret: requests are not logged.
accesslog = None
