"""People with a browser each, for stories that are told from page to page."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.urls import reverse

from accounts.models import User
from changes.models import Change
from tests.components.browsing import sign_in
from tests.journeys.keys import Keys
from tests.people import Cast


class Visitor:
    """Somebody at a browser with a keyboard alone: goes to pages, fills forms, presses buttons."""

    def __init__(self, page: Any, sits_down: Callable[[], None]) -> None:
        self.page = page
        self.keys = Keys(page)
        self._sits_down = sits_down

    def opens(self, place: Change | str) -> "Visitor":
        """Go to a change's page, or to an address, in one's own name."""
        self._sits_down()
        self.page.goto(place if isinstance(place, str) else place.get_absolute_url())
        return self

    def begins(self, verb: str, change: Change) -> "Visitor":
        """Open the form of a step, to which Home leads whoever's turn it is."""
        return self.opens(reverse(f"changes:{verb}", args=[change.pk]))

    def presses(self, name: str) -> "Visitor":
        """Press the button or follow the link of this name and wait for what comes."""
        control = self.page.get_by_role("button", name=name, exact=True).or_(
            self.page.get_by_role("link", name=name, exact=True)
        )
        self.keys.press(control.first)
        return self.has_its_answers()

    def uses(self, key: str) -> "Visitor":
        """Press a shortcut that leads to another page."""
        self.page.locator("html[data-whole]").wait_for(state="attached")
        with self.page.expect_navigation():
            self.page.keyboard.press(key)
        return self

    def unfolds(self, selector: str) -> "Visitor":
        """Open what is folded below this summary."""
        self.keys.press(self.page.locator(selector))
        return self

    def has_its_answers(self) -> "Visitor":
        """Wait until nothing that was sent is on its way; the focus is not lost by it."""
        from playwright.sync_api import expect

        self.page.wait_for_load_state()
        expect(self.page.locator("form.htmx-request")).to_have_count(0)
        self.keys.has_not_lost_it()
        return self

    def agrees(self) -> "Visitor":
        """Say yes in the dialogue that asks whether one is sure."""
        with self.page.expect_navigation():
            self.keys.press(self.page.locator("dialog[open] button:not([value=cancel])").last)
        return self

    def means_it(self) -> "Visitor":
        """Say yes where what was pressed asks first and is then sent in the background."""
        self.keys.press(self.page.locator("#confirm-dialog[open] [data-confirm-yes]"))
        return self.has_its_answers()

    def fills(self, **fields: Any) -> "Visitor":
        """Fill the fields of the form by name: texts, choices, ticks (True, or a list)."""
        for name, value in fields.items():
            self._fill(name, value)
        return self

    def _fill(self, name: str, value: Any) -> None:
        field = self.page.locator(f'main [name="{name}"]')
        kind = field.first.evaluate("e => e.tagName === 'SELECT' ? 'select' : e.type")
        if kind == "select":
            self.keys.select(field, str(value))
        elif kind in ("radio", "checkbox"):
            wanted = value if isinstance(value, list) else [value]
            for one in wanted:
                self.keys.choose(self.page.locator(f'main [name="{name}"][value="{one}"]'))
        else:
            self.keys.write(field.first, str(value))

    def writes(self, selector: str, text: str) -> "Visitor":
        """Write into the one field that this names."""
        self.keys.write(self.page.locator(selector), text)
        return self

    def sends(self) -> "Visitor":
        """Send the form of the page with its main button."""
        self.keys.press(self.page.locator("main form button[type=submit].btn-primary").first)
        self.page.wait_for_load_state()
        return self

    def sees(self, *texts: str) -> "Visitor":
        """Expect each text on the page."""
        from playwright.sync_api import expect

        for text in texts:
            expect(self.page.locator("body")).to_contain_text(text)
        return self

    def sees_disabled(self, name: str, reason: str) -> "Visitor":
        """Expect a grey button of this name and the reason beside it."""
        from playwright.sync_api import expect

        button = self.page.get_by_role("button", name=name).first
        expect(button).to_have_attribute("aria-disabled", "true")
        return self.sees(reason)


@pytest.fixture
def cast(transactional_db: None, cast: Cast) -> Cast:
    """The cast, committed, so that the running product sees it."""
    return cast


@pytest.fixture
def visitor(new_page: Any, live_server: Any) -> Iterator[Callable[..., Visitor]]:
    """Give each person one browser: `visitor(cast.support)`, or `visitor(None)` for nobody.

    ``after`` names somebody whose browser a person uses next, who begins by opening a page.
    """
    known: dict[int | None, Visitor] = {}
    sitting: dict[Any, User | None] = {}

    def visit(user: User | None, *, after: Visitor | None = None, **options: Any) -> Visitor:
        key = user.pk if user else None
        if key not in known:
            page = after.page if after else new_page(**options)

            def sits_down() -> None:
                if sitting.get(page) != user:
                    page.context.clear_cookies()
                    if user:
                        sign_in(page, user, live_server)
                    sitting[page] = user

            known[key] = Visitor(page, sits_down)
        return known[key]

    yield visit
