"""The History tab of a change: every field, before and after, who, when and why."""

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import User
from audit.describe import Entry
from changes import lifecycle
from changes.models import Change, Service
from tests.people import Cast
from tests.stories import (
    developed,
    draft,
    in_authorisation,
    in_confirmation,
    in_development,
    submitted,
)


def history(client: Client, user: User, change: Change, query: str = "") -> Any:
    """Open the tab as somebody."""
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    return client.get(reverse("audit:change_history", args=[change.pk]) + query)


def fields(entry: Entry) -> dict[str, tuple[str, str]]:
    return {str(one.label): (one.before, one.after) for one in entry.fields}


def entries(client: Client, user: User, change: Change) -> list[Entry]:
    return history(client, user, change).context["entries"]


def test_it_lies_below_the_change(cast: Cast) -> None:
    url = reverse("audit:change_history", args=[7])
    assert url == "/changes/CR-000007/history/"


def test_a_step_shows_what_it_changed(client: Client, cast: Cast) -> None:
    change = in_authorisation(cast)
    newest, review, *_rest = entries(client, cast.auditor, change)
    assert (newest.what, newest.act, newest.by) == (str(change), "changed", "Cleo Success")
    assert newest.why == "reviewed the change: Harmless."
    assert fields(newest)["State"] == ("Customer success review", "Authorisation")
    assert review.what == f"Customer success review of {change.reference}"
    assert review.act == "created"
    assert fields(review)["Outcome"] == ("–", "Endorsed: send for authorisation")
    assert fields(review)["Findings"] == ("–", "Harmless.")


def test_people_and_choices_have_names(client: Client, cast: Cast) -> None:
    change = submitted(cast)
    lifecycle.assign(change, actor=cast.success, owner=cast.developer)
    lifecycle.assign(change, actor=cast.success, owner=cast.tester)
    newest = entries(client, cast.support, change)[0]
    assert fields(newest)["Owner"] == ("Dan Developer", "Tess Tester")
    first = entries(client, cast.support, change)[-1]
    assert fields(first)["Organisation"] == ("–", "Harbour Hospitals")
    assert fields(first)["Channel"] == ("–", "Phone")


def test_services_watchers_and_authors_are_shown(client: Client, cast: Cast) -> None:
    change = draft(cast)
    booking = Service.objects.create(name="Space booking")
    assets = Service.objects.create(name="Assets")
    for services in ([booking], [booking, assets], [assets]):
        lifecycle.edit(change, actor=cast.support, services=services)
    seen = [
        fields(one)["Affected services"]
        for one in entries(client, cast.support, change)
        if "Affected services" in fields(one)
    ]
    assert (seen[0][1], seen[-1][0]) == ("Assets", "–")
    assert ("Space booking", "Assets, Space booking") in seen
    change = submitted(cast)
    lifecycle.watch(change, actor=cast.tester)
    assert fields(entries(client, cast.support, change)[0])["Watchers"] == ("–", "Tess Tester")
    lifecycle.unwatch(change, actor=cast.tester)
    assert fields(entries(client, cast.support, change)[0])["Watchers"] == ("Tess Tester", "–")
    built = developed(in_development(cast), cast)
    found = [fields(one).get("Authors") for one in entries(client, cast.support, built)]
    assert ("–", "Dan Developer") in found


def test_the_checklist_reads_as_sentences(client: Client, cast: Cast) -> None:
    built = developed(in_development(cast), cast)
    shown = [
        fields(one).get("Secure-coding checklist") for one in entries(client, cast.support, built)
    ]
    assert any(one and "Automated tests cover the change" in one[1] for one in shown)


def test_what_is_removed_is_shown(client: Client, cast: Cast) -> None:
    change, other = submitted(cast), submitted(cast)
    link = lifecycle.link(change, actor=cast.support, other=other, kind="duplicates")
    lifecycle.unlink(change, actor=cast.support, record=link)
    newest = entries(client, cast.support, change)[0]
    assert newest.act == "removed"
    assert fields(newest)["Kind of link"] == ("Duplicates", "–")
    assert other.reference in newest.what + str(fields(newest))
    assert any(one.act == "removed" for one in entries(client, cast.support, other))


def test_texts_are_escaped_and_long_ones_folded(client: Client, cast: Cast) -> None:
    change = draft(cast, description="<script>x</script> " + "long " * 200)
    page = history(client, cast.support, change).content.decode()
    assert "<script>x" not in page and "&lt;script&gt;x" in page
    assert '<details class="history-long">' in page


def test_the_hash_of_a_link_stays_where_it_is(client: Client, cast: Cast) -> None:
    change = in_confirmation(cast)
    (link,) = change.confirmation.links.all()
    page = history(client, cast.auditor, change).content.decode()
    assert f"Confirmation link of {change.reference}" in page
    assert link.token_hash not in page


def test_who_may_read_it(client: Client, cast: Cast) -> None:
    change = submitted(cast)
    status = {name: history(client, user, change).status_code for name, user in cast.people.items()}
    readers = {
        "support success developer peer_reviewer tester release_manager crb_member chair auditor"
        " administrator stranger_success"
    }
    allowed = set(" ".join(readers).split())
    concerned = {"requester", "colleague", "approver"}
    assert {name for name, code in status.items() if code == 200} == allowed
    assert {name for name, code in status.items() if code == 403} == concerned
    assert {name for name, code in status.items() if code == 404} == (
        set(cast.people) - allowed - concerned
    )
    client.logout()
    assert client.get(reverse("audit:change_history", args=[change.pk])).status_code == 302


def test_somebody_elses_draft_does_not_exist(client: Client, cast: Cast) -> None:
    assert history(client, cast.auditor, draft(cast)).status_code == 404
    assert client.get("/changes/CR-999999/history/").status_code == 404


@pytest.mark.parametrize("method", ["post", "put", "patch", "delete"])
def test_it_is_only_read(client: Client, cast: Cast, method: str) -> None:
    change = submitted(cast)
    client.force_login(cast.auditor, backend="django.contrib.auth.backends.ModelBackend")
    url = reverse("audit:change_history", args=[change.pk])
    assert getattr(client, method)(url).status_code == 405


def test_pages_hold_every_entry_once(client: Client, cast: Cast, monkeypatch: Any) -> None:
    monkeypatch.setattr("audit.views.PAGE_SIZE", 3)
    change = in_development(cast)
    responses = [history(client, cast.auditor, change)]
    while query := responses[-1].context["next_url"]:
        responses.append(history(client, cast.auditor, change, query))
    pages = [[(one.at, one.what) for one in one.context["entries"]] for one in responses]
    seen = [entry for page in pages for entry in page]
    assert len(seen) == len(set(seen)) and seen == sorted(seen, reverse=True)
    assert [one.context["number"] for one in responses] == list(range(1, len(pages) + 1))
    assert len(pages) > 2
    back = history(client, cast.auditor, change, responses[-1].context["previous_url"])
    assert [(one.at, one.what) for one in back.context["entries"]] == pages[-2]
    assert back.context["number"] == len(pages) - 1
    assert history(client, cast.auditor, change, "?page=forged").status_code == 400


@pytest.mark.parametrize("maker", [submitted, in_development])
def test_cost_does_not_grow_with_the_story(
    client: Client, cast: Cast, maker: Any, django_assert_num_queries: Any
) -> None:
    change = maker(cast)
    client.force_login(cast.auditor, backend="django.contrib.auth.backends.ModelBackend")
    with django_assert_num_queries(8):
        client.get(reverse("audit:change_history", args=[change.pk]))
