"""Standard changes: what is approved of a template, and whether a change is exactly that.

A blank, written “…”, is what a request fills in: within one line, and not with nothing. All else
of the texts stays as it was approved. Name, purpose, offer, urgency and the system of the
documentation are no content: they change nothing of what is done.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from django.db.models import Exists, F, Field, OuterRef, Q, QuerySet
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from accounts.models import Organisation
from expansive_cm.sure import sure
from expansive_cm.texts import MISLEADING

from . import checklists
from .models import Authorisation, Change, ChangeTemplate, Event, Service, StandardApproval
from .proposing import BLANK
from .risk import RiskLevel, risk_level
from .states import ChangeType, State
from .turns import past
from .turns.alone import ASSESSING

LONGEST = 200
"""So many characters fill in a blank at most."""
REQUEST = ("title", "description")
JUDGED = ("need", "service_impact", "customer_impact")
RISK = ("likelihood", "impact")
PLAN = ("steps", "rollback_plan")
BEFORE_ITS_END = timedelta(weeks=6)
"""From when on it can be approved for another year, and those who may are reminded."""
NAMED = 10
"""So many of the changes that go on are named."""
Life = StandardApproval.State


def today() -> date:
    """Return the day in the product's own zone: an approval ends for everybody at once."""
    return timezone.localdate(timezone=timezone.get_default_timezone())


def a_year_from(day: date) -> date:
    """Return the last day of an approval that is given on a day."""
    try:
        return day.replace(year=day.year + 1)
    except ValueError:  # the 29th of February
        return day.replace(year=day.year + 1, day=28)


def is_near_its_end(approval: StandardApproval) -> bool:
    """Whether it can be approved for another year, its last day having passed or coming soon."""
    last = approval.valid_until
    return last is not None and last - BEFORE_ITS_END <= today()


# What is approved -------------------------------------------------------------------------------


def content_of(template: ChangeTemplate) -> dict[str, Any]:
    """Return what an approval of a template binds, as it is kept and compared."""
    names = ("type", *REQUEST, *JUDGED, *RISK, *PLAN)
    services = sorted(template.services.values_list("pk", flat=True))
    found = {
        **{name: getattr(template, name) for name in names},
        "organisation": template.organisation_id,
        "services": services,
    }
    # What was approved before there were checklists goes on as it stands.
    return {**found, "checklist": template.checklist} if template.checklist else found


def missing_of(template: ChangeTemplate) -> str:
    """Say what keeps a template from being proposed; "" if nothing does."""
    if not template.is_active:
        return _("The template is withdrawn.")
    if template.type != ChangeType.CONFIGURATION:
        return _("Only configuration changes can be standard changes.")
    empty = [_label(name) for name in RISK if getattr(template, name) is None]
    texts = ("description", *JUDGED, *PLAN)
    empty += [_label(name) for name in texts if not _says(getattr(template, name))]
    empty += [] if template.title else [_label("title")]
    if empty:
        return _("The template does not say: %s.") % ", ".join(empty)
    if risk_level(sure(template.likelihood), sure(template.impact)) != RiskLevel.LOW:
        return _("Only what has a low risk can be a standard change.")
    return ""


def _says(text: str) -> bool:
    """Whether a text has words besides its blanks, which alone would approve anything."""
    return bool(re.search(r"\w", text))


def _label(name: str) -> str:
    return str(_field(name).verbose_name)


def _field(name: str) -> "Field[Any, Any]":
    field = ChangeTemplate._meta.get_field(name)
    assert isinstance(field, Field)
    return field


def in_words(approval: StandardApproval) -> list[tuple[str, str]]:
    """Return what was approved, label by label, as people read it. Two queries."""
    content = approval.content
    services = Service.objects.filter(pk__in=content["services"]).order_by("name")
    customer = Organisation.objects.filter(pk=content["organisation"]).first()
    shown = {
        "organisation": str(customer) if customer else _("All customers"),
        "services": ", ".join(services.values_list("name", flat=True)),
    }
    found = []
    labels = {"organisation": _("customer")}
    names = ("organisation", "title", "description", "services", *JUDGED, *RISK, *PLAN, "checklist")
    for name in names:
        field = _field(name)
        value = shown.get(name, content.get(name, ""))
        if getattr(field, "choices", None):
            value = dict(field.flatchoices).get(value, value)
        label = labels.get(name, str(field.verbose_name))
        found.append((capfirst(label), str(value) or "–"))
    return found


