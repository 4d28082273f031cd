"""The acts that can be taken on many changes at once, as one table.

Each is a single step's own: its permission, its form and its function of ``lifecycle``. Nothing
here decides anything about a change.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any, cast

from django.db.models import Q
from django.forms import Form
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.models import User
from accounts.roles import Role
from expansive_cm.texts import Text

from .. import lifecycle, permissions, proposed_plan, proposing, queries
from ..forms.assessment import AssessAsProposedForm, AssignForm
from ..forms.base import ConfirmForm, StepForm
from ..forms.code import DeployForm
from ..forms.configuration import (
    AuthoriseForm,
    DocumentManyForm,
    ExecuteForm,
    PlanManyForm,
    ReviewForm,
)
from ..forms.discussion import INTERNAL, PUBLIC, CommentForm, LinkForm
from ..forms.label import PutLabelForm
from ..forms.release import ReleaseOfManyForm
from ..models import Change, ChangeTemplate
from ..process import STEP
from .arguments import OTHER, Arguments, restored, with_moments

WITHOUT_VERSION = frozenset(
    {"comment", "link", "label", "watch", "unwatch", "own_instead", "ask_instead"}
)
"""Acts beside the process, and hand-overs, which no open page makes stale."""


@dataclass(frozen=True)
class Act:
    """One act: ``verb`` names its permission, ``does`` its function."""

    name: str
    verb: str
    label: Text
    icon: str
    does: Callable[..., Any]
    form: Callable[..., Form]
    may_ever: Callable[[User], bool]
    arguments: Callable[[User, Form], Arguments]
    idle: Callable[[User, Change], str] = lambda user, change: ""
    """Why it would do nothing there, "" where it does something."""
    for_customers: bool = False
    """Whether a customer's people take it too."""
    button: Text = ""
    """What sends the form says, where that is not the label: an outcome may be a refusal."""
    asks_story: bool = False
    """Whether its permission asks for what was done to the change before."""
    loads: tuple[str, ...] = ()
    """What it reads of each change besides."""
    proposes: Callable[[Change], ChangeTemplate | None] | None = None
    """After which template it is taken, where that is shown before."""
    waits: tuple[str, ...] = ()
    """Steps that wait on Home and are taken by it, where that is not the one of its name."""
    needs: Q = field(default_factory=Q)
    """What it needs of a change on which its step waits: asked before the oldest are taken."""
    is_chosen: bool = True
    """Whether it is chosen in the list; a hand-over has a page of its own."""

    @property
    def has_version(self) -> bool:
        """Whether it is refused on a change that has moved on since it was seen."""
        return self.name not in WITHOUT_VERSION

    def why_not(self, user: User, change: Change) -> str:
        """Return why this person does not do it there, "" where they may."""
        decision = permissions.check(self.verb, user, change)
        if decision:
            return self.idle(user, change)
        return decision.reason

    def take(self, user: User, change: Change, seen: int | None, kept: Arguments) -> None:
        """Take the act as the single step does. Raises what that raises."""
        version = {"seen": seen} if self.has_version else {}
        self.does(change, actor=user, **version, **restored(kept))


# --- Forms and what they ask for ------------------------------------------------------------


def _form_of_step(form: type[StepForm]) -> Callable[..., Form]:
    return lambda *data, user, initial=None: form(
        *data, change=Change(), user=user, initial=initial
    )


def _form_of_plan(*data: Any, user: User, initial: Arguments | None = None) -> Form:
    return PlanManyForm(*data, change=Change(), user=user, initial=with_moments(initial or {}))


def _form_of_comment(*data: Any, user: User, initial: Arguments | None = None) -> Form:
    initial = dict(initial or {})
    if "internal" in initial:
        initial["audience"] = INTERNAL if initial["internal"] else PUBLIC
    return CommentForm(*data, user=user, initial=initial)


