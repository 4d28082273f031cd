"""The product's settings with the few differences that tests need."""

import os

from expansive_cm.settings import *  # noqa: F403
from expansive_cm.settings import REDIS_URL, STORAGES

# Passwords are checked a thousand times in a run: the cheapest hash will do.
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]

STORAGES = {
    **STORAGES,
    # Style sheets are served from where they lie: nothing is collected for a test run.
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}

# Parallel workers have databases of their own; so they need queues of their own.
WORKER_NUMBER = os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")
SERVER, _, NUMBER = REDIS_URL.rpartition("/")
CELERY_BROKER_URL = f"{SERVER}/{int(NUMBER or 0) + int(WORKER_NUMBER)}"
# A worker that outlives a test has one of its own, which only those tests fill that ask for it.
CELERY_TASK_DEFAULT_QUEUE = "celery"

# A mail is written and ready at once; tests of bursts say how long theirs last.
MAIL_BURST_SECONDS = 0
# Nor does that of an outcome wait; tests of taking one back say for how long it can be.
OUTCOME_UNDO_SECONDS = 0
