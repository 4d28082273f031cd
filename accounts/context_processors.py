"""What every page's shell needs, computed only when a template asks for it."""

from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject

from expansive_cm.version import VERSION

from .guide import help_url
from .navigation import CHANGES, NEW_CHANGE, navigation, url_or_none


def shell(request: HttpRequest) -> dict[str, Any]:
    """Provide the navigation, the header's addresses, the version and the demo notice."""
    return {
        "navigation": SimpleLazyObject(lambda: navigation(request)),
        "search_url": url_or_none(CHANGES),
        "new_change_url": SimpleLazyObject(lambda: _new_change_url(request)),
        "help_url": SimpleLazyObject(lambda: help_url(request)),
        "app_version": VERSION,
        "demo": settings.DEMO,
    }


def _new_change_url(request: HttpRequest) -> str | None:
    """Return where to raise a change, for those who may."""
    raises = getattr(request.user, "raises_changes", False)
    return url_or_none(NEW_CHANGE) if raises else None
