"""What pages behind a secret address share: one guard, one answer to a link that does not work.

Mail systems open links, and some run what is on the page: opening shows, and only a form sent
with an explicit choice acts.
"""

from collections.abc import Callable
from email.utils import parseaddr
from functools import wraps
from http import HTTPStatus
from typing import Any

from django.conf import settings
from django.contrib.auth import logout
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from accounts.forms import same_time
from accounts.models import User
from expansive_cm.sure import sure

from .. import access_links, inbox, lifecycle, permissions
from ..forms.access_link import NewLinkForm
from ..models import AccessLink, Change, ConfirmationLink
from .secret_address import (
    FAILURES_SECONDS,
    LONGEST_TOKEN,
    Limit,
    View,
    WrongTokens,
    address_of,
    for_its_reader_only,
)

WRONG = WrongTokens("link")
NEW_LINKS = Limit("new-links", 10, 600)
"""How often one network address may ask for new links, whosever they are."""

TYPED = ("answer", "body", "reason", "title", "description", "rating_comment")
"""What is written in forms behind a link, by the names of their fields."""

SIGN_OUT = "sign_out"
"""The act by which somebody else who is signed in goes on as the reader of the link."""

Find = Callable[[str], Any]


LinkView = Callable[..., HttpResponseBase]
"""A view of the link that a token stands for, with the token."""


def about(link: Any) -> tuple[Change, User]:
    """Return the change that a link is about, and whom it was mailed to."""
    if isinstance(link, AccessLink):
        return link.change, link.person
    if isinstance(link, ConfirmationLink):
        return link.confirmation.change, sure(link.confirmation.change.requester)
    watched: tuple[Change, User] = link  # a watcher's: both, in this order
    return watched


def behind_a_link(find: Find) -> Callable[[LinkView], View]:
    """Let a view be reached by the secret token of a link alone, by whoever has it.

    It acts for nobody who is known to be somebody else, but for colleagues of whom it was mailed
    to. To others it shows the page, whose ``request.link_is_of`` says whose it is, and lets
    them sign out and go on.

    A link that is forged, expired, revoked or somebody else's gives the same 404, on which a
    new one can be asked for; too many of them from one address give 429. A link that works goes
    on working there: many people may share one address, with each other and with a mail scanner.
    """

    def decorate(view: LinkView) -> View:
        @for_its_reader_only
        @require_http_methods(["GET", "HEAD", "POST"])
        @wraps(view)
        def guarded(request: HttpRequest, token: str, **more: Any) -> HttpResponseBase:
            known = len(token) <= LONGEST_TOKEN
            link = find(token) if known else None
            if link is None:
                if known:
                    access_links.note_expired(token)
                if request.method == "POST" and request.POST.get("act") == NEW_LINK:
                    return _new_link(request, access_links.whose(token) if known else None)
                if WRONG.are_too_many(request):
                    return too_many(request)
                return not_valid(request)
            change, reader = about(link)
            other = _who_else(request, reader)
            if request.method == "POST" and request.POST.get("act") == SIGN_OUT:
                return _sign_out(request, other)
            if other is not None and not permissions.may_use_link_of(reader, other, change):
                if request.method == "POST":
                    return _not_theirs(request, other, reader, change)
                request.link_is_of = reader  # type: ignore[attr-defined]
            if isinstance(link, AccessLink | ConfirmationLink):
                if request.method == "GET":
                    access_links.note_opened(link)
                    _note_read(request, link, change, reader)
                elif request.method == "POST":
                    link.browser_of = other
            return view(request, link, token, **more)

        return guarded

    return decorate


def _note_read(request: HttpRequest, link: Any, change: Change, reader: User) -> None:
    """Note what the reader has read: by the link alone, as it is first opened, what its mail tells.

    Signed in, it is they and no scanner of mail: then all of the change.
    """
    user = request.user
    if not isinstance(user, User) and link.opened_at is None:
        inbox.read_by_mail(link.email_id, change, reader)
    elif isinstance(user, User) and user.pk == reader.pk:
        inbox.read_change(user, change.pk)


