"""History as its readers see it: of one change, and of everything."""

from http import HTTPStatus

from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from accounts.models import User
from accounts.roles import Role
from changes import queries
from changes.permissions.rules import can_see_internal
from changes.views.access import SignedInRequest
from changes.views.detail import tabs as change_tabs
from expansive_cm.errors import page as error_page
from expansive_cm.ui.paging import BadToken

from .acts import acts_of
from .describe import describe
from .forms import HistoryFilterForm
from .queries import HistoryPage, Wanted, history_page
from .sources import of_changes

PAGE_SIZE = 30


@login_required
@require_safe
def change_history(request: SignedInRequest, pk: int) -> HttpResponse:
    """Show every field of a change and its records as it was before and after each act.

    For Expansive's own people: a customer reads the timeline on the change's page, which
    leaves out internal notes and other people's data.
    """
    change = queries.visible_to(request.user).filter(pk=pk).defer("description", "search").first()
    if change is None:
        raise Http404
    if not can_see_internal(request.user):
        raise PermissionDenied(
            _("The full history is for Expansive's own people. The change's page tells its story.")
        )
    wanted = Wanted(sources=of_changes(), change=change.pk)
    try:
        page = history_page(wanted, request.GET.get("page", ""), PAGE_SIZE)
    except BadToken as error:
        return error_page(request, HTTPStatus.BAD_REQUEST, str(error))
    tabs = change_tabs(change, request.user, active="history")
    context = {"change": change, "tabs": tabs, **_shown(request, page, request.user)}
    return render(request, "audit/change_history.html", context)


@login_required
@require_safe
def history(request: SignedInRequest) -> HttpResponse:
    """Let auditors and administrators search the history of everything."""
    if not request.user.has_role(Role.AUDITOR, Role.ADMINISTRATOR):
        raise PermissionDenied(_("The history of everything is for auditors and administrators."))
    form = HistoryFilterForm(request.GET)
    if not form.is_valid():
        context = {"form": form, "active": 1}
        return render(request, "audit/history.html", context, status=HTTPStatus.BAD_REQUEST)
    try:
        page = history_page(form.wanted, request.GET.get("page", ""), PAGE_SIZE)
    except BadToken as error:
        return error_page(request, HTTPStatus.BAD_REQUEST, str(error))
    active = sum(1 for name in form.fields if request.GET.get(name))
    context = {"form": form, "active": active, **_shown(request, page)}
    return render(request, "audit/history.html", context)


def _shown(
    request: SignedInRequest, page: HistoryPage, reader: User | None = None
) -> dict[str, object]:
    """Return the entries and the addresses of the pages beside them.

    Drafts stay nameless for a ``reader``; the history of everything has a draft's own as well.
    """
    entries = describe(page.versions, reader)
    return {
        "entries": entries,
        "acts": acts_of(entries),
        "number": page.number,
        "next_url": _at(request, page.next),
        "previous_url": _at(request, page.previous),
    }


def _at(request: SignedInRequest, token: str) -> str:
    if not token:
        return ""
    query = request.GET.copy()
    query["page"] = token
    return f"?{query.urlencode()}"
