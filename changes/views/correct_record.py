"""The pages on which the record of a finished execution or deployment is put right."""

from collections.abc import Callable
from http import HTTPStatus
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from expansive_cm.numbers import whole_number
from expansive_cm.sure import sure
from expansive_cm.workflow.errors import ChangeStale, StepIncomplete

from .. import lifecycle, permissions
from ..corrections import KINDS, Carried, finished, kind_of, state_of
from ..forms.correction import CorrectRecordForm, TakeBackRecordForm
from ..models import Change
from ..models.board import undo_time
from .access import SignedInRequest, insist, signed_in, visible_or_404
from .once import detail_of, sent_once
from .records import deployment, execution

SHOWN: dict[str, Callable[[Any, bool], Any]] = {"execution": execution, "deployment": deployment}
ACTS: dict[str, Callable[..., Carried]] = {
    "execution": lifecycle.correct_execution,
    "deployment": lifecycle.correct_deployment,
}

TAKES_BACK: dict[str, Callable[..., Change]] = {
    "execution": lifecycle.take_back_execution,
    "deployment": lifecycle.take_back_deployment,
}


def _change_of(request: HttpRequest, pk: int, **_record: int) -> str:
    return detail_of(request, pk)


@signed_in
@require_http_methods(["GET", "HEAD", "POST"])
@sent_once(_change_of)
def correct_execution(request: SignedInRequest, pk: int, execution_pk: int) -> HttpResponse:
    """Put right what is on record of an execution."""
    return _correct(request, "execution", pk, execution_pk)


@signed_in
@require_http_methods(["GET", "HEAD", "POST"])
@sent_once(_change_of)
def correct_deployment(request: SignedInRequest, pk: int, deployment_pk: int) -> HttpResponse:
    """Put right what is on record of a deployment."""
    return _correct(request, "deployment", pk, deployment_pk)


def _correct(request: SignedInRequest, kind: str, pk: int, record_pk: int) -> HttpResponse:
    """Show the form, or take it.

    Answers 404 for what this person does not read, 403 for what is not theirs to correct, 409
    where it is not finished or was corrected in another window, 400 for what cannot be.
    """
    change = visible_or_404(request.user, pk)
    record: Carried = get_object_or_404(getattr(change, KINDS[kind]), pk=record_pk)
    record.change = change
    insist(permissions.may_correct_record(request.user, change, record))
    about: dict[str, Any] = {"change": change, "user": request.user, "record": record}
    form = CorrectRecordForm(request.POST or None, **about)
    if request.method != "POST":
        return _page(request, form)
    if not form.is_valid():
        return _page(request, form, HTTPStatus.BAD_REQUEST)
    seen = request.POST.get("seen", "")
    try:
        ACTS[kind](record, actor=request.user, seen=seen, **form.arguments())
    except StepIncomplete as error:
        form.take_error(error)
        return _page(request, form, HTTPStatus.BAD_REQUEST)
    except ChangeStale as error:
        return _page(request, form, HTTPStatus.CONFLICT, str(error))
    messages.success(request, _("The record is corrected."))
    return redirect(f"{change.get_absolute_url()}#stage-{kind}")


@signed_in
@require_http_methods(["GET", "HEAD", "POST"])
@sent_once(detail_of)
def take_back_execution(request: SignedInRequest, pk: int) -> HttpResponse:
    """Take the outcome of the execution back that one recorded some minutes ago."""
    return _take_back(request, "execution", pk)


@signed_in
@require_http_methods(["GET", "HEAD", "POST"])
@sent_once(detail_of)
def take_back_deployment(request: SignedInRequest, pk: int) -> HttpResponse:
    """Take the outcome of the deployment back that one recorded some minutes ago."""
    return _take_back(request, "deployment", pk)


def _take_back(request: SignedInRequest, kind: str, pk: int) -> HttpResponse:
    """Show the form, or take it.

    Answers 404 for what this person does not read, 403 for what somebody else recorded, 409 where
    it is too late or the change has moved on, 400 without a reason.
    """
    change = visible_or_404(request.user, pk)
    insist(permissions.check(f"take_back_{kind}", request.user, change))
    form = TakeBackRecordForm(request.POST or None, change=change, user=request.user)
    status, stale, seen = HTTPStatus.OK, "", str(change.version)
    if request.method == "POST":
        status, seen = HTTPStatus.BAD_REQUEST, request.POST.get("seen", "")
        if form.is_valid():
            try:
                TAKES_BACK[kind](
                    change, actor=request.user, seen=whole_number(seen) or 0, **form.arguments()
                )
            except StepIncomplete as error:
                form.take_error(error)
            except ChangeStale as error:
                status, stale, seen = HTTPStatus.CONFLICT, str(error), str(change.version)
            else:
                messages.success(request, _("The outcome is taken back."))
                return redirect(f"{change.get_absolute_url()}#stage-{kind}")
    record = finished(change, kind)[-1]
    context = {
        "change": change,
        "form": form,
        "kind": kind,
        "stale": stale,
        "seen": seen,
        "outcome": record.get_outcome_display(),
        "until": sure(record.finished_at) + undo_time(),
    }
    return render(request, "changes/take_back_record.html", context, status=status)


def _page(
    request: HttpRequest,
    form: CorrectRecordForm,
    status: HTTPStatus = HTTPStatus.OK,
    stale: str = "",
) -> HttpResponse:
    """Show the form; where it was corrected meanwhile, beside what the record says now."""
    record, change = form.record, form.change
    if stale:
        record.refresh_from_db()
        record.change = change
    kind = kind_of(record)
    context = {
        "change": change,
        "form": form,
        "kind": kind,
        "outcome": record.get_outcome_display(),
        "instead": _instead(change, record),
        "stale": stale,
        # After a mistake it is still the page as it was: what it hides is told once that is mended.
        "seen": request.POST.get("seen", "") if form.is_bound and not stale else state_of(record),
        "now": SHOWN[kind](record, True) if stale else None,
    }
    return render(request, "changes/correct_record.html", context, status=status)


def _instead(change: Change, record: Carried) -> str:
    """Say where one goes whose outcome was another: it moved the change, so it stays."""
    if change.is_final:
        return _("The change has ended: raise a new request for what remains.")
    if record.outcome == record.Outcome.ROLLED_BACK:
        return _("Go on with the next step: it is done once more, or given up.")
    return _(
        "The requester is asked whether all is as expected: with “Not as expected” the change "
        "comes back, to be reworked."
    )
