"""A request's page for those who have no account, behind a mailed link.

Each thing that can be done on it is a POST with ``act``; ``ACTS`` lists them. Opening it shows
where the request is and does nothing else than to note that the link has arrived.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

from django.contrib import messages
from django.core.exceptions import BadRequest
from django.db import transaction
from django.forms import Form
from django.http import FileResponse, Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.functional import cached_property
from django.utils.translation import gettext as _

from accounts.middleware import zone_of
from accounts.models import User
from expansive_cm.sure import sure
from expansive_cm.ui import markdown
from expansive_cm.workflow.errors import ChangeStale, StepError, StepIllegal

from .. import access_links, attachments, lifecycle, permissions, plain, story
from ..conversation import said
from ..forms.access_link import AnswerForm, WithdrawRequestForm, WriteForm
from ..forms.confirmation import FollowUpForm
from ..models import AccessLink, Attachment, Change, Comment, Question
from ..states import FINAL, State
from .further import SENT, TOO_MUCH, further, may_send_one
from .once import taken_once
from .secret_address import Limit
from .secret_link import TYPED, behind_a_link, contact_of, not_valid

Typed = Iterable[str]

ACTS_ALLOWED = Limit("link-acts", 30, 600)
"""What one person can send in a while without signing in."""


@dataclass
class RequestPage:
    """What the page shows to one person, and what came of the form they sent."""

    request: HttpRequest
    link: AccessLink
    token: str
    answers: dict[int, AnswerForm] = field(default_factory=dict)
    write_form: WriteForm | None = None
    withdraw_form: WithdrawRequestForm | None = None
    follow_up_form: FollowUpForm | None = None
    refusal: str = ""
    typed: str = ""

    @cached_property
    def change(self) -> Change:
        """The change with its story."""
        story.tell(self.link.change)
        return self.link.change

    @property
    def reader(self) -> User:
        return self.link.person

    def questions(self) -> list[Question]:
        """Everything the board asked this person about this change, the oldest first.

        Also what was taken back: a page that was opened before may still send its answer.
        """
        return [one for one in self.change.questions.all() if one.answerer_id == self.reader.pk]

    def show(self, status: HTTPStatus = HTTPStatus.OK) -> HttpResponse:
        """Draw the page as things are now."""
        board = plain.board_date_of(self.change)
        context = {
            "change": self.change,
            "reader": self.reader,
            "link": self.link,
            "token": self.token,
            "stages": plain.progress(self.change),
            "status": plain.status_of(self.change, self.reader, board),
            "reason": plain.reason_of(self.change),
            "ended": self.change.state in FINAL,
            "milestones": plain.happened(self.change),
            "requested": markdown.render(self.change.description),
            "contact": contact_of(sure(self.change.organisation).success_team.email),
            "refusal": self.refusal,
            "typed": self.typed,
            **self._asked(),
            **self._said(),
            **self._offered(),
        }
        return render(self.request, "changes/request_page.html", context, status=status)

    def _asked(self) -> dict[str, Any]:
        """What is asked of the reader, and what they have answered."""
        asked = [one for one in self.questions() if one.decision.stands]
        waiting = self.change.state == State.INFORMATION_REQUIRED
        still_open = [one for one in asked if waiting and one in self.change.open_questions]
        answered = [one for one in asked if not one.is_open]
        just_now = self.change.state in (State.INFORMATION_REQUIRED, State.BOARD)
        return {
            "to_answer": [self.form_of(question) for question in still_open],
            "answered": answered,
            "thanks": bool(answered) and not still_open and just_now,
            "asks_confirmation": (
                self.change.state == State.CONFIRMATION
                and self.change.requester_id == self.reader.pk
            ),
        }

    def _said(self) -> dict[str, Any]:
        """What everybody on the change may read."""
        comments = list(self.change.comments.filter(is_internal=False).select_related("author"))
        files = self.change.attachments.filter(is_internal=False).select_related("uploaded_by")
        own = [one for one in comments if one.author_id == self.reader.pk]
        sent = [one for one in files if one.uploaded_by_id == self.reader.pk]
        # What is typed is kept under this number: once it has arrived, the number is another.
        shown = said(self.reader, self.change, comments)
        return {"comments": shown, "files": list(files), "arrived": len(own) + len(sent)}

    def _offered(self) -> dict[str, Any]:
        may_write = permissions.can_comment(self.reader, self.change)
        may_withdraw = permissions.can_withdraw(self.reader, self.change)
        withdraw = WithdrawRequestForm(initial={"seen": self.change.version})
        return {
            "may_write": may_write,
            "write_form": (self.write_form or WriteForm()) if may_write else None,
            "withdraw_form": (self.withdraw_form or withdraw) if may_withdraw else None,
            "withdraw_open": bool(self.withdraw_form),
            **further(self.reader, self.change, self.follow_up_form),
        }

    def form_of(self, question: Question) -> AnswerForm:
        return self.answers.get(question.pk) or AnswerForm(question=question)

    def refuse(self, error: StepError, *typed: str) -> HttpResponse:
        """Say why nothing was recorded, above the page as it is now, and what was typed."""
        link = access_links.find(self.token)
        if link is None:
            return not_valid(self.request)
        fresh = RequestPage(self.request, link, self.token)
        fresh.refusal = str(error)
        fresh.typed = "\n\n".join(part for part in typed if part)
        return fresh.show(HTTPStatus(error.status))

    def too_much(self) -> HttpResponse:
        """Refuse for a while what comes too often, and give the words back."""
        self.refusal = str(TOO_MUCH)
        self.typed = "\n\n".join(_typed(self.request))
        return self.show(HTTPStatus.TOO_MANY_REQUESTS)

    def done(self, words: str, part: str) -> HttpResponse:
        """Show the page anew, with what has happened."""
        messages.success(self.request, words)
        path = redirect("changes:request_page", token=self.token)["Location"]
        return redirect(f"{path}#{part}")


@behind_a_link(access_links.find)
def request_page(request: HttpRequest, link: AccessLink, token: str) -> HttpResponseBase:
    """Show where the change is and what is asked; take what its reader sends.

    Whoever is signed in, it is the link's person who acts: the link went to their address.
    """
    page = RequestPage(request, link, token)
    with timezone.override(zone_of(link.person)):
        if request.method != "POST":
            return page.show()
        act = ACTS.get(request.POST.get("act", ""))
        if act is None:
            raise BadRequest("act")
        if not ACTS_ALLOWED.is_open_for(str(link.person.pk)):
            return page.too_much()
        if (
            act is _confirm
        ):  # It makes nothing that stands twice, and is gone anew from an old page.
            return act(page)
        return taken_once(request, page.reader, lambda: act(page), lambda: request.path)


def _typed(request: HttpRequest) -> Typed:
    return [request.POST[name] for name in TYPED if request.POST.get(name)]


def _answer(page: RequestPage) -> HttpResponse:
    """Answer one question; with the last one the change returns to the board by itself."""
    given = page.request.POST.get("question", "")
    question = next((one for one in page.questions() if str(one.pk) == given), None)
    if question is None:
        raise BadRequest("question")
    form = AnswerForm(page.request.POST, question=question)
    page.answers[question.pk] = form
    is_asked = page.change.state == State.INFORMATION_REQUIRED
    waits = is_asked and question in page.change.open_questions
    if waits and not form.is_valid():
        return page.show(HTTPStatus.BAD_REQUEST)
    answer = form.data.get("answer", "")
    try:
        lifecycle.answer_question(
            page.change,
            actor=page.reader,
            question=question,
            answer=form.cleaned_data["answer"] if form.is_valid() else answer,
            link=page.link,
        )
    except StepError as error:
        return page.refuse(_why_unanswered(error, question), answer)
    return redirect("changes:request_page", token=page.token)


def _why_unanswered(error: StepError, question: Question) -> StepError:
    """Say in the requester's words what happened to a question in the meantime."""
    fresh = Question.objects.select_related("change", "decision").get(pk=question.pk)
    if not fresh.is_open:
        return StepIllegal(_("This question has been answered already."))
    if fresh.change.state != State.INFORMATION_REQUIRED or not fresh.decision.stands:
        return StepIllegal(_("The board no longer waits for this answer."))
    return error


