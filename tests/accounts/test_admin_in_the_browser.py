"""Administration in a real browser: the `page` fixture fails on anything that the CSP refuses."""

from typing import Any

from django.contrib.auth.models import Group
from django.test import Client
from playwright.sync_api import expect

from accounts.models import User
from accounts.roles import Role
from tests.components.browsing import sign_in


def test_an_administrator_gives_a_role_with_a_reason(
    page: Any, live_server: Any, transactional_db: None, client: Client
) -> None:
    administrator = User.objects.create_user(
        "rosalind@expansive.example", display_name="Rosalind Hart", is_staff=True
    )
    for role in Role:
        Group.objects.get_or_create(name=role)
    administrator.groups.add(Group.objects.get(name=Role.ADMINISTRATOR))
    jonas = User.objects.create_user("jonas@expansive.example", display_name="Jonas Weber")

    sign_in(page, administrator, live_server)
    page.goto("/admin/accounts/user/")
    page.click("text=Jonas Weber")
    page.check("text=Developer")
    page.click("input[name=_save]")
    expect(page.locator("#content")).to_contain_text("Say why this person gets a role")
    page.fill("#id_reason", "Joined the mobile team")
    page.click("input[name=_save]")
    expect(page.locator(".messagelist")).to_contain_text("changed successfully")

    client.force_login(administrator)
    history = client.get(f"/admin/accounts/user/{jonas.pk}/history/").content.decode()
    assert "Joined the mobile team" in history

    # What chooses several, and what chooses a time.
    administrator.is_superuser = True
    administrator.save()
    page.goto("/admin/crb/board/add/")
    page.wait_for_selector(".selector-chosen")
    page.click(".field-start .clock-icon")
    offered = page.locator(".clockbox:visible .timelist a")
    expect(offered).to_have_text(["Now", "00:00", "06:00", "12:00", "18:00"])
