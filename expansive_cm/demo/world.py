"""What the stories share while they are lived through."""

from dataclasses import dataclass, field
from typing import Any

from accounts.models import User
from changes.lifecycle.core import lock
from changes.models import Change, Service
from crb.models import Board

from .people import People
from .schedule import Story

Step = dict[str, Any]


@dataclass
class World:
    """The people, the catalogue, the board and how far each story is."""

    people: People
    board: Board
    services: dict[str, Service]
    stories: dict[str, Story]
    pull_request: int = 1180
    ticket: int = 20411
    files: list[str] = field(default_factory=list)

    def change(self, key: str) -> Change:
        """Return the change of a story that has begun, as it is now."""
        return lock(Change(pk=self.stories[key].change_id))

    def actor(self, step: Step, usual: str | User) -> User:
        """Return who takes the step."""
        name = step.get("by", usual)
        return self.people[name] if isinstance(name, str) else name

    def manager(self, change: Change) -> User:
        """Return the customer success manager of the change's customer."""
        return self.people.success_manager_of(change.organisation)
