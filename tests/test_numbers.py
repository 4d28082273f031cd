"""A number too long for Python or for the database is an answer of its own, never a fault."""

import ast
from pathlib import Path

import pytest
from django.conf import settings
from django.test import Client

from crb.forms.votes import rows_in
from crb.templatetags.board_ui import linked_references
from expansive_cm.numbers import whole_number
from tests.people import Cast

LONG = ["9" * 19, "9" * 300, "9" * 5_000]


def test_what_is_a_number() -> None:
    assert [whole_number(text) for text in ("0", "17", "9" * 18)] == [0, 17, 10**18 - 1]
    for text in (*LONG, "", "-1", "+1", " 1", "1.0", "1_0", "\u00b2", "\u0663", "x"):
        assert whole_number(text) is None


TELLS_DIGITS = ("isdigit", "isdecimal")


def test_nothing_else_decides_what_is_a_number() -> None:
    """Wherever digits are told from letters, `whole_number` does it and so minds their length."""
    root = Path(settings.BASE_DIR)
    for app in ("accounts", "audit", "changes", "crb"):
        for path in (root / app).rglob("*.py"):
            text = path.read_text()
            if not any(name in text for name in TELLS_DIGITS):
                continue
            for node in ast.walk(ast.parse(text)):
                if isinstance(node, ast.Attribute) and node.attr in TELLS_DIGITS:
                    assert path.name == "hub.py", path  # What our own triggers say.


@pytest.mark.parametrize("digits", LONG)
def test_texts_with_long_numbers(digits: str) -> None:
    assert linked_references(f"CR-{digits}") == f"CR-{digits}"
    assert rows_in({f"question_{digits}": "x"}) == 0


@pytest.mark.parametrize(
    "address",
    [
        "/changes/?q={}",
        "/changes/?owner={}",
        "/changes/?organisation={}",
        "/changes/?age={}",
        "/changes/?after={}",
        "/changes/CR-{}/",
        "/triage/{}/",
        "/triage/?before={}",
        "/import/{}/",
        "/mail/{}/",
        "/history/?person={}",
        "/board/meetings/{}/",
        "/board/meetings/{}/live/",
        "/board/items/{}/vote/",
        "/board/1/meetings/?page={}",
        "/r/{}/",
    ],
)
def test_no_address_fails_for_a_long_number(client: Client, cast: Cast, address: str) -> None:
    client.force_login(cast.support)
    for digits in LONG:
        assert client.get(address.format(digits)).status_code < 500
        assert client.post(address.format(digits), {"seen": digits}).status_code < 500
