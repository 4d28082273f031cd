"""What the chair fills in about meetings."""

from django.utils.translation import gettext_lazy as _

from changes.forms.base import text

from ..models import Meeting
from .base import BoardForm


class CancelForm(BoardForm):
    """Why a meeting is cancelled."""

    name = "cancel"

    reason = text(Meeting, "cancel_reason", rows=3, label=_("Why is the meeting cancelled?"))
