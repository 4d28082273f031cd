"""Somebody whose browser runs no scripts: reads pages, fills their forms in, and sends them.

A story needs no browser where a form is a form. What is pressed and filled in is what the page
offers: a button that is not there, a choice that is not offered or a form without its token fails,
as it would fail whoever sits before it.
"""

from typing import Any
from urllib.parse import urljoin

import lxml.html
from django.test import Client
from django.urls import reverse

from accounts.models import User
from changes.models import Change

PRESSED = """//a[@href and normalize-space()=$name]
    | //form//button[normalize-space()=$name or span[normalize-space()=$name]]"""
"""A button may be called one thing or another, by what is chosen above it."""
MAIN_BUTTON = "//main//form//button[@type='submit' and contains(@class, 'btn-primary')]"
OUT_OF_REACH = """ancestor-or-self::*[@disabled or @hidden or self::template or self::noscript
    or contains(concat(' ', @class, ' '), ' d-none ')] | self::input[@type='hidden']"""
GREY_BUTTON = "//button[@aria-disabled='true' and contains(normalize-space(), $name)]"


class Reader:
    """Somebody who goes to pages, fills forms in and presses buttons, without scripts."""

    def __init__(self, user: User) -> None:
        self._client = Client(enforce_csrf_checks=True)
        self._client.force_login(user)
        self._address = "/"
        self._page: Any = None

    def opens(self, place: Change | str) -> "Reader":
        """Go to a change's page, or to an address."""
        address = place if isinstance(place, str) else place.get_absolute_url()
        address = urljoin(self._address, address)
        return self._is_shown(self._client.get(address, follow=True), address)

    def begins(self, verb: str, change: Change) -> "Reader":
        """Open the form of a step, to which Home leads whoever's turn it is."""
        return self.opens(reverse(f"changes:{verb}", args=[change.pk]))

    def presses(self, name: str) -> "Reader":
        """Press the button or follow the link of this name, and see what comes."""
        found = self._page.xpath(PRESSED, name=name)
        assert found, f"nothing is called {name!r} on {self._words()}"
        assert not found[0].xpath(OUT_OF_REACH), f"nobody can press {name!r}"
        return self.opens(found[0].get("href")) if found[0].tag == "a" else self._sends(found[0])

    def fills(self, **fields: Any) -> "Reader":
        """Fill the fields of the form by name: texts, choices, ticks (True, or a list)."""
        for name, value in fields.items():
            field = self._page.xpath("//main//*[@name=$name]", name=name)[0]
            assert not field.xpath(OUT_OF_REACH), f"nobody can fill {name!r} in"
            control = next(field.iterancestors("form")).inputs[name]
            if getattr(control, "checkable", False):
                assert control.get("value") == str(value) or value is True, (name, value)
                control.checked = True
            else:
                control.value = value if isinstance(value, list) else str(value)
        return self

    def sends(self) -> "Reader":
        """Send the form of the page with its main button, and see what comes."""
        return self._sends(self._page.xpath(MAIN_BUTTON)[0])

    def sees(self, *texts: str) -> "Reader":
        """Expect each text on the page."""
        missing = [text for text in texts if text not in self._words()]
        assert not missing, (missing, self._words())
        return self

    def sees_disabled(self, name: str, reason: str) -> "Reader":
        """Expect a grey button of this name, and the reason where the button says it stands."""
        button = self._page.xpath(GREY_BUTTON, name=name)[0]
        why = self._page.get_element_by_id(button.get("aria-describedby"))
        assert reason in why.text_content(), why.text_content()
        return self

    def _sends(self, button: Any) -> "Reader":
        assert button.get("aria-disabled") != "true", button.text_content()
        assert not button.xpath(OUT_OF_REACH), "nobody can send it"
        form = next(button.iterancestors("form"))
        assert form.method == "POST", "a form that asks is none of a story's"
        sent: dict[str, list[str]] = {}
        for name, value in [*form.form_values(), (button.get("name"), button.get("value"))]:
            if name:
                sent.setdefault(name, []).append(value or "")
        address = urljoin(self._address, button.get("formaction") or form.get("action") or "")
        return self._is_shown(self._client.post(address, sent, follow=True), address)

    def _is_shown(self, answer: Any, address: str) -> "Reader":
        """Take what came for the page that is open."""
        self._address = address
        for there, _status in answer.redirect_chain:
            self._address = urljoin(self._address, there)
        self._page = lxml.html.document_fromstring(answer.content.decode())
        assert answer.status_code == 200, (answer.status_code, self._words())
        return self

    def _words(self) -> str:
        return " ".join(self._page.body.text_content().split())
