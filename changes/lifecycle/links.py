"""A link between two changes, as part of a step."""

from ..models import Change, ChangeLink
from .core import Step


def record_link(step: Step, source: Change, target: Change, kind: str) -> ChangeLink:
    """Link two changes as part of a step."""
    link = ChangeLink(source=source, target=target, kind=kind, created_by=step.actor)
    step.save(link)
    return link
