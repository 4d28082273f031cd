"""What the worker does: thin wrappers that load, call the domain and carry on after a failure."""

import logging
import time
from collections.abc import Callable, Iterable
from typing import Any

from celery import shared_task
from celery.exceptions import SoftTimeLimitExceeded
from django.db import transaction
from django.utils import timezone

from . import (
    digest,
    dispatch,
    forecast_mail,
    lifecycle,
    promise_digest,
    reminders,
    standard,
    unheld,
)
from .importing import runs
from .mail_in import fetching
from .many import runs as many_runs

logger = logging.getLogger(__name__)

BATCH = 500
"""How many changes one run takes on; the next minute goes on with the rest."""
BROKER_REST_SECONDS = 30.0


@shared_task
def send_queued_mail() -> None:
    """Send what waits in the outbox. Safe to run in any number of workers at once."""
    more = False
    try:
        more = dispatch.deliver_due()
    finally:
        each(lifecycle.unnoted_refusals(limit=BATCH), lifecycle.note_refusal, "note refused mail")
    if more:
        start_delivery()


@shared_task
def send_digests() -> None:
    """Write the daily summary of everybody for whom it is past 08:00."""
    each(digest.due(timezone.now()), digest.send, "write the summary")


@shared_task
def send_reminders() -> None:
    """Remind requesters, and tell owners of those who did not answer.

    Who has another address now is asked there first.
    """
    each(reminders.unasked(limit=BATCH), lifecycle.ask_at_new_address, "ask at the new address")
    due = reminders.due_reminders(limit=BATCH)
    each(due, lambda reminder: lifecycle.send_reminder(*reminder), "remind")
    each(reminders.due_escalations(limit=BATCH), lifecycle.escalate, "escalate")


@shared_task
def remind_of_standard_changes() -> None:
    """Remind those who may approve a standard change for another year before it expires."""
    each(standard.due_reminders(), lifecycle.remind_of_standard, "remind of standard change")


@shared_task
def settle_promises() -> None:
    """Give promises their release as soon as it is planned, and follow it when it moves."""
    each(reminders.unsettled_promises(), lifecycle.settle_promise, "settle promise")


@shared_task
def tell_of_forecasts() -> None:
    """Tell who counts on a promised change that the day on which it comes has moved."""
    each(reminders.untold_moves(), lifecycle.tell_of_forecast, "tell of the forecast of")
    each(forecast_mail.to_gather(), forecast_mail.gather, "gather the mail")


@shared_task
def send_promise_digests() -> None:
    """Tell those who look after promises, once a week, which are at risk or broken."""
    each(promise_digest.due(timezone.now()), promise_digest.send, "tell of the promises of")


@shared_task
def fetch_mail() -> None:
    """Take the mail that has arrived. One worker at a time reads a mailbox; the others go on."""
    fetching.fetch_all()


@shared_task
def carry_on_imports() -> None:
    """Run uploaded imports that wait, and those that a worker's death cut off."""
    each(runs.unfinished(), runs.carry_on, "carry on import")


@shared_task
def carry_on_acts() -> None:
    """Go on with acts on many changes that wait, and those that a worker's death cut off."""
    each(many_runs.unfinished(), many_runs.carry_on, "carry on act on many")


@shared_task
def tell_of_unheld_parts() -> None:
    """Tell administrators, once, which parts nobody can take while changes wait for them."""
    each(unheld.settled(), lifecycle.forget_told_part, "forget the part that was told")
    each(unheld.untold(), lifecycle.tell_of_unheld, "tell of parts that nobody holds")


def each(keys: Iterable[Any], act: Callable[[Any], object], what: str) -> None:
    """Do the same for every key; one failure is logged and does not stop the rest.

    Raises SoftTimeLimitExceeded, which is none: the worker's time is over, and the next minute
    goes on with the rest.
    """
    for key in keys:
        try:
            act(key)
        except SoftTimeLimitExceeded:
            raise
        except Exception:
            logger.exception("Could not %s for %s; it is tried again later", what, key)


# --- Starting delivery --------------------------------------------------------------------


class Broker:
    """Remembers that the broker was down, so that not every request waits to find out."""

    rest_until = 0.0


def start_delivery() -> None:
    """Ask a worker to send mail now. Without a broker nothing is lost: beat sends it later."""
    start(send_queued_mail)


def start_imports() -> None:
    """Ask a worker to run the imports that wait; without a broker beat does so later."""
    start(carry_on_imports)


def start_acts() -> None:
    """Ask a worker to go on with acts on many changes; without a broker beat does so later."""
    start(carry_on_acts)


def start(task: Any) -> None:
    """Start a task that beat starts every minute anyway.

    Never raises. While the broker is down one request in BROKER_REST_SECONDS finds out, within
    the two seconds that connecting may take; the others do not try.
    """
    if time.monotonic() < Broker.rest_until:
        return
    try:
        task.delay()
    except Exception as error:
        Broker.rest_until = time.monotonic() + BROKER_REST_SECONDS
        logger.warning("%s waits for the next minute, no broker answers: %s", task.name, error)


def deliver_after_commit(**signal: Any) -> None:
    """Start delivery once the transaction that wrote the mail is committed."""
    transaction.on_commit(start_delivery, robust=True)
