"""What becomes of the fields of changes that name a person who has left (`accounts.leaving`)."""

from django.db.models import QuerySet
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from accounts.leaving import Place, Then, Unfinished, also, also_said, enter, stays
from accounts.models import User

from . import lifecycle, queries, unheld
from .many import handing_over
from .models import Change, Execution, PostAction, Question, RuleApprover, SavedView
from .models.post_review import OPEN_POST_ACTION
from .saved_views import NOT_SHARED
from .states import OPEN, State


def _asked_for(person: User) -> QuerySet[Change]:
    return person.requested_changes.filter(state__in=OPEN)


def _to_execute(person: User) -> QuerySet[Execution]:
    waits = Execution.objects.filter(executor=person, change__state=State.EXECUTION)
    return waits.filter(finished_at=None)


def _to_answer(person: User) -> QuerySet[Question]:
    asked = Question.objects.filter(answerer=person, answered_at=None, change__state__in=OPEN)
    return asked.filter(decision__taken_back_at=None)


def _approves_by(person: User) -> QuerySet[RuleApprover]:
    return person.approves_by.filter(rule__ended_at=None)


def _shared_views(person: User) -> QuerySet[SavedView]:
    return person.saved_views.exclude(NOT_SHARED)


def _post_actions(person: User) -> QuerySet[PostAction]:
    return person.post_actions.filter(OPEN_POST_ACTION)


def _history_of_views(person: User) -> str:
    asked = {"type": SavedView._meta.label_lower, "person": person.email}
    return f"{reverse('audit:history')}?{urlencode(asked)}"


def _hand_over_requests(person: User, successor: User, actor: User, reason: str) -> str:
    if not lifecycle.open_changes_of(person, person.organisation).exists():
        return ""
    run = handing_over.requests(person, successor=successor, actor=actor, reason=reason)
    return run.get_absolute_url() if run else ""


def _hand_over_ownership(person: User, successor: User, actor: User, reason: str) -> str:
    run = handing_over.ownership(person, successor=successor, actor=actor, reason=reason)
    return run.get_absolute_url() if run else ""


def _list_of(field: str) -> str:
    return f"{reverse('changes:list')}?view=open&{field}="


WAITING = (
    Place(
        "changes.Change.owner",
        Then.WAITS,
        Unfinished(
            rows=queries.owned_by,
            says=lambda number: ngettext(
                "owns %(number)d open change", "owns %(number)d open changes", number
            ),
            url=lambda person: f"{_list_of('owner')}{person.pk}",
            goes_on=_("Each falls to its customer success team until it has another owner."),
            pass_on=_hand_over_ownership,
        ),
    ),
    Place(
        "changes.Change.requester",
        Then.WAITS,
        Unfinished(
            rows=_asked_for,
            says=lambda number: ngettext(
                "asked for %(number)d open change",
                "asked for %(number)d open changes",
                number,
            ),
            url=lambda person: (
                reverse("changes:hand_over", args=[person.pk])
                if person.organisation_id
                else f"{_list_of('requester')}{person.pk}"
            ),
            goes_on=_("Its customer success team names another requester."),
            pass_on=_hand_over_requests,
            # For one of our own who asks for a customer, only its team can name another.
            can_pass=lambda person: person.organisation is not None,
        ),
    ),
    Place(
        "changes.Execution.executor",
        Then.WAITS,
        Unfinished(
            rows=_to_execute,
            says=lambda number: ngettext(
                "is to execute %(number)d change", "is to execute %(number)d changes", number
            ),
            url=lambda person: f"{_list_of('state')}{State.EXECUTION}",
            goes_on=_("The customer success team plans it anew or ends what has begun."),
        ),
    ),
    Place(
        "changes.Question.answerer",
        Then.WAITS,
        Unfinished(
            rows=_to_answer,
            says=lambda number: ngettext(
                "has %(number)d question to answer",
                "has %(number)d questions to answer",
                number,
            ),
            url=lambda person: f"{_list_of('state')}{State.INFORMATION_REQUIRED}",
            goes_on=_("Its customer success team answers, or passes an answer on."),
        ),
    ),
    Place(
        "changes.PostAction.owner",
        Then.WAITS,
        Unfinished(
            rows=_post_actions,
            says=lambda number: ngettext(
                "has %(number)d open action of a review",
                "has %(number)d open actions of reviews",
                number,
            ),
            url=lambda person: f"{reverse('changes:post_reviews')}?show=actions&owner={person.pk}",
            goes_on=_("Whoever looks after the change does it, or gives it to somebody else."),
            pass_on=lifecycle.hand_over_post_actions,
        ),
    ),
    Place(
        "changes.SavedView.owner",
        Then.WAITS,
        Unfinished(
            rows=_shared_views,
            says=lambda number: ngettext(
                "shares %(number)d saved view", "shares %(number)d saved views", number
            ),
            url=_history_of_views,
            goes_on=_("Whoever it is shared with can take it over."),
        ),
    ),
    Place(
        "changes.RuleApprover.person",
        Then.WAITS,
        Unfinished(
            rows=_approves_by,
            says=lambda number: ngettext(
                "approves by %(number)d approval rule",
                "approves by %(number)d approval rules",
                number,
            ),
            url=lambda person: reverse("changes:approval_rules"),
            goes_on=_("The others whom it names approve; an administrator names somebody else."),
        ),
    ),
)
"""What somebody else has to go on with."""

