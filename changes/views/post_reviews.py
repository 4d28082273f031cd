"""Post-implementation reviews: the list, the page of one, and its actions."""

from collections.abc import Callable
from http import HTTPStatus
from typing import Any

from django.contrib import messages
from django.db.models import DateField, DateTimeField, F, QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.models import User
from expansive_cm.errors import page as error_page
from expansive_cm.numbers import whole_number
from expansive_cm.ui import paging
from expansive_cm.ui.components import Tab
from expansive_cm.workflow.errors import ChangeStale, StepIllegal, StepIncomplete

from .. import lifecycle, looking_back, permissions
from ..forms.base import StepForm
from ..forms.post_review import CompletePostActionForm, PostActionForm, PostReviewForm
from ..models import Change, PostAction, PostReview
from ..permissions.rules import internal
from .access import SignedInRequest, insist, signed_in, visible_or_404
from .once import sent_once

PAGE_SIZE = 50
BY_DUE = paging.Order("due", F("due_at"), DateTimeField())
BY_DAY = paging.Order("day", F("due_on"), DateField())
BY_RECORDED = paging.Order("recorded", F("recorded_at"), DateTimeField(), descending=True)
OPEN_FIRST = F("done_at").desc(nulls_first=True)
NEWEST = paging.Order("done", descending=True)


def _lists() -> dict[str, tuple[Any, QuerySet, paging.Order, Callable[..., QuerySet]]]:
    """Return each tab of the list: its name, its rows, their order and what a row loads."""
    reviews, actions = looking_back.with_change, looking_back.with_people
    recorded, done = PostReview.objects.exclude(recorded_at=None), PostAction.objects.all()
    return {
        "": (_("Reviews due"), looking_back.open_reviews(), BY_DUE, reviews),
        "actions": (_("Open actions"), looking_back.open_actions(), BY_DAY, actions),
        "recorded": (_("Recorded reviews"), recorded, BY_RECORDED, reviews),
        "all-actions": (_("All actions"), done, NEWEST, actions),
    }


@signed_in
@require_safe
def post_reviews(request: SignedInRequest) -> HttpResponse:
    """List reviews that are due or recorded, and actions, which may be one person's."""
    insist(permissions.can_read_post_reviews(request.user))
    lists, name = _lists(), request.GET.get("show", "")
    if name not in lists:
        return error_page(request, HTTPStatus.BAD_REQUEST, _("There is no such list."))
    _label, rows, order, load = lists[name]
    owner = _owner(request)
    if owner is not None and rows.model is PostAction:
        rows = rows.filter(owner=owner)
    try:
        page = paging.page_of(rows, order, request.GET.get("page", ""), PAGE_SIZE, load)
    except paging.BadToken as error:
        return error_page(request, HTTPStatus.BAD_REQUEST, str(error))
    asked = {"show": name, **({"owner": str(owner.pk)} if owner else {})}
    here = reverse("changes:post_reviews")
    context = {
        "tabs": [
            Tab(label, f"{here}?show={key}" if key else here, active=key == name)
            for key, (label, *_more) in lists.items()
        ],
        "show": name,
        "of_actions": rows.model is PostAction,
        "owner": owner,
        "rows": page.rows,
        "today": timezone.localdate(),
        "next_url": f"?{urlencode({**asked, 'page': page.next})}" if page.next else "",
        "previous_url": f"?{urlencode({**asked, 'page': page.previous})}" if page.previous else "",
    }
    return render(request, "changes/post_reviews.html", context)


def _owner(request: SignedInRequest) -> User | None:
    number = whole_number(request.GET.get("owner", ""))
    if not number:
        return None
    return get_object_or_404(User.objects.filter(organisation=None), pk=number)


# One review -------------------------------------------------------------------------------------


def _review_or_404(request: SignedInRequest, pk: int, review_pk: int) -> PostReview:
    """Return a review of a change; it exists for Expansive's own people."""
    change = visible_or_404(request.user, pk)
    if internal(request.user) is not None:
        raise Http404
    review = get_object_or_404(change.post_reviews.select_related("recorded_by"), pk=review_pk)
    review.change = change
    return review


def _action_or_404(request: SignedInRequest, pk: int, action_pk: int) -> PostAction:
    change = visible_or_404(request.user, pk)
    if internal(request.user) is not None:
        raise Http404
    found = looking_back.with_people(PostAction.objects.filter(change=change))
    action = get_object_or_404(found, pk=action_pk)
    action.change = action.review.change = change
    return action


def _of_review(request: HttpRequest, pk: int, review_pk: int) -> str:
    return reverse("changes:post_review", args=[pk, review_pk])


@signed_in
@require_http_methods(["GET", "HEAD", "POST"])
@sent_once(_of_review)
def post_review(request: SignedInRequest, pk: int, review_pk: int) -> HttpResponse:
    """Show a review with its actions, and record it."""
    review = _review_or_404(request, pk, review_pk)
    if request.method != "POST":
        return _page(request, review)
    insist(permissions.may_review(request.user, review.change, review))
    form = PostReviewForm(request.POST, change=review.change, user=request.user)
    if not form.is_valid():
        return _page(request, review, form=form, status=HTTPStatus.BAD_REQUEST)
    try:
        lifecycle.record_post_review(review, actor=request.user, **form.arguments())
    except StepIncomplete as error:
        form.take_error(error)
        return _page(request, review, form=form, status=HTTPStatus.BAD_REQUEST)
    except StepIllegal as error:
        return _too_late(request, review, form, str(error))
    messages.success(request, _("The review is recorded. What follows from it are its actions."))
    return redirect(review)


