"""Comments, files, links and watching: what people do beside the process."""

from collections.abc import Callable
from dataclasses import replace
from http import HTTPStatus
from typing import Any

from django.contrib import messages
from django.db.models import Q
from django.http import FileResponse, Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from accounts.models import User
from expansive_cm.numbers import whole_number
from expansive_cm.workflow.errors import StepIncomplete

from .. import attachments, finding, lifecycle, mentions, muting, permissions, story
from ..conversation import Said, said
from ..forms.discussion import INTERNAL, AttachForm, CommentForm, LinkForm
from ..models import Attachment, Change, ChangeLink, IncomingMail, parse_reference
from ..permissions.rules import can_see_internal
from .access import SignedInRequest, insist, signed_in, visible_or_404
from .once import detail_of, sent_once

Context = dict[str, Any]


# --- What the page of a change shows ---------------------------------------------------


def discussion_context(user: User, change: Change) -> Context:
    """Return what ``changes/partials/discussion.html`` shows, in seven queries at most.

    Internal notes and files, and changes that the person does not see, are not in it, nor in
    any number.
    """
    talk, links = comments_context(user, change), links_context(user, change)
    talk["comments"] = _with_where_else(change, talk["comments"], links["links"])
    return {
        **talk,
        **attachments_context(user, change),
        **links,
        **watch_context(user, change),
    }


def _with_where_else(change: Change, comments: list[Said], links: list[Context]) -> list[Said]:
    """Say of a comment that went along to a successor in which change, if it is linked here."""
    kind = ChangeLink.Kind.SUCCESSOR_OF
    linked = {link["change"].pk: link["change"] for link in links if link["kind"] == kind}
    found: dict[str, dict[int, Change]] = {"goes_on": {}, "comes_from": {}}
    for event in change.events.all() if linked and comments else ():
        for name, others in found.items():
            kept = event.data.get(name, {})
            if other := linked.get(kept.get("change")):
                others.update(dict.fromkeys(kept["comments"], other))
    to, since = found["goes_on"], found["comes_from"]
    keys = [one.comment.pk for one in comments]
    return [
        replace(one, goes_on=to.get(key), comes_from=since.get(key))
        for key, one in zip(keys, comments, strict=True)
    ]


def comments_context(user: User, change: Change) -> Context:
    """Return the comments that this person may read, and the form for another."""
    may_comment = permissions.can_comment(user, change)
    found = readable(user, _told_or_read(change, "comments", "author"))
    mails = mails_of(user, change)
    comments = said(user, change, found, mails, may_comment=bool(may_comment))
    return {
        "change": change,
        "comments": comments,
        "request_mail": mails.get(None),
        "after": comments[-1].comment.pk if comments else 0,
        "comment_form": CommentForm(user=user),
        "may_comment": may_comment,
        "sees_internal": can_see_internal(user),
    }


def attachments_context(user: User, change: Change) -> Context:
    """Return the files that this person may have, and the form for more."""
    return {
        "change": change,
        "attachments": readable_files(user, change),
        "attach_form": AttachForm(user=user),
        "may_attach": permissions.can_attach(user, change),
        "sees_internal": can_see_internal(user),
    }


def readable_files(user: User, change: Change) -> list[Attachment]:
    """Return the files of a change that this person may have."""
    return list(readable(user, _told_or_read(change, "attachments", "uploaded_by")))


def links_context(user: User, change: Change) -> Context:
    """Return the linked changes that this person sees, in the words of this side."""
    links = []
    for link in _both_ways(change):
        outward = link.source_id == change.pk
        other = link.target if outward else link.source
        if permissions.may_see(user, other):
            words = link.get_kind_display() if outward else ChangeLink.REVERSED[link.kind]
            links.append({"pk": link.pk, "words": words, "change": other, "kind": link.kind})
    return {
        "change": change,
        "links": links,
        "link_form": LinkForm(user=user),
        "may_link": permissions.can_link(user, change),
        "sees_internal": can_see_internal(user),
    }


def _both_ways(change: Change) -> list[ChangeLink]:
    if story.is_told(change, "links_out", "links_in"):
        told = [*change.links_out.all(), *change.links_in.all()]
        return sorted(told, key=lambda link: (link.kind, link.pk))
    both = ChangeLink.objects.filter(Q(source=change) | Q(target=change))
    return list(both.select_related("source", "target").order_by("kind", "pk"))


