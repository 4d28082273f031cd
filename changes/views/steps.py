"""The page of one step: what all of them share.

A step's view is a function named as its verb, with ``@step``; it gets a ``StepPage`` and
answers with ``page.respond(Form, lifecycle.verb, ...)``. GET shows the form with what one must
know to fill it in, POST takes the step; rules, refusals and conflicts are handled here:

- another organisation's change: 404
- a step that is not this person's: 403 with the reason
- a step that does not belong here, or a page that has become stale: 409, with what happened
- missing or impossible input: 400 beside the field

In every one of these cases nothing has changed and whatever was typed is shown again.
"""

from collections.abc import Callable
from functools import wraps
from http import HTTPStatus
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import BadRequest
from django.db import transaction
from django.forms import Form
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from accounts.models import User
from expansive_cm.texts import Text
from expansive_cm.workflow.decisions import ALLOWED, Decision, Refusal
from expansive_cm.workflow.errors import (
    ChangeStale,
    StepError,
    StepForbidden,
    StepIllegal,
    StepIncomplete,
)

from .. import attachments, permissions, plain, planning, story
from ..forms.base import StepForm
from ..lifecycle.core import what_happened
from ..models import Change
from ..process import STEP, UNVERSIONED
from ..turns import TURNS, next_step
from ..worklist import Onward, onward
from . import discussion, sections
from .access import SignedInRequest, View
from .checklist import BESIDE, checklist_for
from .once import detail_of, sent_once

UNSHOWN = ("beside", "done", "onward")
PLANS = {
    "plan_execution": "window_start",
    "plan_deployment": "release",
    "assign_release": "release",
}
"""Steps whose form holds a plan, with the field beside which it is said what is in its way."""
WAITED_FOR = frozenset(turn.verb for turn in TURNS)
"""Steps of which the next one may be offered: the others wait for nobody."""
Act = Callable[..., Any]

VIEWS: dict[str, View] = {}
"""Every step's view by its verb, from which the addresses are made."""


def change_or_404(request: SignedInRequest, pk: int, *, with_talk: bool = False) -> Change:
    """Return the change with its story; one that is not this person's does not exist."""
    try:
        return story.load(request.user, pk, with_talk=with_talk)
    except Change.DoesNotExist:
        raise Http404 from None


def step(view: Callable[["StepPage"], HttpResponse]) -> View:
    """Make a view of a function that is named as a step of the process."""

    @wraps(view)
    def step_view(request: SignedInRequest, pk: int) -> HttpResponse:
        return view(StepPage(request, change_or_404(request, pk), view.__name__))

    # What makes no open page stale would be taken again by the same form.
    guarded = sent_once(detail_of)(step_view) if view.__name__ in UNVERSIONED else step_view
    found = login_required(require_http_methods(["GET", "HEAD", "POST"])(guarded))
    VIEWS[view.__name__] = found
    return found


