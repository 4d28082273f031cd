"""The guides as pages of the product, and which part of them is about which page.

They are drawn from ``docs``, without pictures, as parts with a heading each.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache

from django.conf import settings
from django.http import HttpRequest
from django.urls import reverse
from django.utils.safestring import SafeString
from django.utils.text import slugify
from django.utils.translation import gettext_lazy as _

from expansive_cm.texts import Text
from expansive_cm.ui import markdown

FOLDER = settings.BASE_DIR / "docs"
GUIDES: dict[str, Text] = {
    "user-guide": _("User guide"),
    "board": _("The board"),
    "import": _("Import"),
    "export": _("Export"),
}
"""The guides for who uses the product, by the names of their files."""

_ROOMS = {
    "user-guide": "accounts.views allauth.account.views changes.views.mail changes.views.gallery",
    "user-guide#requesters": """
        changes.views.correct_comment changes.views.detail changes.views.discussion
        changes.views.hand_over changes.views.home changes.views.intake changes.views.lists
    """,
    "user-guide#support-staff": "changes.views.triage",
    "user-guide#customer-success": """
        changes.views.answers changes.views.correct_record changes.views.mail_log
        changes.views.steps_anytime changes.views.steps_configuration
        changes.views.steps_confirmation changes.views.templates
    """,
    "user-guide#notifications": "changes.views.notifications",
    "user-guide#saved-views-of-the-list": "changes.views.saved_views",
    "user-guide#approval-rules": "changes.views.approval_rules",
    "user-guide#labels": "changes.views.labels",
    "user-guide#emergency-changes-and-looking-back": "changes.views.post_reviews",
    "user-guide#many-changes-at-once": "changes.views.many",
    "user-guide#standard-changes": "changes.views.standard",
    "user-guide#development-review-test-and-release": "changes.views.steps_code",
    "user-guide#releases": "changes.views.releases changes.views.release_notes",
    "user-guide#promises": "changes.views.promises",
    "user-guide#figures": "changes.views.figures",
    "user-guide#change-freezes-and-maintenance-windows": "changes.views.windows",
    "user-guide#services-and-what-they-need": "changes.views.services",
    "user-guide#the-calendar": "changes.views.calendar",
    "user-guide#auditors-and-administrators": "audit.views",
    "board": "crb.views.board",
    "board#calendar": "crb.views.calendar crb.views.feed",
    "board#agenda": "crb.views.agenda crb.views.meetings",
    "board#voting": "crb.views.ballots crb.views.emergencies crb.views.items crb.views.promises",
    "board#the-live-meeting": "crb.views.live",
    "board#minutes": "crb.views.actions crb.views.minutes",
    "board#the-board-over-time": "crb.views.overtime",
    "import": "changes.views.import_changes",
}
_PARTS = {
    "user-guide#requesters": """
        changes:answer_question changes:answer_confirmation changes:request_successor changes:rate
        changes:replace_requester changes:throw_away changes:withdraw
    """,
    "user-guide#mail": "accounts:profile",
    "user-guide#support-staff": "changes:start_execution changes:record_execution",
    "user-guide#standard-changes": "changes:ask_authorisation",
    "user-guide#emergency-changes-and-looking-back": """
        changes:declare_emergency changes:withdraw_emergency
    """,
    "user-guide#authorised-approvers": "changes:authorise",
    "user-guide#releases": "changes:assign_release",
    "board#calendar": "crb:attendance crb:cancel_meeting",
    "board#voting": "crb:questions",
}
ROOMS = {module: place for place, modules in _ROOMS.items() for module in modules.split()}
"""The part of a guide that is about the pages of a module of views."""
PLACES = {name: place for place, names in _PARTS.items() for name in names.split()}
"""The part of a guide that is about a page, by the page's name, where it is another."""

HEADING = re.compile(r"(#{1,3}) (.+)")
BLOCK = re.compile(r"[-*>] |\d{1,3}\. |[|#]|```")
"""What begins something new; any other line goes on with the one before."""
PICTURE = re.compile(r"<img [^<>]*>|!\[[^\[\]]*\]\([^()\[]*\)")
LINK = re.compile(r"\[([^\[\]]+)\]\((?!https?:)([\w-]{0,99})(?:\.md)?(#[\w-]{1,99})?\)")


@dataclass(frozen=True)
class Part:
    """One part of a guide: ``level`` 1 is what stands before the first heading within it."""

    level: int
    title: str
    anchor: str
    html: SafeString


def help_url(request: HttpRequest) -> str:
    """Return where the guide speaks of the page that is asked for; of others, the whole guide."""
    match = request.resolver_match
    place = place_of(match.view_name, match.func) if match else "user-guide"
    guide, _separator, anchor = place.partition("#")
    address = reverse("accounts:guide", args=[guide])
    return f"{address}#{anchor}" if anchor else address


def place_of(name: str, view: Callable[..., object]) -> str:
    """Return the part of a guide that is about a page: that of its name, or of its module."""
    return PLACES.get(name) or ROOMS.get(view.__module__, "user-guide")


@cache
def parts_of(guide: str) -> tuple[Part, ...]:
    """Return a guide in its parts; drawn once in each process. Raises KeyError for no guide."""
    GUIDES[guide]
    text = PICTURE.sub("", (FOLDER / f"{guide}.md").read_text(encoding="utf-8"))
    return tuple(
        Part(level, title, slugify(title), markdown.render(_flowing(LINK.sub(_linked, body))))
        for level, title, body in _split(text)
    )


def _split(text: str) -> Iterator[tuple[int, str, str]]:
    """Yield level, heading and text of each part; what stands in a block of code is no heading."""
    level, title, in_code = 1, "", False
    body: list[str] = []
    for line in text.splitlines():
        in_code ^= line.startswith("```")
        found = None if in_code else HEADING.fullmatch(line)
        if not found:
            body.append(line)
            continue
        if title:
            yield level, title, "\n".join(body)
        level, title, body = len(found[1]), found[2], []
    yield level, title, "\n".join(body)


def _flowing(text: str) -> str:
    """Return a text with each paragraph in one line: as people write, a line's end is one."""
    lines: list[str] = []
    in_code = goes_on = False
    for line in text.splitlines():
        words = line.strip()
        if goes_on and not in_code and words and not BLOCK.match(words):
            lines[-1] += f" {words}"
            continue
        lines.append(line)
        in_code ^= words.startswith("```")
        goes_on = bool(words) and not words.startswith(("```", "|"))
    return "\n".join(lines)


def _linked(found: re.Match[str]) -> str:
    """Point a link at the pages of the product; what is in no guide here is named alone."""
    words, guide, anchor = found[1], found[2], found[3] or ""
    if guide and guide not in GUIDES:
        return words
    return f"[{words}]({f'../{guide}/' if guide else ''}{anchor})"
