"""The chair takes an outcome back, and whoever looks on sees it. Costs 4 s."""

from typing import Any

import pytest
from django.urls import reverse
from playwright.sync_api import expect

from crb import lifecycle
from crb.models import AgendaItem
from tests.components.browsing import sign_in
from tests.components.looks import looks, unfold
from tests.crb.conftest import Table
from tests.crb.test_pages_in_browser import open_page, page_of

pytestmark = pytest.mark.django_db(transaction=True)


def test_an_outcome_is_taken_back_and_others_see_it(
    table: Table, new_page: Any, live_server: Any, settings: Any
) -> None:
    settings.OUTCOME_UNDO_SECONDS = 300
    item, other = table.running_item("Rooms at night"), table.running_item("Alarms")
    table.vote(item, *["accepted"] * 4)
    lifecycle.record_outcome(item, actor=table.chair, outcome="accepted", reason="It pays.")
    member = open_page(new_page, live_server, table.members[1], page_of(item))
    expect(member.locator("#settled")).to_contain_text("The board decided")
    expect(member.locator("#take-back")).to_have_count(0)
    page = new_page()
    sign_in(page, table.chair, live_server)
    with looks(page) as look:
        look.over_address(reverse("crb:replan_promise", args=[item.pk]), unfold)
        look.over_address(page_of(item), unfold)
    wrong = page.get_by_label("What was wrong with it?")
    page.get_by_text("Take it back (possible until").focus()
    page.keyboard.press("Enter")  # all was unfolded to be looked over
    expect(wrong).to_be_hidden()
    page.keyboard.press("Enter")
    wrong.fill("I pressed the wrong one.")
    page.locator("#item-title").click()
    table.vote(other, "accepted")  # nothing is left for the chair to vote on, which is news there
    expect(page.locator("#agenda-list")).to_contain_text("1 of 7 voted")
    expect(wrong).to_have_value("I pressed the wrong one.")
    page.get_by_role("button", name="Take the outcome back").press("Enter")
    for who in (page, member):
        expect(who.locator("#settled")).to_contain_text("I pressed the wrong one.")
    expect(page.locator(".record-outcome")).to_be_visible()
    assert AgendaItem.objects.get(pk=item.pk).is_open
