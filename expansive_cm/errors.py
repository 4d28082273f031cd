"""What a person sees when something cannot be done: one page per kind of refusal.

Every page says what happened, that nothing was changed, and where to go on. A request that
htmx made in the background gets the sentence alone, which the page shows as an alert.
"""

import logging
import secrets
import sys
from collections.abc import Callable
from http import HTTPStatus
from urllib.parse import unquote

from django.core.exceptions import (
    RequestDataTooBig,
    TooManyFieldsSent,
    TooManyFilesSent,
)
from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse
from django.middleware.csrf import REASON_NO_CSRF_COOKIE, REASON_NO_REFERER
from django.shortcuts import render
from django.template.loader import render_to_string
from django.urls import NoReverseMatch, reverse
from django.utils.translation import gettext as _

from expansive_cm.workflow.errors import StepError

from .files import FilesAway

logger = logging.getLogger(__name__)

Handler = Callable[[HttpRequest], HttpResponse]

TOO_MUCH = (RequestDataTooBig, TooManyFieldsSent, TooManyFilesSent)
NUL = "\x00"
READ_ONLY = "25006"
"""PostgreSQL's code for a database that lets nobody write."""
RETRY_AFTER_SECONDS = 60
LAST_RESORT = (
    b"<!DOCTYPE html><html lang=en-gb><title>Something went wrong</title>"
    b"<h1>Something went wrong</h1><p>The fault is ours. Please try again in a few minutes.</p>"
)


def page(
    request: HttpRequest, status: HTTPStatus, sentence: str = "", **context: object
) -> HttpResponse:
    """Render the page for a status, or its sentence alone for a request by htmx."""
    if request.headers.get("HX-Request") == "true" and not request.headers.get("HX-Boosted"):
        text = sentence or str(status.phrase)
        return HttpResponse(text, status=status, content_type="text/plain; charset=utf-8")
    context = {"sentence": sentence, **context}
    return render(request, f"{status.value}.html", context, status=status)


# --- Handlers named in urls.py ------------------------------------------------------------


def bad_request(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """Answer 400, or 413 where there was too much of it."""
    if isinstance(exception, TOO_MUCH):
        sentence = _("That is too much at once. Send fewer or smaller files, or a shorter text.")
        return page(request, HTTPStatus.REQUEST_ENTITY_TOO_LARGE, sentence)
    return page(request, HTTPStatus.BAD_REQUEST, _("The request could not be understood."))


def permission_denied(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """Answer 403 with the reason that was given, if any."""
    sentence = str(exception or "") or _("You may not do this.")
    return page(request, HTTPStatus.FORBIDDEN, sentence)


def page_not_found(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """Answer 404; what does not exist and what is not yours read the same."""
    return page(request, HTTPStatus.NOT_FOUND, _("There is nothing at this address."))


def server_error(request: HttpRequest) -> HttpResponse:
    """Answer 500 without database, session or person, with a reference that the log has too.

    Where it is a part that is away, and not a fault in what we do, answer 503.
    """
    if sentence := what_is_away(sys.exc_info()[1]):
        return unavailable(request, sentence)
    reference = secrets.token_hex(4).upper()
    logger.error("The page shown for the error above carries the reference %s", reference)
    try:
        body = render_to_string("500.html", {"reference": reference}).encode()
    except Exception:
        logger.exception("The page for errors could not be drawn")
        body = LAST_RESORT
    return HttpResponse(body, status=HTTPStatus.INTERNAL_SERVER_ERROR)


def what_is_away(error: BaseException | None) -> str:
    """Return what to say of an error that comes from a part of ours being away, full or too busy.

    "" for every other. The database says so of itself, also that it lets nobody write.
    """
    if isinstance(error, FilesAway):
        return _("Files cannot be kept at the moment: there is no room for them.")
    code = getattr(getattr(error, "__cause__", None), "pgcode", None)
    if isinstance(error, OperationalError | InterfaceError) or code == READ_ONLY:
        return _("Our database is away, full or too busy at the moment.")
    return ""


def unavailable(request: HttpRequest, sentence: str) -> HttpResponse:
    """Answer 503, without database, session or person, and say when to try again."""
    if request.headers.get("HX-Request") == "true" and not request.headers.get("HX-Boosted"):
        content, content_type = sentence, "text/plain; charset=utf-8"
    else:
        content, content_type = render_to_string("503.html", {"sentence": sentence}), "text/html"
    answer = HttpResponse(content, status=HTTPStatus.SERVICE_UNAVAILABLE, content_type=content_type)
    answer["Retry-After"] = str(RETRY_AFTER_SECONDS)
    answer["Cache-Control"] = "no-store"
    return answer


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """Answer 403 to a form whose token does not fit: most often the page was too old."""
    no_cookie = reason in (REASON_NO_CSRF_COOKIE, REASON_NO_REFERER)
    sentence = _("This form was open for too long, or you signed in or out in another window.")
    if request.headers.get("HX-Request") == "true":
        return page(request, HTTPStatus.FORBIDDEN, sentence)
    context = {"sentence": sentence, "no_cookie": no_cookie}
    return render(request, "403_csrf.html", context, status=HTTPStatus.FORBIDDEN)


def conflict(request: HttpRequest, sentence: str = "", url: str = "") -> HttpResponse:
    """Answer 409: somebody was faster. `url` leads to how things stand now."""
    sentence = sentence or _("Somebody else was faster, so this page is out of date.")
    return page(request, HTTPStatus.CONFLICT, sentence, current_url=url)


# --- Middleware -----------------------------------------------------------------------------


class NulMiddleware:
    """Refuse NUL characters, which PostgreSQL cannot store, with 400 instead of a fault.

    Address, query and cookies are refused before any view. A form's own fields answer beside
    the field; what a view reads without a form is caught when the database refuses it.
    """

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if any(NUL in value for value in request.COOKIES.values()):
            request.COOKIES.clear()
            return bad_request(request)
        return self.get_response(request)

    def process_view(self, request: HttpRequest, *_view: object) -> HttpResponse | None:
        """Refuse an address or a query with NUL; by now the person is known."""
        query = unquote(request.META.get("QUERY_STRING", ""))
        if NUL in request.path_info or NUL in query:
            return bad_request(request)
        return None

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        """Turn the database driver's refusal into the same answer."""
        if isinstance(exception, ValueError) and "NUL (0x00)" in str(exception):
            return bad_request(request)
        return None


class StepErrorMiddleware:
    """Turn a refusal by the process that no view has answered itself into its page."""

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        """Answer with the status and sentence of a StepError; leave the rest alone."""
        if not isinstance(exception, StepError):
            return None
        status = HTTPStatus(exception.status)
        if status == HTTPStatus.CONFLICT:
            missing = getattr(exception, "missing", [])
            return page(
                request,
                status,
                str(exception),
                current_url=_current_url(request),
                missing=missing,
            )
        return page(request, status, str(exception))


def _current_url(request: HttpRequest) -> str:
    """Return the page of the change that the request was about, if there is one."""
    match = request.resolver_match
    if match is None or match.namespace != "changes" or "pk" not in match.kwargs:
        return ""
    try:
        return reverse("changes:detail", kwargs={"pk": match.kwargs["pk"]})
    except NoReverseMatch:
        return ""
