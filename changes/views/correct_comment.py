"""The page on which the author of a comment puts right what it says."""

from http import HTTPStatus

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from expansive_cm.workflow.errors import ChangeStale, StepIncomplete

from .. import lifecycle, permissions
from ..forms.discussion import CorrectCommentForm
from ..lifecycle.discussion import came_by_mail, state_of_words
from ..permissions.discussion import CORRECTABLE
from .access import SignedInRequest, insist, signed_in, visible_or_404
from .discussion import readable


@signed_in
@require_http_methods(["GET", "HEAD", "POST"])
def correct_comment(request: SignedInRequest, pk: int, comment_pk: int) -> HttpResponse:
    """Let the author of a comment put other words into it, for some minutes.

    Answers 404 for what this person does not read, 403 for somebody else's, 409 where it is too
    late or was corrected in another window, 400 where nothing is written or different.
    """
    change = visible_or_404(request.user, pk)
    seen_by_them = readable(request.user, change.comments.select_related("author"))
    found = get_object_or_404(seen_by_them, pk=comment_pk)
    insist(permissions.can_correct_comment(request.user, change))
    insist(permissions.may_correct(request.user, found, by_mail=came_by_mail(found)))
    form = CorrectCommentForm(request.POST or None, initial={"body": found.body})
    status, stale = HTTPStatus.OK, ""
    if request.method == "POST":
        status = HTTPStatus.BAD_REQUEST
        if form.is_valid():
            try:
                lifecycle.correct_comment(
                    found,
                    actor=request.user,
                    body=form.cleaned_data["body"],
                    seen=request.POST.get("seen", ""),
                )
            except StepIncomplete as error:
                form.add_error("body", str(error))
            except ChangeStale as error:
                found.refresh_from_db()
                status, stale = HTTPStatus.CONFLICT, str(error)
            else:
                messages.success(request, _("Your comment is corrected."))
                return redirect(f"{change.get_absolute_url()}#comment-{found.pk}")
    context = {
        "change": change,
        "comment": found,
        "form": form,
        "stale": stale,
        # After a mistake it is still the page as it was: who corrected it meanwhile is told next.
        "seen": request.POST.get("seen", "")
        if form.is_bound and not stale
        else state_of_words(found),
        "minutes": int(CORRECTABLE.total_seconds() // 60),
    }
    return render(request, "changes/correct_comment.html", context, status=status)
