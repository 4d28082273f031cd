"""What went wrong with three changes, and how it is put right, by keys alone.

Read it as documentation. How the board puts an outcome right, and who was there, is told beside
its meetings: tests/crb/test_take_back_in_browser.py and tests/crb/test_attendance_in_browser.py.
"""

from collections.abc import Callable

from changes import lifecycle
from changes.models import Change
from tests import stories
from tests.journeys.conftest import Visitor
from tests.people import Cast


def test_a_draft_a_wrong_customer_and_an_open_question(
    cast: Cast, visitor: Callable[..., Visitor]
) -> None:
    support = visitor(cast.support)
    success = visitor(cast.success, after=support)

    # Sam has begun to write down a call that was a misunderstanding, and throws it away.
    draft = stories.draft(cast, title="Never mind")
    support.begins("throw_away", draft).presses("Throw the draft away")
    support.sees(f"You threw {draft.reference} away.")

    # Another request was not Grace's, but Mia's of Meridian Retail.
    change = stories.submitted(cast)
    support.begins("correct_customer", change).fills(
        organisation=cast.meridian.pk,
        requester=cast.stranger_customer.email,
        reason="It was Mia on the telephone.",
    ).sends()
    support.sees("Meridian Retail", "Mia Meridian")

    # Grace is not content, and what she asks for goes further: it becomes a request of its own.
    delivered = stories.not_confirmed(cast)
    lifecycle.comment(delivered, actor=cast.requester, body="And on Sundays?")
    success.begins("close_with_successor", delivered).sees("And on Sundays?").fills(
        reason="Sundays were never part of it.", title="Let night staff book on Sundays"
    ).sends()
    successor = Change.objects.latest("pk")
    success.sees(successor.reference, "Closed")
    success.presses(f"Open {successor.reference}").sees("Let night staff book on Sundays")
