"""What somebody reads of the comments of a change: words as they are drawn, and who was told."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from django.utils.safestring import SafeString

from accounts.models import User
from expansive_cm.ui import markdown

from . import mentions, permissions
from .models import Change, Comment, IncomingMail


@dataclass(frozen=True)
class Said:
    """A comment as one reader is shown it.

    ``told`` are the names of whom it has told; ``mail`` is what it came by, for who may know;
    ``may_correct`` says whether this reader may still put it right. A question that was not
    answered ``goes_on`` in a successor, where it ``comes_from`` here.
    """

    comment: Comment
    html: SafeString
    told: list[str]
    mail: IncomingMail | None = None
    may_correct: bool = False
    goes_on: Change | None = None
    comes_from: Change | None = None


def said(
    reader: User,
    change: Change,
    comments: Iterable[Comment],
    mails: Mapping[int | None, IncomingMail] | None = None,
    *,
    may_comment: bool = False,
) -> list[Said]:
    """Return comments that this reader may read as they are shown to them.

    Costs a query or two, where somebody is named in one (`mentions.told_of`).
    """
    found, by_mail = list(comments), mails or {}
    told = mentions.told_of(change, found, reader)
    return [
        Said(
            comment=one,
            html=mentions.marked(markdown.render(one.body), told.get(one.pk, ())),
            told=told.get(one.pk, []),
            mail=by_mail.get(one.pk),
            may_correct=may_comment
            and bool(permissions.may_correct(reader, one, by_mail=one.pk in by_mail)),
        )
        for one in found
    ]
