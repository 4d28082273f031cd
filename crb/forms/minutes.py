"""What the chair writes into minutes, and adds to them later."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from changes.forms.base import LongText, text

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
        kw.setdefault("auto_id", f"minutes-{section}-%s")
        super().__init__(*args, initial={"text": current, "seen": fingerprint(current)}, **kw)
        self.fields["text"].label = label

    def show_current(self, current: str) -> None:
        """Keep what was typed, on top of the text that is there now."""
        self.data = {**self.data.dict(), "seen": fingerprint(current)}


class AddendumForm(BoardForm):
    """What is added to published minutes."""

    name = "addendum"

    text = text(Addendum, "text", rows=4, label=_("Addendum"))
