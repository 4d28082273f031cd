"""All changes: the list with its filters, and the same as a file."""

from functools import partial
from http import HTTPStatus
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpResponse, QueryDict, StreamingHttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.cache import patch_vary_headers
from django.utils.text import get_text_list
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from expansive_cm.errors import page as error_page
from expansive_cm.ui import paging
from expansive_cm.ui.paging import Page, loaded, page_of

from .. import (
    columns,
    filters,
    lifecycle,
    plain,
    queries,
    saved_views,
    searching,
    selecting,
    way_back,
)
from ..also import Also, also_with
from ..columns import Column
from ..export import export_rows
from ..filters import ALONGSIDE, ChangeFilterForm, meaning_of, query_string
from ..many.acts import acts_of
from ..models import Change
from ..orders import DEFAULT_SORT
from ..searching import Words
from ..worklist import for_list
from .access import SignedInRequest, signed_in
from .saved_views import LONGEST_ADDRESS

PAGE_SIZE = 50


@login_required
@require_safe
def listing(request: SignedInRequest) -> HttpResponse:
    """Show a page of the changes that the address asks for; a reference leads to its change.

    An address that asks for a saved view alone, or for nothing where one was chosen to open first,
    shows what that holds, without what does not exist any more; one that asks for nothing else
    shows Expansive's own people the open changes. A request by htmx gets the part of
    the page that differs. Answers 400 for a filter that does not exist and for a place in the list
    that nobody was given; in a view, which may be sorted anew meanwhile, that leads to page one.
    """
    form, left_out = _read(request)
    if not form.is_valid():
        if form.has_wrong_days_alone:
            return _beside_days(request, form)
        return _refused(request, form)
    if not request.htmx and (change := _meant(request, form)):
        return redirect(change)
    try:
        page, similar = _page(request, form)
    except paging.BadToken as error:
        if form.views.is_opened:  # the view was sorted anew since this reader got the address
            return redirect(request.path + _at(form, "", or_first=True))
        return _refused(request, form, str(error))
    also = _also(request, form)
    if similar and also:
        page, similar = Page([]), False
    here = _at(form, request.GET.get("page", ""), or_first=True)
    more = {"similar": similar, "also": also, "saved": _saved(form, left_out)}
    response = _shown(request, form, page, here, **more)
    if request.htmx and not request.htmx.history_restore_request:
        response["HX-Push-Url"] = request.path + here
    way_back.remember(request, response, here)
    return response


def _beside_days(request: SignedInRequest, form: ChangeFilterForm) -> HttpResponse:
    """Say beside each day that is none what is wrong with it; nothing is listed meanwhile."""
    here = _at(form, "", or_first=True)
    saved = {**_saved(form, []), "can_save": False}
    response = _shown(request, form, Page([]), here, saved=saved, also=Also())
    # What htmx sent is swapped in with this status, as that of a form with something wrong.
    response.status_code = (
        HTTPStatus.UNPROCESSABLE_ENTITY if request.htmx else HTTPStatus.BAD_REQUEST
    )
    return response


def _shown(
    request: SignedInRequest, form: ChangeFilterForm, page: Page[Change], here: str, **more: Any
) -> HttpResponse:
    context = {
        **_bar(request, form, here),
        "form": form,
        "page": page,
        "told": {} if request.user.is_internal else plain.statuses(page.rows, request.user),
        "next_url": _at(form, page.next),
        "previous_url": _at(form, page.previous),
        "acts": acts_of(request.user),
        "plain": not request.user.is_internal,
        **more,
    }
    whole = not request.htmx or request.htmx.history_restore_request
    name = "changes/list.html" if whole else "changes/partials/list.html"
    response = render(request, name, context)
    patch_vary_headers(response, ["HX-Request"])
    return response


def _bar(request: SignedInRequest, form: ChangeFilterForm, here: str) -> dict[str, Any]:
    """Return what stands above the rows: columns, views, and the addresses that change them."""
    return {
        "columns": [_heading(one, form) for one in (*columns.FIRST, *form.chosen_columns)],
        "cells": form.chosen_columns,
        "are_usual": form.chosen_columns == columns.usual(request.user),
        "columns_url": f"{here}{'&' if len(here) > 1 else ''}choose=columns",
        "choosing": _choosing(form) if request.GET.get("choose") == "columns" else None,
        "views": _views(form),
        "query": query_string(form, alone=True),
        "clear_url": query_string(form, dict.fromkeys(set(form.fields) - ALONGSIDE), alone=True),
        "here_url": here,
        "among_all_url": query_string(form, {"view": ""}),
        "whole_menus": request.GET.get("menus") == "whole",
    }


