"""How changes look on every page: `{% load change_ui %}`."""

from collections.abc import Mapping
from typing import Any

from django import template
from django.forms.boundfield import BoundField
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.formats import date_format
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import ngettext, pgettext_lazy

from changes import way_back
from changes.filters import STAGES
from changes.forecast import Outlook
from changes.plain import Stands
from changes.promises import Known, Promised, Risk, Standing, promised_of
from changes.releases import LOOKS as CHANCE_LOOKS
from changes.releases import chance_words, why_words
from changes.risk import Impact, Likelihood, RiskLevel, risk_level
from changes.states import FINAL, SIDE_STATE_STAGE, ChangeType, State, path_of
from expansive_cm.ui.components import Stage, StageStatus
from expansive_cm.ui.drawing import drawn_once
from expansive_cm.ui.templatetags.ui import badge, stage_bar

register = template.Library()


@register.simple_tag(takes_context=True)
def list_of_changes(context: template.Context) -> str:
    """Return the address of the list as this person left it, or as it begins."""
    request = context.get("request")
    return reverse("changes:list") if request is None else way_back.list_address(request)


STATE_LOOKS: dict[State, tuple[str, str]] = {
    State.DRAFT: ("grey", "pencil"),
    State.SUBMITTED: ("blue", "inbox"),
    State.REVIEW: ("purple", "clipboard-check"),
    State.AUTHORISATION: ("purple", "shield-check"),
    State.EXECUTION: ("teal", "tools"),
    State.ROLLED_BACK: ("orange", "arrow-back-up"),
    State.DOCUMENTATION: ("teal", "notes"),
    State.REFUSED: ("red", "ban"),
    State.BOARD: ("purple", "gavel"),
    State.INFORMATION_REQUIRED: ("amber", "message-question"),
    State.REQUIREMENTS: ("blue", "list-check"),
    State.RISK_ASSESSMENT: ("blue", "shield-lock"),
    State.DEVELOPMENT: ("teal", "code"),
    State.TESTING: ("teal", "test-pipe"),
    State.DEPLOYMENT: ("teal", "rocket"),
    State.REJECTED: ("red", "circle-x"),
    State.CONFIRMATION: ("amber", "user-question"),
    State.NOT_CONFIRMED: ("orange", "thumb-down"),
    State.CLOSED: ("green", "circle-check"),
    State.WITHDRAWN: ("grey", "archive"),
}
TYPE_LOOKS: dict[str, tuple[str, str]] = {
    ChangeType.CONFIGURATION: ("teal", "adjustments"),
    ChangeType.CODE: ("purple", "code"),
}
STANDING_LOOKS: dict[Standing, tuple[str, str]] = {
    Standing.BROKEN: ("red", "clock-exclamation"),
    Standing.AT_RISK: ("amber", "alert-triangle"),
    Standing.ON_COURSE: ("blue", "clock"),
    Standing.KEPT: ("green", "circle-check"),
}
OWN_LOOKS: dict[Stands, tuple[str, str]] = {
    Stands.LATE: ("red", "clock-exclamation"),
    Stands.LATER: ("amber", "alert-triangle"),
    Stands.UNDER_WAY: ("blue", "clock"),
    Stands.KEPT: ("green", "circle-check"),
}
LEVEL_LOOKS: dict[RiskLevel, tuple[str, str]] = {
    RiskLevel.LOW: ("green", "chevron-down"),
    RiskLevel.MODERATE: ("amber", "minus"),
    RiskLevel.HIGH: ("orange", "chevron-up"),
    RiskLevel.CRITICAL: ("red", "alert-triangle"),
}
LEVEL_SHORT: dict[RiskLevel, Any] = {
    RiskLevel.LOW: pgettext_lazy("risk, in a narrow cell", "Low"),
    RiskLevel.MODERATE: pgettext_lazy("risk, in a narrow cell", "Mod."),
    RiskLevel.HIGH: pgettext_lazy("risk, in a narrow cell", "High"),
    RiskLevel.CRITICAL: pgettext_lazy("risk, in a narrow cell", "Crit."),
}


