"""Comments, internal notes, attachments, links, watching and muting."""

import hashlib
from typing import Any

from django.core.files.uploadedfile import UploadedFile
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.models import User
from expansive_cm.sure import sure
from expansive_cm.texts import composed
from expansive_cm.workflow.acts import acting
from expansive_cm.workflow.errors import ChangeStale, StepIllegal, StepIncomplete
from expansive_cm.workflow.steps import attribute, require

from ..mentions import MOST, named_before, people_in
from ..models import AccessLink, Attachment, Change, ChangeLink, Comment, IncomingMail, Mute
from ..permissions import can_mute, can_note, can_unmute, may_correct, may_see
from ..room import why_no_room
from .core import Step, lock, take_step
from .links import record_link


def comment(
    change: Change,
    *,
    actor: User,
    body: str,
    internal: bool = False,
    via: str = "",
    link: AccessLink | None = None,
) -> Comment:
    """Add a public comment, or an internal note that only Expansive's own people see.

    ``via`` says by what mail it came, if it did; ``link`` is the mailed link it was written
    through, None for somebody signed in. Whom it names with an at sign is told of it. Ours
    answers what was open when the change ended.
    """
    with take_step("note" if internal else "comment", change, actor=actor) as step:
        record = Comment(change=step.change, author=actor, body=body, is_internal=internal)
        step.internal = internal
        step.reason = via
        if via:
            step.came_by_mail()
        if link is not None:
            step.came_through(link)
        step.save(record)
        step.data = _about(step, record)
        if step.change.left_unanswered and actor.is_internal and not internal:
            step.change.left_unanswered = False
            step.save(step.change)
    return record


def _about(step: Step, comment: Comment) -> dict[str, Any]:
    """Return what an event keeps of a comment: which it is, and whom it newly names.

    Whom an earlier wording named is not told again, and counts among those it may reach.
    """
    people = people_in(
        step.change, comment.body, author=comment.author, internal=comment.is_internal
    )
    known = named_before(comment) if people and comment.corrected_at else set()
    named = [one.pk for one in people if one.pk not in known][: max(MOST - len(known), 0)]
    return {"comment": comment.pk, **({"mentioned": named} if named else {})}


def correct_comment(
    comment: Comment, *, actor: User, body: str, seen: str | None = None
) -> Comment:
    """Put other words into a comment that its author wrote a few minutes ago.

    ``seen`` is the ``state_of_words`` that the page showed. Raises StepForbidden for somebody
    else's, StepIllegal for what came by mail or is too old, ChangeStale where it was corrected
    meanwhile, StepIncomplete where nothing is different. Effects: the comment, whose history keeps
    what it said; event. Nobody is told anew: a mail that was not sent yet goes with the new words.
    Whom it names only now is told of it.
    """
    with take_step("correct_comment", comment.change, actor=actor) as step:
        record = Comment.objects.select_for_update(of=("self",)).get(pk=comment.pk)
        require(may_correct(actor, record, by_mail=came_by_mail(record)))
        body = composed(body)
        if seen is not None and seen != state_of_words(record):
            raise ChangeStale(_("You have corrected this comment meanwhile."))
        if body == record.body:
            raise StepIncomplete(_("Nothing in it is different."), ["body"])
        step.internal = record.is_internal
        record.body, record.corrected_at = body, timezone.now()
        step.save(record)
        step.data = _about(step, record)
    return record


def state_of_words(comment: Comment) -> str:
    """Return what tells the words of a comment from those that it had before."""
    return comment.corrected_at.isoformat() if comment.corrected_at else ""


def came_by_mail(comment: Comment) -> bool:
    """Whether a mail became this comment."""
    return IncomingMail.objects.filter(comment=comment).exists()


def attach(
    change: Change,
    *,
    actor: User,
    file: UploadedFile,
    content_type: str,
    internal: bool = False,
    link: AccessLink | None = None,
) -> Attachment:
    """Keep a file, already checked for size and type, under a random name, with its SHA-256.

    ``link`` is the mailed link it came through, None for somebody signed in. Raises
    StepIncomplete where the change, or the link, has no room for it. Where it fails, in whatever
    way, the file is gone from the disk again.
    """
    kept: list[Attachment] = []
    try:
        return _attach(kept, change, actor, file, content_type, internal, link)
    except BaseException:
        for record in kept:
            record.file.storage.delete(sure(record.file.name))
        raise


