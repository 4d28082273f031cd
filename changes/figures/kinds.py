"""Which figures there are: of what each is counted, and what it says."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from django.utils.translation import gettext_lazy as _

from expansive_cm.texts import Text

from ..models import BoardDecision, Confirmation, Deployment, Execution
from ..states import CODE_PATH, CONFIGURATION_PATH, OPEN, SIDE_STATE_STAGE, ChangeType, State
from .counted import NOTHING, Measure, Measures

Outcome = BoardDecision.Outcome
Answer = Confirmation.Answer


class Says(StrEnum):
    """What is read of the rows that a figure counts."""

    NUMBER = "number"
    SHARE = "share"
    TIME = "time"


@dataclass(frozen=True)
class Figure:
    """One figure: of a source all rows, or those of some kinds.

    A share is what its kinds are of all rows of its ``whole``, the name of another figure.
    """

    name: str
    label: Text
    source: str
    kinds: tuple[str, ...] = ()
    says: Says = Says.NUMBER
    whole: str = ""
    means: Text = ""

    def measure(self, found: Measures, *, recent: bool) -> Measure:
        """Return what was measured of it; times of one kind alone, or of a source without any."""
        measures = [
            one
            for (source, kind, when), one in found.items()
            if source == self.source and when == recent and (not self.kinds or kind in self.kinds)
        ]
        if len(measures) == 1:
            return measures[0]
        return Measure(sum(one.count for one in measures)) if measures else NOTHING


@dataclass(frozen=True)
class Group:
    """Figures that are read together."""

    name: str
    title: Text
    icon: str
    figures: tuple[Figure, ...]
    note: Text = ""


def _stages() -> Iterator[Figure]:
    """The states in which something is done, in the order of both paths."""
    order = list(dict.fromkeys((*CONFIGURATION_PATH[:-2], *CODE_PATH[1:-1])))
    for side, stage in SIDE_STATE_STAGE.items():
        if side in OPEN:
            order.insert(order.index(stage) + 1, side)
    for state in order:
        yield Figure(
            f"stage-{state.value.replace('_', '-')}",
            state.label,
            "stages",
            (state.value,),
            Says.TIME,
        )


def _outcomes() -> Iterator[Figure]:
    for outcome in Outcome:
        yield Figure(
            f"decided-{outcome.value.replace('_', '-')}",
            outcome.label,
            "decided",
            (outcome.value,),
            Says.SHARE,
            "decided",
        )


GROUPS = (
    Group(
        "requests",
        _("Requests"),
        "inbox",
        (
            Figure(
                "submitted", _("Submitted"), "submitted", means=_("sent to us for the first time")
            ),
            Figure("ended", _("Ended"), "ended", means=_("closed, refused, rejected or withdrawn")),
            Figure("closed", _("Closed"), "ended", (State.CLOSED.value,), Says.SHARE, "ended"),
            Figure(
                "lead-time",
                _("From submission to close"),
                "closed",
                says=Says.TIME,
                means=_("of what was closed"),
            ),
            *(
                Figure(
                    f"lead-time-{type_.value}",
                    type_.label,
                    "closed_by_type",
                    (type_.value,),
                    Says.TIME,
                    means=_("from submission to close"),
                )
                for type_ in ChangeType
            ),
        ),
    ),
    Group(
        "delivery",
        _("Delivery of code changes"),
        "rocket",
        (
            Figure(
                "deployments",
                _("Deployments"),
                "deployed",
                means=_("finished, rolled back ones included"),
            ),
            Figure(
                "deployment-lead-time",
                _("From code to deployment"),
                "lead_time",
                says=Says.TIME,
                means=_("from the record of the code to its successful deployment"),
            ),
            Figure(
                "failed-deployments",
                _("Failed deployments"),
                "deployed",
                (Deployment.Outcome.ROLLED_BACK.value,),
                Says.SHARE,
                "deployments",
                _("rolled back"),
            ),
            Figure(
                "recovery",
                _("Recovery"),
                "recovered",
                says=Says.TIME,
                means=_("from a deployment that was rolled back to the one that went well"),
            ),
            Figure(
                "deployed-again",
                _("Rework"),
                "deployed_again",
                says=Says.SHARE,
                whole="deployments",
                means=_("deployed after an earlier deployment of the same change"),
            ),
            Figure(
                "sent-back-from-testing",
                _("Sent back from testing"),
                "tested",
                (State.DEVELOPMENT.value,),
                Says.SHARE,
                "tested",
                _("of what left testing"),
            ),
            Figure("tested", _("Tested"), "tested", means=_("left testing, either way")),
        ),
        _(
            "DORA’s five are deployments, from code to deployment, failed deployments, "
            "recovery and rework. A deployment failed that was rolled back."
        ),
    ),
    Group(
        "board",
        _("Change Request Board"),
        "gavel",
        (
            Figure("decided", _("Decisions"), "decided", means=_("that stand")),
            *_outcomes(),
            Figure(
                "acceptance-to-delivery",
                _("From acceptance to deployment"),
                "delivered",
                says=Says.TIME,
                means=_("of what was deployed for the first time since"),
            ),
        ),
    ),
    Group(
        "executions",
        _("Configuration changes"),
        "tools",
        (
            Figure("executions", _("Executions"), "executed", means=_("finished")),
            Figure(
                "executions-rolled-back",
                _("Rolled back"),
                "executed",
                (Execution.Outcome.ROLLED_BACK.value,),
                Says.SHARE,
                "executions",
            ),
        ),
    ),
    Group(
        "confirmations",
        _("Confirmation"),
        "user-question",
        (
            Figure("answers", _("Ended questions"), "answered", means=_("answered, or given up")),
            Figure(
                "confirmed",
                _("Confirmed"),
                "answered",
                (Answer.CONFIRMED.value,),
                Says.SHARE,
                "answers",
            ),
            Figure(
                "not-as-expected",
                _("Not as expected"),
                "answered",
                (Answer.NOT_AS_EXPECTED.value,),
                Says.SHARE,
                "answers",
            ),
            Figure(
                "silent",
                _("Closed without an answer"),
                "answered",
                (Answer.UNANSWERED.value,),
                Says.SHARE,
                "answers",
            ),
        ),
    ),
    Group(
        "stages",
        _("Time in each state"),
        "stopwatch",
        tuple(_stages()),
        _("Of what left the state in these days, each time that it did."),
    ),
)
FIGURES = {one.name: one for group in GROUPS for one in group.figures}
