"""The page on which an attempt to reach a silent requester is written down."""

from typing import Any

from django.test import Client
from django.urls import reverse

from changes import lifecycle
from changes.models import Change, ContactAttempt
from changes.states import State
from tests import stories
from tests.changes.step_pages import StepPageTests
from tests.mailing import last_row, told
from tests.people import Cast


class TestRecordContact(StepPageTests):
    verb = "record_contact"
    make = stories.in_confirmation
    who = "success"
    refused = ("tester", "owner or its customer success team")
    required = ("means", "reached", "note")
    texts = {"note": 2001}
    after = State.CONFIRMATION

    def filled_in(self, cast: Cast, change: Change) -> dict[str, Any]:
        return {"means": "telephone", "reached": "no", "note": "On leave & back in May."}

    def test_takes_the_step_once(self, page: Client, cast: Cast, change: Change) -> None:
        """Every attempt counts, and none makes the requester's open page stale."""
        before = last_row()
        for _time in range(2):
            assert self.send(page, cast, change).status_code == 302
        assert self.is_untouched(change)
        assert ContactAttempt.objects.count() == 2
        assert told(before) == []
        attempt = ContactAttempt.objects.first()
        assert (attempt.by, attempt.reached, attempt.means) == (cast.success, False, "telephone")
        assert attempt.history.get().history_user == cast.success
        html = page.get(change.get_absolute_url()).content.decode()
        assert "On leave &amp; back in May.\nTelephone, not reached, Cleo Success" in html
        lifecycle.answer_confirmation(
            change, actor=cast.requester, confirmed=True, seen=change.version
        )

    def test_customers_do_not_read_it(self, page: Client, cast: Cast, change: Change) -> None:
        self.send(page, cast, change)
        for person in (cast.requester, cast.colleague):
            page.force_login(person)
            assert "back in May" not in page.get(change.get_absolute_url()).content.decode()

    def test_goes_back_to_where_it_was_asked_for(
        self, page: Client, cast: Cast, change: Change
    ) -> None:
        data = {"seen": change.version, **self.filled_in(cast, change)}
        answer = page.post(self.address(change) + "?from=waiting", data)
        assert answer["Location"] == reverse("changes:waiting_answers")