def _write(page: RequestPage) -> HttpResponse:
    """Add a comment that everybody on the change reads, and files."""
    body = page.request.POST.get("body", "")
    form = WriteForm(page.request.POST, page.request.FILES)
    page.write_form = form
    may = permissions.can_comment(page.reader, page.change)
    if not may:
        return page.refuse(StepIllegal(may.reason), body)
    if not form.is_valid():
        return page.show(HTTPStatus.BAD_REQUEST)
    try:
        written = _keep(page, form)
    except StepError as error:
        return page.refuse(error, body)
    return page.done(_("We have it. Thank you."), f"comment-{written.pk}" if written else "files")


def _keep(page: RequestPage, form: Form) -> Comment | None:
    """Keep both the words and the files, or neither."""
    written = None
    with transaction.atomic():
        if form.cleaned_data["body"]:
            written = lifecycle.comment(
                page.change, actor=page.reader, body=form.cleaned_data["body"], link=page.link
            )
        attachments.keep(page.change, form.cleaned_data["files"], actor=page.reader, link=page.link)
    return written


def _withdraw(page: RequestPage) -> HttpResponse:
    """Take the request back, until it is being put in place."""
    form = WithdrawRequestForm(page.request.POST)
    page.withdraw_form = form
    reason = page.request.POST.get("reason", "")
    may = permissions.can_withdraw(page.reader, page.change)
    if not may:
        return page.refuse(StepIllegal(may.reason), reason)
    if not form.is_valid():
        if "seen" in form.errors:
            raise BadRequest("seen")
        return page.show(HTTPStatus.BAD_REQUEST)
    try:
        lifecycle.withdraw(
            page.change,
            actor=page.reader,
            reason=form.cleaned_data["reason"],
            seen=form.cleaned_data["seen"],
            link=page.link,
        )
    except ChangeStale:
        words = _("The request has moved on since you opened the page. Please look at it again.")
        return page.refuse(ChangeStale(words), reason)
    except StepError as error:
        return page.refuse(error, reason)
    return redirect("changes:request_page", token=page.token)


