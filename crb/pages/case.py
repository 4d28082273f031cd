"""The whole case of one item, as one person reads it before voting."""

from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

from django.urls import reverse
from django.utils.http import urlencode

from accounts.models import User
from changes.models import Attachment, BoardDecision, Change, Question
from changes.views import sections
from changes.views.sections import Section
from expansive_cm.ui.markdown import render

from .. import permissions, queries
from ..models import AgendaItem, BoardOutcome
from ..states import ItemState

CONFLICTS_SHOWN = 5


@dataclass(frozen=True)
class Visit:
    """An earlier time that the change was before the board."""

    item: AgendaItem
    outcome: BoardOutcome | None
    is_corrected: bool = False

    @property
    def decision(self) -> BoardDecision | None:
        return self.outcome.decision if self.outcome else None


@dataclass(frozen=True)
class Answer:
    """A question of an earlier visit, and whether its answer came after the last visit."""

    question: Question
    is_new: bool


class Case:
    """What was asked for, how it was assessed, what stands in its way, what was said before.

    Needs the change's story (``changes.story.tell``) and its visits (``queries.agenda_of``).
    """

    def __init__(self, item: AgendaItem, user: User) -> None:
        self.item = item
        self.user = user
        self.change: Change = item.change

    @property
    def description(self) -> str:
        return render(self.change.description)

    @property
    def sections(self) -> list[Section]:
        """The assessment, with risk matrix and impact."""
        return sections.sections(self.change, self.user, "assessment")

    @property
    def notes(self) -> str:
        """The speaker notes, for those who may read them."""
        return self.item.notes if permissions.may_see_notes(self.user, self.item) else ""

    @cached_property
    def links(self) -> list[tuple[str, Change]]:
        return queries.links_of(self.change, self.user)

    @property
    def attachments(self) -> list[Attachment]:
        """All files: whoever sees the board sees internal ones too."""
        return list(self.change.attachments.all())

    # What else happens to the same services

    @cached_property
    def _found_conflicts(self) -> list[Change]:
        return queries.conflicts_of(self.change, self.user, CONFLICTS_SHOWN + 1)

    @property
    def conflicts(self) -> list[Change]:
        """Other open changes on the same services, a few of them."""
        return self._found_conflicts[:CONFLICTS_SHOWN]

    @property
    def has_more_conflicts(self) -> bool:
        return len(self._found_conflicts) > CONFLICTS_SHOWN

    @property
    def conflicts_url(self) -> str:
        """The list of all of them."""
        services = [service.pk for service in self.change.services.all()]
        query = urlencode({"view": "open", "service": services}, doseq=True)
        return f"{reverse('changes:list')}?{query}"

    # What was before the board

    @cached_property
    def visits(self) -> list[Visit]:
        """Earlier visits to the board that came to an end, the latest first."""
        earlier = [
            visit
            for visit in self.change.agenda_items.all()
            if visit.pk < self.item.pk and visit.state != ItemState.DROPPED
        ]
        earlier.sort(key=lambda visit: -visit.pk)
        outcomes = [getattr(visit, "outcome", None) for visit in self.change.agenda_items.all()]
        corrected = {one.decision.corrects_id for one in outcomes if one}
        return [
            Visit(visit, outcome, bool(outcome and outcome.decision_id in corrected))
            for visit in earlier
            for outcome in [getattr(visit, "outcome", None)]
        ]

    @property
    def answers(self) -> list[Answer]:
        """Questions of earlier visits with their answers, the latest visit's first.

        What was asked by mistake and taken back is none.
        """
        questions = sorted(self.change.questions.all(), key=lambda one: (-one.decision_id, one.pk))
        asked = [one for one in questions if one.decision.stands]
        earlier = [one for one in asked if one.decision_id != self._own_decision]
        return [Answer(one, self._is_new(one)) for one in earlier]

    @property
    def _own_decision(self) -> int | None:
        outcome = getattr(self.item, "outcome", None)
        return outcome.decision_id if outcome else None

    @property
    def _last_visit(self) -> datetime | None:
        return self.visits[0].item.settled_at if self.visits else None

    def _is_new(self, question: Question) -> bool:
        last = self._last_visit
        if not self.item.is_open or question.answered_at is None or last is None:
            return False
        return question.answered_at > last

    @property
    def count_new(self) -> int:
        """How many answers came since the board last had this change before it."""
        return sum(answer.is_new for answer in self.answers)
