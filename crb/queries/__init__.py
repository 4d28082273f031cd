"""Named querysets: which board a change belongs to, what waits, what a page needs."""

from .agenda import (
    agenda_of,
    due_agendas,
    last_version,
    late_candidates,
    moved_from,
    next_agenda,
    open_item_of,
    open_items_of,
)
from .ballots import ballots, ballots_to_settle, ballots_with_counts, waiting_for_ballot
from .boards import active_boards, changes_of, waiting_for, waiting_with_items
from .meetings import (
    attendance_of,
    held_around,
    last_begun,
    left_behind,
    meetings,
    meetings_shown,
    next_meeting,
    open_meetings,
    past,
    running,
    to_invite_to,
    upcoming,
)
from .members import absences, meetings_of, memberships, possible_members
from .questions import questions_of, unanswered_questions, with_asked
from .related import conflicts_of, drafts_linked_with, links_of
from .votes import ballots_on, left_for, revision_on, tally_of, votes_on

__all__ = [
    "absences",
    "active_boards",
    "agenda_of",
    "attendance_of",
    "ballots",
    "ballots_on",
    "ballots_to_settle",
    "ballots_with_counts",
    "changes_of",
    "conflicts_of",
    "drafts_linked_with",
    "due_agendas",
    "held_around",
    "last_begun",
    "last_version",
    "late_candidates",
    "left_behind",
    "left_for",
    "links_of",
    "meetings",
    "meetings_of",
    "meetings_shown",
    "memberships",
    "moved_from",
    "next_agenda",
    "next_meeting",
    "open_item_of",
    "open_items_of",
    "open_meetings",
    "past",
    "possible_members",
    "questions_of",
    "revision_on",
    "running",
    "tally_of",
    "to_invite_to",
    "unanswered_questions",
    "upcoming",
    "votes_on",
    "waiting_for",
    "waiting_for_ballot",
    "waiting_with_items",
    "with_asked",
]
