"""The page on which the initial assessment decides the type."""

from typing import Any

from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from changes import lifecycle
from changes.models import Change, Service
from changes.states import State
from tests import stories
from tests.changes.step_pages import StepPageTests
from tests.people import Cast


class TestAssess(StepPageTests):
    verb = "assess"
    make = stories.submitted
    who = "success"
    refused = ("tester", "customer success team that looks after Harbour Hospitals")
    required = (
        "type",
        "need",
        "likelihood",
        "impact",
        "service_impact",
        "customer_impact",
        "urgency",
    )
    texts = {"need": 5001, "service_impact": 5001, "customer_impact": 5001}
    after = State.BOARD

    def filled_in(self, cast: Cast, change: Change) -> dict[str, Any]:
        return {
            "type": "code",
            "need": "Night staff & porters wait.",
            "likelihood": 3,
            "impact": 4,
            "service_impact": "Space booking, five minutes.",
            "customer_impact": "Nobody at night.",
            "urgency": 2,
        }

    def test_the_type_decides_the_path(self, page: Client, cast: Cast, change: Change) -> None:
        assert self.send(page, cast, change, type="configuration").status_code == 302
        now = Change.objects.get(pk=change.pk)
        assert (now.state, now.type) == (State.REVIEW, "configuration")
        assert now.risk == 3
        assert now.owner == cast.success

    def test_services_can_be_corrected(self, page: Client, cast: Cast, change: Change) -> None:
        service = Service.objects.create(name="Space booking")
        Service.objects.create(name="Gone", is_active=False)
        html = page.get(self.address(change)).content.decode()
        assert "Space booking" in html
        assert "Gone" not in html
        self.send(page, cast, change, services=[service.pk])
        assert list(Change.objects.get(pk=change.pk).services.all()) == [service]

    def test_files_of_the_request_lie_beside_the_form(
        self, page: Client, cast: Cast, change: Change
    ) -> None:
        for name, internal in (("plan.txt", False), ("note.txt", True)):
            lifecycle.attach(
                change,
                actor=cast.support,
                file=SimpleUploadedFile(name, b"Ward 12"),
                content_type="text/plain",
                internal=internal,
            )
        html = page.get(self.address(change)).content.decode()
        for file in change.attachments.all():
            address = reverse("changes:attachment", args=[change.pk, file.pk])
            assert f'href="{address}">{file.name}</a>' in html

    def test_numbers_outside_the_matrix_are_refused(
        self, page: Client, cast: Cast, change: Change
    ) -> None:
        for bad in ("0", "6", "x", "9" * 30):
            assert self.send(page, cast, change, likelihood=bad).status_code == 400
        assert self.is_untouched(change)

    def test_endorsing_as_well_is_both_or_none(
        self, page: Client, cast: Cast, change: Change
    ) -> None:
        both = {"further": "yes", "findings": "Read with the ward.", "type": "configuration"}
        for bad, words in (
            ({"type": "code"}, "Only a configuration change is reviewed"),
            ({"findings": " "}, "This field is required."),
        ):
            answer = self.send(page, cast, change, **{**both, **bad})
            assert answer.status_code == 400 and words in answer.content.decode()
            assert self.is_untouched(change)
        assert self.send(page, cast, change, **both).status_code == 302
        now = Change.objects.get(pk=change.pk)
        assert now.state == State.AUTHORISATION
        assert now.reviews.get().findings == "Read with the ward."
        done = [now.events.get(verb=verb).actor for verb in ("assess", "review")]
        assert done == [cast.success, cast.success]
