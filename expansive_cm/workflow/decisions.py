"""Whether a person may take a step: a decision, and the reason when they may not."""

from dataclasses import dataclass
from enum import StrEnum

from django.utils.translation import gettext as _


class Refusal(StrEnum):
    """What kind of rule objected."""

    PERSON = "person"
    STATE = "state"
    SEPARATION = "separation"
    GATE = "gate"


@dataclass(frozen=True)
class Decision:
    """Whether a step is allowed; if not, why, in a sentence for the person who asked."""

    allowed: bool
    reason: str = ""
    kind: Refusal | None = None

    def __bool__(self) -> bool:
        return self.allowed


ALLOWED = Decision(True)
Check = Decision | None


def first(*checks: Check) -> Check:
    """Return the first objection, None if there is none. (An objection is false as a bool.)"""
    return next((check for check in checks if check is not None), None)


def decide(*checks: Check) -> Decision:
    """Return the first objection, or that the step is allowed."""
    objection = first(*checks)
    return ALLOWED if objection is None else objection


def refuse(kind: Refusal, reason: str) -> Decision:
    """Return the objection of this kind of rule, in a sentence for the person."""
    return Decision(False, reason, kind)


def separation(rule: str, act: str) -> Decision:
    """Return the objection of a duty that must be separate, with what the person did.

    (ISO 27001:2022, Annex A 5.3.)
    """
    words = {"rule": rule, "act": act}
    return refuse(Refusal.SEPARATION, _("Separation of duties: %(rule)s %(act)s") % words)