class StepPage:
    """One person's page of one step on one change."""

    def __init__(self, request: SignedInRequest, change: Change, verb: str) -> None:
        self.request = request
        self.change = change
        self.verb = verb
        self.info = STEP[verb]

    @property
    def user(self) -> User:
        return self.request.user

    @property
    def is_post(self) -> bool:
        return self.request.method == "POST"

    @property
    def goes_further(self) -> bool:
        """Whether the form was sent by its second button."""
        return self.is_post and self.request.POST.get("further") == "yes"

    def respond(
        self,
        form_class: type[StepForm],
        act: Act,
        *,
        done: Text,
        beside: tuple[str, ...] = (),
        show_gate: bool = False,
        onward: Callable[[Change], str] | None = None,
        further: tuple[Act, Text] | None = None,
        **context: Any,
    ) -> HttpResponse:
        """Show the form, or take the step and go to the change's page.

        ``done`` says what has happened, to which the next step is added. ``beside`` names the
        sections of records to show next to the form. With ``show_gate`` the page is shown even
        while its gate objects, so that it can show what is missing. ``onward`` may name another
        page to go to, from what the step returned. ``further`` is what the form's second button
        does instead of ``act``, and what has happened then. Where the form holds a plan (PLANS),
        what is in its way is shown as it is typed, and what was not shown yet before it is saved.
        """
        plans = self.verb in PLANS
        context |= {"done": done, "beside": beside, "onward": onward, "plans": plans}
        decision = permissions.check(self.verb, self.user, self.change)
        gated = show_gate and decision.kind == Refusal.GATE
        if not self.is_post:
            return self._begin(form_class, context, decision, gated=gated)
        seen = self._seen()
        form = self._form(form_class, self.request.POST, self.request.FILES)
        if decision.kind in (Refusal.PERSON, Refusal.SEPARATION):
            return self._refuse(decision, form)
        if plans:
            context["conflicts"] = self._in_the_way(form)
        if seen != self.change.version:
            return self._conflict(ChangeStale(what_happened(self.change, self.user)), form, context)
        if not decision:
            return self._refuse(decision, form)
        if form.only_asks:
            form.say_nothing_yet()
            return self._show(form, context)
        if not form.is_valid():
            return self._show(form, context, status=HTTPStatus.BAD_REQUEST)
        if plans and self._is_unread(context["conflicts"]):
            words = _("Read what is in the way, and save it again if it is to be so all the same.")
            form.add_error(PLANS[self.verb], words)
            return self._show(form, context, status=HTTPStatus.BAD_REQUEST)
        if further and form.goes_further:
            act, context["done"] = further
        return self._take(act, form, seen, context)

    def _begin(
        self,
        form_class: type[StepForm],
        context: dict[str, Any],
        decision: Decision,
        *,
        gated: bool,
    ) -> HttpResponse:
        """Show the form as it begins, or what is in the way of the plan that is typed in it."""
        if not (decision or gated):
            return self._refuse(decision)
        if context["plans"] and self._asks_for_a_part:
            typed = {"conflicts": self._in_the_way(self._form(form_class, self.request.GET))}
            return render(self.request, "changes/partials/plan_conflicts.html", typed)
        form = self._form(form_class)
        if context["plans"]:
            context["conflicts"] = self._in_the_way(form)
        return self._show(form, context, decision=decision)

    @property
    def _asks_for_a_part(self) -> bool:
        htmx = self.request.htmx
        return bool(htmx) and not htmx.boosted and not htmx.history_restore_request

    def _in_the_way(self, form: Any) -> planning.InTheWay:
        """Return what is in the way of the plan that a form holds."""
        return planning.in_the_way_of(self.user, self.change, form.planned())

    def _is_unread(self, found: planning.InTheWay) -> bool:
        """Whether a plan has something in its way that its page did not show.

        What stops it the step itself refuses, with its own words.
        """
        stopped = found.stops and self.verb != "assign_release"
        return bool(found.key) and not stopped and self.request.POST.get("read") != found.key

    def _form(self, form_class: type[StepForm], data: Any = None, files: Any = None) -> StepForm:
        return form_class(data, files, change=self.change, user=self.user)

    def _seen(self) -> int:
        try:
            return int(self.request.POST["seen"])
        except (KeyError, ValueError):
            raise BadRequest("seen") from None

    def _take(self, act: Act, form: StepForm, seen: int, context: dict[str, Any]) -> HttpResponse:
        try:
            with transaction.atomic():
                result = act(self.change, actor=self.user, seen=seen, **form.arguments())
                if files := form.chosen_files:
                    attachments.keep(self.change, files, actor=self.user, internal=True)
        except StepIncomplete as error:
            beside_fields = form.take_error(error)
            status = HTTPStatus.BAD_REQUEST if beside_fields else HTTPStatus(error.status)
            return self._show(form, context, status=status)
        except (ChangeStale, StepIllegal) as error:
            self.change = change_or_404(self.request, self.change.pk)
            return self._conflict(error, form, context)
        except StepForbidden as error:
            return self._refused(error, form)
        changed = result if isinstance(result, Change) else Change.objects.get(pk=self.change.pk)
        after = onward(self.user, done=self.verb, besides=changed)
        goes_on = self._wants_the_next and self._is_same(after)
        self._say(context["done"], changed, None if goes_on else after)
        elsewhere = context["onward"](result) if context["onward"] else ""
        if after is not None and goes_on:
            elsewhere = after.task.url
        return redirect(elsewhere or reverse("changes:detail", args=[self.change.pk]))

    @property
    def _wants_the_next(self) -> bool:
        """Whether it was sent by the button that leads to the same step of another change.

        Where a button says what is decided, the address that it is sent to says this.
        """
        return "yes" in (self.request.POST.get("next"), self.request.GET.get("next"))

    def leads_to(self, verb: str) -> Callable[[Any], str]:
        """Return what leads to another step of the change, where it is this person's by then.

        So whoever does several steps of a change goes from form to form.
        """

        def lead(_result: Any) -> str:
            change = change_or_404(self.request, self.change.pk)
            is_theirs = permissions.check(verb, self.user, change)
            return reverse(f"changes:{verb}", args=[change.pk]) if is_theirs else ""

        return lead

    def _is_same(self, after: Onward | None) -> bool:
        """Whether what waits next for this person is the same step on another change."""
        return after is not None and after.turn.verb == self.verb

    def _say(self, done: Text, changed: Change, after: Onward | None) -> None:
        sentence = str(done) % {"reference": changed.reference}
        if permissions.can_see_internal(self.user):
            words = {"done": sentence, "next": next_step(changed, self.user).told(self.user)}
            both = _("%(done)s %(next)s") if changed.is_final else _("%(done)s Next: %(next)s")
            sentence = both % words
        else:
            told = plain.status_of(changed, self.user, plain.board_date_of(changed))
            sentence = f"{sentence} {told.now}"
        if changed.pk != self.change.pk:
            sentence = format_html(
                '{} <a class="alert-link" href="{}">{}</a>',
                sentence,
                changed.get_absolute_url(),
                _("Open %s") % changed.reference,
            )
        if after is not None:
            sentence = format_html(
                '{} <a class="alert-link d-block mt-1" data-onward href="{}">{}</a>',
                sentence,
                after.task.url,
                after.words,
            )
        messages.success(self.request, sentence)

    # What is answered

    def _context(self, form: Form | None, **more: Any) -> dict[str, Any]:
        return {
            "change": self.change,
            "step": self.info,
            "form": form,
            "detail_url": reverse("changes:detail", args=[self.change.pk]),
            **more,
        }

    def _show(
        self,
        form: StepForm,
        context: dict[str, Any],
        *,
        status: HTTPStatus = HTTPStatus.OK,
        decision: Decision = ALLOWED,
        happened: str = "",
    ) -> HttpResponse:
        beside = context.get("beside", ())
        waits = decision and self.verb in WAITED_FOR
        after = onward(self.user, done=self.verb, besides=self.change) if waits else None
        shown = self._context(
            form,
            decision=decision,
            happened=happened,
            sections=self._sections(beside),
            next_step=next_step(self.change),
            after=after if self._is_same(after) else None,
            checklist=checklist_for(self.user, self.change) if self.verb in BESIDE else None,
            lost_files=bool(self.request.FILES),
            files=discussion.readable_files(self.user, self.change),
            **{name: value for name, value in context.items() if name not in UNSHOWN},
        )
        return render(self.request, f"changes/{self.verb}.html", shown, status=status)

    def _sections(self, beside: tuple[str, ...]) -> list[sections.Section]:
        if not beside:
            return []
        return sections.newest_first(sections.sections(self.change, self.user, *beside))

    def _conflict(self, error: StepError, form: StepForm, context: dict[str, Any]) -> HttpResponse:
        """Somebody was faster: offer the same words on the change as it is now, if that can be."""
        decision = permissions.check(self.verb, self.user, self.change)
        if decision:
            form.say_nothing_yet()
            return self._show(form, context, status=HTTPStatus.CONFLICT, happened=str(error))
        return self._refused(error, form)

    def _refuse(self, decision: Decision, form: StepForm | None = None) -> HttpResponse:
        persons = (Refusal.PERSON, Refusal.SEPARATION)
        kind = StepForbidden if decision.kind in persons else StepIllegal
        return self._refused(kind(decision.reason), form)

    def _refused(self, error: StepError, form: StepForm | None) -> HttpResponse:
        latest = ""
        if error.status == HTTPStatus.CONFLICT and not isinstance(error, ChangeStale):
            latest = what_happened(self.change, self.user)
        context = self._context(
            None,
            sentence=str(error),
            latest=latest,
            typed=form.typed() if form else [],
            status_forbidden=error.status == HTTPStatus.FORBIDDEN,
        )
        return render(self.request, "changes/step_refused.html", context, status=error.status)
