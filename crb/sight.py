"""What one person sees of a meeting: the context of its templates, without request or markup."""

from functools import cached_property
from typing import Any

from accounts.models import User

from . import pages, permissions, queries
from .course import Course
from .lifecycle.arranging import plan_token
from .live.rooms import Snapshot
from .models import AgendaItem
from .pages.agenda import AgendaCard, ConsentBatch, shows_batch
from .pages.attendance import RollCard
from .people import OwnPeople


class Sight:
    """What one person sees of one reading of a meeting, with one item chosen.

    ``batch`` shows the consent items together instead; None leaves that to what is left to do.
    """

    def __init__(
        self, user: User, snapshot: Snapshot, wanted: int | None, *, batch: bool | None = False
    ) -> None:
        self.user = user
        self.snapshot = snapshot
        self.meeting = snapshot.meeting
        self.items = snapshot.items
        self.attended = snapshot.attended
        current = self.meeting.current_item_id if self.meeting.is_running else None
        self.chosen = pages.choose(self.items, user, wanted, current)
        if batch is None:
            batch = shows_batch(self.items, user, self.chosen, wanted)
        self.shows_batch = batch and any(one.is_open and one.is_consent for one in self.items)
        if self.shows_batch:
            self.chosen = None
        self.people = OwnPeople()
        self.item = (
            pages.ItemPage(self.chosen, user, self.attended, self.people) if self.chosen else None
        )
        self.course = Course(snapshot, user, self.chosen)

    def context(self) -> dict[str, Any]:
        """Return what the template shows, but for the item's story."""
        return {**self.frame(), **self.forms()}

    def frame(self) -> dict[str, Any]:
        """Return what costs next to nothing: no query, and no form."""
        rows = pages.agenda_rows(self.items, self.user, self.chosen)
        card = AgendaCard(self.meeting, rows, self.user, self.snapshot.agenda_version)
        return {
            "agenda": card,
            "batch": ConsentBatch(card, self.user) if self.shows_batch else None,
            "meeting": self.meeting,
            "board": self.meeting.board,
            "rows": rows,
            "left_for_me": [row for row in rows if row.mine_missing],
            "page": self.item,
            "item": self.chosen,
            "change": self.chosen.change if self.chosen else None,
            "attended": self.attended,
            "roll": RollCard(self.meeting, self.items, self.user),
            "seat": self.meeting.seat_of(self.user),
            "looks": pages.LOOKS,
            "course": self.course,
            **self._neighbours(),
        }

    def steps(self) -> dict[str, Any]:
        """Return what this person may do with the meeting."""
        runs = self.meeting.is_led_by(self.user)
        joinable = permissions.can_join_meeting(self.user, self.meeting)
        steps: dict[str, Any] = {"joinable": joinable and self.user.pk not in self.attended}
        if runs and self.meeting.is_ballot:
            steps["extend"] = permissions.can_extend_ballot(self.user, self.meeting)
            steps["end"] = permissions.can_end_ballot(self.user, self.meeting)
        elif runs:
            steps["start"] = permissions.can_start_meeting(self.user, self.meeting)
            steps["close"] = permissions.can_close_meeting(self.user, self.meeting)
            steps["unrecorded"] = self.unrecorded
            steps["move"] = permissions.can_move_meeting(self.user, self.meeting)
            steps["cancel"] = permissions.can_cancel_meeting(self.user, self.meeting)
        return steps

    @cached_property
    def unrecorded(self) -> list[AgendaItem]:
        """What could be recorded still, of a running meeting: the votes lead to an outcome.

        Only for whoever runs the meeting; the others are not told what leads.
        """
        if not (self.meeting.is_running and self.meeting.is_led_by(self.user)):
            return []
        return [item for item in self.items if item.is_open and queries.tally_of(item).is_decidable]

    def forms(self) -> dict[str, Any]:
        """Return the forms that this person may fill in, and why not where they may not."""
        item = self.item
        if item is None or not item.item.is_open:
            return self.taking_back()
        self.snapshot.tell(item.item)
        forms: dict[str, Any] = {"vote": item.vote_decision, "record": item.outcome_decision}
        if item.vote_decision or item.outcome_decision:
            item.consequences = self.snapshot.consequences
        if item.vote_decision:
            forms |= {"vote_form": item.vote_form(), "recuse_form": item.recuse_form()}
        if item.outcome_decision:
            forms["outcome_form"] = item.outcome_form()
        return forms

    def taking_back(self) -> dict[str, Any]:
        """Return the form with which an outcome is put right, for whoever may now."""
        page = self.item
        if page is not None and page.take_back:
            return {"take_back_form": page.take_back_form()}
        if page is not None and page.reconsider:
            return {"reconsider_form": page.reconsider_form()}
        return {}

    def agenda_forms(self) -> dict[str, Any]:
        """What the chair may do to the item's place on the agenda, and a member to the batch."""
        page = self.item
        if page is None or not page.item.is_open:
            return {}
        forms: dict[str, Any] = {}
        if permissions.can_plan_item(self.user, page.item):
            forms |= {"plan_form": page.plan_form(), "plan_token": plan_token(page.item)}
        if permissions.can_defer_item(self.user, page.item):
            forms["defer_form"] = page.defer_form()
        if permissions.can_pull_from_consent(self.user, page.item):
            forms["pull_form"] = page.pull_form()
        return forms

    def _neighbours(self) -> dict[str, Any]:
        if self.chosen is None:
            return {}
        place = self.items.index(self.chosen)
        return {
            "place": place + 1,
            "previous": self.items[place - 1] if place else None,
            "following": self.items[place + 1] if place + 1 < len(self.items) else None,
        }
