"""The steps of a plan, ticked one after the other while it is being executed."""

from typing import Any

from django.core.exceptions import BadRequest
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST

from expansive_cm.numbers import whole_number

from .. import lifecycle, permissions
from ..models import Execution
from .access import SignedInRequest, insist, signed_in, visible_or_404


@signed_in
@require_POST
def tick_step(request: SignedInRequest, pk: int) -> HttpResponse:
    """Tick a step as done or take the tick back; in the background, show the steps anew."""
    change = visible_or_404(request.user, pk)
    insist(permissions.can_record_execution(request.user, change))
    number = whole_number(request.POST.get("number", ""))
    done = request.POST.get("done", "")
    if number is None or done not in ("yes", "no"):
        raise BadRequest("number")
    execution = lifecycle.tick_step(change, actor=request.user, number=number, done=done == "yes")
    if not request.htmx:
        there = reverse("changes:record_execution", args=[change.pk])
        return redirect(f"{there}#step-{number}")
    context = {"change": change, **steps_context(execution)}
    return render(request, "changes/partials/plan_steps.html", context)


def steps_context(execution: Execution | None) -> dict[str, Any]:
    """Return what ``changes/partials/plan_steps.html`` shows: each step with its number."""
    if execution is None:
        return {"plan_steps": []}
    ticked = set(execution.ticked or ())
    steps = enumerate(execution.steps_planned, 1)
    return {
        "plan_steps": [(number, text, number in ticked) for number, text in steps],
        "steps_done": len(ticked),
        "steps_beyond": execution.steps_beyond,
        "rollback_plan": execution.rollback_plan,
    }