# Is a change that? --------------------------------------------------------------------------


def is_as_written(approved: str, text: str) -> bool:
    """Whether a text is the approved one with its blanks filled in."""
    parts = _plain(approved).split(BLANK)
    parts = [parts[0], *(part for part in parts[1:-1] if part), *parts[1:][-1:]]
    text = _plain(text)
    if len(parts) == 1:
        return text == parts[0]
    if not text.startswith(parts[0]):
        return False
    at = len(parts[0])
    for number, part in enumerate(parts[1:], 1):
        end = text.find(part, at + 1) if part else len(text)
        if number == len(parts) - 1 and part:
            end = len(text) - len(part) if text.endswith(part) else -1
        if not _fills(text[at:end] if end >= at else ""):
            return False
        at = end + len(part)
    return True


def _plain(text: str) -> str:
    lines = text.replace("\r\n", "\n").replace("...", BLANK).strip().split("\n")
    return "\n".join(line.rstrip() for line in lines)


def _fills(words: str) -> bool:
    """Whether words fill in a blank: some that can be read, in one line as every reader sees it."""
    in_one_line = len(words.splitlines()) == 1 and not MISLEADING.search(words)
    return in_one_line and _says(words) and len(words) <= LONGEST


def differences(change: Change, content: dict[str, Any]) -> list[str]:
    """Name what of a request and its assessment is not as it was approved."""
    found = [
        _label(name) for name in REQUEST if not is_as_written(content[name], getattr(change, name))
    ]
    if content["organisation"] not in (None, change.organisation_id):
        found.append(_("customer"))
    if sorted(service.pk for service in change.services.all()) != content["services"]:
        found.append(_label("services"))
    own = checklists.as_entries(checklists.items_of(change))
    if own != checklists.entries(content.get("checklist", "")):
        found.append(_label("checklist"))
    judged = change.assessment
    if judged is None:
        return [*found, _("assessment")]
    found += [
        _label(name) for name in JUDGED if not is_as_written(content[name], getattr(judged, name))
    ]
    return found + [_label(name) for name in RISK if getattr(judged, name) != content[name]]


def plan_faults(change: Change, **plan: str) -> list[str]:
    """Name the fields of a plan that are not as approved; none where it was authorised by itself.

    Costs a query for a standard change.
    """
    approved = approved_plan(change)
    return [name for name in approved if not is_as_written(approved[name], plan[name])]


def approved_plan(change: Change) -> dict[str, str]:
    """Return the plan that came with the authorisation of a standard change; empty for others."""
    authorisation = change.authorisation
    if authorisation is None or authorisation.standard_id is None:
        return {}
    return {name: authorisation.standard.content[name] for name in PLAN}


def due_reminders() -> list[int]:
    """Return the approvals of whose end nobody was reminded and that end within some weeks."""
    coming = StandardApproval.objects.filter(decision="approved", ending="", reminded_at=None)
    until = today() + BEFORE_ITS_END
    due = coming.filter(valid_until__gte=today(), valid_until__lte=until)
    return list(due.order_by("valid_until", "pk").values_list("pk", flat=True))


# Whether one goes without authorisation -------------------------------------------------------


@dataclass(frozen=True)
class Standing:
    """By what a change would be authorised, or why it is not; neither if it was never to be."""

    approval: StandardApproval | None = None
    why_not: str = ""


def latest_approval(change: Change, *, lock: bool = False) -> StandardApproval | None:
    """Return what stands approved of the template that a change began with, or did so last."""
    if change.template_id is None:
        return None
    rows = StandardApproval.objects.filter(template=change.template_id, decision="approved")
    if lock:
        rows = rows.select_for_update(of=("self",), no_key=True)
    # What was proposed earlier may have been approved later: one at most has not ended.
    rows = rows.annotate(stands=Q(ending="")).order_by("-stands", "-pk")
    return rows.select_related("template", "decided_by").first()


