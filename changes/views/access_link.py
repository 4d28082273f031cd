"""The requester's page of one change, behind a mailed link; no account is needed.

Each thing that can be done on it is a POST with ``act``; ``ACTS`` lists them.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from http import HTTPStatus

from django.core.exceptions import BadRequest
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.middleware import zone_of

from .. import access_links, lifecycle
from ..errors import StepError, StepIllegal
from ..forms.access_link import AnswerForm
from ..models import AccessLink, Change, Question
from ..states import PLAIN_WORDS, State
from .secret_link import behind_a_link, contact_of, not_valid


@dataclass
class RequestPage:
    """What the page shows to one person, and what came of the form they sent."""

    request: HttpRequest
    link: AccessLink
    token: str
    forms: dict[int, AnswerForm] = field(default_factory=dict)
    refusal: str = ""
    typed: str = ""

    @property
    def change(self) -> Change:
        return self.link.change

    def questions(self) -> list[Question]:
        """Everything the board asked this person about this change, the oldest first."""
        return list(self.change.questions.filter(answerer=self.link.person))

    def show(self, status: HTTPStatus = HTTPStatus.OK) -> HttpResponse:
        """Draw the page as things are now."""
        asked = self.questions()
        waiting = self.change.state == State.INFORMATION_REQUIRED
        still_open = [one for one in asked if one.is_open] if waiting else []
        answered = [one for one in asked if not one.is_open]
        others = waiting and self.change.questions.filter(answered_at=None).exists()
        context = {
            "change": self.change,
            "words": PLAIN_WORDS[State(self.change.state)],
            "to_answer": [self.form_of(question) for question in still_open],
            "answered": answered,
            "thanks": bool(answered) and not still_open,
            "others_asked": others and not still_open,
            "refusal": self.refusal,
            "typed": self.typed,
            "contact": contact_of(self.change.organisation.success_team.email),
        }
        return render(self.request, "changes/request_page.html", context, status=status)

    def form_of(self, question: Question) -> AnswerForm:
        return self.forms.get(question.pk) or AnswerForm(question=question)

    def refuse(self, error: StepError, question: Question, typed: str) -> HttpResponse:
        """Say why nothing was recorded, above the page as it is now, and what was typed."""
        link = access_links.find(self.token)
        if link is None:
            return not_valid(self.request)
        self.link = link
        question.refresh_from_db()
        if not question.is_open:
            error = StepIllegal(_("This question has been answered already."))
        elif self.change.state != State.INFORMATION_REQUIRED:
            error = StepIllegal(_("The board no longer waits for this answer."))
        self.refusal, self.typed = str(error), typed
        return self.show(HTTPStatus(error.status))


@behind_a_link(access_links.find)
def request_page(request: HttpRequest, link: AccessLink, token: str) -> HttpResponse:
    """Show where the change is and what the board asks; take what the requester sends.

    Whoever is signed in, it is the requester who acts: the link went to their address.
    """
    page = RequestPage(request, link, token)
    with timezone.override(zone_of(link.person)):
        if request.method != "POST":
            return page.show()
        act = ACTS.get(request.POST.get("act", ""))
        if act is None:
            raise BadRequest("act")
        return act(page)


def _answer(page: RequestPage) -> HttpResponse:
    """Answer one question; with the last one the change returns to the board by itself."""
    given = page.request.POST.get("question", "")
    question = next((one for one in page.questions() if str(one.pk) == given), None)
    if question is None:
        raise BadRequest("question")
    form = AnswerForm(page.request.POST, question=question)
    page.forms[question.pk] = form
    if question.is_open and not form.is_valid():
        return page.show(HTTPStatus.BAD_REQUEST)
    answer = form.data.get("answer", "")
    try:
        lifecycle.answer_question(
            page.change,
            actor=page.link.person,
            question=question,
            answer=form.cleaned_data["answer"] if form.is_valid() else answer,
            link=page.link,
        )
    except StepError as error:
        return page.refuse(error, question, answer)
    return redirect("changes:request_page", token=page.token)


ACTS: dict[str, Callable[[RequestPage], HttpResponse]] = {"answer": _answer}
"""What can be done on the page, by the name that its form sends."""
