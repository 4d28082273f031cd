"""Minutes and actions on other pages: `{% load minutes_ui %}`."""

from typing import Any

from django import template
from django.template.context import Context
from django.urls import reverse
from django.utils.http import urlencode

from crb import permissions
from crb.models import Board, Meeting, Minutes
from crb.panels import ActionsPanel, open_actions
from crb.permissions import minutes_of
from crb.states import MeetingState

register = template.Library()

HELD = (MeetingState.RUNNING, MeetingState.CLOSED)
"""The states of a meeting in which there is something to write down."""


@register.inclusion_tag("crb/partials/actions.html", takes_context=True)
def meeting_actions(context: Context, meeting: Meeting) -> dict[str, Any]:
    """Show the actions of a meeting, and to the chair the form for another one."""
    request = context["request"]
    panel = None
    if meeting.state in HELD:
        read = {name: context.get(name) for name in ("people", "items")}
        panel = ActionsPanel(meeting, request.user, **read)
    return {"panel": panel, "request": request, **_page(context)}


@register.inclusion_tag("crb/partials/open_actions.html", takes_context=True)
def board_actions(context: Context, board: Board) -> dict[str, Any]:
    """Show the open actions of a board that are due first."""
    request = context["request"]
    rows = open_actions(board, request.user, runs=context["runs_board"])
    return {"rows": rows, "request": request, **_page(context)}


@register.inclusion_tag("crb/partials/minutes_link.html", takes_context=True)
def minutes_link(context: Context, meeting: Meeting) -> dict[str, Any]:
    """Lead from a meeting to its minutes; for the chair that is the next step after closing."""
    user = context["request"].user
    if meeting.state not in HELD:
        return {}
    writes = bool(permissions.can_write_minutes(user, meeting))
    minutes: Minutes | None = minutes_of(meeting)
    published = minutes is not None and minutes.is_published
    if meeting.is_running and not writes:
        return {}
    return {
        "meeting": meeting,
        "writes": writes,
        "published": published,
        "next": writes and meeting.state == MeetingState.CLOSED,
    }


@register.inclusion_tag("crb/partials/record_link.html", takes_context=True)
def record_link(context: Context, meeting: Meeting) -> dict[str, Any]:
    """Lead those who read the record of a board from a meeting to what was done in it."""
    if not permissions.may_see_record(context["request"].user):
        return {}
    parameters = urlencode({"board": meeting.board_id, "meeting": meeting.pk})
    return {"url": f"{reverse('crb:record')}?{parameters}"}


def _page(context: Context) -> dict[str, Any]:
    return {"csrf_token": context.get("csrf_token"), "here": context["request"].get_full_path()}
