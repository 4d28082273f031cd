"""What is done to many changes at once as their templates propose it, as it was shown."""

from collections.abc import Mapping
from datetime import datetime

from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.models import User
from expansive_cm.workflow.errors import ChangeStale, StepIncomplete

from .. import proposed_plan
from ..models import Change, ChangeTemplate
from .configuration import plan_execution
from .core import permitted


def insist_on_shown(template: ChangeTemplate, proposed: Mapping[str, int]) -> None:
    """Raise ChangeStale where a template is another one than was shown.

    ``proposed`` has the versions of the templates that were shown, by their keys.
    """
    if proposed.get(str(template.pk)) != template.version:
        words = _("The template “%s” is another than was shown. Look at it, and do it again.")
        raise ChangeStale(words % template)


def plan_as_proposed(
    change: Change,
    *,
    actor: User,
    proposed: Mapping[str, int],
    executor: User,
    window_start: datetime,
    window_end: datetime,
    seen: int | None = None,
) -> Change:
    """Plan the execution with the steps and the rollback plan that the change has or began with.

    They are those of ``proposed_plan.plan_of``. Raises StepIncomplete where the change is to be
    planned by itself or the window has passed, ChangeStale where its template is another one
    than was shown, and what ``plan_execution`` raises.
    """
    with permitted("plan_execution", change, actor=actor, seen=seen) as fresh:
        if why_not := proposed_plan.why_not_planned(fresh):
            raise StepIncomplete(why_not)
        if window_end <= timezone.now():  # the worker may have been away since it was asked for
            raise StepIncomplete(_("The window has passed already."), ["window_end"])
        if template := proposed_plan.template_of_plan(fresh):
            insist_on_shown(template, proposed)
        return plan_execution(
            fresh,
            actor=actor,
            executor=executor,
            window_start=window_start,
            window_end=window_end,
            seen=seen,
            **proposed_plan.plan_of(fresh),
        )
