# ruff: noqa: S608  (every statement is made of this file's own words and numbers)
"""Four years of a board's meetings among the synthetic changes, written by the database itself.

Only for measuring.
"""

from collections.abc import Callable
from datetime import date, time, timedelta
from typing import Any

from django.apps import apps
from django.db import connection
from django.utils import timezone

from accounts.models import User
from accounts.roles import Role

YEARS, AHEAD, DAYS_BETWEEN = 4, 6, 14
DECISIONS, WAITING, VOTERS = 4_000, 20, 7
PAST = YEARS * 365 // DAYS_BETWEEN
SENTENCE = "Quorum met (7 of 8). Leads: accepted, 5 of 7. The vote still missing cannot change it."


def fill_board(tell: Callable[[str], None]) -> None:
    """Write a board of eight, its meetings, agendas, votes, decisions, questions, attendance."""
    today = timezone.localdate()
    board = apps.get_model("crb", "Board").objects.create(
        name="Change Request Board",
        weekday=today.weekday(),
        start=time(14),
        first_date=today - timedelta(days=PAST * DAYS_BETWEEN),
    )
    _seat(board, today - timedelta(days=PAST * DAYS_BETWEEN))
    for title, statement in _statements(board.pk):
        with connection.cursor() as cursor:
            cursor.execute(statement)
        tell(title)


def _seat(board: Any, first: date) -> None:
    members = User.objects.filter(groups__name=Role.CRB_MEMBER).order_by("pk")
    model = apps.get_model("crb", "Membership")
    for number, user in enumerate(members):
        model.objects.create(
            board=board,
            user=user,
            starts_on=first,
            is_chair=number == 0,
            is_deputy=number == 1,
        )


def _statements(board: int) -> list[tuple[str, str]]:
    return [
        ("meetings", _meetings(board)),
        ("what was decided", _decided(board)),
        ("agenda items", _items()),
        ("decisions of the board", _decisions()),
        ("outcomes", _outcomes()),
        ("answered questions", _answered()),
        ("votes", _votes(board)),
        ("attendance", _attendance(board)),
        ("the next agenda", _next_agenda(board)),
    ]


def _meetings(board: int) -> str:
    starts = "(day + time '14:00') AT TIME ZONE 'Europe/London'"
    closed = "day < current_date"
    return f"""
    INSERT INTO crb_meeting (board_id, nominal_on, date, start, zone, length_minutes, starts_at,
      holiday, state, started_at, closed_at, cancel_reason, version)
    SELECT {board}, day, day, '14:00', 'Europe/London', 90, {starts}, '',
      CASE WHEN {closed} THEN 'closed' ELSE 'scheduled' END,
      CASE WHEN {closed} THEN {starts} END,
      CASE WHEN {closed} THEN {starts} + interval '90 minutes' END, '', 3
    FROM (SELECT current_date + n * {DAYS_BETWEEN} AS day
      FROM generate_series(-{PAST}, {AHEAD}) AS n WHERE n <> 0) AS days
    """


def _decided(board: int) -> str:
    """Choose some changes, each with the meeting some weeks after its submission.

    A fifth were first asked about, in the meeting before.
    """
    undecided = "('board', 'information_required')"
    asked = "c.state = 'information_required'"
    return f"""
    CREATE TEMPORARY TABLE bench_visit AS
    WITH chosen AS (
      SELECT c.id, c.state, c.submitted_at + (7 + random() * 60) * interval '1 day' AS due
      FROM changes_change c WHERE c.type = 'code' AND c.state <> 'board'
        AND random() < {DECISIONS}.0 / (SELECT count(*) FROM changes_change
          WHERE type = 'code' AND state NOT IN {undecided})),
    visit AS (
      SELECT c.id AS change_id, c.state, m.id AS meeting_id, m.starts_at, m.date
      FROM chosen c CROSS JOIN LATERAL (SELECT id, starts_at, date FROM crb_meeting
        WHERE board_id = {board} AND state = 'closed' AND starts_at > c.due
        ORDER BY starts_at LIMIT 1) AS m)
    SELECT change_id, meeting_id, starts_at + interval '20 minutes' AS at,
      CASE WHEN {asked} THEN 'information_required' WHEN c.state = 'rejected' THEN 'rejected'
        WHEN random() < .3 THEN 'accepted_as_priority' ELSE 'accepted' END AS outcome
    FROM visit c
    UNION ALL
    SELECT c.change_id, m.id, m.starts_at + interval '10 minutes', 'information_required'
    FROM visit c JOIN crb_meeting m ON m.board_id = {board}
      AND m.date = c.date - {DAYS_BETWEEN}
    WHERE NOT ({asked}) AND c.change_id % 5 = 0
    """