def _form_of_link(*data: Any, user: User, initial: Arguments | None = None) -> Form:
    initial = dict(initial or {})
    if OTHER in initial:
        other = queries.visible_to(user).filter(pk=initial[OTHER]).first()
        initial["target"] = f"{other.reference} {other.title}" if other else ""
    form = LinkForm(*data, user=user, initial=initial)
    form.fields["kind"].label = _("These changes are")
    return form


def _all_of_step(user: User, form: Form) -> Arguments:
    return cast(StepForm, form).arguments()


def _themselves(user: User, form: Form) -> Arguments:
    return {"owner": user}


def _comment(user: User, form: Form) -> Arguments:
    return {name: form.cleaned_data[name] for name in ("body", "internal")}


def _link(user: User, form: Form) -> Arguments:
    return {OTHER: form.cleaned_data["target"], "kind": form.cleaned_data["kind"]}


def _form_of_label(*data: Any, user: User, initial: Arguments | None = None) -> Form:
    return PutLabelForm(*data, initial=initial)


# --- Who could ever, and where it would do nothing --------------------------------------------


def _works_for_customers(user: User) -> bool:
    """Whether they belong to support or to a customer success team."""
    return user.has_role(Role.SUPPORT) or _reviews(user)


def _assigns(user: User) -> bool:
    return _works_for_customers(user) or user.has_role(Role.ADMINISTRATOR)


def _reviews(user: User) -> bool:
    return user.has_role(Role.CUSTOMER_SUCCESS) and bool(user.team_ids)


def _approves(user: User) -> bool:
    return user.has_role(Role.APPROVER) and (user.is_internal or bool(user.approves_for_ids))


def _deploys(user: User) -> bool:
    return user.has_role(Role.RELEASE_MANAGER)


def _takes_part(user: User) -> bool:
    return user.is_internal and bool(user.roles - {Role.AUDITOR, Role.ADMINISTRATOR})


def _unproposed(user: User, change: Change) -> str:
    return proposing.why_not_assessed(change)


def _unplanned(user: User, change: Change) -> str:
    return proposed_plan.why_not_planned(change)


def _owned(user: User, change: Change) -> str:
    return _("You own it already.") if change.owner_id == user.pk else ""


def _watches(user: User, change: Change) -> bool:
    return any(one.pk == user.pk for one in change.watchers.all())


def _watched(user: User, change: Change) -> str:
    return _("You watch it already.") if _watches(user, change) else ""


def _unwatched(user: User, change: Change) -> str:
    return "" if _watches(user, change) else _("You do not watch it.")


