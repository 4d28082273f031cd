"""What was let pass for a plan, and whose override counts."""

from collections.abc import Collection
from dataclasses import dataclass

from django.utils.translation import gettext as _

from expansive_cm.statements import Given, ObjectStatement

from ..models import Change, Window, WindowOverride
from ..recall import recalling
from ..turns.overriding import another_can, involved


@dataclass(frozen=True)
class Overrides:
    """What was let pass in this round of a change: what counts, and what is to be said of it."""

    windows: list[Window]
    notes: dict[int, str]


def overrides_of(change: Change, people: Collection[int | None]) -> Overrides:
    """Return the overrides that count for a plan in which these people have a part.

    Of somebody with a part in the change, one counts only where nobody else could have given it.
    One query without any; with some, two more, and one for each window that needs such a person's.
    """
    rows = OVERRIDES.objects(change=change.pk)
    given = [one for one in rows if (one.path, one.round) == (change.path, change.round)]
    windows: dict[int, Window] = {}
    notes: dict[int, str] = {}
    if not given:
        return Overrides([], notes)
    with recalling(change):
        parts = {*people, *involved(change)}
        for one in sorted(given, key=lambda one: one.recorded_by_id in parts):
            key, role = one.window_id, one.window.get_override_role_display()
            if key in windows or key in notes:
                continue
            if one.recorded_by_id not in parts:
                windows[key] = one.window
            elif another_can(change, one.window, people):
                notes[key] = _("The override of whoever plans or puts it in place does not count.")
            else:
                windows[key] = one.window
                words = _("By somebody with a part in the change: nobody else has the role “%s”.")
                notes[key] = words % role
    return Overrides(list(windows.values()), notes)


OVERRIDES = ObjectStatement(
    lambda: (
        WindowOverride.objects.filter(change=Given("change"))
        .select_related("window__service")
        .order_by("pk")
    )
)