def watch_context(user: User, change: Change) -> Context:
    """Return who watches, with names for Expansive's own people, and whether this one mutes it."""
    watchers = change.watchers.all()
    if not story.is_told(change, "watchers"):
        watchers = watchers.only("pk", "display_name", "email")
    watchers = list(watchers)
    return {
        "change": change,
        "watchers": watchers if can_see_internal(user) else [],
        "watcher_count": len(watchers),
        "is_watching": any(watcher.pk == user.pk for watcher in watchers),
        "may_watch": permissions.can_watch(user, change),
        "is_muted": muting.is_muted(user, change),
        "may_mute": permissions.can_mute(user, change),
    }


def mails_of(user: User, change: Change) -> dict[int | None, IncomingMail]:
    """Return the mails that a change came from, by the comment each has become.

    The one that became the request itself stands under None. Costs a query only where the events
    tell of mail; what a colleague's mail quotes is for colleagues.
    """
    if not any(event.data.get("via") == "mail" for event in change.events.all()):
        return {}
    outcomes = IncomingMail.Outcome
    found = IncomingMail.objects.filter(
        change=change, outcome__in=(outcomes.CHANGE, outcomes.COMMENT, outcomes.ANSWER)
    ).select_related("person")
    mails: dict[int | None, IncomingMail] = {}
    for mail in found.defer("body"):
        if mail.person and mail.person.is_internal and not can_see_internal(user):
            mail.quoted = ""
        is_request = mail.outcome == outcomes.CHANGE
        if is_request or mail.comment_id:
            mails[None if is_request else mail.comment_id] = mail
    return mails


def _told_or_read(change: Change, name: str, person: str) -> Any:
    """Return comments or files with their people, which the story of a change may have told."""
    found = getattr(change, name)
    return list(found.all()) if story.is_told(change, name) else found.select_related(person)


def readable(user: User, records: Any) -> Any:
    """Return those of a change's comments or files that this person may read."""
    if can_see_internal(user):
        return records
    if isinstance(records, list):
        return [one for one in records if not one.is_internal]
    return records.filter(is_internal=False)


# --- Comments and notes -----------------------------------------------------------------


@signed_in
@require_POST
@sent_once(detail_of)
def comment(request: SignedInRequest, pk: int) -> HttpResponse:
    """Add a comment or note; in the background, answer with all that is new since the page."""
    change = visible_or_404(request.user, pk)
    form = CommentForm(request.POST, user=request.user)
    if not form.is_valid():
        return _comment_form(request, change, form)
    internal = form.cleaned_data["internal"]
    written = lifecycle.comment(
        change, actor=request.user, body=form.cleaned_data["body"], internal=internal
    )
    if not _in_background(request):
        words = _("Your internal note is added.") if internal else _("Your comment is added.")
        messages.success(request, words)
        return redirect(f"{change.get_absolute_url()}#comment-{written.pk}")
    since = whole_number(request.POST.get("after", "")) or 0
    new = readable(request.user, change.comments.select_related("author")).filter(pk__gt=since)
    context = {
        "change": change,
        "sees_internal": can_see_internal(request.user),
        "comments": said(request.user, change, new, may_comment=True),
        "after": written.pk,
    }
    return render(request, "changes/partials/comments_new.html", context)


def _comment_form(request: SignedInRequest, change: Change, form: CommentForm) -> HttpResponse:
    insist(permissions.can_comment(request.user, change))
    context = {**comments_context(request.user, change), "comment_form": form}
    context["after"] = request.POST.get("after", "")[:16]
    return _form_again(request, context, "comment", "#comment-form")


@signed_in
@require_safe
def find_mention(request: SignedInRequest, pk: int) -> HttpResponse:
    """Offer people to name in a comment, by what stands after its at sign."""
    change = visible_or_404(request.user, pk)
    insist(permissions.can_comment(request.user, change))
    internal = request.GET.get("audience") == INTERNAL and can_see_internal(request.user)
    text = request.GET.get("text", "")[:150]
    people = mentions.offered(change, text, author=request.user, internal=internal)
    return render(request, "changes/partials/find_mention.html", {"people": people})


# --- Files -------------------------------------------------------------------------------


@signed_in
@require_POST
@sent_once(detail_of)
def attach(request: SignedInRequest, pk: int) -> HttpResponse:
    """Keep one or several files: all of them or, if one is refused, none."""
    change = visible_or_404(request.user, pk)
    form = AttachForm(request.POST, request.FILES, user=request.user)
    if not form.is_valid():
        insist(permissions.can_attach(request.user, change))
        context = {**attachments_context(request.user, change), "attach_form": form}
        return _form_again(request, context, "attach", "#attachments")
    try:
        attachments.keep(
            change,
            form.cleaned_data["files"],
            actor=request.user,
            internal=form.cleaned_data["internal"],
        )
    except StepIncomplete as error:
        form.add_error("files", str(error))
        context = {**attachments_context(request.user, change), "attach_form": form}
        return _form_again(request, context, "attach", "#attachments")
    return _shown_again(request, change, "attachments", attachments_context)


