"""Whoever reads without scripts presses and fills in what a person could, and nothing else.

Costs no time: no page is asked for.
"""

from types import SimpleNamespace

import pytest

from accounts.models import User
from tests.journeys.reader import Reader

FORM = '<main><form method="post">{}</form></main>'
BUTTON = '<button type="submit" class="btn-primary">Send</button>'


def reader(monkeypatch: pytest.MonkeyPatch, page: str) -> Reader:
    """Somebody before this page."""
    monkeypatch.setattr(
        "tests.journeys.reader.Client",
        lambda **_: SimpleNamespace(
            force_login=lambda user: None,
            get=lambda address, follow: SimpleNamespace(
                redirect_chain=[], status_code=200, content=page.encode()
            ),
        ),
    )
    return Reader(User()).opens("/")


@pytest.mark.parametrize(
    "page",
    [
        BUTTON.replace(">Send", " disabled>Send"),
        BUTTON.replace("btn-primary", "btn-primary d-none"),
        f"<div hidden>{BUTTON}</div>",
        f"<fieldset disabled>{BUTTON}</fieldset>",
        f"<template>{BUTTON}</template>",
        '<div class="x d-none"><a href="/">Send</a></div>',
    ],
)
def test_what_nobody_can_press_is_not_pressed(monkeypatch: pytest.MonkeyPatch, page: str) -> None:
    one = reader(monkeypatch, FORM.format(page))
    with pytest.raises(AssertionError, match="nobody can"):
        one.presses("Send")


@pytest.mark.parametrize(
    "field",
    [
        '<input name="why" type="hidden">',
        '<div class="d-none"><input name="why"></div>',
        '<textarea name="why" disabled></textarea>',
    ],
)
def test_what_nobody_can_fill_in_is_not_filled_in(
    monkeypatch: pytest.MonkeyPatch, field: str
) -> None:
    one = reader(monkeypatch, FORM.format(field))
    with pytest.raises(AssertionError, match="nobody can"):
        one.fills(why="Because")