def _items() -> str:
    return """
    INSERT INTO crb_agendaitem (meeting_id, change_id, path, position, kind, state, added_at,
      settled_at, remark)
    SELECT meeting_id, change_id, 1, row_number() OVER (PARTITION BY meeting_id ORDER BY at),
      'new', 'decided', at - interval '7 days', at, '' FROM bench_visit ORDER BY at
    """


def _decisions() -> str:
    return """
    INSERT INTO changes_boarddecision (change_id, path, round, recorded_by_id, recorded_at,
      revision, outcome, category, elsewhere, reason, meeting)
    SELECT change_id, 1, 1, (SELECT user_id FROM crb_membership WHERE is_chair), at, 1, outcome,
      CASE outcome WHEN 'rejected' THEN 'not_strategic' ELSE '' END, '', 'Well considered.',
      'Change Request Board'
    FROM bench_visit ORDER BY at
    """


def _outcomes() -> str:
    return f"""
    INSERT INTO crb_boardoutcome (item_id, decision_id, recorded_by_id, recorded_at,
      casting_vote, sentence, tally)
    SELECT i.id, d.id, d.recorded_by_id, d.recorded_at, false, '{SENTENCE}',
      (SELECT json_build_object('eligible', json_agg(user_id), 'recused', '[]'::json)
        FROM crb_membership)
    FROM crb_agendaitem i
    JOIN changes_boarddecision d ON d.change_id = i.change_id AND d.recorded_at = i.settled_at
    ORDER BY d.recorded_at
    """


def _answered() -> str:
    return """
    INSERT INTO changes_question (decision_id, change_id, text, answerer_id, answer,
      answered_by_id, answered_at)
    SELECT d.id, c.id, 'Who needs it?', c.requester_id, 'Everybody.', c.requester_id,
      d.recorded_at + interval '5 days'
    FROM crb_boardoutcome o JOIN changes_boarddecision d ON d.id = o.decision_id
    JOIN changes_change c ON c.id = d.change_id
    WHERE d.outcome = 'information_required' AND c.state <> 'information_required'
    """


def _votes(board: int) -> str:
    return f"""
    INSERT INTO crb_vote (item_id, member_id, revision, choice, reason, question, category,
      elsewhere, at)
    SELECT i.id, m.user_id, 1, v.outcome, '', '', '', '', v.at - interval '1 minute'
    FROM crb_agendaitem i
    JOIN bench_visit v ON v.change_id = i.change_id AND v.meeting_id = i.meeting_id
    CROSS JOIN (SELECT user_id FROM crb_membership WHERE board_id = {board}
      ORDER BY id LIMIT {VOTERS}) AS m
    """


def _attendance(board: int) -> str:
    return f"""
    INSERT INTO crb_attendance (meeting_id, user_id, arrived_at)
    SELECT m.id, s.user_id, m.starts_at FROM crb_meeting m
    JOIN crb_membership s ON s.board_id = m.board_id
    WHERE m.board_id = {board} AND m.state = 'closed' AND (m.id + s.id) % 8 <> 0
    """


def _next_agenda(board: int) -> str:
    return f"""
    INSERT INTO crb_agendaitem (meeting_id, change_id, path, position, kind, state, added_at,
      remark, time_box)
    SELECT (SELECT id FROM crb_meeting WHERE board_id = {board} AND state = 'scheduled'
        ORDER BY starts_at LIMIT 1), id, 1, row_number() OVER (ORDER BY id), 'new', 'open',
      now(), '', 5
    FROM (SELECT id FROM changes_change WHERE state = 'board' ORDER BY id LIMIT {WAITING}) AS c
    """
