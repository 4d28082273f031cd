"""What beat starts for the boards; each asks the database what is due and may run twice."""

from celery import shared_task
from django.utils import timezone

from changes.tasks import each

from . import lifecycle, queries, reminders, without_lead, without_quorum


@shared_task
def schedule_meetings() -> None:
    """Keep every board's meetings planned, and its next agenda filled."""
    each(queries.active_boards(), lifecycle.schedule_meetings, "schedule meetings")
    fill_agendas()


@shared_task
def settle_ballots() -> None:
    """Close ballots that are settled, and deal with those whose deadline has passed."""
    each(queries.ballots_to_settle(), lifecycle.settle_ballot, "settle ballot")


@shared_task
def fill_agendas() -> None:
    """Put what waits for a board on its next agenda, also from boards that no longer meet."""
    each(queries.boards_to_dissolve(), lifecycle.dissolve_board, "dissolve the board")
    each(queries.active_boards(), lifecycle.fill_agenda, "fill the agenda")


@shared_task
def send_invitations() -> None:
    """Tell members what has changed: new ones of their meetings, those who left of none."""
    each(queries.active_boards(), lifecycle.send_invitations, "send invitations")


@shared_task
def remind_of_actions() -> None:
    """Remind the owners of actions one working day before the day, and on it."""
    each(
        reminders.due_reminders(),
        lambda due: lifecycle.remind_of_action(*due),
        "remind of an action",
    )


@shared_task
def publish_agendas() -> None:
    """Publish every agenda whose cut-off has passed, and orders in which nobody moves any more."""
    now = timezone.now()
    each(queries.due_agendas(now), lifecycle.publish_agenda, "publish the agenda")
    each(queries.orders_to_settle(now), lifecycle.settle_finished_order, "settle the order")


@shared_task
def tell_of_missing_leads() -> None:
    """Tell administrators, once, what nobody can open or end, and what too few can vote on."""
    each(without_lead.stuck_boards(), lifecycle.tell_of_missing_lead, "tell of a missing lead")
    each(without_quorum.stuck_boards(), lifecycle.tell_of_missing_quorum, "tell of no quorum")