def _read(request: SignedInRequest) -> tuple[ChangeFilterForm, list[str]]:
    """Return the filters that the address asks for, and the names of those that a view lacks."""
    views = saved_views.asked_for(request.user, request.GET, set(ChangeFilterForm.base_fields))
    if views.begins_open:
        return ChangeFilterForm(request.user, saved_views.as_data(saved_views.OPEN_ONES), views), []
    if views.current is None or not views.is_opened:
        return ChangeFilterForm(request.user, request.GET, views), []
    form = ChangeFilterForm(request.user, saved_views.as_data(views.current.filters), views)
    return form, form.leave_out_what_is_gone()


def _saved(form: ChangeFilterForm, left_out: list[str]) -> dict[str, Any]:
    """Return what the page says of saved views, and offers to do with what it shows."""
    views, wanted = form.views, meaning_of(form)
    current = views.current
    is_changed = current is not None and not saved_views.is_same(wanted, current.filters)
    return {
        "views": views,
        "left_out": get_text_list(left_out, _("and")),
        "has_lost_columns": form.has_lost_columns and not left_out,
        "is_changed": is_changed,
        "may_update": is_changed and current is not None and current.owner_id == form.user.pk,
        "can_save": is_changed or (current is None and bool(wanted) and not views.begins_open),
        "everything": f"?{saved_views.as_data(saved_views.EVERYTHING).urlencode()}",
    }


@login_required
@require_safe
def menu(request: SignedInRequest, name: str) -> HttpResponse:
    """Show all that a filter offers, with what is chosen; 404 for what this person has no menu."""
    form = ChangeFilterForm(request.user, request.GET)
    menus = [one.field for one in form.dropdowns if one.field is not None and not one.days]
    field = next((one for one in menus if one.name == name), None)
    if field is None:
        raise Http404
    return render(request, "changes/partials/menu.html", {"field": field})


