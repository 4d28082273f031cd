"""One act on many changes: what was chosen, the act's own form, and what became of each."""

import re
import secrets
from dataclasses import dataclass
from http import HTTPStatus

from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import Prefetch
from django.forms import Form
from django.http import Http404, HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods, require_safe
from django_htmx.http import HttpResponseClientRefresh

from accounts.models import User
from expansive_cm.numbers import whole_number
from expansive_cm.workflow.errors import SentBefore

from .. import permissions, queries, way_back, worklist
from ..many import runs
from ..many.acts import ACT, Act, acts_of
from ..many.runs import MOST, Wanted
from ..models import Authorisation, Change, ChangeTemplate, ManyRow, ManyRun
from ..tasks import start_acts
from .access import SignedInRequest, signed_in

LARGEST_VERSION = 2**31 - 1
KEY = re.compile(r"[\w-]{1,40}", re.ASCII)
Outcome = ManyRow.Outcome


@dataclass(frozen=True)
class Chosen:
    """A change that somebody chose: whether they may do the act there, and at which version."""

    change: Change
    seen: int
    why_not: str
    ticked: bool

    @property
    def value(self) -> str:
        """What its box sends."""
        return f"{self.change.pk}:{self.seen}"


# --- Choosing, and the form ----------------------------------------------------------------


@signed_in
@require_http_methods(["GET", "HEAD", "POST"])
def act_on_many(request: SignedInRequest) -> HttpResponse:
    """Show the chosen changes with an act's form, or hand the act on them to the worker.

    Answers 400 where nothing or too much is chosen or something is missing, 404 where nothing of
    what was chosen exists for this person, 403 for an act that is never theirs.
    """
    acts = acts_of(request.user)
    if not acts:
        raise PermissionDenied(_("None of the acts on many changes is yours to do."))
    earlier = _earlier(request)
    data = request.POST if request.method == "POST" else request.GET
    act = _act(acts, data.get("act") or (earlier.act if earlier else ""))
    numbers = _numbers(data, earlier) or _waiting(request, act)
    if problem := _problem(len(numbers)):
        return _page(request, acts, act, [], None, problem=problem)
    changes = _changes(request.user, act, numbers)
    if not changes:
        raise Http404
    if request.method != "POST" or act is None:
        chosen = [_chosen(request.user, act, one, {}) for one in changes]
        form = act.form(user=request.user, initial=_initial(act, earlier)) if act else None
        return _page(request, acts, act, chosen, form, earlier=earlier)
    return _begin(request, acts, act, changes)


def _begin(
    request: SignedInRequest, acts: list[Act], act: Act, changes: list[Change]
) -> HttpResponse:
    ticked = _ticked(request.POST)
    chosen = [_chosen(request.user, act, one, ticked) for one in changes]
    form = act.form(request.POST, user=request.user)
    rows = [
        Wanted(one.change, one.seen, "" if one.ticked else one.why_not)
        for one in chosen
        if one.ticked or one.why_not
    ]
    problem = "" if any(one.ticked for one in chosen) else _("Tick at least one change.")
    if not form.is_valid() or problem:
        return _page(request, acts, act, chosen, form, problem=problem)
    arguments = act.arguments(request.user, form)
    try:
        with transaction.atomic():
            run = runs.begin(
                act,
                person=request.user,
                key=_key(request.POST) or _new_key(),
                arguments=arguments,
                rows=rows,
                back=way_back.kept_of(request.POST.get("back", "")),
            )
            transaction.on_commit(start_acts, robust=True)
    except SentBefore as before:
        run = before.made
        if not runs.is_same(run, act, arguments, rows):
            problem = _("This page was sent before, with something else in it. Send it again now.")
            return _page(request, acts, act, chosen, form, problem=problem, key=_new_key())
    return redirect(run)


def _key(data: QueryDict) -> str:
    """Return what the form is known by, if it is one that a page of ours had."""
    key = data.get("key", "")
    return key if KEY.fullmatch(key) else ""


def _new_key() -> str:
    return secrets.token_urlsafe(12)


def _act(acts: list[Act], name: str) -> Act | None:
    if not name:
        return None
    if name not in ACT or not ACT[name].is_chosen:
        raise Http404
    if ACT[name] not in acts:
        raise PermissionDenied(_("“%s” is never yours to do.") % ACT[name].label)
    return ACT[name]


def _earlier(request: SignedInRequest) -> ManyRun | None:
    """Return the person's own run of which what was not done is chosen again."""
    number = whole_number(request.GET.get("again", ""))
    if request.method == "POST" or number is None:
        return None
    return _own(request, number)


def _numbers(data: QueryDict, earlier: ManyRun | None) -> list[int]:
    """Return the keys of what was chosen, each once, in the order in which it was chosen."""
    found = [whole_number(text) for text in data.getlist("change")]
    if earlier is not None and not found:
        undone = (Outcome.REFUSED, Outcome.FAILED)
        found = list(earlier.rows.filter(outcome__in=undone).values_list("change", flat=True))
    return list(dict.fromkeys(number for number in found if number is not None))


def _waiting(request: SignedInRequest, act: Act | None) -> list[int]:
    """Return the changes on which a step waits for this person, the oldest of them, from Home.

    Where the act needs more than that, those come alone that have it, if there are any.
    """
    verb = request.GET.get("waiting", "")
    found = worklist.waiting_for(request.user, verb) if verb else []
    if act is not None and act.needs:
        fitting = Change.objects.filter(act.needs, pk__in=found)
        having = set(fitting.values_list("pk", flat=True))
        found = [pk for pk in found if pk in having] or found
    return found[:MOST]


