"""What every step's page must do; each step's test file says it for its own step.

A subclass names the step, how to get a change there, who takes it, who is refused and why,
and what is filled in. Its tests then try the page with the wrong person, the wrong
organisation, the wrong state, the wrong method, a page gone stale and bad input.
"""

from collections.abc import Callable
from typing import Any, ClassVar

import pytest
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse
from django.utils.html import escape

from changes import lifecycle
from changes.models import Change
from changes.states import State
from changes.turns import next_step
from tests import stories
from tests.people import Cast
from tests.plainly import plain_words

NUL = "with a\x00NUL"


class StepPageTests:
    """The tests of one step's page."""

    verb: ClassVar[str]
    make: ClassVar[Callable[[Cast], Change]]
    who: ClassVar[str]
    refused: ClassVar[tuple[str, str]]
    """Somebody who sees the change but may not, and words of the reason."""
    required: ClassVar[tuple[str, ...]] = ()
    texts: ClassVar[dict[str, int]] = {}
    """Fields for words, with the length that is too long."""
    after: ClassVar[State]

    def filled_in(self, cast: Cast, change: Change) -> dict[str, Any]:
        """Return what a person fills in."""
        return {}

    # Tools

    @pytest.fixture
    def change(self, cast: Cast) -> Change:
        return type(self).make(cast)

    @pytest.fixture
    def page(self, client: Client, cast: Cast) -> Client:
        """The browser of the person whose step it is."""
        client.force_login(getattr(cast, self.who))
        return client

    def address(self, change: Change) -> str:
        return reverse(f"changes:{self.verb}", args=[change.pk])

    def send(self, client: Client, cast: Cast, change: Change, **other: Any) -> HttpResponse:
        """Send the form as filled in, on a page that showed this version of the change."""
        data = {"seen": change.version, **self.filled_in(cast, change), **other}
        data = {name: value for name, value in data.items() if value is not None}
        return client.post(self.address(change), data)

    def is_untouched(self, change: Change) -> bool:
        now = Change.objects.get(pk=change.pk)
        return (now.state, now.version) == (change.state, change.version)

    def words(self, cast: Cast, change: Change) -> list[str]:
        """What was typed, as it stands in a page."""
        typed = self.filled_in(cast, change)
        return [escape(typed[name]) for name in self.texts]

    # Tests

    def test_shows_the_form(self, page: Client, change: Change) -> None:
        answer = page.get(self.address(change))
        assert answer.status_code == 200
        html = answer.content.decode()
        assert f'name="seen" value="{change.version}"' in html
        assert change.reference in html
        assert change.title in html
        for name in (*self.required, *self.texts):
            assert f'name="{name}"' in html
        assert self.is_untouched(change)
        assert page.put(self.address(change)).status_code == 405
        assert page.delete(self.address(change)).status_code == 405

    def test_refuses_others_with_the_reason(
        self, client: Client, cast: Cast, change: Change
    ) -> None:
        name, reason = self.refused
        client.force_login(getattr(cast, name))
        for answer in (client.get(self.address(change)), self.send(client, cast, change)):
            assert answer.status_code == 403
            assert reason in answer.content.decode()
        for words in self.words(cast, change):
            assert words in answer.content.decode()
        assert self.is_untouched(change)

    def test_does_not_exist_for_strangers(self, client: Client, cast: Cast, change: Change) -> None:
        assert client.get(self.address(change)).status_code == 302
        for stranger in (cast.stranger_customer, cast.stranger_approver):
            client.force_login(stranger)
            assert client.get(self.address(change)).status_code == 404
            assert self.send(client, cast, change).status_code == 404
        missing = reverse(f"changes:{self.verb}", args=[change.pk + 1000])
        assert client.get(missing).status_code == 404
        assert self.is_untouched(change)

    def test_says_when_the_step_does_not_belong_here(
        self, page: Client, cast: Cast, change: Change
    ) -> None:
        ended = stories.withdrawn(cast)
        for answer in (page.get(self.address(ended)), self.send(page, cast, ended)):
            assert answer.status_code == 409
            html = answer.content.decode()
            assert "does not belong here" in html
            assert "withdrew the request" in html
        for words in self.words(cast, change):
            assert words in html

    def test_keeps_what_was_typed_when_the_page_is_stale(
        self, page: Client, cast: Cast, change: Change
    ) -> None:
        moved = lifecycle.assign(change, actor=cast.support, owner=cast.chair)
        answer = self.send(page, cast, change)
        assert answer.status_code == 409
        html = answer.content.decode()
        assert "In the meantime Sam Support assigned an owner." in html
        for words in self.words(cast, change):
            assert words in html
        assert self.is_untouched(moved)
        assert f'name="seen" value="{moved.version}"' in html

    def test_keeps_everything_when_something_is_wrong(
        self, page: Client, cast: Cast, change: Change
    ) -> None:
        for name in self.required:
            answer = self.send(page, cast, change, **{name: None})
            html = answer.content.decode()
            assert answer.status_code == 400, name
            assert f'id="id_{name}_error"' in html
            kept = [text for text in self.texts if text != name]
            for words in (self.filled_in(cast, change)[text] for text in kept):
                assert escape(words) in html
        for name, too_long in self.texts.items():
            for bad in (NUL, "x" * too_long):
                answer = self.send(page, cast, change, **{name: bad})
                assert answer.status_code == 400, name
                assert f'id="id_{name}_error"' in answer.content.decode()
        for seen in ("", "one", None):
            assert self.send(page, cast, change, seen=seen).status_code == 400
        assert self.is_untouched(change)

    def test_takes_the_step_once(self, page: Client, cast: Cast, change: Change) -> None:
        answer = self.send(page, cast, change)
        assert answer.status_code == 302, answer.content.decode()
        assert answer.headers["Location"] == reverse("changes:detail", args=[change.pk])
        now = Change.objects.get(pk=change.pk)
        assert now.state == self.after
        assert now.version == change.version + 1
        event = now.events.filter(verb=self.verb).order_by("-pk").first()
        assert event is not None
        assert event.actor == getattr(cast, self.who)
        shown = page.get(answer.headers["Location"]).content.decode()
        assert 'class="alert alert-success' in shown
        person = getattr(cast, self.who)
        inside = next_step(now).told(person) if person.is_internal else plain_words(now, person)
        assert escape(inside) in shown
        if person.is_internal:
            assert (f"Next: {escape(inside)}" in shown) is not now.is_final
        again = self.send(page, cast, change)
        assert again.status_code == 409
        for words in self.words(cast, change):
            assert words in again.content.decode()
        assert self.is_untouched(now)
