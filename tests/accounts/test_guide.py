"""The guides in the product: each page leads to the part that is about it."""

import re

from django.conf import settings
from django.test import Client
from django.urls import reverse

from accounts.guide import GUIDES, PLACES, parts_of
from tests.marks import routes
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
NO_PAGES |= set(
    """
    changes:accept_answer changes:accept_mail_as_comment changes:accept_mail_as_request
    changes:autosave changes:copy_as_new changes:delete_view changes:discard_answer
    changes:discard_mail changes:follow_up changes:keep_columns changes:mark_read
    changes:mark_unread changes:read_all changes:tick_step changes:mute changes:open_first
    changes:open_with_all changes:put_back_mail changes:revoke_links changes:send_link
    changes:take_over_view changes:unlink changes:unmute changes:unwatch changes:update_view
    changes:watch
    crb:close_meeting crb:defer_item crb:go_to_item crb:join_meeting crb:make_feed
    crb:mark_attendance crb:publish_minutes crb:pull_from_consent crb:record_consent
    crb:reorder_agenda crb:revoke_feed crb:start_meeting crb:will_attend crb:withdraw_absence
    crb:write_minutes
    """.split()
)
"""Acts whose form stands on another page, to which they lead back."""
NO_PAGES |= set(
    """
    changes:attachment changes:change_pdf changes:export changes:export_ratings
    changes:export_releases changes:find_change changes:find_mention changes:find_requester
    changes:find_template changes:import_problems changes:import_progress changes:mail_body
    changes:mail_file changes:many_progress changes:menu changes:palette
    changes:preview_markdown changes:release_notes_file changes:similar crb:export_decisions
    crb:feed crb:live crb:minutes_pdf crb:preview_outcome
    """.split()
)
"""Files, streams and parts of a page."""


def test_every_page_leads_to_a_part_of_a_guide_that_is_there() -> None:
    pages = {name for _route, name, _converters in routes() if not name.endswith("-")}
    pages = {name for name in pages if ".Historical" not in name}
    assert not pages - PLACES.keys() - NO_PAGES, "pages without a place in accounts/guide.py"
    assert not PLACES.keys() & NO_PAGES
    assert not (PLACES.keys() | NO_PAGES) - pages, "names of pages that are gone"
    parts = {f"{guide}#{part.anchor}" for guide in GUIDES for part in parts_of(guide)}
    assert not [place for place in PLACES.values() if place not in parts | GUIDES.keys()]


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
        ("/no/such/page/", "user-guide/"),
    ):
        assert f'href="/account/guide/{place}"' in client.get(page).content.decode(), page
    client.logout()
    assert "/account/guide/" not in client.get(reverse("account_login")).content.decode()


def test_the_image_has_every_guide() -> None:
    let_in = (settings.BASE_DIR / ".dockerignore").read_text().split()
    assert {f"!docs/{guide}.md" for guide in GUIDES} <= set(let_in)
