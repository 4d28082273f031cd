"""Every component of the interface on one page, for those who build with them.

It exists in demo mode only, for administrators, and is no part of the process: what it shows is
made up, and what is sent to it is not kept.
"""

from datetime import timedelta
from functools import wraps
from typing import Any

from django import forms
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from accounts.roles import Role
from expansive_cm.ui.components import Series, Stage, StageStatus, Tab, TimelineItem
from expansive_cm.ui.forms import (
    DateInput,
    DateTimeLocalInput,
    MarkdownTextarea,
    MultipleFileField,
    RadioCards,
)

from ..risk import Impact, Likelihood
from .access import SignedInRequest, View, signed_in
from .mail import demo_only

KINDS = [("configuration", "Configuration change"), ("code", "Code change")]


class EverythingForm(forms.Form):
    """One field of each kind."""

    title = forms.CharField(label="Title", max_length=20, help_text="At most 20 characters.")
    kind = forms.ChoiceField(
        label="Type",
        choices=KINDS,
        widget=RadioCards(
            descriptions={
                "configuration": "Settings and parameters, no code is touched.",
                "code": "The application or its infrastructure as code is altered.",
            },
            icons={"configuration": "adjustments", "code": "code"},
        ),
    )
    description = forms.CharField(label="Description", max_length=2_000, widget=MarkdownTextarea)
    urgency = forms.ChoiceField(label="Urgency", choices=[("", "Choose"), ("1", "Low")])
    channel = forms.ChoiceField(
        label="Channel", choices=[("phone", "Phone"), ("mail", "Mail")], widget=forms.RadioSelect
    )
    services = forms.MultipleChoiceField(
        label="Affected services",
        choices=[("helpdesk", "Help desk"), ("assets", "Assets"), ("reports", "Reports")],
        widget=forms.CheckboxSelectMultiple,
        required=False,
    )
    desired = forms.DateField(label="Desired date", widget=DateInput, required=False)
    window = forms.DateTimeField(label="Start", widget=DateTimeLocalInput, required=False)
    files: Any = MultipleFileField(label="Attachments", required=False)
    agreed = forms.BooleanField(label="I have read the guidance")
    likelihood = forms.TypedChoiceField(label="Likelihood", choices=Likelihood.choices, coerce=int)
    impact = forms.TypedChoiceField(label="Impact", choices=Impact.choices, coerce=int)


class FilterForm(forms.Form):
    """A filter bar's fields."""

    q = forms.CharField(label="Words", max_length=100, required=False)
    state = forms.ChoiceField(label="State", choices=[("", "Any")], required=False)


def _stages() -> list[Stage]:
    names = ["Submitted", "Review", "Authorisation", "Execution", "Documentation", "Confirmation"]
    marks = [StageStatus.DONE] * 2 + [StageStatus.CURRENT] + [StageStatus.AHEAD] * 3
    return [Stage(name, mark) for name, mark in zip(names, marks, strict=True)]


def for_administrators(view: View) -> View:
    """Answer 404 outside of demo mode, and there to all but administrators."""

    @wraps(view)
    def wrapped(request: SignedInRequest) -> HttpResponseBase:
        if not request.user.has_role(Role.ADMINISTRATOR):
            raise Http404
        return view(request)

    return demo_only(signed_in(wrapped))


@never_cache
@require_http_methods(["GET", "POST"])
@for_administrators
def gallery(request: HttpRequest) -> HttpResponse:
    """Show every component; a POST shows the form with its mistakes, and keeps nothing."""
    return show(request)


@never_cache
@require_safe
@for_administrators
def gallery_progress(request: HttpRequest) -> HttpResponse:
    """Show how far the gallery's task is."""
    return show_progress(request)


def show_progress(request: HttpRequest) -> HttpResponse:
    """Draw a task that is done at once, whoever asks."""
    context = {"id": "import", "label": "Import", "value": 10, "max": 10, "done": True}
    return render(request, "components/progress.html", context)


def show(request: HttpRequest) -> HttpResponse:
    """Draw the gallery, whoever asks."""
    now = timezone.now()
    person = request.user
    form = EverythingForm(request.POST or None, initial={"likelihood": 3, "impact": 4})
    context = {
        "form": form,
        "filters": FilterForm(request.GET or None),
        "stages": _stages(),
        "happenings": [
            TimelineItem(now - timedelta(minutes=5), "Authorised", person, "Window agreed."),
            TimelineItem(now - timedelta(days=3), "Reminder sent", icon="bell", tone="amber"),
        ],
        "tabs": [Tab("Story", "#", "book", active=True), Tab("History", "#h", "history", 12)],
        "facts": [("Reference", "CR-000123"), ("Organisation", "Harbour View Hospitals")],
        "now": now,
        "later": now + timedelta(days=12),
        "months": ["Sep", "Oct", "Nov"],
        "series": [Series("Configuration", [4, 8, 6]), Series("Code", [2, 3, 5], "purple")],
    }
    status = 400 if form.is_bound and not form.is_valid() else 200
    return render(request, "changes/gallery.html", context, status=status)