def _who_else(request: HttpRequest, reader: User) -> User | None:
    """Return who is signed in, if it is not the person to whom the link was mailed."""
    user = request.user
    return user if isinstance(user, User) and user.pk != reader.pk else None


def _sign_out(request: HttpRequest, other: User | None) -> HttpResponse:
    """Sign whoever else is signed in out, and show the page of the link as its reader's.

    It leads to this address and to no other, whatever was sent.
    """
    if other is not None:
        logout(request)
    return redirect(request.path)


def _not_theirs(request: HttpRequest, user: User, reader: User, change: Change) -> HttpResponse:
    """Refuse what somebody else sent, with what helps, and give their words back."""
    words = [request.POST.get(name, "") for name in TYPED]
    context = {
        "reader": reader,
        "change": change,
        "sign_out": SIGN_OUT,
        "url": change.get_absolute_url() if permissions.may_see(user, change) else "",
        "sentence": _("This can be sent by %s alone.") % reader,
        "typed": [(_("Your words"), text) for text in words if text.strip()],
    }
    status = HTTPStatus.FORBIDDEN
    return render(request, "changes/link_of_another.html", context, status=status)


@for_its_reader_only
@require_safe
def with_more_behind(request: HttpRequest, page: str, token: str, rest: str) -> HttpResponse:
    """Lead to the link that was meant where a mail program took signs behind it for a part of it.

    A bracket, a quotation mark, a full stop or a sign of no width: whatever no token holds.
    """
    return redirect(f"/{page}/{token}/")


def too_many(request: HttpRequest) -> HttpResponse:
    """Refuse for a while whoever tries many links, or asks for many."""
    context = {"contact": contact_of(), "minutes": FAILURES_SECONDS // 60}
    status = HTTPStatus.TOO_MANY_REQUESTS
    return render(request, "changes/link_limit.html", context, status=status)


def not_valid(request: HttpRequest) -> HttpResponse:
    """Say how to get a new link, and nothing about why this one does not work."""
    context = {"contact": contact_of(), "new_link": NEW_LINK}
    return render(request, "changes/link_invalid.html", context, status=404)


def contact_of(team_mailbox: str = "") -> str:
    """Return the address that helps a requester."""
    return team_mailbox or parseaddr(settings.DEFAULT_FROM_EMAIL)[1]


# --- A new link ---------------------------------------------------------------------------

NEW_LINK = "new_link"
"""The act by which the page of a link that does not work asks for another."""


@for_its_reader_only
@require_http_methods(["GET", "HEAD", "POST"])
def new_link(request: HttpRequest) -> HttpResponse:
    """Ask for a link by address and number of the request, for who has no mail of ours at hand.

    The answer is the same whether they fit or not, and so is its time: the link goes to the
    recorded address.
    """
    form = NewLinkForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        with same_time():
            return _new_link(request, _meant(form))
    status = HTTPStatus.BAD_REQUEST if form.is_bound else HTTPStatus.OK
    context = {"form": form, "contact": contact_of()}
    return render(request, "changes/new_link.html", context, status=status)


def _meant(form: NewLinkForm) -> tuple[Change, User] | None:
    change = Change.objects.filter(pk=form.cleaned_data["reference"]).first()
    person = User.objects.with_address(form.cleaned_data["email"])
    return (change, person) if change and person else None


def _new_link(request: HttpRequest, meant: tuple[Change, User] | None) -> HttpResponse:
    """Mail a new link if there is somebody to mail it to, and say the same in any case."""
    if not NEW_LINKS.is_open_for(address_of(request)):
        return too_many(request)
    if meant is not None:
        lifecycle.ask_for_link(*meant)
    return render(request, "changes/new_link_sent.html", {"contact": contact_of()})
