"""What whoever leads the board fills in to let an emergency change go ahead."""

from django import forms
from django.utils.translation import gettext_lazy as _

from changes.forms.base import LongText

from .base import BoardForm


class GoAheadForm(BoardForm):
    """Why it goes ahead before the board has met."""

    name = "go-ahead"

    reason = LongText(
        label=_("Why does it go ahead before the board has met?"),
        max_length=2000,
        help_text=_("The requester and the board read this."),
        widget=forms.Textarea(attrs={"rows": 3}),
    )
