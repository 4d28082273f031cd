"""What the chair writes into minutes, and adds to them later."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from changes.forms.base import LongText, text
from expansive_cm.ui.forms import single_values

from ..minutes import fingerprint
from ..models import Addendum, Minutes
from .base import BoardForm


class SectionForm(BoardForm):
    """One section of the minutes, and which text of it the page showed."""

    text = LongText(
        required=False,
        strip=False,
        max_length=Minutes._meta.get_field("remarks").max_length,
        widget=forms.Textarea(attrs={"rows": 4}),
    )
    seen = forms.CharField(widget=forms.HiddenInput, max_length=16)

    def __init__(self, *args: Any, section: str, label: str, current: str = "", **kw: Any) -> None:
        self.section = section
        self.now: str | None = None
        kw |= {"auto_id": "minutes-%s", "prefix": section}
        super().__init__(*args, initial={"text": current, "seen": fingerprint(current)}, **kw)
        self.fields["text"].label = label

    @property
    def typed(self) -> str:
        return self["text"].value() or ""

    @property
    def was_changed(self) -> bool:
        """Whether the section was sent with another text than the page had shown."""
        sent = self.add_prefix("text") in self.data
        return sent and fingerprint(self.typed.replace("\r\n", "\n")) != self["seen"].value()

    def show_current(self, current: str) -> None:
        """Keep what was typed, on top of the text that is there now."""
        mark = fingerprint(current)
        if self["seen"].value() != mark:
            self.now = current
        self.data = {**single_values(self.data), self.add_prefix("seen"): mark}


class AddendumForm(BoardForm):
    """What is added to published minutes."""

    name = "addendum"

    text = text(Addendum, "text", rows=4, label=_("Addendum"))
