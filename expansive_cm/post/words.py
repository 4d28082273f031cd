"""What a mail says: its templates put into words."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

from django.conf import settings
from django.template.loader import render_to_string
from django.utils import timezone, translation
from django.utils.html import escape

SIGNATURE = "-- "
"""The line by which mail clients know where the text ends; its space belongs to it."""


@dataclass(frozen=True)
class Words:
    """What one mail says."""

    subject: str
    text: str
    html: str

    def with_name(self, stand_in: str, name: str) -> "Words":
        """Return what it says where a name stands for the word that stood in for it."""
        return Words(
            self.subject.replace(stand_in, name),
            self.text.replace(stand_in, name),
            self.html.replace(stand_in, escape(name)),
        )


class Someone:
    """Who a mail greets, while it is put into words for several: a name, and nothing besides."""

    def __init__(self, display_name: str) -> None:
        self.display_name = display_name

    def __getattr__(self, name: str) -> Any:
        """Fail loudly, where a template would take a missing value for an empty one."""
        raise LookupError(f"What differs from reader to reader is to be handed in: {name}.")


def words_of(message: str, context: Mapping[str, Any], zone: ZoneInfo) -> Words:
    """Put a message into words, with times in this zone, which the context is told as well.

    ``message`` names the folder under templates/email with subject, text and HTML.
    """
    context = {"reply_address": settings.REPLY_ADDRESS, "zone": str(zone), **context}
    with timezone.override(zone), translation.override(settings.LANGUAGE_CODE):
        subject = render_to_string(f"email/{message}/subject.txt", context)
        text = render_to_string(f"email/{message}/body.txt", context)
        html = render_to_string(f"email/{message}/body.html", context)
    return Words(" ".join(subject.split()), _tidy(text), html)


def absolute(path: str) -> str:
    """Return an address that works from a mail client."""
    return f"{settings.BASE_URL.rstrip('/')}{path}"


def _tidy(text: str) -> str:
    """Drop the blank lines and trailing spaces that template tags leave behind."""
    lines: list[str] = []
    for line in text.strip().splitlines():
        line = line if line == SIGNATURE else line.rstrip()
        if line or (lines and lines[-1]):
            lines.append(line)
    return "\n".join(lines) + "\n"
