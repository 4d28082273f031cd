"""What beat starts for the boards; each asks the database what is due and may run twice."""

from celery import shared_task
from django.utils import timezone

from . import lifecycle, queries


@shared_task
def schedule_meetings() -> None:
    """Keep every board's meetings planned, and its next agenda filled."""
    for board in queries.active_boards():
        lifecycle.schedule_meetings(board)
        lifecycle.fill_agenda(board)


@shared_task
def fill_agendas() -> None:
    """Put what waits for a board on its next agenda."""
    for board in queries.active_boards():
        lifecycle.fill_agenda(board)


@shared_task
def publish_agendas() -> None:
    """Publish every agenda whose cut-off has passed."""
    for meeting in queries.due_agendas(timezone.now()):
        lifecycle.publish_agenda(meeting)
