"""The palette: one box that leads to changes, people, meetings and pages, by keyboard."""

from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from accounts.navigation import navigation

from ..palette import LONGEST, Kind, Lead, acts_of, is_asked, kinds_for
from .access import SignedInRequest

HEADER = "header"
"""The box of the header, as it says in its address."""


@login_required
@require_safe
def palette(request: SignedInRequest) -> HttpResponse:
    """Show the palette with the pages of the header; to htmx, what a text leads to.

    The search of the header asks the same, and shows nothing while nothing is typed there.
    """
    text = request.GET.get("q", "")[:LONGEST]
    kinds: list[Kind] = []
    if is_asked(text) or request.GET.get("box") != HEADER:
        pages = [Lead(item.label, item.url, item.icon) for item in navigation(request)]
        kinds = kinds_for(request.user, text, pages)
    context: dict[str, Any] = {"kinds": kinds, "text": text.strip()}
    name = "palette_found" if request.htmx else "palette"
    if not request.htmx:
        context["acts"] = acts_of(request.user)
    return render(request, f"changes/partials/{name}.html", context)