@register.simple_tag(takes_context=True)
def state_badge(context: Mapping[str, Any], state: str) -> SafeString:
    """Show the state of a change, to a customer in plain words (``user`` of the context)."""
    user = context.get("user")
    plain = user is not None and not getattr(user, "is_internal", False)  # links need no account
    return _state_badge(state, plain)


@drawn_once()
def _state_badge(state: str, plain: bool) -> SafeString:
    found = State(state)
    tone, icon_name = STATE_LOOKS[found]
    return badge(state_words(found, plain=plain), tone, icon_name)


def state_words(state: State, *, plain: bool) -> str:
    """Return a state's name; ``plain``, the words by which customers filter their list."""
    if not plain or state in FINAL:
        return str(state.label)
    return str(next((label for label, states in STAGES.values() if state in states), state.label))


@register.simple_tag
@drawn_once()
def type_badge(change_type: str) -> SafeString:
    """Show the type of a change, or that it has none yet."""
    if not change_type:
        return badge(_("Not assessed"), "grey", "circle-dashed")
    tone, icon_name = TYPE_LOOKS[change_type]
    return badge(ChangeType(change_type).label, tone, icon_name)


@register.simple_tag
@drawn_once()
def risk_badge(level: int | None) -> SafeString:
    """Show a level of risk, or that it has not been assessed."""
    if level is None:
        return badge(_("Risk not assessed"), "grey", "circle-dashed")
    found = RiskLevel(level)
    tone, icon_name = LEVEL_LOOKS[found]
    return badge(_("%(level)s risk") % {"level": found.label}, tone, icon_name)


# --- Risk matrix ----------------------------------------------------------------------------


def matrix_rows(likelihood: int | None, impact: int | None) -> list[dict[str, Any]]:
    """Return the matrix row by row, the most likely first, each cell with its level."""
    rows = []
    for row in sorted(Likelihood, reverse=True):
        cells = []
        for column in Impact:
            level = risk_level(row, column)
            cells.append(
                {
                    "likelihood": row,
                    "impact": column,
                    "level": level,
                    "short": LEVEL_SHORT[level],
                    "tone": LEVEL_LOOKS[level][0],
                    "score": row * column,
                    "selected": (row, column) == (likelihood, impact),
                }
            )
        rows.append({"likelihood": row, "cells": cells})
    return rows


def _matrix(likelihood: int | None, impact: int | None) -> dict[str, Any]:
    level = risk_level(likelihood, impact) if likelihood and impact else None
    return {"rows": matrix_rows(likelihood, impact), "impacts": list(Impact), "level": level}


@register.simple_tag
@drawn_once()
def risk_matrix(likelihood: int | None, impact: int | None) -> SafeString:
    """Show a risk as the cell where its likelihood and impact meet."""
    return render_to_string("components/risk_matrix.html", _matrix(likelihood, impact))


@register.inclusion_tag("components/risk_matrix_fields.html")
def risk_matrix_fields(likelihood: BoundField, impact: BoundField) -> dict[str, Any]:
    """Ask for a risk with two selects; the cell where they meet lights up, and can be pressed."""
    chosen = [_number(field.value()) for field in (likelihood, impact)]
    return {"likelihood": likelihood, "impact": impact, **_matrix(*chosen)}


def _number(value: Any) -> int | None:
    try:
        number = int(value)
    except (TypeError, ValueError):
        return None
    return number if 1 <= number <= 5 else None


# --- Stages ---------------------------------------------------------------------------------


