"""Background work: the worker's application and what beat starts, and when.

Every entry asks the database what is due, may run twice and may be missed: the next minute
makes up for it. An entry nobody fetched within the hour expires instead of piling up.
"""

import gc
import logging
import logging.config
import os
from pathlib import Path
from typing import Any

from celery import Celery
from celery.loaders.app import AppLoader
from celery.schedules import crontab
from celery.signals import (
    after_task_publish,
    heartbeat_sent,
    setup_logging,
    task_revoked,
    worker_init,
)

from . import broker

logger = logging.getLogger(__name__)

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "expansive_cm.settings")

broker.use()
app = Celery("expansive_cm")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()


LIFE_SECONDS = 3300
"""How long an entry waits for a worker. Beat's clock says when that begins, the worker's when it
ends: clocks that differ by minutes must not drop everything."""


def every_minute(task: str) -> dict[str, Any]:
    """An entry for work that people wait for."""
    return {"task": task, "schedule": crontab(), "options": {"expires": LIFE_SECONDS}}


def every_hour(task: str, minute: int) -> dict[str, Any]:
    """An entry for work that can wait, at its own minute so that not all begin at once."""
    every = crontab(minute=str(minute))
    return {"task": task, "schedule": every, "options": {"expires": LIFE_SECONDS}}


SCHEDULE = {
    "send queued mail": every_minute("changes.tasks.send_queued_mail"),
    "fetch mail": every_minute("changes.tasks.fetch_mail"),
    "send digests": every_minute("changes.tasks.send_digests"),
    "send reminders": every_minute("changes.tasks.send_reminders"),
    "fill agendas": every_minute("crb.tasks.fill_agendas"),
    "send invitations": every_minute("crb.tasks.send_invitations"),
    "settle ballots": every_minute("crb.tasks.settle_ballots"),
    "remind of actions": every_minute("crb.tasks.remind_of_actions"),
    "publish agendas": every_minute("crb.tasks.publish_agendas"),
    "carry on imports": every_minute("changes.tasks.carry_on_imports"),
    "carry on acts": every_minute("changes.tasks.carry_on_acts"),
    "settle promises": every_hour("changes.tasks.settle_promises", minute=7),
    "tell of forecasts": every_hour("changes.tasks.tell_of_forecasts", minute=9),
    "send promise digests": every_hour("changes.tasks.send_promise_digests", minute=2),
    "remind of standard changes": every_hour("changes.tasks.remind_of_standard_changes", minute=27),
    "schedule meetings": every_hour("crb.tasks.schedule_meetings", minute=12),
    "tell of unheld parts": every_hour("changes.tasks.tell_of_unheld_parts", minute=17),
    "tell of missing leads": every_hour("crb.tasks.tell_of_missing_leads", minute=22),
}


class NothingToRun(AppLoader):
    """Beat knows tasks by their names: it loads neither them nor the models."""

    def init_worker(self) -> None:
        """Load nothing."""


beat = Celery("expansive_cm", loader=f"{__name__}:NothingToRun", fixups=(), set_as_current=False)
beat.config_from_object("django.conf:settings", namespace="CELERY")
for one in (app, beat):
    one.conf.beat_schedule = SCHEDULE
    # The schedule lies here and nothing is remembered between two starts: no file to corrupt.
    one.conf.beat_scheduler = "celery.beat:Scheduler"


@worker_init.connect
def share_what_is_loaded(**kwargs: Any) -> None:
    """Let the worker's children share its memory: what the collector looks at is copied."""
    gc.collect()
    gc.freeze()


@setup_logging.connect
def use_project_logging(**kwargs: Any) -> None:
    """Log as the web process does instead of in Celery's own way."""
    from django.conf import settings

    logging.config.dictConfig(settings.LOGGING)


@task_revoked.connect
def say_what_expired(sender: Any = None, expired: bool = False, **kwargs: Any) -> None:
    """Let the log say that an entry of beat was dropped, and what may be wrong."""
    if expired:
        logger.error(
            "%s was dropped: it was more than %d minutes old by this machine's clock. Either no"
            " worker ran, or the clocks of beat and worker differ: compare them.",
            getattr(sender, "name", sender),
            LIFE_SECONDS // 60,
        )


@heartbeat_sent.connect
@after_task_publish.connect
def show_life(**kwargs: Any) -> None:
    """Touch HEARTBEAT_FILE, if there is one: the worker every few seconds, beat every minute.

    Both stop doing so when the broker is gone, which a health check then sees.
    """
    file = os.environ.get("HEARTBEAT_FILE")
    if file:
        Path(file).touch()
