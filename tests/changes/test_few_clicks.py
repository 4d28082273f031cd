"""What a small configuration change costs: presses and texts, counted on the pages themselves.

A press is a link, a button or a choice; a text is a field that has to be typed. Each person goes
from step to step by the link that their last step showed, and fills in what is needed and empty.
"""

from dataclasses import dataclass
from typing import Any

import time_machine
from django.forms import BoundField, CheckboxInput, Textarea, TextInput, URLInput
from django.test import Client
from django.urls import reverse

from accounts.models import User
from changes import lifecycle
from changes.models import Change, ChangeTemplate
from changes.states import State
from expansive_cm.ui.forms import DateTimeLocalInput
from tests.people import Cast

TYPED = (Textarea, TextInput, URLInput, DateTimeLocalInput)
FILLED: dict[str, Any] = {
    "type": "configuration",
    "likelihood": 1,
    "impact": 2,
    "urgency": 2,
    "channel": "phone",
}


@dataclass
class Count:
    presses: int = 0
    texts: int = 0


class Office:
    """Everybody at their browsers, with what they press and type."""

    def __init__(self, client: Client, cast: Cast) -> None:
        self.client, self.cast, self.count = client, cast, Count()

    def fills(self, form: Any, **choices: Any) -> dict[str, Any]:
        """Return the form's data; what is needed and empty is typed or chosen, and counted."""
        data = {}
        for field in form:
            value = field.value()
            if value in (None, "", []) and field.field.required:
                value = self._give(field, {**FILLED, **choices})
            elif field.name in choices and value != choices[field.name]:
                self.count.presses += 1
                value = choices[field.name]
            if isinstance(field.field.widget, CheckboxInput) and not value:
                continue
            if value is not None:
                data[field.name] = getattr(value, "pk", value)
        return data

    def _give(self, field: BoundField, known: dict[str, Any]) -> Any:
        if isinstance(field.field.widget, TYPED):
            self.count.texts += 1
            return known.get(field.name, f"Some words on {field.name}.")
        self.count.presses += 1
        return known[field.name]

    def raises(self, template: ChangeTemplate | None, after: Change | None) -> Change:
        """Support takes a call, or goes on with the next wish of the same caller."""
        self.client.force_login(self.cast.support)
        address = reverse("changes:new")
        if after is not None:  # it was sent with "Submit, and another"
            form = self.client.get(f"{address}?after={after.reference}").context["form"]
        else:
            self.count.presses += 1  # New change request
            form = self.client.get(address).context["form"]
        if template is not None and after is None:
            self.count.presses += 1
            form = self.client.post(
                address, {"use_template": template.pk, "channel": "phone"}
            ).context["form"]
        # The customer is filled in with the requester, who is offered while one types.
        form.fields["organisation"].required = False
        caller = {} if after is not None else {"requester": self.cast.requester.email}
        data = self.fills(form, **caller)
        data["organisation"] = self.cast.harbour.pk
        self.count.presses += 1  # Submit
        answer = self.client.post(address, {**data, "action": "submit"})
        assert answer.status_code == 302, answer.context["form"].errors
        return Change.objects.latest("pk")

    def takes(
        self, who: User, verb: str, change: Change, further: bool = False, **choices: Any
    ) -> None:
        """Take a step: open it by one link, fill in, send; by its second button, if there is."""
        self.client.force_login(who)
        address = reverse(f"changes:{verb}", args=[change.pk])
        form = self.client.get(address).context["form"]
        data = self.fills(form, **choices)
        self.count.presses += 2
        version = Change.objects.get(pk=change.pk).version
        pressed = {"further": "yes"} if further else {}
        answer = self.client.post(address, {**data, **pressed, "seen": version})
        assert answer.status_code == 302, (verb, answer.content.decode())


def from_call_to_documented(
    office: Office, template: ChangeTemplate | None, after: Change | None = None
) -> Count:
    cast, office.count = office.cast, Count()
    change = office.raises(template, after)
    office.takes(cast.success, "assess", change, further=True)
    office.takes(cast.approver, "authorise", change, outcome="authorised")
    office.takes(cast.success, "plan_execution", change, executor=cast.support.pk)
    with time_machine.travel(Change.objects.get(pk=change.pk).execution.window_start):
        office.takes(cast.support, "start_execution", change, further=True)
    office.takes(cast.success, "document", change)
    assert Change.objects.get(pk=change.pk).state == State.CONFIRMATION
    return office.count


def test_a_template_takes_most_of_the_work_away(client: Client, cast: Cast) -> None:
    office = Office(client, cast)
    template = lifecycle.save_template(
        None,
        actor=cast.success,
        name="Flag",
        purpose="Flags.",
        title="Switch on the night mode",
        description="For the wards.",
        type="configuration",
        need="They asked.",
        likelihood=1,
        impact=2,
        urgency=2,
        service_impact="None.",
        customer_impact="Night staff.",
        steps="1. Switch it on.",
        rollback_plan="Switch it off.",
        system="Success desk",
    )
    assert from_call_to_documented(office, None) == Count(presses=17, texts=11)
    assert from_call_to_documented(office, template) == Count(presses=14, texts=3)
    last = Change.objects.latest("pk")
    assert from_call_to_documented(office, template, last) == Count(presses=12, texts=2)
