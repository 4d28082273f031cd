from typing import Any

from django.apps import AppConfig
from django.contrib.auth.signals import user_logged_out
from django.utils.translation import gettext_lazy as _


class CrbConfig(AppConfig):
    name = "crb"
    verbose_name = _("Change Request Board")

    def ready(self) -> None:
        """Give changes, which may not ask this app, what it shows of the board."""
        from accounts.setting_up import POINTS, Point
        from changes import (
            calendar,
            dispatch,
            gathered,
            palette,
            promises,
            way_back,
            working_days,
        )
        from changes.lifecycle.core import provide_follower
        from changes.mail_in import declines
        from changes.plain import provide
        from changes.turns import narrower

        from . import declined, leaving
        from .board_dates import dates_for
        from .deciding import BOARD
        from .found import changes_on, meetings_with, name_of
        from .lifecycle.agenda import follow_departure
        from .models import Board
        from .on_calendar import meetings_on
        from .promised import BOARDS
        from .settling import settle
        from .working_days import calendar_of

        provide(dates_for)
        provide_follower(follow_departure)
        narrower.provide("record_board_outcome", BOARD)
        _provide_notices()
        palette.provide(meetings_with)
        gathered.provide("meeting", gathered.Gathering(name_of, changes_on))
        calendar.provide("meeting", meetings_on)
        promises.provide_boards(BOARDS)
        declines.provide(declined.CALENDAR)
        dispatch.SETTLE.append(settle)
        leaving.provide()
        working_days.provide(calendar_of)
        way_back.LISTS["crb:board"] = _("Board")
        user_logged_out.connect(_end_streams, dispatch_uid="crb.end_streams")
        POINTS.append(
            Point(
                _("The Change Request Board"),
                _("Its chair and members; meetings are then planned by themselves."),
                "gavel",
                "admin:crb_board_add",
                lambda: Board.objects.filter(is_active=True, memberships__is_chair=True),
            )
        )


def _provide_notices() -> None:
    """Give Home what it says of the board."""
    from changes import notices

    from . import (
        declined,
        on_home,
        presenting,
        to_settle,
        without_board,
        without_lead,
        without_quorum,
    )

    for one in (without_lead, without_quorum, without_board, to_settle, declined, presenting):
        notices.provide(one.notices)
    notices.provide_ahead(on_home.ahead)


def _end_streams(user: Any = None, **kwargs: Any) -> None:
    """Let streams of somebody who signs out ask again whether they may go on."""
    from .live import hub

    if user is not None:
        hub.announce_person(user.pk)