OTHERS = (
    Place("changes.FirstView.person", Then.ENDS),
    Place("changes.ListColumns.person", Then.ENDS),
    Place("changes.Change.watchers", Then.ENDS),
    Place("changes.Mute.person", Then.ENDS),
    Place("changes.AccessLink.person", Then.ENDS),
    Place("changes.Notice.person", Then.ENDS),
    Place("changes.SentForm.person", Then.STAYS),
    *stays("changes.Change", "raised_by"),
    *stays("changes.Question", "answered_by"),
    *stays("changes.RiskAssessment", "recorded_by signed_by"),
    *stays("changes.Development", "recorded_by authors"),
    *stays("changes.Confirmation", "answered_by"),
    *stays("changes.BoardDecision", "taken_back_by"),
    *stays("changes.ContactAttempt", "by"),
    *stays("changes.Comment", "author"),
    *stays("changes.Attachment", "uploaded_by"),
    *stays("changes.ChangeLink", "created_by"),
    *stays("changes.ApprovalRule", "created_by"),
    *stays("changes.Label", "created_by"),
    *stays("changes.ChangeLabel", "put_by"),
    *stays("changes.ChecklistItem", "ticked_by"),
    *stays("changes.ChangeTemplate", "created_by updated_by"),
    *stays("changes.StandardApproval", "proposed_by decided_by ended_by"),
    *stays("changes.Event", "actor"),
    *stays("changes.PostReview", "recorded_by"),
    *stays("changes.PostAction", "recorded_by done_by"),
    *stays("changes.ImportRun", "started_by"),
    *stays("changes.ManyRun", "person"),
    *stays("changes.UntoldMove", "by"),
    *stays("changes.PromisesTold", "person"),
    *stays("changes.IncomingMail", "person handled_by"),
    *stays("changes.ProposedAnswer", "decided_by"),
    *stays("changes.DeliveryProblem", "person resolved_by"),
    *(
        place
        for model in (
            "Assessment BoardDecision Requirements PeerReview StagingTest Deployment Review "
            "Authorisation Execution Documentation WindowOverride"
        ).split()
        for place in stays(f"changes.{model}", "recorded_by")
    ),
)
"""What ends with the person, and what stays as it is."""


def provide() -> None:
    """Enter the places of this app, and the parts that only this person holds."""
    also(unheld.left_by)
    also_said(unheld.said_of)
    enter(*WAITING, *OTHERS)
