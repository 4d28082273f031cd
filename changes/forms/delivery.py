"""What was done about mail that did not arrive."""

from django import forms
from django.utils.translation import gettext_lazy as _

from ..models import DeliveryProblem
from .base import line


class SettleDeliveryForm(forms.Form):
    """One line; it stays with the change."""

    resolution = line(
        DeliveryProblem,
        "resolution",
        label=_("What was done"),
        help_text=_("For example: rang Grace, her new address is entered, link sent again."),
    )