@login_required
@require_safe
def export(request: SignedInRequest) -> HttpResponse | StreamingHttpResponse:
    """Send everything that the list's address asks for as a file that spreadsheets open."""
    form, _left_out = _read(request)
    if not form.is_valid():
        return _refused(request, form)
    changes = selecting.select(request.user, form.cleaned_data)
    text = form.cleaned_data["q"]
    if text:
        choose = searching.first_with(Words(text))
        found = page_of(changes, form.order, size=1, choose=choose)
        changes = (
            selecting.with_words(changes, text) if found else selecting.similar_to(changes, text)
        )
    if not text or not changes.query.is_sliced:
        changes = paging.in_order(changes, form.order)
    name = f"changes-{timezone.localdate():%Y-%m-%d}.csv"
    by_reference = form.order.key is None and not text
    zone = timezone.get_current_timezone()
    rows = export_rows(changes, request.user, zone, by_reference=by_reference)
    response = StreamingHttpResponse(rows, content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    response["Cache-Control"] = "no-store"
    return response


def _meant(request: SignedInRequest, form: ChangeFilterForm) -> Change | None:
    """Return the change whose reference was typed, if it exists for this person.

    A saved view shows its list, whatever stands in it: one that opens first led nowhere else.
    """
    number = searching.referred_to(form.cleaned_data["q"])
    if number is None or form.views.is_opened:
        return None
    return queries.visible_to(request.user).filter(pk=number).first()


def _page(request: SignedInRequest, form: ChangeFilterForm) -> tuple[Page[Change], bool]:
    """Return the page, and whether it holds similar titles because nothing has the words."""
    token = request.GET.get("page", "")
    changes = selecting.select(request.user, form.cleaned_data)
    text = form.cleaned_data["q"]
    load = partial(for_list, columns=form.chosen_columns)
    if not text:
        choose = searching.first_with()
        return page_of(changes, form.order, token, PAGE_SIZE, load, choose), False
    choose = searching.first_with(Words(text))
    found = page_of(changes, form.order, token, PAGE_SIZE, load, choose)
    if found.rows or token:
        return found, False
    similar = selecting.similar_to(changes, text)
    rows = list(loaded(similar, selecting.closeness(text), load))
    return Page(rows), bool(rows)


def _also(request: SignedInRequest, form: ChangeFilterForm) -> Also:
    """Return what else has the words, beside the first page of those that have them."""
    text = form.cleaned_data["q"]
    if not text or request.GET.get("page"):
        return Also()
    rows = selecting.select(request.user, form.cleaned_data)
    return also_with(request.user, text, rows, form.customers)


def _refused(request: SignedInRequest, form: ChangeFilterForm, sentence: str = "") -> HttpResponse:
    """Answer 400 and say which part of the address is wrong; htmx shows the sentence alone."""
    problems = [sentence] if sentence else _problems(form)
    if request.htmx and not request.htmx.boosted:
        text = " ".join(problems)
        return HttpResponse(text, status=HTTPStatus.BAD_REQUEST, content_type="text/plain")
    context = {"problems": problems}
    return render(request, "changes/list_refused.html", context, status=HTTPStatus.BAD_REQUEST)


def _problems(form: ChangeFilterForm) -> list[str]:
    names = {"view": _("View"), "sort": _("Order")}
    return [
        f"{names.get(name) or form.fields[name].label}: {error}"
        for name, errors in form.errors.items()
        for error in errors
    ]


def _at(form: ChangeFilterForm, token: str, *, or_first: bool = False) -> str:
    """Return the address of a page beside this one, "" where there is none."""
    query = query_string(form)
    if not token:
        return query if or_first else ""
    return f"{query}{'&' if len(query) > 1 else ''}page={token}"


def _views(form: ChangeFilterForm) -> list[dict[str, Any]]:
    """Return the tabs above the list; the filters stay as they are."""
    chosen = form.cleaned_data["view"]
    return [
        {"label": label, "url": query_string(form, {"view": name}), "active": name == chosen}
        for name, label in filters.views_of(form.user)
    ]


def _choosing(form: ChangeFilterForm) -> dict[str, Any]:
    """Return what the choice of columns offers, each press as the address that it leads to."""
    shown = form.chosen_columns
    places = [(place, one, shown[:place] + shown[place + 1 :]) for place, one in enumerate(shown)]
    last = len(shown) - 1
    return {
        "shown": [
            {
                "column": one,
                # From either end on to the other, so that what was pressed is there afterwards.
                "left": _with(form, others, one, place - 1 if place else last),
                "right": _with(form, others, one, place + 1 if place < last else 0),
                "without": _choose(form, others) if others else "",
            }
            for place, one, others in places
        ],
        "others": [
            {"column": one, "url": _choose(form, (*shown, one))}
            for one in columns.offered(form.user)
            if one not in shown
        ],
        "usual": _choose(form, columns.usual(form.user)),
        "names": columns.written(shown),
        "back": query_string(form, {"columns": ""}),
    }


def _with(form: ChangeFilterForm, others: tuple[Column, ...], one: Column, place: int) -> str:
    return _choose(form, (*others[:place], one, *others[place:]))


def _choose(form: ChangeFilterForm, wanted: tuple[Column, ...]) -> str:
    return f"{query_string(form, {'columns': columns.written(wanted)})}&choose=columns"


@signed_in
@require_POST
def keep_columns(request: SignedInRequest) -> HttpResponse:
    """Show this person these columns from now on; the rest of the form is the list's address."""
    back = request.POST.get("back", "")
    if len(back) > LONGEST_ADDRESS:
        return error_page(request, HTTPStatus.BAD_REQUEST, _("This address is too long."))
    lifecycle.keep_columns(request.POST.get("columns", ""), actor=request.user)
    messages.success(request, _("Changes shows you these columns from now on."))
    return redirect(f"{reverse('changes:list')}?{QueryDict(back.removeprefix('?')).urlencode()}")


def _heading(column: Column, form: ChangeFilterForm) -> dict[str, Any]:
    heading: dict[str, Any] = {"name": column.name, "label": column.label}
    if not column.sort:
        return heading
    chosen = form.sort_name
    active = chosen.lstrip("-") == column.sort.lstrip("-")
    wanted = _reversed(chosen) if active else column.sort
    heading["url"] = query_string(form, {"sort": "" if wanted == DEFAULT_SORT else wanted})
    if active:
        heading["direction"] = "descending" if chosen.startswith("-") else "ascending"
    return heading


def _reversed(sort: str) -> str:
    return sort[1:] if sort.startswith("-") else f"-{sort}"
