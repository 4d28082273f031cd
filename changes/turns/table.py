"""Whose turn it is: for each state and situation the step that is next, and who takes it.

The one table. The card on a change's page, what waits for a person, the mail "your turn" and the
words after a step all read it; ``permissions`` uses the same groups. A test goes through every
situation and person and holds all of them together, and that whoever is told may act.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from accounts.standing import Anybody
from expansive_cm.texts import Text

from ..models import Change
from ..process import STEP
from ..states import OPEN, State
from . import groups, narrower, words
from . import situations as so
from .group import Group
from .situations import ALWAYS, Situation
from .words import Words

S = State


@dataclass(frozen=True)
class Turn:
    """A step that waits for a group of people: when, what it is called, and where it is done.

    ``says`` gives the words of the card where this is what happens next with the change; where it
    is None the step waits beside that. ``is_mailed``: those whose turn it is are told by mail
    when it comes to them; where it is not, another message does, or they know.
    """

    verb: str
    states: tuple[State, ...]
    group: Group
    when: Situation = ALWAYS
    says: Callable[[Change], Words] | None = None
    is_mailed: bool = False
    is_listed: bool = True
    """Whether it stands among what waits for a person; one's own drafts have a page."""
    tells: Callable[[Change], Iterable[User]] | None = None
    """Who of them is told by mail, where it is not all of them."""
    own_label: Text = ""
    own_url_name: str = ""
    list_name: str = ""
    """The page that lists all of it, where the list of changes by state does not do."""

    @property
    def label(self) -> Text:
        """What the step is called where it waits for somebody."""
        return self.own_label or STEP[self.verb].label

    @property
    def url_name(self) -> str:
        """The name of the address where it is done."""
        return self.own_url_name or f"changes:{self.verb}"

    def has_come(self, change: Change) -> bool:
        """Whether the change waits for this step; reads what ``with_story`` loads."""
        return change.state in self.states and self.when.holds(change)

    def told(self, change: Change) -> Iterable[User]:
        """Return who is told by mail; costs a query."""
        return self.tells(change) if self.tells else self.group.told(change)

    def changes(self, user: User | Anybody, now: narrower.Moment | None = None) -> Q | None:
        """Return the condition for changes on which it is this person's turn; None if never.

        No part of it reads the clock: ``now`` is the moment, or stands for it in a statement.
        """
        theirs = self.group.changes(user)
        if theirs is None:
            return None
        left = narrower.waits_for(self.verb, user, now or timezone.now())
        return Q(state__in=self.states) & theirs & self.when.changes() & left


