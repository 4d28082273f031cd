"""What a step of any process can answer instead of succeeding."""

from collections.abc import Sequence
from typing import Any


class StepError(Exception):
    """A step was not taken. ``str()`` is a sentence for the person; nothing has changed."""

    status = 400


class StepForbidden(StepError):
    """This person may not take this step on this change, whatever its state."""

    status = 403


class StepIllegal(StepError):
    """The step does not belong to the state that the change is in."""

    status = 409


class ChangeStale(StepError):
    """The change has moved on since the person opened the page."""

    status = 409


class StepIncomplete(StepError):
    """Something that the step needs is missing; ``missing`` names each thing."""

    status = 409

    def __init__(self, message: str, missing: Sequence[str] = ()) -> None:
        super().__init__(message)
        self.missing = list(missing)


class SentBefore(Exception):
    """The same form made something already, in another request; ``made`` is what it made."""

    def __init__(self, made: Any) -> None:
        super().__init__(str(made))
        self.made = made
