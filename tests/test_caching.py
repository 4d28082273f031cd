"""What one person was shown stays in no shared cache, and no answer tells by its time."""

import time

from django.test import Client
from django.urls import get_resolver, reverse
from django.urls.resolvers import URLPattern, URLResolver

from tests import stories
from tests.people import Cast


def addresses(resolver: URLResolver, before: str = "/") -> list[str]:
    """Return every address of the product that has no part to fill in."""
    found = []
    for one in resolver.url_patterns:
        part = before + str(one.pattern).removeprefix("^").removesuffix("$").removesuffix("\\Z")
        if isinstance(one, URLPattern):
            found.append(part)
        else:
            found += addresses(one, part)
    return [one for one in found if not set(one) & set("<(\\?*")]


def test_no_page_is_kept_by_shared_caches(client: Client, cast: Cast) -> None:
    change = stories.in_confirmation(cast)
    client.force_login(cast.administrator)
    pages = [one for one in addresses(get_resolver()) if "/admin/" not in one]
    pages += [change.get_absolute_url(), "/admin/", "/admin/accounts/user/", "/no/such/page/"]
    assert len(pages) > 30
    for page in pages:
        if page.endswith(("/logout/", "/stream/")):
            continue
        answer = client.get(page)
        kept = answer.headers.get("Cache-Control", "")
        assert "private" in kept or "no-store" in kept, (page, answer.status_code, kept)
        assert "public" not in kept, page


def test_the_time_of_an_answer_does_not_tell_who_has_a_part(client: Client, cast: Cast) -> None:
    change = stories.in_confirmation(cast)
    seconds = []
    for email in (cast.requester.email, "nobody@harbour.example"):
        started = time.monotonic()
        answer = client.post(
            reverse("changes:new_link"), {"email": email, "reference": change.reference}
        )
        seconds.append(time.monotonic() - started)
        assert answer.status_code == 200
    assert min(seconds) >= 0.25
