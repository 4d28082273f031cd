"""Addresses that act for whoever has them, taken out of words that are kept."""

import re

from django.conf import settings
from django.urls import Resolver404, resolve

from .mail_in.phrasing import without_secrets

SECRET_PARTS = frozenset(("token", "key"))
"""What views call the part of their address that must be known by its reader alone."""
AFTER = ".,;:!?)"


def without_links(text: str) -> str:
    """Return a text in which our own addresses have lost their secret parts.

    They are known by the views that they lead to; what looks like one is blanked out besides.
    """
    own = re.escape(settings.BASE_URL.rstrip("/"))
    return without_secrets(re.sub(rf"""(?<={own})/[^\s"'<>?#]*""", _blanked, text))


def _blanked(found: re.Match[str]) -> str:
    path = found[0]
    try:
        parts = resolve(path.rstrip(AFTER)).kwargs
    except Resolver404:
        return path
    for name in SECRET_PARTS & parts.keys():
        path = path.replace(str(parts[name]), "…")
    return path
