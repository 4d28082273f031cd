"""How gunicorn serves the product, here and in the container image."""

import os
from typing import Any

# Two cores: two processes. Threads, because a meeting's page keeps a connection open for as
# long as somebody looks at it: even when all fifty of them reach the same process, others
# find a thread. Each thread may keep a database connection: PostgreSQL must allow 2 × 64.
# Measured with 50 open streams on two cores, granian answers no sooner (p95 22 ms for both).
worker_class = "gthread"
workers = int(os.environ.get("WEB_PROCESSES", "2"))
threads = int(os.environ.get("WEB_THREADS", "64"))
preload_app = True
timeout = 60
graceful_timeout = 10
keepalive = 5
# A beating file on a disk can stall a worker; memory cannot.
worker_tmp_dir = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None  # noqa: S108


def post_worker_init(worker: Any) -> None:
    """Let open streams end when their process is asked to stop, instead of holding it up."""
    from crb.live import hub

    hub.end_with(lambda: not worker.alive)


# Which proxies are believed is decided by TRUSTED_PROXIES alone.
forwarded_allow_ips = ""
limit_request_line = 8190
errorlog = "-"
loglevel = "warning"
# The address of a confirmation page is a secret: requests are not logged.
accesslog = None