@signed_in
@require_safe
def attachment(request: SignedInRequest, pk: int, attachment_pk: int) -> FileResponse:
    """Hand out a file to somebody who sees it, as a download."""
    change = visible_or_404(request.user, pk)
    seen_by_them = readable(request.user, Attachment.objects.filter(change=change))
    found = get_object_or_404(seen_by_them, pk=attachment_pk)
    try:
        return attachments.download(found)
    except FileNotFoundError:
        raise Http404 from None


# --- Links -------------------------------------------------------------------------------


@signed_in
@require_POST
def link(request: SignedInRequest, pk: int) -> HttpResponse:
    """Link this change to another one."""
    change = visible_or_404(request.user, pk)
    insist(permissions.can_link(request.user, change))
    form = LinkForm(request.POST, user=request.user)
    if form.is_valid():
        other, kind = form.cleaned_data["target"], form.cleaned_data["kind"]
        try:
            lifecycle.link(change, actor=request.user, other=other, kind=kind)
        except StepIncomplete as error:
            form.add_error("target", str(error))
        else:
            return _shown_again(request, change, "links", links_context)
    context = {**links_context(request.user, change), "link_form": form}
    return _form_again(request, context, "link", "#links")


@signed_in
@require_POST
def unlink(request: SignedInRequest, pk: int, link_pk: int) -> HttpResponse:
    """Remove a link between two changes that the person sees."""
    change = visible_or_404(request.user, pk)
    both = ChangeLink.objects.filter(Q(source=change) | Q(target=change))
    record = get_object_or_404(both.select_related("source", "target"), pk=link_pk)
    other = record.target if record.source_id == change.pk else record.source
    if not permissions.may_see(request.user, other):
        raise Http404
    lifecycle.unlink(change, actor=request.user, record=record)
    return _shown_again(request, change, "links", links_context)


@signed_in
@require_safe
def find_change(request: SignedInRequest) -> HttpResponse:
    """Offer visible changes for the link field, by reference or by words of the title."""
    text = request.GET.get("target", "")[:200]
    besides = parse_reference(request.GET.get("besides", "")) or 0
    found = finding.changes_matching(request.user, text, besides)
    context = {"found": found, "text": text.strip()}
    return render(request, "changes/partials/find_change.html", context)


# --- Watching and muting -----------------------------------------------------------------


@signed_in
@require_POST
def watch(request: SignedInRequest, pk: int) -> HttpResponse:
    """Follow the change."""
    return _watching(request, pk, lifecycle.watch)


@signed_in
@require_POST
def unwatch(request: SignedInRequest, pk: int) -> HttpResponse:
    """Stop following the change."""
    return _watching(request, pk, lifecycle.unwatch)


@signed_in
@require_POST
def mute(request: SignedInRequest, pk: int) -> HttpResponse:
    """Hear no more of the change than what nobody else can do."""
    return _watching(request, pk, lifecycle.mute)


@signed_in
@require_POST
def unmute(request: SignedInRequest, pk: int) -> HttpResponse:
    """Hear of the change as before."""
    return _watching(request, pk, lifecycle.unmute)


def _watching(request: SignedInRequest, pk: int, act: Callable[..., None]) -> HttpResponse:
    change = visible_or_404(request.user, pk)
    act(change, actor=request.user)
    return _shown_again(request, change, "watch", watch_context)


# --- Answers -----------------------------------------------------------------------------


def _in_background(request: HttpRequest) -> bool:
    return request.headers.get("HX-Request") == "true"


def _shown_again(
    request: SignedInRequest, change: Change, part: str, context_of: Callable[..., Context]
) -> HttpResponse:
    """Show a part of the change's page anew, or go there."""
    if not _in_background(request):
        return redirect(f"{change.get_absolute_url()}#{part}")
    return render(request, f"changes/partials/{part}.html", context_of(request.user, change))


def _form_again(request: SignedInRequest, context: Context, verb: str, target: str) -> HttpResponse:
    """Show a form with its mistakes: in its place, or on a page of its own."""
    if not _in_background(request):
        return render(
            request,
            "changes/discuss.html",
            {**context, "verb": verb},
            status=HTTPStatus.BAD_REQUEST,
        )
    partial = {"comment": "comment_form", "attach": "attachments", "link": "links"}[verb]
    response = render(
        request,
        f"changes/partials/{partial}.html",
        context,
        status=HTTPStatus.UNPROCESSABLE_ENTITY,
    )
    response["HX-Retarget"] = target
    response["HX-Reswap"] = "outerHTML"
    return response
