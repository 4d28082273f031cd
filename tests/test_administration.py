"""What holds on every page of the administration, found by walking through all of them."""

import re
from typing import Any

import pytest
from django.contrib import admin
from django.contrib.admin.templatetags.admin_list import date_hierarchy
from django.contrib.admin.utils import flatten_fieldsets
from django.db.models import Model
from django.test import Client, RequestFactory
from django.urls import reverse

from accounts.admin import AdministratorsOnly
from tests import stories
from tests.people import Cast

PAGES = list(admin.site._registry.items())
SECRET_FIELD = re.compile("token|hash|password|secret")


def list_of(model: type[Model]) -> str:
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")


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


def fields_in_reach(model: type[Model], steps: int = 1) -> list[str]:
    """Return every field that a list could be asked about, over relations in any direction."""
    found = []
    for field in model._meta.get_fields():
        if field.related_model is None:
            found.append(field.name)
        elif steps:
            further = fields_in_reach(field.related_model, steps - 1)
            found += [f"{field.name}__{one}" for one in further]
    return found


def test_a_list_is_asked_by_its_own_filters_only() -> None:
    """A hash that nobody sees is read all the same by whoever may ask how it begins."""
    request: Any = None
    for model, page in PAGES:
        filters = {one for one in (*page.list_filter, page.date_hierarchy) if isinstance(one, str)}
        fields = fields_in_reach(model)
        open_ones = {
            field
            for field in fields
            if page.lookup_allowed(field, "a", request)
            and field not in filters
            and field.removesuffix("__id") not in filters
        }
        assert fields and not open_ones, (model, open_ones)
        for lookup in ("startswith", "contains", "regex", "iexact", "lte"):
            assert not [f for f in fields if page.lookup_allowed(f"{f}__{lookup}", "a", request)]


@pytest.mark.parametrize("guess", ["password__startswith", "groups__people__password__gt"])
def test_a_password_is_not_guessed_through_a_filter(client: Client, cast: Cast, guess: str) -> None:
    client.force_login(cast.administrator)
    assert client.get("/admin/accounts/user/", {guess: "p"}).status_code == 400


def test_the_filters_of_every_list_work(client: Client, rf: RequestFactory, cast: Cast) -> None:
    stories.in_confirmation(cast)
    client.force_login(cast.administrator)
    tried = 0
    for model, page in PAGES:
        if not page.list_filter and not page.date_hierarchy:
            continue
        html = client.get(list_of(model)).content.decode()
        links = {one.replace("&amp;", "&") for one in re.findall(r'href="(\?[^"]+)"', html)}
        filters = sorted(one for one in links if not one.startswith("?o="))
        for one in filters[:4]:
            # The page itself was drawn above; this is what it has to show, and to offer further.
            request = rf.get(list_of(model) + one)
            request.user = cast.administrator
            answer: Any = page.changelist_view(request)
            assert answer.status_code == 200, (model, one)
            found = answer.context_data["cl"]
            assert set(found.result_list) <= set(model._default_manager.all()), (model, one)
            assert all([*filter.choices(found)] for filter in found.filter_specs), (model, one)
            date_hierarchy(found)
            tried += 1
    assert tried >= 15
