"""The guides in the product: each page leads to the part that is about it."""

import re

from django.conf import settings
from django.test import Client
from django.urls import reverse

from accounts.guide import GUIDES, PLACES, ROOMS, parts_of
from tests.marks import patterns
from tests.people import Cast

NO_PAGES = set(
    """
    account_confirm_email account_confirm_login_code account_email account_inactive account_login
    account_email_verification_sent account_logout account_reset_password account_signup
    account_reset_password_done account_reset_password_from_key accounts:sign_in_as
    account_reset_password_from_key_done changes:confirmation changes:new_link
    changes:request_file changes:request_page changes:unwatch_by_link
    """.split()
)
"""What is read without an account, as guides are not."""
ONLY_ACTS = set(
    """
    changes.views.as_file changes.views.checklist changes.views.follow_up changes.views.links
    changes.views.palette changes.views.plan_steps changes.views.proposed_answers
    changes.views.while_typing crb.views.attendance
    """.split()
)
"""Modules of acts, files and parts of pages, whose forms and links stand on other pages."""


def test_every_page_leads_to_a_part_of_a_guide_that_is_there() -> None:
    views = {name: one.callback for _route, name, one in patterns() if not name.endswith("-")}
    lost = {name for name, view in views.items() if view.__module__ not in ROOMS} - PLACES.keys()
    lost -= {name for name in lost if views[name].__module__ in ONLY_ACTS}
    assert not lost - NO_PAGES, "pages of modules without a place in accounts/guide.py"
    assert not (PLACES.keys() | NO_PAGES) - views.keys(), "names of pages that are gone"
    assert not ROOMS.keys() - {view.__module__ for view in views.values()}, "modules without pages"
    places = {*PLACES.values(), *ROOMS.values()}
    parts = {f"{guide}#{part.anchor}" for guide in GUIDES for part in parts_of(guide)}
    assert not places - parts - GUIDES.keys()
    assert not [
        name for name, place in PLACES.items() if ROOMS.get(views[name].__module__) == place
    ]


def test_each_guide_is_read_by_everybody_who_is_signed_in(client: Client, cast: Cast) -> None:
    pages = [reverse("accounts:guide", args=[guide]) for guide in GUIDES]
    asked = client.get(pages[0])
    assert asked["Location"] == f"{reverse('account_login')}?next={pages[0]}"
    client.force_login(cast.requester)
    drawn = {page: client.get(page).content.decode() for page in pages}
    for page, html in drawn.items():
        text = html.partition('<main id="content"')[2].partition("</main>")[0]
        for raw in ("&lt;img", "](", "**", "images/", "```", "<br"):
            assert raw not in text, (page, raw)
        for target in re.findall(r'href="(\.\./[\w-]+/)?#([\w-]+)"', text):
            other = target[0].removeprefix("..") if target[0] else ""
            where = next(one for one in pages if one.endswith(other)) if other else page
            assert f'id="{target[1]}"' in drawn[where], (page, target)
    assert client.get(reverse("accounts:guide", args=["operators-guide"])).status_code == 404


def test_a_page_offers_help_where_the_guide_speaks_of_it(client: Client, cast: Cast) -> None:
    client.force_login(cast.success)
    for page, place in (
        (reverse("changes:calendar"), "user-guide/#the-calendar"),
        (reverse("crb:board"), "board/"),
        (reverse("accounts:profile"), "user-guide/#mail"),
        ("/no/such/page/", "user-guide/"),
    ):
        assert f'href="/account/guide/{place}"' in client.get(page).content.decode(), page
    client.logout()
    assert "/account/guide/" not in client.get(reverse("account_login")).content.decode()


def test_the_image_has_every_guide() -> None:
    let_in = (settings.BASE_DIR / ".dockerignore").read_text().split()
    assert {f"!docs/{guide}.md" for guide in GUIDES} <= set(let_in)
