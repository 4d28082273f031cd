"""Links between changes: made and removed, and shown from both sides."""

import pytest
from django.db import transaction
from django.test import Client
from django.urls import reverse

from changes import lifecycle
from changes.models import Change, ChangeLink
from changes.states import State
from changes.views.discussion import discussion_context
from tests.changes.test_comment import BACKGROUND, CUSTOMERS, INSIDE, READ_ONLY, STRANGERS
from tests.people import Cast
from tests.stories import change_in, draft, submitted


def link_address(change: Change) -> str:
    """Where links are made."""
    return reverse("changes:link", args=[change.pk])


def unlink_address(change: Change, link: ChangeLink) -> str:
    """Where a link is removed."""
    return reverse("changes:unlink", args=[change.pk, link.pk])


def shown(cast: Cast, part: str, change: Change) -> list[tuple[str, Change]]:
    """The links that somebody sees on a change's page."""
    links = discussion_context(cast.people[part], change)["links"]
    return [(str(link["words"]), link["change"]) for link in links]


def test_who_may_link(cast: Cast) -> None:
    change, other = submitted(cast), submitted(cast)
    sent = {"kind": "conflicts_with", "target": other.reference}
    answers = {}
    for part, member in cast.people.items():
        client = Client()
        client.force_login(member)
        with transaction.atomic():
            status = client.post(link_address(change), sent).status_code
            answers[part] = (status, ChangeLink.objects.count())
            transaction.set_rollback(True)

    assert answers == {
        **dict.fromkeys(INSIDE, (302, 1)),
        **dict.fromkeys(CUSTOMERS | READ_ONLY, (403, 0)),
        **dict.fromkeys(STRANGERS, (404, 0)),
    }


def test_who_may_unlink(cast: Cast) -> None:
    change = submitted(cast)
    link = lifecycle.link(change, actor=cast.support, other=submitted(cast), kind="duplicates")
    answers = {}
    for part, member in cast.people.items():
        client = Client()
        client.force_login(member)
        with transaction.atomic():
            status = client.post(unlink_address(change, link)).status_code
            answers[part] = (status, ChangeLink.objects.count())
            transaction.set_rollback(True)

    assert answers == {
        **dict.fromkeys(INSIDE, (302, 0)),
        **dict.fromkeys(CUSTOMERS | READ_ONLY, (403, 1)),
        **dict.fromkeys(STRANGERS, (404, 1)),
    }


def test_a_feature_flag_is_linked_to_the_code_behind_it(client: Client, cast: Cast) -> None:
    flag = change_in(State.REVIEW, cast)
    code = change_in(State.CLOSED, cast)
    client.force_login(cast.developer)

    sent = {"kind": "enabled_by", "target": f"{code.reference} {code.title}"}
    client.post(link_address(flag), sent)

    assert shown(cast, "success", flag) == [("Enabled by", code)]
    assert shown(cast, "success", code) == [("Enables", flag)]
    event = flag.events.get(verb="link")
    assert (event.actor, event.reason) == (cast.developer, f"Enabled by {code.reference}")


@pytest.mark.parametrize(
    ("kind", "there", "back"),
    [
        ("successor_of", "Successor of", "Succeeded by"),
        ("enabled_by", "Enabled by", "Enables"),
        ("duplicates", "Duplicates", "Duplicated by"),
        ("conflicts_with", "Conflicts with", "Conflicts with"),
    ],
)
def test_the_other_side_reads_the_words_reversed(
    cast: Cast, kind: str, there: str, back: str
) -> None:
    one, other = submitted(cast), submitted(cast)
    lifecycle.link(one, actor=cast.support, other=other, kind=kind)

    assert shown(cast, "requester", one) == [(there, other)]
    assert shown(cast, "requester", other) == [(back, one)]


def test_a_change_that_one_does_not_see_is_not_there(client: Client, cast: Cast) -> None:
    mine = submitted(cast)
    foreign = submitted(
        cast, organisation=cast.meridian, requester=cast.stranger_customer, title="Their secret"
    )
    lifecycle.link(mine, actor=cast.support, other=foreign, kind="duplicates")

    assert shown(cast, "requester", mine) == []
    assert shown(cast, "support", mine) == [("Duplicates", foreign)]
    client.force_login(cast.requester)
    page = client.get(mine.get_absolute_url()).content.decode()
    assert "Their secret" not in page
    assert foreign.reference not in page


