"""From the stories' files to a list of steps with their moments, the earliest first.

A story says of each step how many days ago it was taken (``ago``; a step without it follows
the one before within the hour). Below one, the number is taken literally: 0.25 is six hours
ago. Otherwise the step falls into that day's working hours, on the Friday for a weekend.
``before`` is a number of days before the story's next visit to the board instead.
"""

import re
import tomllib
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta
from pathlib import Path
from typing import Any
from zlib import crc32

from .catalogue import LONDON, weekday

STORIES = Path(__file__).parent / "stories"
LINE_OF_A_PARAGRAPH = re.compile(r"(?<!\n)(?<![|])\n(?![\n|>#*-]|\d+\.)")
FIRST_MINUTE, MINUTES_OF_WORK = 8 * 60 + 5, 9 * 60


@dataclass(order=True)
class Planned:
    """One step of one story, in the order in which it happens."""

    moment: datetime
    number: int
    story: "Story" = field(compare=False)
    step: dict[str, Any] = field(compare=False)


@dataclass
class Story:
    """One change: what was asked for, and what became of it."""

    key: str
    requester: str
    title: str
    description: str
    services: list[str]
    steps: list[dict[str, Any]]
    raised_by: str = ""
    channel: str = "portal"
    desired: int | None = None
    change_id: int | None = None


def read_stories() -> list[Story]:
    """Read every file of stories. Raises TypeError for a key that no story has."""
    return [
        Story(
            **{
                **entry,
                "description": unwrapped(entry["description"]),
                "steps": [part for step in entry["steps"] for part in _parts(step)],
            }
        )
        for path in sorted(STORIES.glob("*.toml"))
        for entry in tomllib.loads(path.read_text(encoding="utf-8"))["story"]
    ]


def unwrapped(text: str) -> str:
    """Join the lines of each paragraph, whose breaks would be kept on the page."""
    return LINE_OF_A_PARAGRAPH.sub(" ", text.strip())


def _parts(step: dict[str, Any]) -> list[dict[str, Any]]:
    """Three passed tests may be written as one step; each is recorded on its own."""
    if step["do"] != "record_tests":
        return [step]
    shared = {name: value for name, value in step.items() if name in ("by", "ago")}
    return [
        {**shared, "do": "record_test", "kind": kind, "text": step[kind]}
        for kind in ("functional", "security", "regression")
    ]


def plan(
    stories: list[Story], now: datetime, board_time: Callable[[float, str], datetime]
) -> list[Planned]:
    """Give every step its moment; the steps of a story keep their order.

    ``board_time`` tells when the board met that many days ago and took up this story.
    """
    planned: list[Planned] = []
    for story in stories:
        previous, ago = None, 0.0
        for index, step in enumerate(story.steps):
            ago = step.pop("ago", ago)
            at = moment_of(now, ago, f"{story.key}:{index}")
            if "before" in step:
                at = _before_the_board(story, index, board_time)
            if step["do"] == "record_board_outcome":
                at = board_time(ago, story.key)
            if previous is not None and at <= previous:
                pause = 9 + crc32(f"{story.key}:{index}".encode()) % 40
                at = previous + timedelta(minutes=pause if ago >= 1 else 4)
            previous = min(at, now)
            planned.append(Planned(previous, len(planned), story, step))
    return sorted(planned)


def _before_the_board(
    story: Story, index: int, board_time: Callable[[float, str], datetime]
) -> datetime:
    """Return a moment so many days before the board takes up the story."""
    visit = next(one for one in story.steps[index:] if one["do"] == "record_board_outcome")
    return board_time(visit["ago"], story.key) - timedelta(days=story.steps[index]["before"])


def moment_of(now: datetime, ago: float, seed: str) -> datetime:
    """Return when something happened that many days ago; the seed spreads it over the day."""
    if ago < 1:
        return now - timedelta(days=ago)
    day = weekday(now.astimezone(LONDON).date() - timedelta(days=int(ago)))
    minutes = FIRST_MINUTE + crc32(seed.encode()) % MINUTES_OF_WORK
    at = datetime.combine(day, time(), LONDON) + timedelta(minutes=minutes)
    return min(at, now)
