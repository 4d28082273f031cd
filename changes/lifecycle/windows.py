"""Change freezes and maintenance windows: making and ending them, and letting a change pass."""

from datetime import date, datetime, time
from functools import partial

from django.db import connection
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.models import Organisation, User
from expansive_cm.sure import sure
from expansive_cm.workflow.acts import acting
from expansive_cm.workflow.errors import StepIncomplete
from expansive_cm.workflow.steps import opened, require, save

from .. import met_mail, permissions, planning, spans, window_mail
from ..conflicts import Planned
from ..models import Change, Event, Service, Window, WindowOverride, WindowSpan
from ..recall import recalling
from ..states import State
from ..turns.overriding import involved
from .core import Step, take_step

PLANNING = 7_304_551
"""The number of the lock that whoever plans holds until their transaction ends."""


TIMES = ("window_start", "window_end", "release")
"""What the event of a plan keeps of its time."""
LATELY = 200
"""So many events of a person are looked at for their plans of the same time."""


def one_at_a_time() -> None:
    """Let nobody else plan, or make a freeze, until this transaction ends.

    Without it a plan and a freeze that are made in the same moment would not see each other.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [PLANNING])


def plan_window(
    *,
    actor: User,
    kind: str,
    name: str,
    effect: str,
    zone: str,
    override_role: str = "",
    service: Service | None = None,
    organisation: Organisation | None = None,
    reason: str = "",
    starts_at: datetime | None = None,
    ends_at: datetime | None = None,
    weekday: int | None = None,
    from_time: time | None = None,
    to_time: time | None = None,
    first: date | None = None,
    until: date | None = None,
) -> Window:
    """Make a freeze or maintenance window: once, or with a weekday every week until a day.

    Raises StepForbidden, and StepIncomplete beside what cannot be. Effects: the window with its
    times, and history; one mail to each person whose plans lie in a freeze, or outside of the
    first maintenance window that there is for them.
    """
    with acting():
        require(permissions.can_plan_windows(actor.read_afresh()))
        one_at_a_time()
        _check_role(effect, override_role)
        if weekday is None:
            found, from_time, to_time = _once(starts_at, ends_at), None, None
        else:
            found = _weekly(weekday, from_time, to_time, zone, first, until)
        window = Window(
            kind=kind,
            name=name,
            effect=effect,
            zone=zone,
            override_role=override_role,
            service=service,
            organisation=organisation,
            reason=reason,
            starts_at=found[0][0],
            ends_at=found[-1][1],
            weekday=weekday,
            from_time=from_time,
            to_time=to_time,
        )
        return _kept(window, found, actor)


def _kept(window: Window, times: list[spans.Span], actor: User) -> Window:
    save(window, actor=actor, reason=_("made the %s") % window.get_kind_display().lower())
    WindowSpan.objects.bulk_create(WindowSpan(window=window, span=span) for span in times)
    window_mail.tell_planners(window, besides=actor)
    return window


def _check_role(effect: str, role: str) -> None:
    named = role in permissions.OVERRIDING
    if named != (effect == Window.Effect.OVERRIDE) or (role and not named):
        raise StepIncomplete(_("Say which role can override it."), ["override_role"])


def _once(starts_at: datetime | None, ends_at: datetime | None) -> list[spans.Span]:
    if starts_at is None or ends_at is None:
        raise StepIncomplete(_("Say when it begins and when it ends."), ["starts_at"])
    _insist(spans.once_faults(starts_at, ends_at, timezone.now()))
    return [(starts_at, ends_at)]


def _weekly(
    weekday: int,
    from_time: time | None,
    to_time: time | None,
    zone: str,
    first: date | None,
    until: date | None,
) -> list[spans.Span]:
    if from_time is None or to_time is None or first is None:
        raise StepIncomplete(_("Say from when to when it holds, and from which day."), ["first"])
    _insist(spans.weekly_faults(from_time, to_time, first, until, timezone.localdate()))
    assert until is not None
    found = spans.weekly(weekday, from_time, to_time, zone, first, until)
    if not found:
        raise StepIncomplete(_("This weekday does not come between these days."), ["weekday"])
    if found[-1][1] <= timezone.now():
        raise StepIncomplete(_("Its last time has passed. Choose a later day."), ["until"])
    return found


def _insist(faults: dict[str, str]) -> None:
    for field, sentence in faults.items():
        raise StepIncomplete(sentence, [field])


def cancel_window(window: Window, *, actor: User, reason: str, seen: int | None = None) -> Window:
    """End a freeze or maintenance window now, or before it begins.

    Raises StepIncomplete without a reason, StepForbidden, StepIllegal, ChangeStale. Effects: it
    holds no longer; that it did until now stays.
    """

    def stale(fresh: Window) -> str:
        changed = seen not in (None, fresh.version)
        return _("“%s” was cancelled meanwhile.") % fresh if changed else ""

    with opened(
        lambda: locked(window),
        actor=actor,
        ask=partial(permissions.can_cancel_window, actor),
        stale=stale,
    ) as fresh:
        if not reason.strip():
            raise StepIncomplete(_("Say why it is cancelled."), ["reason"])
        now = timezone.now()
        fresh.cancelled_at = now
        fresh.version += 1
        _end_spans(fresh, now)
        return save(fresh, actor=actor, reason=f"{_('cancelled it')}: {reason}")


def _end_spans(window: Window, now: datetime) -> None:
    window.spans.filter(span__startswith__gte=now).delete()
    for running in window.spans.filter(span__contains=now):
        running.span = (running.span.lower, now)
        running.save(update_fields=["span"])


def override_window(
    change: Change, *, actor: User, window: Window, reason: str, seen: int | None = None
) -> Change:
    """Let a change be planned and put in place despite a window that asks for an override.

    Raises StepForbidden where the person does not hold the role that the window names, or has a
    part in the change while another holder has none; StepIllegal for a change that the window is
    not for; StepIncomplete without a reason. Effects: the override, for this round of delivery;
    event, for colleagues. Both say so where whoever has a part in the change gave it.
    """
    with take_step("override_window", change, actor=actor, seen=seen) as step:
        fresh = locked(window)
        with recalling(step.change):
            require(permissions.may_let_pass(actor.read_afresh(), fresh, step.change))
            alone = actor.pk in involved(step.change)
        if not reason.strip():
            raise StepIncomplete(_("Say why it is allowed."), ["reason"])
        step.data = {"window": fresh.pk}
        if alone:
            words = _("They have a part in the change: nobody else has the role “%s”.")
            reason = f"{reason} ({words % fresh.get_override_role_display()})"
            step.data["alone"] = True
        step.reason, step.internal = f"{fresh}: {reason}", True
        override = WindowOverride(**step.stamp(), window=fresh, reason=reason)
        if step.change.state == State.ROLLED_BACK:
            override.round += 1  # its next plan begins another round
        step.save(override)
    return step.change


def locked(window: Window) -> Window:
    """Return a fresh copy of the window whose row is locked until the transaction ends."""
    return Window.objects.select_for_update(no_key=True).get(pk=window.pk)


def mind_conflicts(step: Step, plan: Planned | None, field: str) -> None:
    """Look what is in the way of a plan that a step makes or begins, and keep it with its event.

    Raises StepIncomplete, beside the field, for the first that stops it: a freeze or maintenance
    window that refuses, or that nobody has overridden. Effects: whose plans a new one meets is
    told, once.
    """
    if plan is None:
        return
    one_at_a_time()
    found = planning.conflicts_of(step.change, plan, by=step.actor)
    for one in found:
        if one.stops:
            raise StepIncomplete(one.words, [field])
    if found:
        step.data = {**step.data, "conflicts": planning.kept(found)}
    if not plan.begins and (met := met_mail.met_by(found)):
        _tell_of_meeting(step, plan, met)


def _tell_of_meeting(step: Step, plan: Planned, met: list[int]) -> None:
    """Tell who planned what a new plan meets, unless they know.

    As where its last plan met that already, or one of the same person for the same time, lately:
    whoever plans a hundred changes at once is not to send a hundred mails to one colleague.
    """
    known: set[int] = set()
    if own := step.change.events.filter(verb=step.verb).order_by("-pk").first():
        known.update(own.data.get("met", ()))
    lately = Event.objects.filter(actor=step.actor).order_by("-pk").values_list("verb", "data")
    for verb, data in lately[:LATELY]:
        if verb == step.verb and all(data.get(name) == step.data.get(name) for name in TIMES):
            known.update(data.get("met", ()))
    step.data = {**step.data, "met": met}
    if new := {*met} - known:
        met_mail.tell_planners(step.change, plan, new, by=sure(step.actor))
