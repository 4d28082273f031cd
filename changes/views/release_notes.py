"""What a release brings, in customer words: a page and a file, whole or of one customer."""

from dataclasses import dataclass

from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils.http import content_disposition_header
from django.views.decorators.http import require_safe

from accounts.models import Organisation
from expansive_cm.numbers import whole_number

from .. import permissions, release_notes
from ..models import Release
from .access import SignedInRequest, signed_in


@dataclass(frozen=True)
class Notes:
    """The notes that were asked for: of all customers, or of one."""

    release: Release
    every: list[release_notes.Part]
    customer: Organisation | None

    @property
    def parts(self) -> list[release_notes.Part]:
        """The part of the customer that was chosen, or all."""
        return [one for one in self.every if self.customer in (None, one.customer)]


def _notes_or_404(request: SignedInRequest, pk: int) -> Notes:
    """Return the notes; for a customer's people only of what is out and brings them something."""
    release = get_object_or_404(Release, pk=pk)
    every = release_notes.parts_of(release, request.user)
    full = permissions.can_read_releases(request.user)
    if not full and not (every and release.released_at):
        raise Http404
    wanted = request.GET.get("customer", "")
    customer = None
    if wanted:
        number = whole_number(wanted)
        customer = next((one.customer for one in every if one.customer.pk == number), None)
        if customer is None:
            raise Http404
    return Notes(release, every, customer)


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
        "file_url": file_url + chosen,
        "full": permissions.can_read_releases(request.user).allowed,
    }
    return render(request, "changes/release_notes.html", context)


@signed_in
@require_safe
def release_notes_file(request: SignedInRequest, pk: int) -> HttpResponse:
    """Hand out the same as a Markdown file."""
    notes = _notes_or_404(request, pk)
    text = release_notes.as_markdown(notes.release, notes.parts)
    name = release_notes.file_name(notes.release, notes.customer)
    disposition = content_disposition_header(as_attachment=True, filename=name)
    return HttpResponse(
        text,
        content_type="text/markdown; charset=utf-8",
        headers={"Content-Disposition": disposition},
    )
