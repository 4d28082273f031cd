"""What success teams follow: who has not answered, and how content those are who have."""

from collections.abc import Iterator
from datetime import datetime
from functools import wraps
from http import HTTPStatus
from typing import Any

from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.db.models import QuerySet
from django.http import Http404, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_safe

from expansive_cm.sure import sure
from expansive_cm.ui import paging
from expansive_cm.ui.components import Series, Tab
from expansive_cm.ui.paging import page_of
from expansive_cm.workflow.errors import StepForbidden

from .. import answers, permissions
from ..export import csv_lines, yes_or_no
from ..forms.answers import RatingFilterForm, TeamFilterForm, WaitingFilterForm
from ..models import Confirmation, DeliveryProblem
from ..reminders import heard_at
from ..story import known_as
from ..worklist import how_many
from .access import SignedInRequest, View

PAGE_SIZE = 25
PROBLEMS_SHOWN = 20


def for_followers(view: View) -> View:
    """Let those see a page who look after requesters; for customers there is no such page."""

    @login_required
    @require_safe
    @wraps(view)
    def wrapped(request: SignedInRequest) -> HttpResponseBase:
        if not request.user.is_internal:
            raise Http404
        decision = permissions.can_follow_answers(request.user)
        if not decision:
            raise StepForbidden(decision.reason)
        return view(request)

    return wrapped


@for_followers
def waiting_answers(request: SignedInRequest) -> HttpResponse:
    """Show who has not answered for how long, and what can be done about it."""
    form = WaitingFilterForm(request.user, request.GET)
    if not form.is_valid():
        return _refused(request, form)
    asked = answers.unanswered()
    if form.teams is not None:
        asked = answers.of_teams(asked, form.teams)
    try:
        page = page_of(
            _chosen(asked, form),
            answers.LONGEST_SILENCE,
            request.GET.get("page", ""),
            PAGE_SIZE,
            answers.with_chase,
        )
    except paging.BadToken as error:
        return _refused(request, form, str(error))
    problems = list(answers.open_problems(form.teams)[: PROBLEMS_SHOWN + 1])
    context = {
        "tabs": tabs("waiting", how_many(len(problems), PROBLEMS_SHOWN + 1) if problems else None),
        "form": form,
        "rows": [_row(request, one) for one in page],
        "problems": problems[:PROBLEMS_SHOWN],
        "more_problems": len(problems) > PROBLEMS_SHOWN,
        "last_day": max(settings.REMINDER_DAYS),
        **_figures(form, answers.silence(asked)),
        **_pages(form, page),
    }
    return render(request, "changes/waiting_answers.html", context)


def _chosen(asked: QuerySet[Confirmation], form: WaitingFilterForm) -> QuerySet[Confirmation]:
    wanted = form.cleaned_data
    if wanted["age"]:
        age = next(age for age in answers.ages() if age.key == wanted["age"])
        asked = asked.filter(age.condition(timezone.now()))
    if wanted["state"] == "escalated":
        asked = asked.filter(escalated_at__isnull=False)
    if wanted["state"] == "undelivered":
        asked = asked.filter(answers.undelivered())
    return asked


def _figures(form: WaitingFilterForm, silence: dict[str, Any]) -> dict[str, Any]:
    spans = answers.ages()
    links = [form.address(age=age.key, state="") for age in spans]
    counts = [silence[f"age_{age.key}"] for age in spans]
    return {
        "silence": silence,
        "labels": [age.label for age in spans],
        "series": [Series(_("Requesters asked"), counts, "blue", links)],
        "label_links": links,
        "escalated_url": form.address(state="escalated", age=""),
        "undelivered_url": form.address(state="undelivered", age=""),
        "all_url": form.address(state="", age=""),
    }


def _row(request: SignedInRequest, one: Confirmation) -> dict[str, Any]:
    """Return what a row shows; everything it reads is loaded (``answers.with_chase``)."""
    change = one.change
    problems: list[DeliveryProblem] = vars(change)["open_problems"]
    known_as(change, "confirmations", [one])
    links = [link for link in one.links.all() if link.superseded_at is None]
    reminders = list(one.reminders.all())
    attempts = list(one.contact_attempts.all())
    may = {
        verb: permissions.check(verb, request.user, change)
        for verb in ("resend_confirmation", "record_contact", "close_unanswered")
    }
    return {
        "confirmation": one,
        "change": change,
        "days": (timezone.now() - one.asked_at).days,
        "is_on_its_way": heard_at(one) is None,
        "opened_at": max((link.opened_at for link in links if link.opened_at), default=None),
        "reminders": len(reminders),
        "reminded_at": max((one.sent_at for one in reminders), default=None),
        "attempts": len(attempts),
        "attempt": attempts[0] if attempts else None,
        "undelivered": any(problem.person_id == change.requester_id for problem in problems),
        "may": {verb: decision.allowed for verb, decision in may.items()},
        "may_anything": any(may.values()),
    }


# Ratings ---------------------------------------------------------------------------------------