def _follow_up(page: RequestPage) -> HttpResponse:
    """Send a request that goes on from this one, which has ended."""
    form = FollowUpForm(page.request.POST, change=page.change, user=page.reader)
    typed = [words for _label, words in form.typed()]
    may = permissions.can_follow_up(page.reader, page.change)
    if not may:
        return page.refuse(StepIllegal(may.reason), *typed)
    if not form.is_valid():
        page.follow_up_form = form
        return page.show(HTTPStatus.BAD_REQUEST)
    if not may_send_one(page.reader):
        return page.too_much()
    try:
        made = lifecycle.send_follow_up(
            page.change, actor=page.reader, link=page.link, **form.arguments()
        )
    except StepError as error:
        return page.refuse(error, *typed)
    return page.done(SENT % made.reference, "further")


def _confirm(page: RequestPage) -> HttpResponse:
    """Go to the question whether the change meets the need; nothing is answered by that."""
    try:
        token = lifecycle.open_confirmation(page.change, actor=page.reader, link=page.link)
    except StepError as error:
        return page.refuse(error)
    return redirect("changes:confirmation", token=token)


ACTS: dict[str, Callable[[RequestPage], HttpResponse]] = {
    "answer": _answer,
    "write": _write,
    "withdraw": _withdraw,
    "confirm": _confirm,
    "follow_up": _follow_up,
}
"""What can be done on the page, by the name that its form sends."""


@behind_a_link(access_links.find)
def request_file(
    request: HttpRequest, link: AccessLink, token: str, attachment_pk: int
) -> FileResponse:
    """Hand out a file that everybody on the change may have, as a download."""
    public = Attachment.objects.filter(change=link.change, is_internal=False)
    found = public.filter(pk=attachment_pk).first()
    if found is None or request.method == "POST":
        raise Http404
    try:
        return attachments.download(found)
    except FileNotFoundError:
        raise Http404 from None
