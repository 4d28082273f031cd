"""Minutes: prose by the chair, then published and frozen, then amended by dated addenda."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.models import User
from expansive_cm.workflow.errors import ChangeStale, StepIllegal, StepIncomplete

from .. import permissions
from ..minutes import compose, fingerprint, reading, typeset
from ..minutes import messages as minutes_messages
from ..models import Addendum, AgendaItem, Meeting, Minutes
from .core import lock_item, require_right, save, take_step

LONGEST_PROSE = 20_000
LONGEST_ADDENDUM = 10_000


def write_minutes(
    meeting: Meeting,
    *,
    actor: User,
    text: str,
    item: AgendaItem | None = None,
    seen: str | None = None,
) -> Minutes:
    """Write one section: the remarks, or what was discussed on an item. The chair or the deputy.

    ``seen`` is the fingerprint of the section's text on the page: people who write in different
    sections do not disturb each other. Raises ChangeStale when the section has become another
    meanwhile, StepIllegal once the minutes are published. Effects: the text with its history;
    a new version of the minutes, so that nobody publishes what they have not read.
    """
    prose = Prose(text, item, seen)
    with take_step("write_minutes", meeting, actor=actor) as step:
        before = begun(step.on)
        version = before.version
        minutes = _write(step.on, before, prose, actor=actor)
        step.happened = minutes.version != version
        return minutes


@dataclass
class Prose:
    """The text of one section: of an item or, without one, the remarks.

    ``seen`` is the fingerprint of the text that the page showed there. Raises StepIncomplete
    for a text that is too long.
    """

    text: str
    item: AgendaItem | None = None
    seen: str | None = None

    def __post_init__(self) -> None:
        self.text = self.text.replace("\r\n", "\n") if self.text.strip() else ""
        if len(self.text) > LONGEST_PROSE:
            raise StepIncomplete(_("This text is too long: %d characters at most.") % LONGEST_PROSE)


def _write(meeting: Meeting, minutes: Minutes, prose: Prose, *, actor: User) -> Minutes:
    """Write one section of a locked meeting, if that changes it."""
    item = prose.item
    section = _section_of(meeting, item) if item is not None else minutes
    name = "remarks" if item is None else "discussion"
    before = getattr(section, name)
    if before == prose.text:
        return minutes
    if prose.seen is not None and prose.seen != fingerprint(before):
        raise ChangeStale(_stale_words(section))
    setattr(section, name, prose.text)
    if item is not None:
        save(section, actor=actor, reason="wrote the minutes of this item")
    minutes.version += 1
    return save(minutes, actor=actor, reason="wrote the minutes")


def begun(meeting: Meeting) -> Minutes:
    """Return the minutes of a locked meeting, unsaved where nobody has written any yet."""
    return permissions.minutes_of(meeting) or Minutes(meeting=meeting, version=0)


def _section_of(meeting: Meeting, item: AgendaItem) -> AgendaItem:
    fresh = lock_item(item)
    if fresh.meeting_id != meeting.pk:
        raise StepIllegal(_("This item has moved to another meeting."))
    return fresh


def _stale_words(section: Any) -> str:
    last = section.history.select_related("history_user").order_by("-history_id").first()
    return _("In the meantime %s has written in this section. Compare, then save again.") % (
        (last and last.history_user) or _("somebody else")
    )


def publish_minutes(
    meeting: Meeting,
    *,
    actor: User,
    seen: int | None = None,
    unsaved: Sequence[Prose] = (),
) -> Minutes:
    """Publish the minutes of a closed meeting. The chair or the deputy, once.

    ``seen`` is the version of the minutes on the page, ``unsaved`` what stands in its boxes:
    nothing that was typed may be missing from what can never be changed again. Effects, in one
    transaction: what is not written yet is written, as by ``write_minutes``; the content
    is frozen as it stands, which the database then refuses to change; everybody with a seat,
    those who were there and the owners of actions get a mail with the file, with single votes
    only for those who may see them. The files are set before any lock is taken, so that nobody
    waits for them, and set again only if the record has changed in between.
    """
    require_right(permissions.can_publish_minutes, actor, meeting)
    at = timezone.now()
    expected = _with_prose(compose(meeting), unsaved)
    prepared = _Files(expected, Minutes(published_at=at, published_by=actor), at)
    prepared.load()
    with take_step("publish_minutes", meeting, actor=actor) as step:
        fresh = step.on
        minutes = begun(fresh)
        if seen is not None and seen != minutes.version:
            raise ChangeStale(
                _("The minutes have changed since you opened this page. Please read them again.")
            )
        for prose in sorted(unsaved, key=lambda one: one.item.pk if one.item else 0):
            minutes = _write(fresh, minutes, prose, actor=actor)
        content = compose(fresh)
        minutes.content, minutes.published_at, minutes.published_by = content, at, actor
        minutes.version += 1
        save(minutes, actor=actor, reason="published the minutes")
        files = prepared if prepared.content == content else _Files(content, minutes, at)
        minutes_messages.minutes_published(minutes, files, actor=actor)
    return minutes


def _with_prose(content: dict[str, Any], unsaved: Sequence[Prose]) -> dict[str, Any]:
    """Return the record as it will be once this is written."""
    texts = {prose.item.pk if prose.item else None: prose.text for prose in unsaved}
    items = [
        {**item, "discussion": texts.get(item["item"], item["discussion"])}
        for item in content["items"]
    ]
    return {**content, "remarks": texts.get(None, content["remarks"]), "items": items}


class _Files:
    """The two files of one record: with single votes, and without them."""

    def __init__(self, content: dict[str, Any], minutes: Minutes, at: datetime) -> None:
        self.content, self.minutes, self.at = content, minutes, at

    def load(self) -> None:
        """Set both files now."""
        _both = self.with_votes, self.without_votes

    @cached_property
    def with_votes(self) -> bytes:
        return typeset(reading(self.content, self.minutes, votes=True), at=self.at)

    @cached_property
    def without_votes(self) -> bytes:
        return typeset(reading(self.content, self.minutes, votes=False), at=self.at)


def add_addendum(meeting: Meeting, *, actor: User, text: str) -> Addendum:
    """Add something to published minutes, dated. The chair or the deputy.

    The minutes themselves stay as they are. Effects: the addendum, and a mail to everybody who
    was told of the minutes.
    """
    text = text.replace("\r\n", "\n").strip()
    if not text:
        raise StepIncomplete(_("Write what is to be added."), ["text"])
    if len(text) > LONGEST_ADDENDUM:
        raise StepIncomplete(
            _("This text is too long: %d characters at most.") % LONGEST_ADDENDUM, ["text"]
        )
    with take_step("add_addendum", meeting, actor=actor) as step:
        addendum = Addendum.objects.create(minutes=step.on.minutes, text=text, added_by=actor)
        minutes_messages.addendum_added(addendum, actor=actor)
    return addendum