TURNS: tuple[Turn, ...] = (
    Turn(
        "replace_requester",
        (S.CONFIRMATION,),
        groups.UNCLAIMED_TEAM,
        so.REQUESTER_LEFT,
        words.without_requester,
        own_label=_("Name another requester: they have left"),
    ),
    Turn(
        "answer_confirmation",
        (S.CONFIRMATION,),
        groups.REQUESTER,
        ~so.REQUESTER_LEFT,
        words.confirmation,
        own_label=_("Confirm the result"),
    ),
    Turn(
        "answer_question",
        (S.INFORMATION_REQUIRED,),
        groups.ASKED,
        says=words.information,
    ),
    Turn(
        "answer_question",
        (S.INFORMATION_REQUIRED,),
        groups.UNCLAIMED_TEAM,
        so.SOMEBODY_ASKED_LEFT,
        own_label=_("Answer for somebody who has left"),
    ),
    Turn(
        "authorise",
        (S.AUTHORISATION,),
        groups.APPROVERS,
        says=words.authorisation,
        is_mailed=True,
    ),
    Turn(
        "record_execution",
        (S.EXECUTION,),
        groups.EXECUTOR,
        so.RUNNING & ~so.EXECUTOR_LEFT,
        words.running,
    ),
    Turn(
        "start_execution",
        (S.EXECUTION,),
        groups.EXECUTOR,
        so.PLANNED & ~so.EXECUTOR_LEFT,
        words.planned,
        is_mailed=True,
    ),
    Turn("assess", (S.SUBMITTED,), groups.UNCLAIMED_TEAM, says=words.submitted, is_mailed=True),
    Turn("review", (S.REVIEW,), groups.UNCLAIMED_TEAM, says=words.review, is_mailed=True),
    Turn(
        "plan_execution",
        (S.EXECUTION,),
        groups.UNCLAIMED_TEAM,
        so.UNPLANNED,
        words.to_plan,
        is_mailed=True,
    ),
    Turn(
        "plan_execution",
        (S.ROLLED_BACK,),
        groups.UNCLAIMED_TEAM,
        ~so.AS_STANDARD,
        words.rolled_back,
        is_mailed=True,
        own_label=_("Plan again or close"),
    ),
    Turn(
        "ask_authorisation",
        (S.ROLLED_BACK,),
        groups.UNCLAIMED_TEAM,
        so.AS_STANDARD,
        words.standard_rolled_back,
        is_mailed=True,
        own_label=_("Have it authorised or close"),
    ),
    Turn("close_rolled_back", (S.ROLLED_BACK,), groups.OWNER_OUTSIDE_THE_TEAM),
    Turn(
        "record_execution",
        (S.EXECUTION,),
        groups.STAND_INS,
        so.RUNNING & so.EXECUTOR_LEFT,
        words.running,
    ),
    Turn(
        "plan_execution",
        (S.EXECUTION,),
        groups.UNCLAIMED_TEAM,
        so.PLANNED & so.EXECUTOR_LEFT,
        words.without_executor,
        own_label=_("Name another executor"),
    ),
    Turn(
        "document",
        (S.DOCUMENTATION,),
        groups.UNCLAIMED_TEAM,
        says=words.documentation,
        is_mailed=True,
    ),
    Turn(
        "rework",
        (S.NOT_CONFIRMED,),
        groups.RESPONSIBLE,
        says=words.not_confirmed,
        own_label=_("Rework or close"),
        own_url_name="changes:detail",
    ),
    Turn(
        "settle_delivery",
        tuple(state for state in State if state in OPEN),
        groups.RESPONSIBLE,
        so.MAIL_DID_NOT_ARRIVE,
        own_label=_("Settle mail that did not arrive"),
        own_url_name="changes:mail_log",
        list_name="changes:mail_problems",
    ),
    Turn("close_unanswered", (S.CONFIRMATION,), groups.RESPONSIBLE, so.SILENT_FOR_LONG),
    Turn(
        "record_board_outcome",
        (S.BOARD,),
        groups.BOARD_MEMBERS,
        says=words.board,
        own_label=_("Vote"),
        own_url_name="crb:board",
    ),
    Turn(
        "define_requirements",
        (S.REQUIREMENTS,),
        groups.DEVELOPERS,
        says=words.requirements,
        is_mailed=True,
    ),
    Turn(
        "sign_risk_assessment",
        (S.RISK_ASSESSMENT,),
        groups.RISK_SIGNERS,
        so.RISK_AWAITS_SIGNING,
        words.risk_to_sign,
        is_mailed=True,
    ),
    Turn(
        "assess_risk",
        (S.RISK_ASSESSMENT,),
        groups.DEVELOPERS,
        ~so.RISK_AWAITS_SIGNING,
        words.risk_to_assess,
        is_mailed=True,
    ),
    Turn(
        "peer_review",
        (S.DEVELOPMENT,),
        groups.PEER_REVIEWERS,
        so.UNREVIEWED,
        words.to_review,
        is_mailed=True,
    ),
    Turn(
        "record_development",
        (S.DEVELOPMENT,),
        groups.DEVELOPERS,
        ~so.UNREVIEWED,
        words.development,
        is_mailed=True,
        tells=groups.last_authors,
    ),
    Turn("record_test", (S.TESTING,), groups.TESTERS, says=words.testing, is_mailed=True),
    Turn(
        "record_deployment",
        (S.DEPLOYMENT,),
        groups.RELEASE_MANAGERS,
        so.DEPLOYMENT_RUNNING,
        words.deploying,
    ),
    Turn(
        "start_deployment",
        (S.DEPLOYMENT,),
        groups.RELEASE_MANAGERS,
        so.DEPLOYMENT_PLANNED,
        words.deployment_planned,
        is_mailed=True,
    ),
    Turn(
        "plan_deployment",
        (S.DEPLOYMENT,),
        groups.RELEASE_MANAGERS,
        so.DEPLOYMENT_UNPLANNED,
        words.to_deploy,
        is_mailed=True,
    ),
    Turn("submit", (S.DRAFT,), groups.RAISER, says=words.draft, is_listed=False),
)
"""In the order in which what waits for a person is shown: first what somebody else waits for."""
