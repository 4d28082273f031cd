"""The Mail page of demo mode: every message as it was sent, for lack of a mailbox.

Elsewhere there is no such page. In the demonstration it is open to visitors as well, like the
sign-in page that lets them be anybody: this is where a requester without an account finds the
link.
"""

import re
from functools import wraps
from io import BytesIO

from csp.constants import NONE, SELF, UNSAFE_INLINE
from csp.decorators import csp, csp_update
from django.conf import settings
from django.db.models import Q, QuerySet, prefetch_related_objects
from django.http import FileResponse, Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.clickjacking import xframe_options_sameorigin
from django.views.decorators.http import require_safe
from post_office.models import STATUS, Email

from expansive_cm.post.rows import UNWORDED, is_worded
from expansive_cm.ui.components import Tab

from ..forms.mail import WAITING, MailFilterForm
from ..models import Notice
from ..models.mail import MailFile
from .access import View

PAGE_SIZE = 50
UNSENT = (*WAITING, STATUS.failed)
PARTS = {
    "html": (gettext_lazy("As it looks"), "eye"),
    "text": (gettext_lazy("As text"), "file-text"),
    "headers": (gettext_lazy("Headers"), "list-details"),
}
LINK = re.compile(r"https?://[^\s<>\"]+")
BODY_POLICY = {
    "default-src": [NONE],
    "style-src": [UNSAFE_INLINE],
    "img-src": ["data:"],
    "base-uri": [NONE],
    "form-action": [NONE],
    "frame-ancestors": [SELF],
    # No script, no origin: a message can be read and its links opened, in a new tab.
    "sandbox": ["allow-popups", "allow-popups-to-escape-sandbox"],
}


def demo_only(view: View) -> View:
    """Answer 404 outside demo mode: there, mail is nobody else's to read."""

    @wraps(view)
    def wrapped(request: HttpRequest, *args: object, **kwargs: object) -> HttpResponseBase:
        if not settings.DEMO:
            raise Http404
        return view(request, *args, **kwargs)

    return wrapped


@never_cache
@require_safe
@demo_only
def mail(request: HttpRequest) -> HttpResponse:
    """List the messages, the newest first, found by recipient, subject, reference or state."""
    form = MailFilterForm(request.GET)
    messages = wanted(form) if form.is_valid() else Email.objects.none()
    rows = list(messages.defer("message", "html_message").order_by("-pk")[: PAGE_SIZE + 1])
    prefetch_related_objects([row for row in rows if not is_worded(row)], "notices")
    older = ""
    if len(rows) > PAGE_SIZE:
        parameters = request.GET.copy()
        parameters["before"] = str(rows[PAGE_SIZE - 1].pk)
        older = f"?{parameters.urlencode()}"
    context = {
        "form": form,
        "rows": rows[:PAGE_SIZE],
        "older": older,
        "newest": reverse("changes:mail") if form.cleaned_data.get("before") else "",
        "active": sum(bool(form.cleaned_data.get(name)) for name in ("q", "state")),
    }
    status = 200 if form.is_valid() else 400
    return render(request, "changes/mail.html", context, status=status)


def wanted(form: MailFilterForm) -> QuerySet[Email]:
    """Return the messages that a valid filter asks for."""
    messages = Email.objects.all()
    if words := form.cleaned_data["q"]:
        # A mail that has no subject yet is known by the reference and the title of its change.
        named = {"headers__X-Change-Request__icontains": words}
        # What was sent has one, so few mails are asked: those that wait, were dropped or failed.
        wordless = Email.objects.filter(status__in=UNSENT, backend_alias=UNWORDED)
        told = Notice.objects.filter(email__in=wordless, change__title__icontains=words)
        messages = messages.filter(
            Q(to__icontains=words)
            | Q(subject__icontains=words)
            | Q(**named)
            | Q(pk__in=told.values("email"))
        )
    if state := form.cleaned_data["state"]:
        messages = messages.filter(status__in=WAITING if state == "waiting" else [state])
    if before := form.cleaned_data["before"]:
        messages = messages.filter(pk__lt=before)
    return messages


@never_cache
@require_safe
@demo_only
@csp_update({"frame-src": [SELF]})  # type: ignore[arg-type]  # knows no address with a key
def mail_message(request: HttpRequest, pk: int) -> HttpResponse:
    """Show one message: as it looks, as text, or its headers."""
    email = get_object_or_404(Email, pk=pk)
    notices = email.notices.select_related("change", "event").order_by("pk")
    part = request.GET.get("part", "html")
    if part not in PARTS or (part == "html" and not email.html_message):
        part = "text"
    tabs = [
        Tab(label, f"?part={name}", icon, active=name == part)
        for name, (label, icon) in PARTS.items()
    ]
    context = {
        "email": email,
        "part": part,
        "unworded": [] if is_worded(email) or part == "headers" else notices,
        "tabs": tabs,
        "headers": headers_of(email),
        "links": list(dict.fromkeys(LINK.findall(email.message))),
        "attempts": email.logs.order_by("pk"),
        "files": email.files.defer("content").order_by("pk"),
    }
    return render(request, "changes/mail_message.html", context)


def headers_of(email: Email) -> list[tuple[str, str]]:
    """Return the headers that the message goes out with."""
    standard = {
        _("From"): email.from_email,
        _("To"): ", ".join(email.to),
        _("Subject"): email.subject,
        "Message-ID": email.message_id or "",
    }
    return [*standard.items(), *(email.headers or {}).items()]


@never_cache
@require_safe
@demo_only
def mail_file(request: HttpRequest, pk: int, file_pk: int) -> FileResponse:
    """Hand out a file that a message carries, to be saved."""
    found = get_object_or_404(MailFile, pk=file_pk, emails=pk)
    return FileResponse(
        BytesIO(found.content),
        as_attachment=True,
        filename=found.name,
        content_type=found.content_type,
    )


@never_cache
@require_safe
@demo_only
@xframe_options_sameorigin
@csp(BODY_POLICY)  # type: ignore[arg-type]  # knows no address with a key
def mail_body(request: HttpRequest, pk: int) -> HttpResponse:
    """Return a message's HTML for the frame that shows it, with its links opening a new tab."""
    email = get_object_or_404(Email, pk=pk)
    html = email.html_message.replace("<head>", '<head><base target="_blank">', 1)
    return HttpResponse(html)
