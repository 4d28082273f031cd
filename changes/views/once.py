"""A form that makes something is taken once, however often it arrives.

Each page that is drawn has a token against forgery of its own in its forms: with what was filled
in it names one sending. Two that arrive at once are told apart by the database.
"""

import hashlib
from collections.abc import Callable
from functools import wraps
from typing import Any

from django.db import IntegrityError, transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.http import url_has_allowed_host_and_scheme
from django_htmx.http import HttpResponseClientRefresh

from accounts.models import User

from ..models import SentForm

View = Callable[..., HttpResponse]
REFUSED = 400


def sent_once(view: View) -> View:
    """Let a view of somebody signed in take the same form once; see ``taken_once``."""

    @wraps(view)
    def once(request: HttpRequest, *args: Any, **more: Any) -> HttpResponse:
        assert isinstance(request.user, User)
        return taken_once(request, request.user, lambda: view(request, *args, **more))

    return once


def taken_once(
    request: HttpRequest, person: User, take: Callable[[], HttpResponse]
) -> HttpResponse:
    """Answer with what taking a form answers, or lead back if it was taken before.

    A form that is refused, as something in it is wrong, was not taken. Effects: those of taking
    it and a row that names the sending, together.
    """
    key = _key_of(request)
    if not key:
        return take()
    with transaction.atomic():
        if not _is_first(person, key):
            return _back(request)
        answer = take()
        if answer.status_code >= REFUSED:
            transaction.set_rollback(True)
    return answer


def _key_of(request: HttpRequest) -> str:
    if request.method != "POST" or not request.POST.get("csrfmiddlewaretoken"):
        return ""
    sent = [request.path, *(f"{name}={values}" for name, values in request.POST.lists())]
    sent += [f"{file.name} {file.size}" for name in request.FILES for file in _files(request, name)]
    return hashlib.sha256("\0".join(sent).encode("utf-8", "replace")).hexdigest()[:40]


def _files(request: HttpRequest, name: str) -> list[Any]:
    return request.FILES.getlist(name)


def _is_first(person: User, key: str) -> bool:
    """Take the key; whoever sends the same meanwhile waits until it is known what became of it."""
    try:
        with transaction.atomic():
            SentForm.objects.create(person=person, key=key)
    except IntegrityError:
        return False
    return True


def _back(request: HttpRequest) -> HttpResponse:
    """Show the page again, on which stands what the first one made."""
    if getattr(request, "htmx", False):
        return HttpResponseClientRefresh()
    page = request.headers.get("Referer", "")
    ours = url_has_allowed_host_and_scheme(page, {request.get_host()}, request.is_secure())
    return redirect(page if ours else "/")
