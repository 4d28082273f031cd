"""What holds on every page of the administration, found by walking through all of them."""

import re

import pytest
from django.contrib import admin
from django.contrib.admin.utils import flatten_fieldsets
from django.test import Client, RequestFactory

from accounts.admin import AdministratorsOnly
from tests.people import Cast

PAGES = list(admin.site._registry.items())
SECRET_FIELD = re.compile("token|hash|password|secret")


def test_every_page_is_one_of_ours() -> None:
    """A library's own page knows nothing of who may see what: none is offered."""
    assert [model for model, page in PAGES if not isinstance(page, AdministratorsOnly)] == []


def test_nothing_is_deleted_and_no_secret_is_a_field(rf: RequestFactory, cast: Cast) -> None:
    request = rf.get("/")
    request.user = cast.administrator
    assert cast.administrator.is_superuser
    for model, page in PAGES:
        assert not page.has_delete_permission(request), model
        assert "delete_selected" not in page.get_actions(request), model
        shown = (*flatten_fieldsets(page.get_fieldsets(request)), *page.get_list_display(request))
        assert [name for name in shown if SECRET_FIELD.search(str(name))] == [], model


@pytest.mark.parametrize("model", ["email", "log", "emailtemplate", "attachment"])
def test_mail_is_not_read_in_the_administration(client: Client, cast: Cast, model: str) -> None:
    client.force_login(cast.administrator)
    assert client.get(f"/admin/post_office/{model}/").status_code == 404