@for_followers
def ratings(request: SignedInRequest) -> HttpResponse:
    """Show how content requesters are, month by month, and what they wrote."""
    form = RatingFilterForm(request.user, request.GET)
    if not form.is_valid():
        return _refused(request, form)
    found = _rated(form)
    try:
        page = page_of(
            _with_stars(found, form),
            answers.LATEST_RATING,
            request.GET.get("page", ""),
            PAGE_SIZE,
            answers.with_change,
        )
    except paging.BadToken as error:
        return _refused(request, form, str(error))
    context = {
        "tabs": tabs("ratings"),
        "form": form,
        "rows": page.rows,
        "export_url": reverse("changes:export_ratings") + form.address(),
        **_contentment(form, found),
        **_pages(form, page),
    }
    return render(request, "changes/ratings.html", context)


@for_followers
def export_ratings(request: SignedInRequest) -> HttpResponse | StreamingHttpResponse:
    """Send the ratings that the page's address asks for as a file that spreadsheets open."""
    form = RatingFilterForm(request.user, request.GET)
    if not form.is_valid():
        return _refused(request, form)
    chosen = paging.in_order(_with_stars(_rated(form), form), answers.LATEST_RATING)
    lines = csv_lines(RATING_COLUMNS, _cells(answers.with_change(chosen)))
    response = StreamingHttpResponse(lines, content_type="text/csv; charset=utf-8")
    name = f"ratings-{timezone.localdate():%Y-%m-%d}.csv"
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    response["Cache-Control"] = "no-store"
    return response


RATING_COLUMNS = (
    gettext_lazy("Reference"),
    gettext_lazy("Title"),
    gettext_lazy("Organisation"),
    gettext_lazy("Success team"),
    gettext_lazy("Requester"),
    gettext_lazy("Owner"),
    gettext_lazy("Asked"),
    gettext_lazy("Answered"),
    gettext_lazy("Meets the need"),
    gettext_lazy("As expected"),
    gettext_lazy("Rated"),
    gettext_lazy("Rating"),
    gettext_lazy("Comment"),
)


def _cells(rated: QuerySet[Confirmation]) -> Iterator[tuple[Any, ...]]:
    zone = timezone.get_current_timezone()

    def moment(value: datetime | None) -> str:
        return value.astimezone(zone).isoformat(" ", "seconds") if value else ""

    for one in rated.iterator(chunk_size=1000):
        change = one.change
        yield (
            change.reference,
            change.title,
            change.organisation,
            sure(change.organisation).success_team,
            change.requester,
            change.owner or "",
            moment(one.asked_at),
            moment(one.answered_at),
            yes_or_no(one.meets_need),
            yes_or_no(one.as_expected),
            moment(one.rated_at),
            one.rating,
            one.rating_comment,
        )


def _rated(form: RatingFilterForm) -> QuerySet[Confirmation]:
    found = answers.rated_since(answers.rated(), form.how_many_months)
    return found if form.teams is None else answers.of_teams(found, form.teams)


def _with_stars(found: QuerySet[Confirmation], form: RatingFilterForm) -> QuerySet[Confirmation]:
    stars = form.cleaned_data["rating"]
    return found.filter(rating=int(stars)) if stars else found


def _contentment(form: RatingFilterForm, found: QuerySet[Confirmation]) -> dict[str, Any]:
    months = answers.by_month(found, form.how_many_months)
    figures = answers.contentment(found)
    return {
        "figures": figures,
        "labels": [date_format(month.begin, "M Y") for month in months],
        "series": [
            Series(_("Average"), [month.average for month in months], "green"),
            Series(_("Ratings"), [month.number for month in months], is_drawn=False),
        ],
        "stars": [
            (stars, figures[f"stars_{stars}"], form.address(rating=str(stars)))
            for stars in answers.STARS
        ],
        "all_url": form.address(rating=""),
    }


# Both pages ------------------------------------------------------------------------------------


def tabs(active: str, undelivered: str | None = None) -> list[Tab]:
    """Return the pages about requesters; ``undelivered`` is how many mails did not arrive."""
    return [
        Tab(
            _("Waiting for answers"),
            reverse("changes:waiting_answers"),
            "hourglass",
            active=active == "waiting",
        ),
        Tab(_("Ratings"), reverse("changes:ratings"), "star", active=active == "ratings"),
        Tab(
            _("Mail that did not arrive"),
            reverse("changes:mail_problems"),
            "alert-triangle",
            undelivered,
            active == "undelivered",
        ),
    ]


def _pages(form: TeamFilterForm, page: paging.Page[Any]) -> dict[str, str]:
    return {
        "next_url": form.address(page=page.next) if page.next else "",
        "previous_url": form.address(page=page.previous) if page.previous else "",
    }


def _refused(request: SignedInRequest, form: TeamFilterForm, sentence: str = "") -> HttpResponse:
    """Answer 400 and say which part of the address is wrong."""
    problems = [sentence] if sentence else []
    problems += [
        f"{form.fields[name].label}: {error}"
        for name, errors in form.errors.items()
        for error in errors
    ]
    context = {"problems": problems, "list_url": request.path}
    return render(request, "changes/list_refused.html", context, status=HTTPStatus.BAD_REQUEST)
