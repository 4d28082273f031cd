"""Saved views of the list of changes: all that somebody sees, and keeping one's own."""

from collections.abc import Callable
from http import HTTPStatus
from typing import Any

from django.contrib import messages
from django.db.models import CharField
from django.db.models.functions import Upper
from django.http import Http404, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.models import User
from expansive_cm.errors import page as error_page
from expansive_cm.numbers import whole_number
from expansive_cm.ui import paging
from expansive_cm.workflow.errors import ChangeStale, StepIncomplete

from .. import lifecycle, permissions, saved_views
from ..filters import ChangeFilterForm, meaning_of
from ..forms.saved_view import SavedViewForm, in_words
from ..models import SavedView
from .access import SignedInRequest, insist, signed_in
from .once import sent_once

PAGE_SIZE = 25
LONGEST_ADDRESS = 4000
BY_NAME = paging.Order("name", Upper("name"), CharField())


@signed_in
@require_safe
def listing(request: SignedInRequest) -> HttpResponse:
    """List the views that exist for this person, by name, with what they may do with each."""
    visible = saved_views.visible_to(request.user)
    try:
        token = request.GET.get("page", "")
        page = paging.page_of(visible, BY_NAME, token, PAGE_SIZE, _with_people)
    except paging.BadToken as error:
        return error_page(request, HTTPStatus.BAD_REQUEST, str(error))
    first = saved_views.opens_with(request.user)
    is_internal, chose_all = request.user.is_internal, saved_views.chose_all(request.user)
    has_own_first = chose_all or first is not None
    context = {
        "rows": [_row(request.user, one, first) for one in page],
        "most": saved_views.MOST,
        "can_open_all": first is not None or (is_internal and not chose_all),
        "can_open_usual": is_internal
        and has_own_first
        and saved_views.opens_for_roles_of(request.user) is None,
        "everything": everything(),
        "next_url": f"?page={page.next}" if page.next else "",
        "previous_url": f"?page={page.previous}" if page.previous else "",
    }
    return render(request, "changes/saved_views.html", context)


def _with_people(rows: Any) -> Any:
    return rows.select_related("owner", "team").prefetch_related(
        "owner__groups", "owner__success_teams"
    )


def _row(user: User, view: SavedView, first: int | None) -> dict[str, Any]:
    return {
        "view": view,
        "is_first": view.pk == first,
        "may_keep": permissions.may_keep_view(user, view),
        "may_take_over": permissions.may_take_over_view(user, view),
        "shared": _shared(user, view) if view.is_shared else "",
    }


def _shared(user: User, view: SavedView) -> str:
    return in_words(view.shared, user, {view.team.pk: view.team.name} if view.team else {})


def everything() -> str:
    """Return the address of the list without a filter, whatever it opens with."""
    return f"{reverse('changes:list')}?{saved_views.as_data(saved_views.EVERYTHING).urlencode()}"


@signed_in
@require_http_methods(["GET", "HEAD", "POST"])
@sent_once(lambda request: reverse("changes:saved_views"))
def new(request: SignedInRequest) -> HttpResponse:
    """Keep the filters of the address under a name. Answers 409 where they do not exist."""
    wanted = _filters(request.user, request.GET)
    form = SavedViewForm(request.POST if request.method == "POST" else None, user=request.user)
    if request.method == "POST" and form.is_valid():
        try:
            view = lifecycle.save_view(
                None, actor=request.user, filters=meaning_of(wanted), **form.arguments()
            )
        except StepIncomplete as error:
            form.take_error(error)
        else:
            if form.cleaned_data["first"]:
                lifecycle.open_first(view, actor=request.user)
            messages.success(request, _("Saved as “%s”.") % view.name)
            return redirect(address_of(view))
    back = f"{reverse('changes:list')}?{request.GET.urlencode()}"
    return _page(request, form, {"wanted": wanted, "back_url": back})