def standing_of(
    change: Change, approval: StandardApproval | None, reviewer: int | None = None
) -> Standing:
    """Say whether a change in review goes on without an authorisation of its own.

    ``reviewer`` is who is endorsing it now.
    """
    if approval is None:
        return Standing()
    why_not = (
        _over(change, approval)
        or _other(change, approval)
        or _not_apart(change, approval, reviewer)
    )
    return Standing(why_not=why_not) if why_not else Standing(approval)


def _over(change: Change, approval: StandardApproval) -> str:
    # A clock that was set back revives nothing: the change was there on a later day already.
    home = timezone.get_default_timezone()
    days = (timezone.localdate(one.at, home) for one in change.events.all())
    state = approval.state_on(max(today(), *days))
    if state == Life.EXPIRED:
        words = _("The approval of the standard change expired on %s.")
        return words % date_format(sure(approval.valid_until), "j F Y")
    if state == Life.ENDED:
        words = _("The approval of the standard change ended on %(day)s: %(why)s")
        ended = timezone.localtime(approval.ended_at)
        return words % {"day": date_format(ended, "j F Y"), "why": approval.ended_why}
    return ""


def _other(change: Change, approval: StandardApproval) -> str:
    found = differences(change, approval.content)
    if not found:
        return ""
    words = _("It differs from the standard change: %s. Only the blanks may be filled in.")
    return words % ", ".join(found)


def _not_apart(change: Change, approval: StandardApproval, reviewer: int | None) -> str:
    """Hold the duties apart that the approver of the change itself would have to."""
    approver = approval.decided_by_id
    events = change.events.all()
    assessed = {one.actor_id for one in events if one.verb in ASSESSING}
    reviewed = {one.actor_id for one in events if one.verb == "review"} | {reviewer}
    acts = (
        (past.ASKERS.keys(change), _("asked for this change")),
        (past.EXECUTORS.keys(change), _("is named as its executor")),
        (assessed & reviewed, _("assessed and reviewed it")),
    )
    for people, act in acts:
        if approver in people:
            words = _("Separation of duties: %(person)s approved the standard change and %(act)s.")
            return words % {"person": approval.decided_by, "act": act}
    return ""


def in_flight(approval: StandardApproval) -> QuerySet[Change]:
    """Return the changes that this content authorised and that are not executed to the end."""
    same = StandardApproval.objects.filter(template=approval.template_id, content=approval.content)
    later = Authorisation.objects.filter(
        change=OuterRef("change"), path=OuterRef("path"), pk__gt=OuterRef("pk")
    )
    given = Authorisation.objects.filter(
        ~Exists(later), standard__in=same, change__state=State.EXECUTION, path=F("change__path")
    )
    found = Change.objects.filter(pk__in=given.values("change"))
    return found.exclude(pk=approval.failed_change_id or 0).order_by("pk")


def that_go_on(changes: QuerySet[Change]) -> str:
    """Say of changes in flight that the end of their approval does not stop them; "" of none."""
    number = changes.count()
    if not number:
        return ""
    names = [one.reference for one in changes[:NAMED]]
    words = ngettext(
        "%(names)s, which it authorised, is not executed yet and goes on, unless it is given back "
        "to be authorised by itself.",
        "%(number)d changes that it authorised are not executed yet and go on, unless they are "
        "given back to be authorised by themselves: %(names)s.",
        number,
    )
    return words % {"number": number, "names": ", ".join(names) + (" …" if number > NAMED else "")}


def why_the_normal_way(change: Change) -> str:
    """Return why a change was not, or is no longer, authorised as a standard change; "" if none."""
    told: Iterable[Event] = change.events.all()
    verbs = ("review", "ask_authorisation")
    own = [one for one in told if one.path == change.path and one.verb in verbs]
    newest = max(own, key=lambda one: one.pk, default=None)
    return str(newest.data.get("not_standard", "")) if newest else ""
