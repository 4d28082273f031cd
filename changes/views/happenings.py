"""The timeline of a change: who did what, when and why."""

from collections.abc import Collection, Mapping

from django.utils.text import capfirst
from django.utils.translation import gettext as _

from accounts.models import User
from expansive_cm.ui.components import TimelineItem
from expansive_cm.ui.templatetags.ui import excerpt

from .. import corrections, permissions, taking_back
from ..models import Change, Event
from ..process import BETWEEN_COLLEAGUES, past_words
from ..states import State
from ..templatetags.change_ui import STATE_LOOKS, state_words
from ..unseen import mentioned, unseen, without

LOOKS: Mapping[str, tuple[str, str]] = {
    "save_draft": ("pencil", "grey"),
    "edit": ("edit", "blue"),
    "comment": ("message", "grey"),
    "note": ("lock", "amber"),
    "correct_comment": ("pencil", "grey"),
    "correct_execution": ("pencil", "orange"),
    "correct_deployment": ("pencil", "orange"),
    "take_back_execution": ("arrow-back-up", "orange"),
    "take_back_deployment": ("arrow-back-up", "orange"),
    "declare_emergency": ("bolt", "red"),
    "withdraw_emergency": ("bolt", "grey"),
    "record_post_review": ("checklist", "blue"),
    "add_post_action": ("checklist", "amber"),
    "change_post_action": ("checklist", "grey"),
    "complete_post_action": ("checklist", "green"),
    "attach": ("paperclip", "grey"),
    "detach": ("paperclip", "grey"),
    "link": ("link", "grey"),
    "unlink": ("link", "grey"),
    "label": ("tag", "grey"),
    "unlabel": ("tag", "grey"),
    "watch": ("eye", "grey"),
    "unwatch": ("eye-off", "grey"),
    "assign": ("user-check", "blue"),
    "assign_release": ("rocket", "blue"),
    "remind": ("bell", "amber"),
    "escalate": ("flag", "orange"),
    "discard_answer": ("mail", "grey"),
    "record_contact": ("phone", "amber"),
    "rate": ("star", "green"),
    "resend_confirmation": ("mail-forward", "blue"),
    "undelivered": ("alert-triangle", "red"),
    "settle_delivery": ("mail-opened", "green"),
    "send_link": ("mail-forward", "blue"),
    "revoke_links": ("ban", "orange"),
    "replace_requester": ("users", "blue"),
    "correct_customer": ("building-community", "orange"),
    "override_window": ("lock-open", "orange"),
    "settle_promise": ("calendar-time", "blue"),
    "forecast_moved": ("calendar-time", "amber"),
    "replan_promise": ("calendar-time", "orange"),
    "import": ("file-import", "grey"),
    "plan_execution": ("calendar-event", "teal"),
    "start_execution": ("player-play", "teal"),
    "assess_risk": ("shield-lock", "blue"),
    "record_development": ("git-pull-request", "teal"),
    "peer_review": ("git-merge", "teal"),
    "record_test": ("test-pipe", "teal"),
    "plan_deployment": ("calendar-event", "teal"),
    "start_deployment": ("player-play", "teal"),
}
"""Icon and tone of an act that does not move the change; a move looks like its new state."""

LINKING = frozenset({"link", "unlink"})
"""Acts whose reason names another change, which may be a draft of somebody else."""

SHORT = 400
"""A longer reason stands in full in its record; the timeline says how it begins. So with what
was kept of another tool's row."""


def happenings(
    change: Change, reader: User, seen: Collection[int] = frozenset()
) -> list[TimelineItem]:
    """Return everything that happened and that this person may know, newest first.

    ``seen`` are linked changes of which the page knows that this person sees them; where others
    are named, one query finds out.
    """
    full = permissions.can_see_internal(reader)
    unheard = () if full else taking_back.unheard(change.events.all())
    events = [
        event
        for event in change.events.all()
        if full or not (event.is_internal or event.pk in unheard)
    ]
    told = [event.reason for event in events if full and event.verb in LINKING]
    hidden = unseen(reader, mentioned(told).difference(seen))
    newest_first, said = sorted(events, key=lambda event: -event.pk), corrections.retold(change)
    return [_item(event, full, hidden, said.get(event.pk, "")) for event in newest_first]


def _item(event: Event, full: bool, hidden: Collection[int], corrected: str) -> TimelineItem:
    """Return an event as the timeline tells it; ``corrected`` is what is true of it since.

    Those words may be somebody else's than who recorded it, which it says.
    """
    said = _("Corrected since: %s") % corrected if corrected else event.reason
    icon, tone = LOOKS.get(event.verb, ("point", "grey"))
    words = capfirst(str(past_words(event.verb, event.data.get("outcome", "") if full else "")))
    if event.moved and event.from_state:
        tone, icon = STATE_LOOKS[State(event.to_state)]
        before = state_words(State(event.from_state), plain=not full)
        after = state_words(State(event.to_state), plain=not full)
        if before != after:
            words = _("%(act)s: %(before)s → %(after)s") % {
                "act": words,
                "before": before,
                "after": after,
            }
    reason = said if full or event.verb not in BETWEEN_COLLEAGUES else ""
    if event.verb in LINKING:
        reason = without(reason, hidden)
    reason = excerpt(reason, SHORT)
    if full and event.verb == "import":
        kept = event.data.get("row", {}).items()
        reason = "\n".join([reason, *(f"{name}: {excerpt(text, SHORT)}" for name, text in kept)])
    if full and event.data.get("conflicts"):
        reason = "\n".join([line for line in (reason, *event.data["conflicts"]) if line])
    if full and event.data.get("arrived"):
        told = _("Had reached %s by mail:") % event.data["from_name"]
        reason = "\n".join([reason, told, *event.data["arrived"]])
    person = event.actor_name or event.actor
    return TimelineItem(event.at, words, person, reason, icon, tone)
