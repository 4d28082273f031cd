"""A page that shows every component once, for tests only, with addresses of its own."""

from datetime import timedelta
from pathlib import Path

from django import forms
from django.http import HttpRequest, HttpResponse
from django.template import engines
from django.urls import path
from django.utils import timezone
from django.views.decorators.http import require_http_methods

from accounts.components import Series, Stage, StageStatus, Tab, TimelineItem
from changes.risk import Impact, Likelihood
from expansive_cm import errors
from expansive_cm.forms import (
    DateInput,
    DateTimeLocalInput,
    MarkdownTextarea,
    MultipleFileField,
    RadioCards,
)
from expansive_cm.urls import urlpatterns as product

TEMPLATES = Path(__file__).parent / "templates"
KINDS = [("configuration", "Configuration change"), ("code", "Code change")]


class PreviewedHere(MarkdownTextarea):
    """The widget with the preview of this page instead of the product's."""

    preview_url_name = "preview"


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
    description = forms.CharField(label="Description", widget=PreviewedHere)
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
    files = MultipleFileField(label="Attachments", required=False)
    agreed = forms.BooleanField(label="I have read the guidance")
    likelihood = forms.TypedChoiceField(label="Likelihood", choices=Likelihood.choices, coerce=int)
    impact = forms.TypedChoiceField(label="Impact", choices=Impact.choices, coerce=int)


class FilterForm(forms.Form):
    """A filter bar's fields."""

    q = forms.CharField(label="Words", required=False)
    state = forms.ChoiceField(label="State", choices=[("", "Any")], required=False)


def _stages() -> list[Stage]:
    names = ["Submitted", "Review", "Authorisation", "Execution", "Documentation", "Confirmation"]
    marks = [StageStatus.DONE] * 2 + [StageStatus.CURRENT] + [StageStatus.AHEAD] * 3
    return [Stage(name, mark) for name, mark in zip(names, marks, strict=True)]


@require_http_methods(["GET", "POST"])
def gallery(request: HttpRequest) -> HttpResponse:
    """Show every component; a POST shows the form with its mistakes."""
    now = timezone.now()
    person = request.user
    context = {
        "form": EverythingForm(request.POST or None, initial={"likelihood": 3, "impact": 4}),
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
    source = (TEMPLATES / "gallery.html").read_text(encoding="utf-8")
    template = engines["django"].from_string(source)
    status = 400 if context["form"].is_bound and not context["form"].is_valid() else 200
    return HttpResponse(template.render(context, request), status=status)


def preview(request: HttpRequest) -> HttpResponse:
    """Stand in for the view that draws Markdown."""
    return HttpResponse("<p>Drawn by the <strong>server</strong></p>")


def progress(request: HttpRequest) -> HttpResponse:
    """A task that is done at once."""
    template = engines["django"].get_template("components/progress.html")
    context = {"id": "import", "label": "Import", "value": 10, "max": 10, "done": True}
    return HttpResponse(template.render(context, request))


def too_late(request: HttpRequest) -> HttpResponse:
    """Answer that somebody else was faster."""
    return errors.conflict(request, "Helen Carrow authorised CR-000123 a minute ago.", "/gallery/")


def broken(request: HttpRequest) -> HttpResponse:
    """Fail."""
    raise RuntimeError("on purpose")


urlpatterns = [
    path("gallery/", gallery, name="gallery"),
    path("gallery/progress/", progress, name="progress"),
    path("too-late/", too_late),
    path("broken/", broken),
    path("gallery/preview/", preview, name="preview"),
    *product,
]
handler400 = "expansive_cm.errors.bad_request"
handler403 = "expansive_cm.errors.permission_denied"
handler404 = "expansive_cm.errors.page_not_found"
handler500 = "expansive_cm.errors.server_error"
