"""With which steps and rollback plan a change is planned at once with others."""

from django.utils.translation import gettext as _

from . import standard
from .models import Change, ChangeTemplate
from .proposing import BLANK, template_of
from .states import State


def plan_of(change: Change) -> dict[str, str]:
    """Return the steps and the rollback plan, empty where nothing says them.

    They are those of the plan that it has, else as they were approved with a standard change,
    else those of its template.
    """
    if own := _own_plan(change):
        return own
    return standard.approved_plan(change) or _said_by(template_of(change))


def template_of_plan(change: Change) -> ChangeTemplate | None:
    """Return the template that says the plan of a change, None where something else does."""
    is_said = _own_plan(change) or standard.approved_plan(change)
    return None if is_said else template_of(change)


def why_not_planned(change: Change) -> str:
    """Say why a change is left to the page of its own plan; "" where it is planned with others.

    What went wrong once is looked at by itself, and so is what has blanks to fill in.
    """
    if change.state == State.ROLLED_BACK:
        return _("It was rolled back: see what went wrong, and plan it by itself.")
    if _own_plan(change):
        return ""
    plan = plan_of(change)
    if not plan:
        return _("It has no plan, and began with no template that is in use: plan it by itself.")
    if not all(words.strip() for words in plan.values()):
        return _("Its template does not say both steps and rollback plan: plan it by itself.")
    if any(BLANK in words for words in plan.values()):
        return _("Its steps or its rollback plan have blanks (…): plan it by itself.")
    return ""


def _own_plan(change: Change) -> dict[str, str]:
    plan = change.execution
    if plan is None or plan.finished_at:
        return {}
    return {name: getattr(plan, name) for name in ChangeTemplate.PLAN}


def _said_by(template: ChangeTemplate | None) -> dict[str, str]:
    return {name: getattr(template, name) for name in ChangeTemplate.PLAN} if template else {}
