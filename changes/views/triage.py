"""Incoming mail, for support: what waits, what one says, and what is made of it."""

from collections.abc import Callable
from functools import wraps
from http import HTTPStatus
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.core.exceptions import BadRequest
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from accounts.models import User
from expansive_cm.mailreader.incoming import Incoming
from expansive_cm.mailreader.reading import read
from expansive_cm.numbers import whole_number
from expansive_cm.ui import markdown
from expansive_cm.ui.components import Tab
from expansive_cm.workflow.decisions import Decision
from expansive_cm.workflow.errors import StepError, StepForbidden, StepIncomplete

from .. import finding, permissions
from ..forms.triage import AcceptCommentForm, AcceptRequestForm
from ..mail_in import fetching, files, waiting
from ..mail_in import triage as acts
from ..mail_in.phrasing import without_secrets
from ..models import Change, IncomingMail
from ..worklist import how_many
from .access import SignedInRequest, View, insist, signed_in

PAGE_SIZE = 30
HEADER_SHOWN = 8 * 1024


def guarded_by(may: Callable[[User], Decision]) -> Callable[[View], View]:
    """Let those in who may; for customers there is no such page."""

    def guard(view: View) -> View:
        @signed_in
        @wraps(view)
        def guarded(request: SignedInRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            if not permissions.can_see_internal(request.user):
                raise Http404
            insist(may(request.user))
            return view(request, *args, **kwargs)

        return guarded

    return guard


for_support = guarded_by(permissions.can_triage)
for_readers = guarded_by(permissions.can_read_incoming_mail)


# Lists ---------------------------------------------------------------------------------------


@for_readers
@require_safe
def triage(request: SignedInRequest) -> HttpResponse:
    """List the mail that waits, the answers that wait, or all that has come."""
    chosen = request.GET.get("view", "waiting")
    if chosen not in ("waiting", "answers", "all"):
        raise BadRequest("view")
    guessed: dict[int, waiting.Guess] = {}
    context: dict[str, Any] = {
        "chosen": chosen,
        "tabs": _tabs(chosen),
        "mailboxes": [fetching.state_of(mailbox) for mailbox in settings.MAILBOXES],
    }
    if chosen == "answers":
        found = waiting.answers_waiting().select_related(
            "question__answerer", "question__change", "mail"
        )
        context["proposals"] = found[:PAGE_SIZE]
    else:
        mails = waiting.mail_waiting() if chosen == "waiting" else IncomingMail.objects.all()
        context |= _page(request, mails.select_related("change", "person", "handled_by"))
    if chosen == "waiting" and permissions.can_triage(request.user):
        context["may_triage"] = True
        context["organisations"] = list(finding.organisations_for(request.user))
        guessed = waiting.guesses(context["mails"])
    context["rows"] = [(mail, guessed.get(mail.pk)) for mail in context.get("mails", ())]
    return render(request, "changes/triage.html", context)


def _tabs(chosen: str) -> list[Tab]:
    number = len(waiting.mail_waiting().values_list("pk")[: waiting.COUNTED])
    answers = len(waiting.answers_waiting().values_list("pk")[: waiting.COUNTED])
    url = reverse("changes:triage")
    return [
        Tab(_("Waiting"), url, "inbox", how_many(number), chosen == "waiting"),
        Tab(
            _("Proposed answers"),
            f"{url}?view=answers",
            "message-question",
            how_many(answers),
            chosen == "answers",
        ),
        Tab(_("All mail"), f"{url}?view=all", "mail", None, chosen == "all"),
    ]


def _page(request: HttpRequest, mails: QuerySet[IncomingMail]) -> dict[str, Any]:
    before = request.GET.get("before", "")
    if before:
        if (number := whole_number(before)) is None:
            raise BadRequest("before")
        mails = mails.filter(pk__lt=number)
    rows = list(mails.defer("quoted")[: PAGE_SIZE + 1])
    parameters = request.GET.copy()
    older = newest = ""
    if len(rows) > PAGE_SIZE:
        parameters["before"] = str(rows[PAGE_SIZE - 1].pk)
        older = f"?{parameters.urlencode()}"
    if before:
        del parameters["before"]
        newest = f"?{parameters.urlencode()}"
    return {"mails": rows[:PAGE_SIZE], "older": older, "newest": newest}


# One mail --------------------------------------------------------------------------------------


@for_readers
@require_safe
def triage_mail(request: SignedInRequest, pk: int) -> HttpResponse:
    """Show what one mail says and how it was sorted."""
    return _show(request, _mail_or_404(pk))


def _mail_or_404(pk: int) -> IncomingMail:
    mails = IncomingMail.objects.select_related(
        "change", "comment", "person__organisation", "handled_by", "raw", "in_answer_to"
    )
    return get_object_or_404(mails, pk=pk)


def _show(
    request: SignedInRequest,
    mail: IncomingMail,
    *,
    request_form: AcceptRequestForm | None = None,
    comment_form: AcceptCommentForm | None = None,
    status: HTTPStatus = HTTPStatus.OK,
    sentence: str = "",
) -> HttpResponse:
    raw = bytes(mail.raw.content)
    incoming = read(raw, our_domain=settings.POST_OFFICE["MESSAGE_ID_FQDN"])
    kept, refused = files.checked(incoming.attachments)
    guess = waiting.guesses([mail]).get(mail.pk, waiting.Guess())
    open_ = mail.outcome in acts.WAITING and bool(permissions.can_triage(request.user))
    context = {
        "mail": mail,
        "body": markdown.render(mail.body),
        "files": kept,
        "refused": refused,
        "headers": _headers(raw),
        "guess": guess,
        "is_open": open_,
        "is_waiting": mail.outcome == IncomingMail.Outcome.TRIAGE,
        "request_form": request_form or _request_form(request, mail, incoming, guess),
        "comment_form": comment_form or _comment_form(request, mail),
        "sentence": sentence,
    }
    return render(request, "changes/triage_mail.html", context, status=status)


def _headers(raw: bytes) -> str:
    """Return the header as it came, as far as somebody reads: it may tell a forged sender."""
    head = raw[: 4 * HEADER_SHOWN].replace(b"\r\n", b"\n").partition(b"\n\n")[0]
    return without_secrets(head[:HEADER_SHOWN].decode("utf-8", "replace").replace("\x00", ""))


def _request_form(
    request: SignedInRequest, mail: IncomingMail, incoming: Incoming, guess: waiting.Guess
) -> AcceptRequestForm:
    initial = {
        "address": mail.sender,
        "name": mail.sender_name,
        "organisation": guess.organisation,
    }
    return AcceptRequestForm(user=request.user, initial=initial)


def _comment_form(request: SignedInRequest, mail: IncomingMail) -> AcceptCommentForm:
    target = f"{mail.change.reference} {mail.change.title}" if mail.change else ""
    return AcceptCommentForm(user=request.user, initial={"target": target})


# What is made of it ----------------------------------------------------------------------------


@for_support
@require_POST
def accept_mail_as_request(request: SignedInRequest, pk: int) -> HttpResponse:
    """Raise what the mail asks for."""
    mail = _mail_or_404(pk)
    form = AcceptRequestForm(request.POST, user=request.user)
    if not form.is_valid():
        return _show(request, mail, request_form=form, status=HTTPStatus.BAD_REQUEST)
    try:
        change = acts.accept_as_request(mail, actor=request.user, **form.cleaned_data)
    except StepForbidden as error:
        form.add_error("address", str(error))
        return _show(request, mail, request_form=form, status=HTTPStatus.BAD_REQUEST)
    except StepError as error:
        return _refused(request, pk, error)
    return _accepted(request, _("The mail is now the request"), change)


@for_support
@require_POST
def accept_mail_as_comment(request: SignedInRequest, pk: int) -> HttpResponse:
    """Add what the mail says to a change."""
    mail = _mail_or_404(pk)
    form = AcceptCommentForm(request.POST, user=request.user)
    if not form.is_valid():
        return _show(request, mail, comment_form=form, status=HTTPStatus.BAD_REQUEST)
    change = form.cleaned_data["target"]
    try:
        acts.accept_as_comment(mail, actor=request.user, change=change)
    except StepIncomplete as error:
        form.add_error("target", str(error))
        return _show(request, mail, comment_form=form, status=HTTPStatus.BAD_REQUEST)
    except StepError as error:
        return _refused(request, pk, error)
    return _accepted(request, _("The mail is now a comment on"), change)


@for_support
@require_POST
def discard_mail(request: SignedInRequest, pk: int) -> HttpResponse:
    """Say that nothing is to be made of the mail."""
    mail = _mail_or_404(pk)
    try:
        acts.discard(mail, actor=request.user)
    except StepError as error:
        return _refused(request, pk, error)
    words = _("“%s” is discarded. It is kept under “All mail” and can still be accepted.")
    messages.success(request, words % (mail.subject or _("(no subject)")))
    return redirect("changes:triage")


@for_support
@require_POST
def put_back_mail(request: SignedInRequest, pk: int) -> HttpResponse:
    """Let a mail wait again that was discarded or ignored."""
    mail = _mail_or_404(pk)
    try:
        acts.put_back(mail, actor=request.user)
    except StepError as error:
        return _refused(request, pk, error)
    words = _("“%s” waits again.") % (mail.subject or _("(no subject)"))
    messages.success(request, words)
    return redirect("changes:triage_mail", pk=pk)


def _accepted(request: SignedInRequest, words: str, change: Change) -> HttpResponse:
    link = format_html(
        '{} <a class="alert-link" href="{}">{} {}</a>.',
        words,
        change.get_absolute_url(),
        change.reference,
        change.title,
    )
    messages.success(request, link)
    return redirect("changes:triage")


def _refused(request: SignedInRequest, pk: int, error: StepError) -> HttpResponse:
    """Say why nothing was done, on the mail's page as it is now."""
    return _show(request, _mail_or_404(pk), status=HTTPStatus(error.status), sentence=str(error))
