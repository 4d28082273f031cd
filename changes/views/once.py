"""A form that makes something is taken once, however often it arrives.

Each page that is drawn has a token against forgery of its own in its forms: with what was filled
in it names one sending. Two that arrive at once are told apart by the database.
"""

import hashlib
from collections.abc import Callable
from functools import partial, wraps
from typing import Any

from django.contrib import messages
from django.core.files.uploadedfile import UploadedFile
from django.db import IntegrityError, transaction
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django_htmx.http import HttpResponseClientRefresh

from accounts.models import User

from ..models import SentForm
from .access import View

REFUSED = 400


def sent_once(shown_at: Callable[..., str]) -> Callable[[View], View]:
    """Let a view of somebody signed in take the same form once; see ``taken_once``.

    ``shown_at`` says from what the view is given where stands what was made.
    """

    def decorate(view: View) -> View:
        @wraps(view)
        def once(request: HttpRequest, *args: Any, **more: Any) -> HttpResponseBase:
            assert isinstance(request.user, User)
            shown = partial(shown_at, request, *args, **more)
            return taken_once(request, request.user, partial(view, request, *args, **more), shown)

        return once

    return decorate


def taken_once(
    request: HttpRequest,
    person: User,
    take: Callable[[], HttpResponseBase],
    shown_at: Callable[[], str],
) -> HttpResponseBase:
    """Answer with what taking a form answers, or lead to what it made if it was taken before.

    A form that is refused, as something in it is wrong, was not taken. Effects: those of taking
    it and a row that names the sending, together.
    """
    key = _key_of(request)
    if not key:
        return take()
    with transaction.atomic():
        if not _is_first(person, key):
            return _lead(request, shown_at())
        answer = take()
        if answer.status_code >= REFUSED:
            transaction.set_rollback(True)
    return answer


def _key_of(request: HttpRequest) -> str:
    if request.method != "POST" or not request.POST.get("csrfmiddlewaretoken"):
        return ""
    sent = [request.path, *(f"{name}={values}" for name, values in request.POST.lists())]
    sent += [_sum_of(file) for name in request.FILES for file in request.FILES.getlist(name)]
    return hashlib.sha256("\0".join(sent).encode("utf-8", "replace")).hexdigest()[:40]


def _sum_of(file: UploadedFile) -> str:
    """Name a file by what is in it: one of the same name and size may be another."""
    found = hashlib.sha256()
    for chunk in file.chunks():
        found.update(chunk)
    file.seek(0)
    return f"{file.name} {found.hexdigest()}"


def _is_first(person: User, key: str) -> bool:
    """Take the key; whoever sends the same meanwhile waits until it is known what became of it."""
    try:
        with transaction.atomic():
            SentForm.objects.create(person=person, key=key)
    except IntegrityError:
        return False
    return True


def _lead(request: HttpRequest, where: str) -> HttpResponse:
    """Lead to what the first one made. A page that is asked for its parts draws itself anew."""
    messages.info(request, _("This was sent before, and taken once."))
    if getattr(request, "htmx", False):
        return HttpResponseClientRefresh()
    return redirect(where)


def detail_of(_request: HttpRequest, pk: int) -> str:
    """Return the page of a change, on which stands what is made for it."""
    return reverse("changes:detail", args=[pk])
