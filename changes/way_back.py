"""The way back from a change to the list that it was opened from: filters, order and page.

What the page before was says it best; from the steps of a change it is the last list that this
browser showed to this person, which a cookie holds until the browser is closed.
"""

from urllib.parse import urlsplit

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.urls import reverse

COOKIE = "changes_list"
LONGEST = 1000
"""So much of an address is kept: a longer one leads to the list as it begins."""


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
    is_query = 1 < len(text) <= LONGEST and text.isascii() and text.isprintable()
    return text if is_query and "#" not in text else ""
