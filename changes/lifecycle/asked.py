"""How a change ends while something that its customer asked is not answered.

Whoever answers for us (owner, customer success, support) answers first. The requester, an approver
and the board wait for no letter: what is open when they end a change stays with it, to be answered
although it has ended. What goes on in a successor is asked there.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from django.utils.translation import gettext as _

from accounts.models import User
from expansive_cm.workflow.acts import acting
from expansive_cm.workflow.errors import StepIncomplete

from ..asked import unanswered
from ..models import Change, Comment
from .core import Step, take_step
from .discussion import comment


@contextmanager
def ending(
    verb: str, change: Change, *, actor: User, seen: int | None, answer: str = ""
) -> Iterator[Step]:
    """Take a step that may end a change, after the customer was told ``answer``, if there is one.

    Raises what ``take_step`` and ``comment`` raise, and StepIncomplete where the change ends
    with a question open. Then nothing has changed, and nothing was said.
    """
    with acting():
        if answer.strip():
            comment(change, actor=actor, body=answer)
        with take_step(verb, change, actor=actor, seen=seen) as step:
            yield step
            goes_on = "goes_on" in step.data or not step.change.is_final
            if not goes_on and actor.is_internal and unanswered(step.change):
                words = _("The customer asked something that is not answered. Answer it first.")
                raise StepIncomplete(words, ["answer"])


def take_along(step: Step, birth: Step) -> None:
    """Ask in a successor, in the same words and names, what is not answered when a change ends.

    Both events keep which comments these are.
    """
    left = unanswered(step.change)
    if not left:
        return
    copies = [Comment(change=birth.change, author=one.author, body=one.body) for one in left]
    for copy in copies:
        birth.save(copy)
    step.data["goes_on"] = {"change": birth.change.pk, "comments": [one.pk for one in left]}
    birth.data["comes_from"] = {"change": step.change.pk, "comments": [one.pk for one in copies]}