def _attach(
    kept: list[Attachment],
    change: Change,
    actor: User,
    file: UploadedFile,
    content_type: str,
    internal: bool,
    link: AccessLink | None,
) -> Attachment:
    with take_step("attach", change, actor=actor) as step:
        if internal:
            require(can_note(actor, step.change))
        by_link, size, name = link is not None, file.size or 0, str(file.name)
        if why := why_no_room(step.change, actor, name, size, by_link=by_link):
            raise StepIncomplete(why)
        digest = hashlib.sha256()
        for chunk in file.chunks():
            digest.update(chunk)
        file.seek(0)
        record = Attachment(
            change=step.change,
            name=name,
            size=size,
            content_type=content_type,
            sha256=digest.hexdigest(),
            is_internal=internal,
            uploaded_by=actor,
        )
        step.internal = internal
        step.reason = record.name
        if link is not None:
            step.came_through(link)
        record.file.save(name, file, save=False)
        kept.append(record)
        step.save(record)
        step.data = {"attachment": record.pk}
    return record


def detach(change: Change, *, actor: User, attachment: Attachment) -> None:
    """Take a file off a draft; history keeps its name and SHA-256.

    Raises StepIllegal when it has been taken off already. The file itself goes when the
    transaction commits.
    """
    with take_step("detach", change, actor=actor) as step:
        record = step.change.attachments.filter(pk=attachment.pk).first()
        if record is None:
            raise StepIllegal(_("The file has been removed already."))
        step.reason = record.name
        attribute(record, actor=actor, reason=step.why)
        record.delete()
        transaction.on_commit(lambda: record.file.storage.delete(sure(record.file.name)))


def link(change: Change, *, actor: User, other: Change, kind: str) -> ChangeLink:
    """Link this change to another that the actor also sees.

    Raises StepIncomplete for a link to itself or one that exists. Both changes are held, in one
    order: of two who link them from both sides at once, the second sees what the first did.
    """
    with acting():
        for key in sorted({change.pk, other.pk}):
            lock(Change(pk=key))
        return _link(change, actor, other, kind)


def _link(change: Change, actor: User, other: Change, kind: str) -> ChangeLink:
    with take_step("link", change, actor=actor) as step:
        if not may_see(actor, other):
            raise StepIncomplete(_("There is no such change."), ["target"])
        if other.pk == step.change.pk:
            raise StepIncomplete(_("A change cannot be linked to itself."), ["target"])
        if _linked(step.change, other, kind):
            raise StepIncomplete(_("These changes are linked like this already."), ["target"])
        record = record_link(step, step.change, other, kind)
        step.reason = f"{ChangeLink.Kind(kind).label} {other.reference}"
        step.data = {"link": record.pk}
    return record


def _linked(change: Change, other: Change, kind: str) -> bool:
    """Whether the link exists; a conflict is the same one seen from either side."""
    if kind == ChangeLink.Kind.CONFLICTS_WITH and change.links_in.filter(source=other, kind=kind):
        return True
    return change.links_out.filter(target=other, kind=kind).exists()


def unlink(change: Change, *, actor: User, record: ChangeLink) -> None:
    """Remove a link, from whichever of its two changes; history keeps it.

    Raises StepIllegal when somebody else has removed it.
    """
    with take_step("unlink", change, actor=actor) as step:
        found = ChangeLink.objects.select_for_update(of=("self",)).filter(pk=record.pk).first()
        if found is None:
            raise StepIllegal(_("The link has been removed already."))
        if found.source_id == step.change.pk:
            step.reason = f"{found.get_kind_display()} {found.target.reference}"
        else:
            step.reason = f"{ChangeLink.REVERSED[found.kind]} {found.source.reference}"
        record = found
        attribute(record, actor=actor, reason=step.why)
        record.delete()


def watch(change: Change, *, actor: User) -> None:
    """Follow the change's messages."""
    with take_step("watch", change, actor=actor) as step:
        step.internal = True
        attribute(step.change, actor=actor, reason=step.why)
        step.change.watchers.add(actor)


def unwatch(change: Change, *, actor: User) -> None:
    """Stop following the change's messages."""
    with take_step("unwatch", change, actor=actor) as step:
        step.internal = True
        attribute(step.change, actor=actor, reason=step.why)
        step.change.watchers.remove(actor)


def mute(change: Change, *, actor: User) -> None:
    """Let this person hear of the change only what ``muting`` leaves. Raises StepForbidden.

    No event and no history tell of it: it is nobody else's to know.
    """
    with transaction.atomic():
        person = actor.read_afresh()
        require(can_mute(person, change))
        Mute.objects.get_or_create(change=change, person=person)


def unmute(change: Change, *, actor: User) -> None:
    """Let this person hear of the change as before. Raises StepForbidden."""
    with transaction.atomic():
        require(can_unmute(actor.read_afresh(), change))
        Mute.objects.filter(change=change, person=actor).delete()
