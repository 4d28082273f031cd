"""What the board has asked."""

from django.db.models import F, Q, QuerySet

from accounts.models import User
from changes.models import Question
from changes.queries import visible_to
from changes.states import State

from ..models import Board


def questions_of(board: Board, user: User) -> QuerySet[Question]:
    """What was asked in the board's meetings about changes that the person sees."""
    asked_by = Q(decision__board_outcome__item__meeting__board=board)
    return Question.objects.filter(asked_by, change__in=visible_to(user))


def unanswered_questions(board: Board, user: User) -> QuerySet[Question]:
    """Questions of the board that nobody has answered, the oldest first."""
    waiting = questions_of(board, user).filter(
        answered_at=None,
        decision__path=F("change__path"),
        change__state=State.INFORMATION_REQUIRED,
    )
    return with_asked(waiting).order_by("pk")


def with_asked(questions: QuerySet[Question]) -> QuerySet[Question]:
    """Join what a row of a question shows."""
    joined = questions.select_related("change__organisation", "answerer", "answered_by", "decision")
    return joined.defer("change__description", "change__search")
