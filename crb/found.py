"""Meetings that somebody finds by a text, in the palette, and what stands on one as a list."""

from datetime import timedelta
from typing import Any

from django.db.models import QuerySet
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from changes.palette import Kind, Lead, with_words

from .models import AgendaItem, Meeting
from .permissions import may_see_board

NEWEST = 80
"""So many meetings are looked at, of all boards: naming them costs 0.1 ms each."""
SOON = timedelta(days=60)


def meetings_with(user: User, text: str) -> Kind:
    """Return meetings whose board, day, kind or state has every word: the latest first."""
    kind = _("Meetings")
    if not may_see_board(user):
        return Kind(kind, [])
    near = timezone.now() + SOON
    meetings = Meeting.objects.select_related("board").filter(starts_at__lt=near)
    leads = [
        Lead(
            str(one),
            reverse("crb:meeting", args=[one.pk]),
            "gavel",
            f"{one.get_kind_display()} · {one.get_state_display()}",
        )
        for one in meetings[:NEWEST]
    ]
    return Kind(kind, with_words(leads, text))


def name_of(user: User, number: int) -> str:
    """Return what a meeting or ballot is called, "" where it does not exist for this person."""
    if not may_see_board(user):
        return ""
    found = Meeting.objects.select_related("board").filter(pk=number).first()
    return str(found) if found else ""


def changes_on(number: int) -> QuerySet[Any, Any]:
    """Return the keys of all changes that stand on the agenda of a meeting, settled or not."""
    return AgendaItem.objects.filter(meeting=number).order_by().values("change")