def test_a_link_that_cannot_be_is_refused_in_words(client: Client, cast: Cast) -> None:
    change, other = submitted(cast), submitted(cast)
    lifecycle.link(other, actor=cast.support, other=change, kind="conflicts_with")
    refused = {
        "": "Say which change.",
        "CR-999999": "There is no such change.",
        "meeting rooms": "There is no such change.",
        "CR-000001\x00": "Null characters are not allowed.",
        "CR-" + "9" * 30: "There is no such change.",
        draft(cast).reference: "There is no such change.",
        change.reference: "A change cannot be linked to itself.",
        other.reference: "These changes are linked like this already.",
    }
    client.force_login(cast.developer)
    for target, sentence in refused.items():
        sent = {"kind": "conflicts_with", "target": target}
        page = client.post(link_address(change), sent)
        quiet = client.post(link_address(change), sent, headers=BACKGROUND)
        assert (page.status_code, quiet.status_code) == (400, 422), target
        assert sentence in page.content.decode(), target
        assert sentence in quiet.content.decode(), target
    assert ChangeLink.objects.count() == 1


def test_an_unknown_kind_is_refused(client: Client, cast: Cast) -> None:
    change, other = submitted(cast), submitted(cast)
    client.force_login(cast.support)

    response = client.post(link_address(change), {"kind": "likes", "target": other.reference})

    assert response.status_code == 400
    assert not ChangeLink.objects.exists()


def test_a_link_is_removed_from_either_side_once(client: Client, cast: Cast) -> None:
    one, other = submitted(cast), submitted(cast)
    link = lifecycle.link(one, actor=cast.support, other=other, kind="enabled_by")
    client.force_login(cast.support)

    response = client.post(unlink_address(other, link), headers=BACKGROUND)

    assert response.status_code == 200
    assert "Not linked to any other change." in response.content.decode()
    assert other.events.get(verb="unlink").reason == f"Enables {one.reference}"
    assert ChangeLink.history.filter(id=link.pk, history_type="-").count() == 1
    assert client.post(unlink_address(one, link)).status_code == 404


def test_a_link_of_other_changes_is_not_removed_through_mine(client: Client, cast: Cast) -> None:
    mine, one, other = submitted(cast), submitted(cast), submitted(cast)
    link = lifecycle.link(one, actor=cast.support, other=other, kind="enabled_by")
    client.force_login(cast.support)

    assert client.post(unlink_address(mine, link)).status_code == 404
    assert ChangeLink.objects.exists()


def test_get_changes_nothing(client: Client, cast: Cast) -> None:
    one, other = submitted(cast), submitted(cast)
    link = lifecycle.link(one, actor=cast.support, other=other, kind="enabled_by")
    client.force_login(cast.support)

    assert client.get(link_address(one)).status_code == 405
    assert client.get(unlink_address(one, link)).status_code == 405
    assert ChangeLink.objects.exists()


# Finding the other change


def found(client: Client, change: Change, text: str) -> str:
    """What is offered for a text."""
    address = reverse("changes:find_change")
    return client.get(address, {"target": text, "besides": change.reference}).content.decode()


def test_changes_are_found_by_reference_and_by_words(client: Client, cast: Cast) -> None:
    change = submitted(cast)
    other = submitted(cast, title="Open the loading bay to porters")
    client.force_login(cast.support)

    for text in (other.reference, f"cr{other.pk}", str(other.pk), "loading porters", "LOADING"):
        assert f'data-value="{other.reference} Open the loading bay' in found(client, change, text)
    assert change.reference not in found(client, change, "meeting rooms")
    assert "No such change." in found(client, change, "helipad")
    assert found(client, change, "lo").strip() == ""


def test_only_visible_changes_are_offered(client: Client, cast: Cast) -> None:
    change = submitted(cast)
    foreign = submitted(cast, organisation=cast.meridian, requester=cast.stranger_customer)
    hidden = draft(cast, title="A draft about meeting rooms")

    client.force_login(cast.requester)
    assert "No such change." in found(client, change, foreign.reference)
    client.force_login(cast.developer)
    assert "No such change." in found(client, change, hidden.reference)
    assert "A draft" not in found(client, change, "meeting rooms")


def test_the_number_of_somebodys_draft_is_told_to_nobody_else(client: Client, cast: Cast) -> None:
    change, own = submitted(cast), draft(cast)
    raiser = own.raised_by
    both = [
        lifecycle.link(change, actor=raiser, other=own, kind="enabled_by"),
        lifecycle.link(own, actor=raiser, other=change, kind="duplicates"),
    ]
    lifecycle.unlink(change, actor=raiser, record=both[0])
    pages = (change.get_absolute_url(), reverse("audit:change_history", args=[change.pk]))
    for reader in (cast.developer, cast.auditor, cast.administrator):
        client.force_login(reader)
        for address in pages:
            page = client.get(address).content.decode()
            assert own.reference not in page, (reader, address)
            assert f"/{own.reference}/" not in page
            assert "Enabled by another change request" in page
    client.force_login(raiser)
    for address in pages:
        assert own.reference in client.get(address).content.decode()
    lifecycle.submit(own, actor=raiser)
    client.force_login(cast.developer)
    for address in pages:
        assert own.reference in client.get(address).content.decode()
