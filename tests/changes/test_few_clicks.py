"""What a small configuration change costs: presses and texts, counted on the pages themselves.

A press is a link, a button or a choice; a text is a field that has to be typed. Each person goes
from step to step by the link that their last step showed, and fills in what is needed and empty.
"""

from dataclasses import dataclass
from typing import Any

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
        self.led_to = ""

    def fills(self, form: Any, **choices: Any) -> dict[str, Any]:
        """Return the form's data; what is needed and empty is typed or chosen, and counted."""
        data = {}
        for field in form:
            value = field.value()
            if field.name == "executor" and "executor" not in choices:
                continue  # the button says who it is
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
            begun = f"{address}?after={after.reference}"
        else:
            self.count.presses += 1  # New change request, or the template on Home
            begun = f"{address}?template={template.pk}" if template else address
            assert f'href="{begun}"' in self.client.get("/").content.decode()
        form = self.client.get(begun).context["form"]
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
        """Take a step: open it by one link, unless the last one led there; fill in, send.

        It is sent by its second button, if there is. A button may say the outcome itself.
        """
        address = reverse(f"changes:{verb}", args=[change.pk])
        if self.led_to != address:
            self.client.force_login(who)
            self.count.presses += 1
        form = self.client.get(address).context["form"]
        if verb == "authorise":
            self.count.presses -= 1  # to choose and to send is one press
        data = self.fills(form, **choices)
        self.count.presses += 1
        version = Change.objects.get(pk=change.pk).version
        pressed = {"further": "yes"} if further else {}
        answer = self.client.post(address, {**data, **pressed, "seen": version})
        assert answer.status_code == 302, (verb, answer.content.decode())
        self.led_to = answer["Location"]


def from_call_to_documented(
    office: Office, template: ChangeTemplate | None, after: Change | None = None
) -> Count:
    cast, office.count = office.cast, Count()
    change = office.raises(template, after)
    office.takes(cast.success, "assess", change, further=True)
    office.takes(cast.approver, "authorise", change, outcome="authorised")
    office.takes(cast.success, "plan_execution", change, further=True)
    office.takes(cast.success, "start_execution", change, further=True)
    office.takes(cast.success, "document", change)
    done = Change.objects.get(pk=change.pk)
    assert done.state == State.CONFIRMATION
    verbs = (
        "submit assess review authorise plan_execution start_execution record_execution document"
    )
    noted = list(done.events.order_by("pk").values_list("verb", flat=True))
    assert [verb for verb in noted if verb in verbs.split()] == verbs.split()
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
    assert from_call_to_documented(office, None) == Count(presses=13, texts=11)
    assert from_call_to_documented(office, template) == Count(presses=10, texts=3)
    last = Change.objects.latest("pk")
    assert from_call_to_documented(office, template, last) == Count(presses=9, texts=2)
