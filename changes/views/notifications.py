"""A person's notifications: what they were told of changes, newest first, read and unread."""

from http import HTTPStatus
from typing import Any

from django.contrib import messages
from django.db import transaction
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.models import User
from expansive_cm.errors import page as error_page
from expansive_cm.numbers import LARGEST_KEY, whole_number
from expansive_cm.ui import paging
from expansive_cm.ui.components import Tab
from expansive_cm.workflow.steps import explain

from .. import inbox
from ..forms.news import NewsForm
from ..news import KINDS, choose
from ..worklist import how_many
from .access import SignedInRequest, signed_in

UNREAD = "unread"


@signed_in
@require_safe
def listing(request: SignedInRequest) -> HttpResponse:
    """List what this person was told, or of it what is unread; nothing is read by that."""
    user, only_unread = request.user, request.GET.get("show") == UNREAD
    try:
        token = request.GET.get("page", "")
        page, entries = inbox.page_of(user, token, only_unread=only_unread)
    except paging.BadToken as error:
        return error_page(request, HTTPStatus.BAD_REQUEST, str(error))
    context: dict[str, Any] = {
        "entries": entries,
        "only_unread": only_unread,
        "tabs": _tabs(only_unread, user.unread),
        "newest": max((one.pk for one in page), default=0),
        "is_first": page.number == 1,
        "next_url": _address(only_unread, page.next) if page.next else "",
        "previous_url": _address(only_unread, page.previous) if page.previous else "",
    }
    return render(request, "changes/notifications.html", context)


@signed_in
@require_POST
def read_all(request: SignedInRequest) -> HttpResponse:
    """Note as read all that the page could show; what came since stays unread."""
    until = whole_number(request.POST.get("until", "")) or 0
    number = inbox.read_all(request.user, min(until, LARGEST_KEY))
    words = ngettext("%(n)d notification is read now.", "%(n)d notifications are read now.", number)
    messages.success(request, words % {"n": number})
    return redirect("changes:notifications")


@signed_in
@require_POST
def mark(request: SignedInRequest, pk: int, is_read: bool) -> HttpResponse:
    """Note one entry as read, or as unread again. Answers 404 for what is not theirs."""
    if pk > LARGEST_KEY or not inbox.mark(request.user, pk, is_read=is_read):
        raise Http404
    page = request.POST.get("page", "")[: paging.MAX_TOKEN]
    return redirect(_address(request.POST.get("show") == UNREAD, page))


@signed_in
@require_http_methods(["GET", "HEAD", "POST"])
def news_choices(request: SignedInRequest) -> HttpResponse:
    """Show of what this person is told, and how, and keep what they choose, with history."""
    with transaction.atomic():
        person = User.objects.select_for_update(of=("self",)).get(pk=request.user.pk)
        form = NewsForm(person, request.POST or None)
        if form.is_valid():
            if choose(person, form.ways):
                explain(person, "Own choice of what they are told")
                person.save(update_fields=["news"])
            messages.success(request, _("Your choices are saved. They count from now on."))
            return redirect("changes:news")
    context = {
        "form": form,
        "person": person,
        "fixed": [kind for kind in KINDS if kind.is_fixed],
        "needed": person.mail_pace == User.MailPace.NEEDED,
    }
    status = HTTPStatus.BAD_REQUEST if form.is_bound else HTTPStatus.OK
    return render(request, "changes/news.html", context, status=status)


def _address(only_unread: bool, page: str = "") -> str:
    wanted = {name: value for name, value in (("show", UNREAD), ("page", page)) if value}
    if not only_unread:
        wanted.pop("show")
    query = f"?{urlencode(wanted)}" if wanted else ""
    return f"{reverse('changes:notifications')}{query}"


def _tabs(only_unread: bool, unread: int) -> list[Tab]:
    return [
        Tab(_("All"), _address(False), "bell", active=not only_unread),
        Tab(
            _("Unread"),
            _address(True),
            "mail",
            active=only_unread,
            count=how_many(unread, inbox.COUNTED) if unread else None,
        ),
    ]
