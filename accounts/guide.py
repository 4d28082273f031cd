"""The guides as pages of the product, and which part of them is about which page.

They are drawn from ``docs``, without pictures, as parts with a heading each.
"""

import re
from collections.abc import Iterator
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

_PARTS = {
    "user-guide": """
        changes:mail changes:mail_message changes:gallery changes:gallery_progress
        account_change_password account_set_password account_reauthenticate accounts:guide
    """,
    "user-guide#requesters": """
        changes:home changes:list changes:new changes:detail changes:edit changes:submit
        changes:throw_away changes:withdraw changes:answer_question changes:answer_confirmation
        changes:request_successor changes:rate changes:replace_requester changes:hand_over
        changes:correct_comment changes:comment changes:attach changes:link
    """,
    "user-guide#mail": "accounts:profile",
    "user-guide#support-staff": """
        changes:triage changes:triage_mail changes:start_execution changes:record_execution
    """,
    "user-guide#customer-success": """
        changes:assess changes:reclassify changes:review changes:plan_execution
        changes:close_rolled_back changes:document changes:resend_confirmation
        changes:record_contact changes:close_unanswered changes:rework
        changes:close_with_successor changes:assign changes:correct_customer
        changes:waiting_answers changes:ratings changes:mail_problems changes:mail_log
        changes:settle_delivery changes:templates changes:template changes:new_template
    """,
    "user-guide#notifications": "changes:notifications",
    "user-guide#saved-views-of-the-list": """
        changes:saved_views changes:saved_view changes:new_view
    """,
    "user-guide#many-changes-at-once": "changes:act_on_many changes:many_run",
    "user-guide#standard-changes": """
        changes:standard_changes changes:standard_change changes:standard_candidates
        changes:propose_standard changes:approve_standard changes:refuse_standard
        changes:renew_standard changes:withdraw_standard changes:ask_authorisation
    """,
    "user-guide#authorised-approvers": "changes:authorise",
    "user-guide#development-review-test-and-release": """
        changes:define_requirements changes:assess_risk changes:sign_risk_assessment
        changes:record_development changes:peer_review changes:record_test
        changes:plan_deployment changes:start_deployment changes:record_deployment
    """,
    "user-guide#releases": """
        changes:releases changes:release changes:new_release changes:change_release
        changes:freeze_release changes:finish_release changes:cancel_release
        changes:assign_release changes:release_notes
    """,
    "user-guide#promises": "changes:promises changes:own_promises",
    "user-guide#change-freezes-and-maintenance-windows": """
        changes:windows changes:window changes:new_window changes:cancel_window
        changes:override_window changes:overrides
    """,
    "user-guide#the-calendar": "changes:calendar",
    "user-guide#auditors-and-administrators": "audit:history audit:change_history",
    "board": "crb:board",
    "board#calendar": """
        crb:calendar crb:meetings crb:call_meeting crb:move_meeting crb:cancel_meeting
        crb:attendance crb:record_absence
    """,
    "board#agenda": """
        crb:meeting crb:agenda_version crb:publish_agenda crb:plan_item crb:add_late
    """,
    "board#voting": """
        crb:cast_vote crb:open_ballot crb:extend_ballot crb:end_ballot crb:recuse
        crb:reconsider_decision crb:replan_promise crb:record_outcome crb:questions
        crb:take_back_outcome
    """,
    "board#the-live-meeting": "crb:present",
    "board#minutes": """
        crb:minutes crb:actions crb:record_action crb:edit_action crb:complete_action
        crb:drop_action crb:add_addendum
    """,
    "board#the-board-over-time": "crb:decisions crb:statistics crb:record",
    "import": "changes:import changes:import_run",
}
PLACES = {name: place for place, names in _PARTS.items() for name in names.split()}
"""The part of a guide that is about a page, by the page's name."""

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
    place = PLACES.get(match.view_name if match else "", "user-guide")
    guide, _separator, anchor = place.partition("#")
    address = reverse("accounts:guide", args=[guide])
    return f"{address}#{anchor}" if anchor else address


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