def _problem(number: int) -> str:
    if number == 0:
        return _("Choose at least one change in the list.")
    if number > MOST:
        words = _("At most %(most)d changes at once: you chose %(number)d.")
        return words % {"most": MOST, "number": number}
    return ""


def _changes(user: User, act: Act | None, numbers: list[int]) -> list[Change]:
    """Return those that exist for this person, with what the act's permission asks of them.

    In a fixed number of queries, but for authorising what somebody assessed and reviewed alone.
    """
    visible = queries.visible_to(user)
    told = act is not None and act.asks_story
    rows = queries.with_story(visible) if told else queries.with_people(visible)
    rows = rows.select_related(*act.loads) if act and act.loads else rows
    if told:  # a plan may be what was approved with a standard change
        approved = Authorisation.objects.select_related("standard")
        rows = rows.prefetch_related(Prefetch("authorisations", approved))
    found = rows.prefetch_related("watchers").in_bulk(numbers)
    return [found[number] for number in numbers if number in found]


def _ticked(data: QueryDict) -> dict[int, int]:
    """Return the changes whose boxes were ticked, each with the version that was seen.

    What is no version, as it is larger than any can be, ticks nothing.
    """
    pairs = [text.partition(":") for text in data.getlist("row")]
    numbers = [(whole_number(pk), whole_number(seen)) for pk, _colon, seen in pairs]
    return {
        pk: seen
        for pk, seen in numbers
        if pk is not None and seen is not None and seen <= LARGEST_VERSION
    }


def _chosen(user: User, act: Act | None, change: Change, ticked: dict[int, int]) -> Chosen:
    why_not = act.why_not(user, change) if act else ""
    return Chosen(change, ticked.get(change.pk, change.version), why_not, change.pk in ticked)


def _proposed(act: Act | None, offered: list[Chosen]) -> list[ChangeTemplate]:
    """Return the templates after which the act is taken, each once, by name."""
    if act is None or act.proposes is None:
        return []
    found = {template for one in offered if (template := act.proposes(one.change))}
    return sorted(found, key=lambda one: one.name)


def _initial(act: Act, earlier: ManyRun | None) -> dict[str, object] | None:
    if earlier is None or earlier.act != act.name:
        return None
    # What was left empty is proposed anew.
    return {name: value for name, value in earlier.arguments.items() if value != ""}


def _page(
    request: SignedInRequest,
    acts: list[Act],
    act: Act | None,
    chosen: list[Chosen],
    form: Form | None,
    *,
    problem: str = "",
    earlier: ManyRun | None = None,
    key: str = "",
) -> HttpResponse:
    data = request.POST if request.method == "POST" else request.GET
    back = way_back.kept_of(data.get("back", "")) or (earlier.back if earlier else "")
    offered = [one for one in chosen if not one.why_not]
    bad = problem or (form is not None and form.is_bound)
    context = {
        "acts": acts,
        "act": act,
        "offered": offered,
        "proposed": _proposed(act, offered),
        "refused": [one for one in chosen if one.why_not],
        "all_ticked": not any(one.ticked for one in chosen),
        "form": form,
        "problem": problem,
        "key": key or _key(data) or _new_key(),
        "back": back,
        "way_back": way_back.page_with_list(back),
    }
    status = HTTPStatus.BAD_REQUEST if bad else HTTPStatus.OK
    return render(request, "changes/act_on_many.html", context, status=status)


# --- What becomes of it --------------------------------------------------------------------


@signed_in
@require_safe
def many_run(request: SignedInRequest, pk: int) -> HttpResponse:
    """Show whoever began it how far it is or, when it is over, what became of each change."""
    run = _own(request, pk)
    visible = queries.visible_to(request.user)
    rows = list(run.rows.select_related("change").filter(change__in=visible))
    by_outcome = {outcome: [row for row in rows if row.outcome == outcome] for outcome in Outcome}
    context = {
        "run": run,
        "act": ACT[run.act],
        "may_again": ACT[run.act] in acts_of(request.user),
        "done": by_outcome[Outcome.DONE],
        "refused": by_outcome[Outcome.REFUSED],
        "failed": by_outcome[Outcome.FAILED],
        "undone": by_outcome[Outcome.REFUSED] + by_outcome[Outcome.FAILED],
        "way_back": way_back.page_with_list(run.back),
        **_progress(run),
    }
    return render(request, "changes/many_run.html", context)


@signed_in
@require_safe
def many_progress(request: SignedInRequest, pk: int) -> HttpResponse:
    """The progress bar, fetched each second; at the end the page loads itself again."""
    run = _own(request, pk)
    if run.is_over:
        return HttpResponseClientRefresh()
    return render(request, "changes/many_progress.html", {"run": run, **_progress(run)})


def _own(request: SignedInRequest, pk: int) -> ManyRun:
    """Return a run of this person's, for as long as its act is one that they may take.

    Expansive's own people read theirs for as long as they are that, and whoever hands over.
    """
    mine = [act.name for act in acts_of(request.user)]
    run = get_object_or_404(ManyRun, pk=pk, person=request.user)
    theirs = run.act in mine or not ACT[run.act].is_chosen
    if not theirs and not permissions.can_see_internal(request.user):
        raise Http404
    return run


def _progress(run: ManyRun) -> dict[str, object]:
    outcomes = list(run.rows.values_list("outcome", flat=True))
    waiting = outcomes.count(Outcome.WAITING)
    words = ngettext("%d change", "%d changes", len(outcomes)) % len(outcomes)
    return {"total": len(outcomes), "total_words": words, "ready": len(outcomes) - waiting}
