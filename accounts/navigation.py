"""The main navigation: the one list of what the header offers to whom."""

from collections.abc import Callable
from dataclasses import dataclass

from django.conf import settings
from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse
from django.utils.translation import gettext_lazy as _

from expansive_cm.texts import Text

from .models import User
from .roles import Role

HOME = "changes:home"
CHANGES = "changes:list"
NEW_CHANGE = "changes:new"


@dataclass(frozen=True)
class NavItem:
    """One entry of the header, ready to be shown."""

    label: Text
    url: str
    icon: str
    active: bool = False
    count: int = 0
    seldom: bool = False


@dataclass(frozen=True)
class _Entry:
    label: Text
    url_name: str
    icon: str
    shown_to: Callable[[User], bool] = lambda user: True
    seldom: bool = False


ENTRIES = (
    _Entry(_("Home"), HOME, "home"),
    _Entry(_("Changes"), CHANGES, "list-details"),
    _Entry(_("Calendar"), "changes:calendar", "calendar"),
    _Entry(_("Promises"), "changes:own_promises", "target", lambda user: bool(user.customer_ids)),
    _Entry(
        _("Incoming mail"),
        "changes:triage",
        "inbox",
        lambda user: user.has_role(Role.SUPPORT, Role.AUDITOR),
    ),
    _Entry(
        _("Board"),
        "crb:board",
        "gavel",
        lambda user: user.is_internal and bool(user.roles),
    ),
    _Entry(
        _("Releases"),
        "changes:releases",
        "rocket",
        lambda user: user.is_internal and bool(user.roles),
    ),
    _Entry(
        _("Confirmations"),
        "changes:waiting_answers",
        "user-question",
        lambda user: user.has_role(
            Role.CUSTOMER_SUCCESS, Role.SUPPORT, Role.AUDITOR, Role.ADMINISTRATOR
        ),
    ),
    _Entry(
        _("Standard changes"),
        "changes:standard_changes",
        "file-certificate",
        lambda user: user.has_role(Role.APPROVER),
    ),
    _Entry(
        _("Promises"),
        "changes:promises",
        "target",
        lambda user: user.is_internal and bool(user.roles),
        seldom=True,
    ),
    _Entry(
        _("Reviews"),
        "changes:post_reviews",
        "checklist",
        lambda user: user.is_internal and bool(user.roles),
        seldom=True,
    ),
    _Entry(
        _("Figures"),
        "changes:figures",
        "chart-bar",
        lambda user: user.is_internal and bool(user.roles),
        seldom=True,
    ),
    _Entry(
        _("Approval rules"),
        "changes:approval_rules",
        "shield-check",
        lambda user: user.is_internal and bool(user.roles),
        seldom=True,
    ),
    _Entry(
        _("Labels"),
        "changes:labels",
        "tag",
        lambda user: user.is_internal and bool(user.roles),
        seldom=True,
    ),
    _Entry(
        _("Templates"),
        "changes:templates",
        "clipboard-text",
        lambda user: user.has_role(Role.CUSTOMER_SUCCESS, Role.AUDITOR, Role.ADMINISTRATOR),
        seldom=True,
    ),
    _Entry(
        _("History"),
        "audit:history",
        "history",
        lambda user: user.has_role(Role.AUDITOR, Role.ADMINISTRATOR),
        seldom=True,
    ),
    _Entry(
        _("Import"),
        "changes:import",
        "file-import",
        lambda user: user.has_role(Role.ADMINISTRATOR),
        seldom=True,
    ),
    _Entry(_("Administration"), "admin:index", "settings", lambda user: user.is_staff, seldom=True),
    _Entry(_("Mail"), "changes:mail", "mail", lambda user: settings.DEMO, seldom=True),
    _Entry(
        _("Components"),
        "changes:gallery",
        "layout-kanban",
        lambda user: settings.DEMO and user.has_role(Role.ADMINISTRATOR),
        seldom=True,
    ),
)


COUNTERS: dict[str, Callable[[User], int]] = {}
"""What waits behind an entry, by the name of its page; each app enters its own when it starts."""


def url_or_none(name: str) -> str | None:
    """Return the address of a named page, or None where no such page is installed."""
    try:
        return reverse(name)
    except NoReverseMatch:
        return None


def navigation(request: HttpRequest) -> list[NavItem]:
    """Return the header's entries for the person signed in; nothing for a visitor.

    The last of them are ``seldom`` where at least two are: the header folds those under one.
    """
    user = request.user
    if not isinstance(user, User):
        return []
    found = []
    for entry in ENTRIES:
        if entry.shown_to(user) and (url := url_or_none(entry.url_name)) is not None:
            found.append((entry, url))
    here = _longest_match(request.path, [url for _entry, url in found])
    folds = sum(entry.seldom for entry, _url in found) > 1
    return [
        NavItem(
            label=entry.label,
            url=url,
            icon=entry.icon,
            active=url == here,
            count=_waiting(entry, user),
            seldom=entry.seldom and folds,
        )
        for entry, url in found
    ]


def _waiting(entry: _Entry, user: User) -> int:
    counter = COUNTERS.get(entry.url_name)
    return counter(user) if counter else 0


def _longest_match(path: str, urls: list[str]) -> str | None:
    """Return the address that `path` lies under; a page at the root matches only itself."""
    matching = [url for url in urls if path == url or (url != "/" and path.startswith(url))]
    return max(matching, key=len, default=None)
