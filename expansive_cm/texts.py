"""Texts as they are kept and looked for: one spelling for each letter, nothing that misleads."""

import re
import unicodedata
from typing import TYPE_CHECKING, Any

from django.db import models
from django.utils.functional import Promise

if TYPE_CHECKING:
    from django.utils.functional import _StrOrPromise as Text
else:
    # What gettext_lazy gives is known as a text of its own kind to the type check alone.
    Text = str | Promise

OURS = ("accounts", "changes", "crb")
LINE_ENDS = re.compile(r"[\r\n\x0b\x0c\x1c-\x1e\x85\u2028\u2029]+")
MISLEADING = re.compile(r"[\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f\u202a-\u202e\u2066-\u2069]")
"""Signs that steer a terminal, or turn round the order in which letters are read."""


def composed(text: str) -> str:
    """Return a text in which a letter with its accent is one sign (NFC), however it was typed."""
    return unicodedata.normalize("NFC", text)


def neutral_line(text: str) -> str:
    """Return a text of one line, as names and titles are: no line end, nothing that misleads."""
    return MISLEADING.sub("", LINE_ENDS.sub(" ", composed(text)))


def tidy_texts(sender: type[models.Model], instance: models.Model, raw: bool, **kw: Any) -> None:
    """Before a row is saved: compose its texts, and make those of one line neutral.

    What form, import, mail and command keep goes through here, so no page, mail or file that
    shows it needs to mind.
    """
    if raw or sender._meta.app_label not in OURS:
        return
    for field in sender._meta.concrete_fields:
        if not isinstance(field, models.CharField | models.TextField):
            continue
        value = instance.__dict__.get(field.attname)
        if type(value) is not str or value.isascii() and value.isprintable():
            continue
        one_line = isinstance(field, models.CharField)
        instance.__dict__[field.attname] = neutral_line(value) if one_line else composed(value)


def quoted(words: str) -> str:
    """Return a text as a quotation in Markdown."""
    return "\n".join(f"> {row}".rstrip() for row in words.splitlines())
