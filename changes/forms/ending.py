"""What the forms share with which one of our people may end a change."""

from django.utils.translation import gettext as _

from ..asked import SHOWN, unanswered
from ..models import Comment
from .base import StepForm, text


class EndingForm(StepForm):
    """Shows what the customer asked and nobody has answered, with a field for the answer."""

    goes_on = False
    """Whether it goes along to a successor where it is not answered."""
    asked: list[Comment] = []
    asked_before = 0
    """How many more there are than are shown."""

    def prepare(self) -> None:
        """Add what is asked; a form for many changes knows nothing of each."""
        if self.change.pk is None or not self.user.is_internal:
            return
        found = unanswered(self.change)
        self.asked, self.asked_before = found[-SHOWN:], len(found[:-SHOWN])
        if found:
            self.fields["answer"] = text(
                Comment, "body", label=_("Your answer"), help_text=self._help(), required=False
            )

    def _help(self) -> str:
        if self.goes_on:
            return _("The customer reads it as a comment. Without one the new request asks it.")
        return _("The customer reads it as a comment. A change does not end without it.")
