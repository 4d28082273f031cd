"""What each outcome means for the change, in words for those who are about to decide."""

from datetime import date

from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from changes.lifecycle.promises import RELEASES_PROMISED, releases_after, twelve_months_after
from changes.models import BoardDecision, Change, Promise
from changes.models.board import ACCEPTING

from .models import BoardOutcome

Outcome = BoardDecision.Outcome


def consequences(today: date) -> dict[str, str]:
    """Return what would follow from each outcome if it were recorded on this day. One query."""
    due = twelve_months_after(today)
    return {
        Outcome.ACCEPTED: _("Promises delivery by %s.") % date_format(due, "j F Y"),
        Outcome.ACCEPTED_AS_PRIORITY: _releases(today),
        Outcome.INFORMATION_REQUIRED: _(
            "Asks named people. When all have answered, the change returns to the next agenda "
            "by itself."
        ),
        Outcome.REJECTED: _("Ends the change. The requester is told why."),
    }


def _releases(today: date) -> str:
    found = list(releases_after(today, timezone.now())[:RELEASES_PROMISED])
    names = ", ".join(release.name for release in found)
    if len(found) == RELEASES_PROMISED:
        day = date_format(found[-1].planned_on, "j F Y")
        return _("Promises one of the releases %(names)s, by %(day)s.") % {
            "names": names,
            "day": day,
        }
    if found:
        return _("Promises one of the next three releases; planned so far: %s.") % names
    return _("Promises one of the next three releases; none is planned yet.")


def promised_words(change: Change, outcome: BoardOutcome) -> str:
    """Return what an outcome meant when it was recorded, whatever has become of the change.

    Of outcomes that were recorded before this was kept: what it means now.
    """
    return outcome.promised or promise_words(change, outcome.decision)


def promise_words(change: Change, decision: BoardDecision) -> str:
    """Return what a recorded outcome means for the change now."""
    if change.promise == Promise.REPLANNED and decision.outcome in ACCEPTING and change.due_on:
        return _("To be delivered by %s, as the board has promised anew.") % (
            date_format(change.due_on, "j F Y")
        )
    if decision.outcome == Outcome.ACCEPTED and change.due_on:
        return _("To be delivered by %s.") % date_format(change.due_on, "j F Y")
    if decision.outcome == Outcome.ACCEPTED_AS_PRIORITY:
        if change.promised_release and change.due_on:
            words = _("To be delivered by release %(release)s on %(day)s at the latest.")
            if change.promised_release.planned_on != change.due_on:
                words = _("To be delivered by %(day)s; release %(release)s comes on %(planned)s.")
            return words % {
                "release": change.promised_release.name,
                "planned": date_format(change.promised_release.planned_on, "j F Y"),
                "day": date_format(change.due_on, "j F Y"),
            }
        if change.due_on:
            return _("To be delivered by %s.") % date_format(change.due_on, "j F Y")
        return _("To be delivered in one of the next three releases.")
    if decision.outcome == Outcome.INFORMATION_REQUIRED:
        return _("Returns to the next agenda by itself when all questions are answered.")
    return _("The change has ended.") if decision.outcome == Outcome.REJECTED else ""