@signed_in
@require_http_methods(["GET", "HEAD", "POST"])
def one(request: SignedInRequest, pk: int) -> HttpResponse:
    """Rename a view, share it, or keep it for oneself again."""
    view = _visible_or_404(request.user, pk)
    insist(permissions.may_keep_view(request.user, view))
    data = request.POST if request.method == "POST" else None
    form = SavedViewForm(data, user=request.user, view=view)
    status = HTTPStatus.BAD_REQUEST
    if data is not None and form.is_valid():
        try:
            seen = form.cleaned_data["seen"]
            view = lifecycle.save_view(view, actor=request.user, seen=seen, **form.arguments())
        except StepIncomplete as error:
            form.take_error(error)
        except ChangeStale as error:
            view = _visible_or_404(request.user, pk)
            typed = {**data.dict(), "seen": view.version}
            form = SavedViewForm(typed, user=request.user, view=view)
            form.add_error(None, f"{error} {_('Send it again if yours should replace that.')}")
            status = HTTPStatus.CONFLICT
        else:
            messages.success(request, _("The view “%s” is changed.") % view.name)
            return redirect("changes:saved_views")
    return _page(request, form, {"view": view, "back_url": reverse("changes:saved_views")}, status)


def _page(
    request: SignedInRequest,
    form: SavedViewForm,
    more: dict[str, Any],
    status: HTTPStatus = HTTPStatus.BAD_REQUEST,
) -> HttpResponse:
    if not form.errors:
        status = HTTPStatus.OK
    return render(request, "changes/saved_view.html", {"form": form, **more}, status=status)


# What is done with one press ------------------------------------------------------------------


@signed_in
@require_POST
def act(request: SignedInRequest, pk: int, name: str) -> HttpResponse:
    """Do one of ``ACTS`` to a view that exists for this person."""
    return ACTS[name](request, _visible_or_404(request.user, pk))


def _update(request: SignedInRequest, view: SavedView) -> HttpResponse:
    """Let the view hold the filters that were sent. The rest of the form is the list's address."""
    data = request.POST.get("filters", "")
    if len(data) > LONGEST_ADDRESS:
        return error_page(request, HTTPStatus.BAD_REQUEST, _("This address is too long."))
    wanted = _filters(request.user, QueryDict(data.removeprefix("?")))
    seen = whole_number(request.POST.get("seen", "")) or 0
    lifecycle.save_view(view, actor=request.user, seen=seen, filters=meaning_of(wanted))
    messages.success(request, _("The view “%s” is changed.") % view.name)
    return redirect(address_of(view))


def _delete(request: SignedInRequest, view: SavedView) -> HttpResponse:
    lifecycle.delete_view(view, actor=request.user)
    messages.success(request, _("The view “%s” is deleted.") % view.name)
    return redirect("changes:saved_views")


def _take_over(request: SignedInRequest, view: SavedView) -> HttpResponse:
    lifecycle.take_over_view(view, actor=request.user)
    messages.success(request, _("The view “%s” is yours now.") % view.name)
    return redirect("changes:saved_views")


def _open_first(request: SignedInRequest, view: SavedView) -> HttpResponse:
    lifecycle.open_first(view, actor=request.user)
    messages.success(request, _("Changes opens with “%s” for you now.") % view.name)
    return redirect("changes:saved_views")


ACTS: dict[str, Callable[[SignedInRequest, SavedView], HttpResponse]] = {
    "update_view": _update,
    "delete_view": _delete,
    "take_over_view": _take_over,
    "open_first": _open_first,
}


@signed_in
@require_POST
def open_with_all(request: SignedInRequest) -> HttpResponse:
    """Let Changes open with all changes again."""
    lifecycle.open_first(None, actor=request.user)
    messages.success(request, _("Changes opens with all changes for you now."))
    return redirect("changes:saved_views")


@signed_in
@require_POST
def open_as_usual(request: SignedInRequest) -> HttpResponse:
    """Let Changes open as it does for who has chosen nothing."""
    lifecycle.open_as_usual(actor=request.user)
    messages.success(request, _("Changes opens as usual for you now."))
    return redirect("changes:saved_views")


def address_of(view: SavedView) -> str:
    """Return where the list shows what a view holds."""
    return f"{reverse('changes:list')}?saved={view.pk}"


def _visible_or_404(user: User, pk: int) -> SavedView:
    view = _with_people(saved_views.visible_to(user)).filter(pk=pk).first()
    if view is None:
        raise Http404
    return view


def _filters(user: User, data: QueryDict) -> ChangeFilterForm:
    """Return the filters of an address, read. Raises StepIncomplete where one does not exist."""
    form = ChangeFilterForm(user, data)
    if not form.is_valid():
        problems = [str(error) for errors in form.errors.values() for error in errors]
        raise StepIncomplete(" ".join(problems))
    return form
