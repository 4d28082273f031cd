"""Finding whom a request is for: only people of customers one may raise for."""

import pytest
from django.test import Client

from accounts.models import EmailDomain, User
from tests.people import Cast

FIND = "/changes/find-requester/"


def found(client: Client, text: str, **more: object) -> str:
    """What is offered for a text."""
    response = client.get(FIND, {"requester": text, **more})
    assert response.status_code == 200
    return response.content.decode()


@pytest.mark.parametrize("text", ["gra", "GRACE", "requester grace", "grace.req", "@harbour.ex"])
def test_people_are_found_by_name_and_address(client: Client, cast: Cast, text: str) -> None:
    client.force_login(cast.support)

    page = found(client, text)

    assert 'data-value="Grace Requester &lt;grace.requester@harbour.example&gt;"' in page
    assert f'data-organisation="{cast.harbour.pk}"' in page


def test_what_was_chosen_is_still_found(client: Client, cast: Cast) -> None:
    client.force_login(cast.support)

    page = found(client, "Grace Requester <grace.requester@harbour.example>")

    assert "Add a new requester" not in page
    assert page.count('role="option"') == 1


def test_the_chosen_customers_people_come_first(client: Client, cast: Cast) -> None:
    client.force_login(cast.support)

    meridian_first = found(client, "harbour.example", organisation=cast.meridian.pk)

    assert meridian_first.index("Mia Meridian") < meridian_first.index("Grace Requester")


def test_an_unknown_address_can_be_added(client: Client, cast: Cast) -> None:
    client.force_login(cast.support)

    page = found(client, "ines.ortega@ward.harbour.example")

    assert "Add a new requester" in page
    assert 'data-value="ines.ortega@ward.harbour.example"' in page
    assert 'data-name="Ines Ortega"' in page
    assert f'data-organisation="{cast.harbour.pk}"' in page


def test_nobody_out_of_reach_is_offered(client: Client, cast: Cast) -> None:
    """A stranger reads exactly as an address that nobody has, domain included."""
    EmailDomain.objects.create(organisation=cast.meridian, domain="meridian.example")
    User.objects.create_user(
        "rosa.real@meridian.example", display_name="Rosa Real", organisation=cast.meridian
    )
    client.force_login(cast.success)

    assert "Nobody found" in found(client, "Rosa")
    assert "Nobody found" in found(client, "Mia Mer")
    real = found(client, "rosa.real@meridian.example")
    unreal = found(client, "rosa.fake@meridian.example")
    assert real.replace("rosa.real", "x").replace("Rosa Real", "y") == unreal.replace(
        "rosa.fake", "x"
    ).replace("Rosa Fake", "y")
    assert 'data-organisation=""' in real


@pytest.mark.parametrize("part", ["support", "developer", "former"])
def test_ones_own_and_former_people_are_no_requesters(
    client: Client, cast: Cast, part: str
) -> None:
    if part == "former":
        cast.colleague.is_active = False
        cast.colleague.save()
    client.force_login(cast.support)
    text = {"support": "Sam Support", "developer": "Dan", "former": "Colin"}[part]

    assert "Nobody found" in found(client, text)


def test_customers_look_nobody_up(client: Client, cast: Cast) -> None:
    client.force_login(cast.requester)

    assert 'role="option" id' not in found(client, "Colin")
    assert "harbour.example" not in found(client, "colin.colleague@harbour.example")


def test_who_raises_nothing_looks_nobody_up(client: Client, cast: Cast) -> None:
    client.force_login(cast.developer)

    assert client.get(FIND, {"requester": "grace"}).status_code == 403


@pytest.mark.parametrize("text", ["", "g", "%", "_", "\\", "'"])
def test_odd_and_short_texts_find_nobody(client: Client, cast: Cast, text: str) -> None:
    client.force_login(cast.support)

    assert "Grace" not in found(client, text)


def test_signed_out_in_the_background(client: Client, cast: Cast) -> None:
    response = client.get(FIND, {"requester": "grace"}, headers={"HX-Request": "true"})

    assert response.status_code == 401
    assert client.post(FIND).status_code == 302