ACTS: tuple[Act, ...] = (
    Act(
        "assess",
        "assess",
        STEP["assess"].label,
        STEP["assess"].icon,
        lifecycle.assess_as_proposed,
        _form_of_step(AssessAsProposedForm),
        _reviews,
        _all_of_step,
        idle=_unproposed,
        button=gettext_lazy("Record the assessments"),
        asks_story=True,
        loads=("template",),
        proposes=proposing.template_of,
        needs=Q(template__is_active=True),
    ),
    Act(
        "review",
        "review",
        STEP["review"].label,
        STEP["review"].icon,
        lifecycle.review,
        _form_of_step(ReviewForm),
        _reviews,
        _all_of_step,
        button=gettext_lazy("Record the review"),
        asks_story=True,
    ),
    Act(
        "authorise",
        "authorise",
        STEP["authorise"].label,
        STEP["authorise"].icon,
        lifecycle.authorise,
        _form_of_step(AuthoriseForm),
        _approves,
        _all_of_step,
        for_customers=True,
        button=gettext_lazy("Record the decision"),
        asks_story=True,
    ),
    Act(
        "plan_execution",
        "plan_execution",
        STEP["plan_execution"].label,
        STEP["plan_execution"].icon,
        lifecycle.plan_as_proposed,
        _form_of_plan,
        _reviews,
        _all_of_step,
        idle=_unplanned,
        button=gettext_lazy("Save the plans"),
        asks_story=True,
        loads=("template",),
        proposes=proposed_plan.template_of_plan,
    ),
    Act(
        "take",
        "assign",
        gettext_lazy("Take ownership"),
        "user-circle",
        lifecycle.assign,
        _form_of_step(ConfirmForm),
        _works_for_customers,
        _themselves,
        idle=_owned,
    ),
    Act(
        "assign",
        "assign",
        STEP["assign"].label,
        STEP["assign"].icon,
        lifecycle.assign,
        _form_of_step(AssignForm),
        _assigns,
        _all_of_step,
    ),
    Act(
        "execute",
        "execute",
        gettext_lazy("Execute"),
        "checks",
        lifecycle.execute,
        _form_of_step(ExecuteForm),
        _works_for_customers,
        _all_of_step,
        button=gettext_lazy("Record that they are carried out"),
        asks_story=True,
        waits=("start_execution", "record_execution"),
    ),
    Act(
        "document",
        "document",
        STEP["document"].label,
        STEP["document"].icon,
        lifecycle.document,
        _form_of_step(DocumentManyForm),
        _reviews,
        _all_of_step,
        button=gettext_lazy("Document and ask the requesters"),
        asks_story=True,
    ),
    Act(
        "deploy",
        "deploy",
        gettext_lazy("Deploy"),
        "rocket",
        lifecycle.deploy,
        _form_of_step(DeployForm),
        _deploys,
        _all_of_step,
        button=gettext_lazy("Record that they are in place"),
        asks_story=True,
        waits=("start_deployment", "record_deployment"),
    ),
    Act(
        "assign_release",
        "assign_release",
        STEP["assign_release"].label,
        STEP["assign_release"].icon,
        partial(lifecycle.assign_release, unread=True),
        _form_of_step(ReleaseOfManyForm),
        _deploys,
        _all_of_step,
        asks_story=True,
    ),
    Act(
        "comment",
        "comment",
        gettext_lazy("Comment"),
        "message",
        lifecycle.comment,
        _form_of_comment,
        _takes_part,
        _comment,
    ),
    Act(
        "link",
        "link",
        gettext_lazy("Link"),
        "link",
        lifecycle.link,
        _form_of_link,
        _takes_part,
        _link,
    ),
    Act(
        "label",
        "label",
        gettext_lazy("Label"),
        "tag",
        lifecycle.label,
        _form_of_label,
        _takes_part,
        lambda user, form: dict(form.cleaned_data),
    ),
    Act(
        "watch",
        "watch",
        gettext_lazy("Watch"),
        "eye",
        lifecycle.watch,
        _form_of_step(ConfirmForm),
        _takes_part,
        lambda user, form: {},
        idle=_watched,
    ),
    Act(
        "unwatch",
        "unwatch",
        gettext_lazy("Stop watching"),
        "eye-off",
        lifecycle.unwatch,
        _form_of_step(ConfirmForm),
        _takes_part,
        lambda user, form: {},
        idle=_unwatched,
    ),
)


def _hand_over(name: str, verb: str, label: Text, does: Callable[..., Any]) -> Act:
    return Act(
        name,
        verb,
        label,
        "users",
        does,
        _form_of_step(ConfirmForm),
        lambda user: False,
        lambda user, form: {},
        is_chosen=False,
    )


OWNERSHIP = _hand_over(
    "own_instead", "assign", gettext_lazy("Hand over ownership"), lifecycle.pass_ownership_on
)
REQUESTS = _hand_over(
    "ask_instead",
    "replace_requester",
    gettext_lazy("Hand over requests"),
    lifecycle.pass_request_on,
)
ACT: dict[str, Act] = {act.name: act for act in (*ACTS, OWNERSHIP, REQUESTS)}


def by_step(user: User) -> dict[str, Act]:
    """Return the acts that this person could ever take, by the steps that wait for it."""
    acts = acts_of(user)
    return {verb: act for act in acts for verb in act.waits or (act.name,)}


def acts_of(user: User) -> list[Act]:
    """Return the acts that this person could ever take: a customer's approvers authorise."""
    if not user.is_active:
        return []
    open_to = [act for act in ACTS if user.is_internal or act.for_customers]
    return [act for act in open_to if act.may_ever(user)]