@signed_in
@require_POST
@sent_once(_of_review)
def add_post_action(request: SignedInRequest, pk: int, review_pk: int) -> HttpResponse:
    """Add an action to a review."""
    review = _review_or_404(request, pk, review_pk)
    insist(permissions.may_review(request.user, review.change, review))
    form = _action_form(request, review.change, request.POST)
    if form.is_valid():
        try:
            action = lifecycle.add_post_action(review, actor=request.user, **form.arguments())
        except StepIncomplete as error:
            form.take_error(error)
        else:
            messages.success(request, _("The action is added."))
            return redirect(f"{review.get_absolute_url()}#action-{action.pk}")
    return _page(request, review, action_form=form, status=HTTPStatus.BAD_REQUEST)


def _too_late(
    request: SignedInRequest, review: PostReview, form: StepForm, why: str
) -> HttpResponse:
    """Show what somebody else has recorded, with what was typed, to be taken over by hand."""
    fresh = _review_or_404(request, review.change_id, review.pk)
    more: dict[str, Any] = {"happened_meanwhile": why, "typed": form.typed()}
    return _page(request, fresh, status=HTTPStatus.CONFLICT, **more)


def _page(
    request: SignedInRequest,
    review: PostReview,
    *,
    form: StepForm | None = None,
    action_form: StepForm | None = None,
    status: HTTPStatus = HTTPStatus.OK,
    **more: Any,
) -> HttpResponse:
    change, user = review.change, request.user
    may = permissions.may_review(user, change, review)
    rows = looking_back.with_people(review.actions.order_by(OPEN_FIRST, "due_on", "pk"))
    context = {
        "change": change,
        "review": review,
        "may": may,
        "form": form or PostReviewForm(change=change, user=user),
        "action_form": action_form or (_action_form(request, change) if may else None),
        "rows": [_row(one, change, user) for one in rows],
        "today": timezone.localdate(),
        **more,
    }
    return render(request, "changes/post_review.html", context, status=status)


def _row(action: PostAction, change: Change, user: User) -> tuple[PostAction, bool, bool]:
    """Return an action, and whether this person may end it, and change it."""
    action.change = action.review.change = change
    ends = action.is_open and permissions.may_complete_post_action(user, change, action).allowed
    changes = action.is_open and permissions.may_change_post_action(user, change, action).allowed
    return action, ends, changes


def _action_form(
    request: SignedInRequest, change: Change, data: Any = None, action: PostAction | None = None
) -> PostActionForm:
    people = looking_back.own_people()
    return PostActionForm(data, change=change, user=request.user, people=people, action=action)


# One action -------------------------------------------------------------------------------------


def _of_action(request: HttpRequest, pk: int, action_pk: int) -> str:
    action = get_object_or_404(PostAction.objects.select_related("review"), pk=action_pk)
    return action.review.get_absolute_url()


@signed_in
@require_http_methods(["GET", "HEAD", "POST"])
@sent_once(_of_action)
def change_post_action(request: SignedInRequest, pk: int, action_pk: int) -> HttpResponse:
    """Say otherwise what an action is, whose, or by when."""
    action = _action_or_404(request, pk, action_pk)
    insist(permissions.may_change_post_action(request.user, action.change, action))
    data = request.POST if request.method == "POST" else None
    form = _action_form(request, action.change, data, action)
    seen = whole_number(request.POST.get("seen", ""))
    return _take(
        request,
        action,
        form,
        lambda **given: lifecycle.change_post_action(
            action, actor=request.user, seen=seen, **given
        ),
        _("The action is changed."),
    )


@signed_in
@require_http_methods(["GET", "HEAD", "POST"])
@sent_once(_of_action)
def complete_post_action(request: SignedInRequest, pk: int, action_pk: int) -> HttpResponse:
    """Say that an action is done."""
    action = _action_or_404(request, pk, action_pk)
    insist(permissions.may_complete_post_action(request.user, action.change, action))
    data = request.POST if request.method == "POST" else None
    form = CompletePostActionForm(data, change=action.change, user=request.user)
    return _take(
        request,
        action,
        form,
        lambda **given: lifecycle.complete_post_action(action, actor=request.user, **given),
        _("The action is done."),
        done=True,
    )


def _take(
    request: SignedInRequest,
    action: PostAction,
    form: StepForm,
    act: Callable[..., Any],
    said: str,
    *,
    done: bool = False,
) -> HttpResponse:
    """Show a form about an action, or take it; 409 where it is done, or another one, by now."""
    status, happened = HTTPStatus.OK, ""
    if form.is_bound:
        status = HTTPStatus.BAD_REQUEST
        try:
            if form.is_valid():
                act(**form.arguments())
                messages.success(request, said)
                return redirect(action.review.get_absolute_url())
        except StepIncomplete as error:
            form.take_error(error)
        except (ChangeStale, StepIllegal) as error:
            status, happened = HTTPStatus.CONFLICT, str(error)
            action.refresh_from_db()
    context = {
        "change": action.change,
        "action": action,
        "form": form,
        "happened": happened,
        "done": done,
    }
    return render(request, "changes/post_action.html", context, status=status)
