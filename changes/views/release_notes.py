"""What a release brings, in customer words: a page and a file, whole or of one customer."""

from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils.http import content_disposition_header
from django.views.decorators.http import require_safe

from expansive_cm.numbers import whole_number

from .. import permissions, release_notes
from ..models import Release
from .access import SignedInRequest, signed_in


def _notes_or_404(request: SignedInRequest, pk: int) -> release_notes.Notes:
    """Return the notes; for a customer's people only of what is out and brings them something."""
    release = get_object_or_404(Release, pk=pk)
    wanted = request.GET.get("customer", "")
    customer = whole_number(wanted) if wanted else None
    if wanted and customer is None:
        raise Http404
    notes = release_notes.notes_of(release, request.user, customer)
    full = permissions.can_read_releases(request.user)
    if notes is None or not (full or (notes.parts and release.released_at)):
        raise Http404
    return notes


@signed_in
@require_safe
def release_notes_page(request: SignedInRequest, pk: int) -> HttpResponse:
    """Show what a release brings."""
    notes = _notes_or_404(request, pk)
    file_url = reverse("changes:release_notes_file", args=[pk])
    chosen = f"?customer={notes.customer.pk}" if notes.customer else ""
    context = {
        "notes": notes,
        "title": release_notes.title_of(notes.release),
        "more_words": release_notes.more_words(),
        "file_url": file_url + chosen,
        "full": permissions.can_read_releases(request.user).allowed,
    }
    return render(request, "changes/release_notes.html", context)


@signed_in
@require_safe
def release_notes_file(request: SignedInRequest, pk: int) -> HttpResponse:
    """Hand out the same as a Markdown file."""
    notes = _notes_or_404(request, pk)
    text = release_notes.as_markdown(notes)
    name = release_notes.file_name(notes.release, notes.customer)
    disposition = content_disposition_header(as_attachment=True, filename=name)
    return HttpResponse(
        text,
        content_type="text/markdown; charset=utf-8",
        headers={"Content-Disposition": disposition},
    )
