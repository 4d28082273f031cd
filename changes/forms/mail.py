"""The filter of the demonstration's Mail page."""

from django import forms
from django.utils.translation import gettext_lazy as _
from post_office.models import STATUS

WAITING = (STATUS.queued, STATUS.requeued)


class MailFilterForm(forms.Form):
    """Which messages to list; everything is in the address."""

    q = forms.CharField(
        label=_("Search"),
        required=False,
        max_length=200,
        widget=forms.TextInput(attrs={"placeholder": _("Recipient, subject, reference")}),
    )
    state = forms.ChoiceField(
        label=_("State"),
        required=False,
        choices=[
            ("", _("All")),
            (STATUS.sent, _("Sent")),
            ("waiting", _("Waiting")),
            (STATUS.failed, _("Refused")),
        ],
    )
    before = forms.IntegerField(required=False, min_value=1, widget=forms.HiddenInput)
