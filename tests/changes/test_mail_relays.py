"""A person's mail that a group, a form or a relay carried is never thrown away."""

from typing import Any

import pytest

from changes.models import Change, IncomingMail
from tests.letters import letter, taken, write
from tests.people import Cast

pytestmark = pytest.mark.django_db

Outcome = IncomingMail.Outcome
OWN = "'Grace Requester' via Changes <changes@expansive.example>"
GRACE = "Grace Requester <grace.requester@harbour.example>"

GROUPS = {
    "Google Groups": {
        "reply_to": GRACE,
        "x_original_from": GRACE,
        "list_id": "<changes.expansive.example>",
        "precedence": "list",
    },
    "Mailman": {"reply_to": GRACE, "list_post": "<mailto:changes@expansive.example>"},
    "a list that hides who wrote": {"precedence": "list"},
    "a form on a page": {"reply_to": GRACE},
    "Exchange": {"x_original_sender": "grace.requester@harbour.example"},
}


@pytest.mark.parametrize("headers", GROUPS.values(), ids=GROUPS)
def test_what_a_group_sends_in_our_name_waits(cast: Cast, headers: dict[str, str]) -> None:
    mail = write(sender=OWN, **headers)
    assert mail.outcome == Outcome.TRIAGE
    shown = len(headers) > 1 or "precedence" not in headers
    assert ("grace.requester@harbour.example wrote it" in mail.why) == shown
    assert not Change.objects.exists()


@pytest.mark.parametrize("headers", [{}, {"reply_to": "changes@expansive.example"}])
def test_what_is_ours_alone_is_still_no_mail_to_us(cast: Cast, headers: dict[str, str]) -> None:
    mail = write(sender="Changes <changes@expansive.example>", **headers)
    assert mail.outcome == Outcome.IGNORED
    assert "address of our own" in mail.why


def test_feedback_id_of_a_relay_says_nothing(cast: Cast) -> None:
    field = b"Feedback-ID: ::1.eu-west-1.Qm9iMTIz=:AmazonSES\r\nTo: "
    mail = taken(letter().replace(b"To: ", field, 1))
    assert mail.outcome == Outcome.CHANGE


@pytest.mark.parametrize("name", ["list_unsubscribe", "x_campaignid", "x_mc_user"])
@pytest.mark.parametrize(
    ("sender", "outcome"),
    [
        (GRACE, Outcome.TRIAGE),
        ("New <new@harbour.example>", Outcome.TRIAGE),
        ("Sam <sam.support@expansive.example>", Outcome.TRIAGE),
        ("News <news@shop.example>", Outcome.IGNORED),
    ],
)
def test_marks_of_sending_count_only_for_strangers(
    cast: Cast, name: str, sender: str, outcome: Any
) -> None:
    mail = write(sender=sender, **{name: "<https://relay.example/1>"})
    assert mail.outcome == outcome
    assert not Change.objects.exists()
