"""The way back from a change to the list that it was opened from: filters, order and page.

What the page before was says it best; from the steps of a change it is the last list that this
browser showed to this person, which a cookie holds until the browser is closed. From an act on
many changes it leads to the page with the list on which they were ticked.
"""

from dataclasses import dataclass
from urllib.parse import urlsplit

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.urls import Resolver404, get_script_prefix, resolve, reverse
from django.utils.translation import gettext_lazy as _

from expansive_cm.texts import Text

COOKIE = "changes_list"
LONGEST = 1000
"""So much of an address is kept: a longer one leads to the list as it begins."""
LISTS: dict[str, Text] = {
    "changes:list": _("Changes"),
    "changes:home": _("Home"),
    "changes:release": _("Release"),
    "changes:promises": _("Promises"),
    "changes:figure": _("Figures"),
}
"""The pages with lists of changes whose rows can be ticked, and what each is called.

Other apps add theirs as they start.
"""


@dataclass(frozen=True)
class Back:
    """The page that an act on many changes was begun on."""

    label: Text
    url: str


def page_with_list(text: str) -> Back:
    """Return the page of ours that a text from a form or a run names, else the list of changes.

    The text is a query of the list of changes alone, or the whole path of a page in ``LISTS``:
    what is neither, such as another site's address, leads to the list.
    """
    path, mark, query = text.partition("?")
    name = _name_of(path) if _is_plain(text) else ""
    if not name:
        return Back(LISTS["changes:list"], reverse("changes:list"))
    return Back(LISTS[name], f"{path or reverse('changes:list')}{mark}{query}")


def kept_of(text: str) -> str:
    """Return what a run keeps of such a text: all of it, or nothing where it is no page of ours."""
    return text if _is_plain(text) and _name_of(text.partition("?")[0]) else ""


def _name_of(path: str) -> str:
    """Return the name of the list that a path leads to, "" where it leads to none."""
    if not path:
        return "changes:list"
    prefix = get_script_prefix()
    if not path.startswith(prefix):
        return ""
    try:
        name = resolve(f"/{path.removeprefix(prefix)}").view_name
    except Resolver404:
        return ""
    return name if name in LISTS else ""


def _is_plain(text: str) -> bool:
    """Whether a text is one line of an address that says something, without a place in its page."""
    is_line = text.isascii() and text.isprintable() and "#" not in text
    return text not in ("", "?") and len(text) <= LONGEST and is_line


def remember(request: HttpRequest, response: HttpResponse, query: str) -> None:
    """Let the browser keep the address of the list that this answer shows to somebody."""
    if len(query) > LONGEST:
        response.delete_cookie(COOKIE, samesite="Lax")
        return
    response.set_cookie(
        COOKIE,
        f"{request.user.pk}{query}",
        secure=settings.SESSION_COOKIE_SECURE,
        httponly=True,
        samesite="Lax",
    )


def list_address(request: HttpRequest) -> str:
    """Return where the list of changes is to be gone on with.

    What the browser sends is a query of the list and nothing else; the list reads it as typed.
    """
    address = reverse("changes:list")
    return address + (_of_page_before(request, address) or _kept(request))


def _of_page_before(request: HttpRequest, address: str) -> str:
    try:
        before = urlsplit(request.headers.get("Referer", ""))
        is_list = (before.netloc, before.path) == (request.get_host(), address)
    except ValueError:
        return ""
    return _query(f"?{before.query}") if is_list and before.query else ""


def _kept(request: HttpRequest) -> str:
    whose, mark, query = request.COOKIES.get(COOKIE, "").partition("?")
    return _query(mark + query) if whose == str(request.user.pk) else ""


def _query(text: str) -> str:
    return text if _is_plain(text) else ""
