"""The palette: one box that leads to changes, people, meetings and pages, by keyboard."""

from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from accounts.navigation import navigation

from ..palette import LONGEST, Lead, kinds_for
from .access import SignedInRequest


@login_required
@require_safe
def palette(request: SignedInRequest) -> HttpResponse:
    """Show the palette with the pages of the header; to htmx, what a text leads to."""
    text = request.GET.get("q", "")[:LONGEST]
    pages = [Lead(item.label, item.url, item.icon) for item in navigation(request)]
    context = {"kinds": kinds_for(request.user, text, pages), "text": text.strip()}
    name = "palette_found" if request.htmx else "palette"
    return render(request, f"changes/partials/{name}.html", context)