def stages_of(change_type: str, state: str, last_stage: str = "") -> list[Stage]:
    """Return the stages of a change's path and how far it has come.

    `last_stage` is the stage that a change was at when it was withdrawn, refused or rejected:
    the path ends there and what would have followed is skipped.
    """
    found = State(state)
    path = path_of(change_type)
    ended = {State.REFUSED: State.AUTHORISATION, State.REJECTED: State.BOARD}
    stopped = found in ended or found == State.WITHDRAWN
    here = SIDE_STATE_STAGE.get(found, found)
    if stopped:
        here = State(last_stage) if last_stage else ended.get(found, path[0])
        here = SIDE_STATE_STAGE.get(here, here)
    position = path.index(here) if here in path else 0
    note = found.label if found not in path else ""
    stages = []
    for number, stage in enumerate(path):
        status = _status(number, position, stopped, found)
        stages.append(Stage(stage.label, status, note if number == position else ""))
    return stages


def _status(number: int, position: int, stopped: bool, state: State) -> StageStatus:
    if number < position or state == State.CLOSED:
        return StageStatus.DONE
    if number == position:
        return StageStatus.STOPPED if stopped else StageStatus.CURRENT
    return StageStatus.SKIPPED if stopped else StageStatus.AHEAD


@register.inclusion_tag("components/stage_bar.html")
def change_stages(change: Any, last_stage: str = "") -> dict[str, Any]:
    """Show where a change is in its process; the stages differ by type."""
    return stage_bar(stages_of(change.type, change.state, last_stage))


@register.simple_tag
def release_chance(found: Outlook) -> SafeString:
    """Show how likely a change is complete in time, and what that is based on."""
    tone, icon_name = CHANCE_LOOKS[found.chance]
    words = format_html(" <div>{}</div>", why) if (why := why_words(found)) else ""
    return format_html("{}{}", badge(chance_words(found.chance), tone, icon_name), words)


@register.simple_tag
def standing_badge(standing: Standing) -> SafeString:
    """Show what has become of a promise."""
    return badge(Standing(standing).label, *STANDING_LOOKS[Standing(standing)])


@register.simple_tag
def own_standing(stands: Stands) -> SafeString:
    """Show to a customer how a promise stands."""
    return badge(stands.label, *OWN_LOOKS[stands])


@register.simple_tag
def standing_of_change(change: Any) -> SafeString:
    """Show what has become of the promise of a change, nothing where it has none."""
    found = promised_of(change)
    if found is None:
        return SafeString()
    badge_shown = standing_badge(found.standing)
    if not found.why_late:
        return badge_shown
    return format_html("{} <span>{}</span>", badge_shown, _("planned later than promised"))


@register.filter
def risk_words(promised: Promised) -> list[str]:
    """Say why a promise is at risk."""
    words = {
        Risk.BEYOND: _("Its release comes after the day that was promised."),
        Risk.MISSED: _("The release that was promised is out without it."),
        Risk.NOT_BEGUN: _("It is not in development yet."),
    }
    return [words[risk] for risk in promised.risks]


@register.filter
def forecast_words(promised: Promised) -> str:
    """Say what is known today of when a change will be there."""
    found = promised.forecast
    if found.known == Known.CLOSED:
        day = promised.closed_on
        return _("Closed on %s") % date_format(day, "j M Y") if day else _("Closed")
    if found.known == Known.IN_PLACE:
        return _("In place, not confirmed yet")
    if found.release is None or found.on is None:
        return _("Nothing known")
    names = {"release": found.release, "day": date_format(found.on, "j M Y")}
    if found.release.released_at:
        return _("Release %s is out; its deployment is planned") % found.release
    if found.is_late:
        return _("Release %s, which is late") % found.release
    if found.known == Known.PLANNED:
        return _("%(day)s, deployment planned with release %(release)s") % names
    if found.known == Known.PROMISED:
        return _("%(day)s, promised with release %(release)s, not assigned to one yet") % names
    return _("%(day)s, meant for release %(release)s") % names


@register.filter
def left_words(promised: Promised) -> str:
    """Say how many days are left until the day promised, or how many it is late."""
    days = promised.days_left
    if days is None:
        return "–"
    if days < 0:
        return ngettext("%d day late", "%d days late", -days) % -days
    return ngettext("%d day", "%d days", days) % days
