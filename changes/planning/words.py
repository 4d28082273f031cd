"""A conflict of a plan in words, as a colleague reads it."""

from dataclasses import dataclass
from datetime import datetime

from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from accounts.models import User
from accounts.roles import Role

from ..conflicts import Conflict, Effect, Why
from ..models import Change, Window


@dataclass(frozen=True)
class Found:
    """A conflict with the rows that its words need."""

    conflict: Conflict
    window: Window | None = None
    change: Change | None = None
    executor: User | None = None
    note: str = ""
    """What is to be said of its override."""
    way: tuple[str, ...] = ()
    """Who needs whom, by name, where a service of one plan needs one of the other."""

    @property
    def stops(self) -> bool:
        """Whether the plan cannot be kept as it is."""
        return self.conflict.effect != Effect.WARNS

    @property
    def until(self) -> str:
        """Until when it is in the way, where that is known."""
        return moment(self.conflict.until) if self.conflict.until else ""

    @property
    def words(self) -> str:
        """What a colleague reads of it."""
        return _words(self)


def moment(at: datetime) -> str:
    """Return a moment in the reader's zone, which is named."""
    local = timezone.localtime(at)
    return f"{date_format(local, 'j M Y, H:i')} {local:%Z}"


def _words(found: Found) -> str:
    conflict, window, other = found.conflict, found.window, found.change
    if conflict.why == Why.FREEZE and window and conflict.until:
        values = {"name": window, "until": moment(conflict.until)}
        said = _("Inside the change freeze “%(name)s”, until %(until)s.") % values
        return f"{said} {_who(found)}".strip()
    if conflict.why == Why.OUTSIDE and window:
        of = window.service or window.organisation or _("everything")
        values = {"of": of, "name": window}
        said = _("Outside the maintenance windows of %(of)s, such as “%(name)s”.") % values
        return f"{said} {_who(found)}".strip()
    if other is None:
        return ""
    if conflict.why == Why.PERSON:
        values = {"person": found.executor, "change": other.reference}
        return _("%(person)s executes %(change)s at that time.") % values
    if conflict.why == Why.LINKED:
        return _("%s, which is linked as conflicting, is planned at that time.") % other.reference
    if conflict.why in (Why.PREREQUISITE, Why.DEPENDANT) and found.way:
        return _along(found.way, other, needed=conflict.why == Why.PREREQUISITE)
    shared = conflict.other.services if conflict.other else frozenset()
    names = ", ".join(one.name for one in other.services.all() if one.pk in shared)
    values = {"change": other.reference, "names": names}
    return _("%(change)s is planned at that time and affects %(names)s.") % values


def _along(way: tuple[str, ...], other: Change, *, needed: bool) -> str:
    """Say which service another plan affects, and how one of this plan is bound to it."""
    first, *between, last = way
    values = {"change": other.reference, "first": first, "last": last}
    if needed:
        said = _("%(change)s is planned at that time and affects %(last)s, which %(first)s needs")
    else:
        said = _("%(change)s is planned at that time and affects %(first)s, which needs %(last)s")
    said = said % values
    through = _("through %s") % ", ".join(between) if between else ""
    return f"{said} {through}".strip() + "."


def _who(found: Found) -> str:
    """Say who can let a plan pass, or that somebody did."""
    conflict, window = found.conflict, found.window
    if conflict.overridden:
        return f"{_('It was overridden for this change.')} {found.note}".strip()
    if window is None or conflict.effect == Effect.WARNS:
        return ""
    if conflict.effect == Effect.OVERRIDE:
        role = Role(window.override_role).label
        words = _("Somebody with the role “%s” can override it, with a reason, on its page.") % role
        return f"{found.note} {words}".strip()
    return _("It cannot be overridden; release managers and administrators can cancel it.")
