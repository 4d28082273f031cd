"""Who finds the gallery of components, and where: administrators of a demo. Costs about 0.3 s."""

from typing import Any

import pytest
from django.test import Client

from tests.people import Cast

ADDRESSES = ("/gallery/", "/gallery/progress/")


@pytest.mark.django_db
def test_it_is_there_for_administrators_of_a_demo_alone(
    client: Client, cast: Cast, settings: Any
) -> None:
    def answers() -> list[int]:
        return [client.get(address).status_code for address in ADDRESSES]

    def is_linked() -> bool:
        return 'href="/gallery/"' in client.get("/").content.decode()

    seen = {}
    for settings.DEMO in (True, False):
        client.logout()
        seen["a visitor", settings.DEMO] = answers()
        for who in ("administrator", "support", "requester"):
            client.force_login(getattr(cast, who))
            seen[who, settings.DEMO] = answers()
            assert is_linked() == (who == "administrator" and settings.DEMO)
    found = {key: codes for key, codes in seen.items() if codes != [404, 404]}
    assert found == {("a visitor", True): [302, 302], ("administrator", True): [200, 200]}


@pytest.mark.django_db
def test_what_is_sent_to_it_comes_back_with_its_mistakes(client: Client, cast: Cast) -> None:
    client.force_login(cast.administrator)
    answer = client.post("/gallery/", {"title": "Far longer than twenty characters"})
    assert answer.status_code == 400
    assert "Far longer than twenty characters" in answer.content.decode()
