"""Count the presses and typed texts that small configuration changes cost, in the browser.

    make clicks

takes one change, the next of its kind, and twelve, from a template until they are documented, the
way that each role finds on its pages, and prints a table. It is no test and belongs to no run: it
takes some minutes. A press is a link, a button, a tick or a choice; a text is a field that somebody
has to type; the tab key that leaves a field, and takes the person that is offered there, belongs to
typing. Everybody's own page is open in front of them when it is their turn. The customer success
team carries out one change itself, as it is planned; support carries out many.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
import time_machine

from accounts.models import User
from changes import lifecycle, tasks
from changes.models import Change, ChangeTemplate
from changes.states import State
from tests import standards
from tests.components.browsing import sign_in
from tests.people import Cast

CONTENT = {
    "title": "Switch on the night mode",
    "description": "For the wards.",
    "steps": "1. Switch it on.",
    "system": "Success desk",
}
NEEDED = """form => [...form.elements].filter(e => e.required && !e.value && e.offsetParent
  && ["text", "textarea", "url", "datetime-local"].includes(e.type)).map(e => e.name)"""
BULK: dict[str, dict[str, Any]] = {
    "assess": {},
    "document": {},
    "authorise": {"outcome": "authorised"},
    "plan_execution": {},
    "execute": {},
}
"""What is done to many at once: what is chosen on its page."""
WAITS = {"execute": "start_execution"}
FURTHER = {
    "assess": "Assess and endorse",
    "plan_execution": "I carry it out now",
    "start_execution": "It is carried out",
}
"""Steps that are sent by the second button of their form, which takes the next step as well."""


@dataclass
class Tally:
    """What each step has cost so far: presses and texts."""

    steps: dict[str, list[int]] = field(default_factory=dict)

    def add(self, step: str, *, presses: int = 0, texts: int = 0) -> None:
        cost = self.steps.setdefault(step, [0, 0])
        cost[0] += presses
        cost[1] += texts

    @property
    def total(self) -> tuple[int, int]:
        return sum(one[0] for one in self.steps.values()), sum(
            one[1] for one in self.steps.values()
        )


class Office:
    """Everybody at one browser in turn, with what they press and type."""

    def __init__(self, page: Any, server: Any, tally: Tally) -> None:
        self.page, self.server, self.tally = page, server, tally
        self.step = ""

    def sits(self, who: User) -> None:
        """Somebody's own page is open in front of them."""
        self.page.context.clear_cookies()
        sign_in(self.page, who, self.server)
        self.page.goto("/")

    def presses(self, control: Any) -> None:
        control.click()
        self.tally.add(self.step, presses=1)

    def types(self, control: Any, words: str) -> None:
        control.fill(words)
        self.tally.add(self.step, texts=1)

    def goes(self, control: Any) -> None:
        """Press what leads to another page."""
        with self.page.expect_navigation():
            self.presses(control)

    def chooses(self, name: str, value: Any) -> None:
        """Choose a card or an entry, unless it is chosen already."""
        control = self.page.locator(f'main [name="{name}"]')
        if control.first.evaluate("e => e.tagName") == "SELECT":
            if control.input_value() != str(value):
                control.select_option(str(value))
                self.tally.add(self.step, presses=1)
            return
        card = self.page.locator(f'main [name="{name}"][value="{value}"]')
        if not card.is_checked():
            self.presses(card.locator("xpath=ancestor::label[1]"))

    def completes(self, **choices: Any) -> None:
        """Choose, and type into what is needed and empty."""
        for name, value in choices.items():
            self.chooses(name, value)
        form = self.page.locator("main form[method=post]:has([required])")
        for name in form.first.evaluate(NEEDED) if form.count() else ():
            self.types(self.page.locator(f'main [name="{name}"]'), f"Some words on {name}.")

    def sends(self, verb: str) -> None:
        buttons = self.page.locator("main form button[type=submit]")
        onward = buttons.and_(self.page.locator("[name=next]"))
        if onward.count():
            self.goes(onward)
        elif (further := buttons.filter(has_text=FURTHER.get(verb, "-"))).count():
            self.goes(further)
        else:
            self.goes(buttons.and_(self.page.locator(".btn-primary")).first)

    # The steps

    def raises(self, template: ChangeTemplate, caller: User, number: int) -> None:
        """Support writes down one wish, or several of the same caller."""
        self.step = "request"
        self.goes(self.page.locator(".begin-with").get_by_role("link", name=template.name))
        self.types(self.page.locator("#id_requester"), "")
        self.page.locator("#id_requester").press_sequentially(caller.display_name[:5], delay=20)
        self.page.get_by_role("option", name=caller.display_name, selected=True).wait_for()
        self.page.keyboard.press("Tab")
        for left in reversed(range(number)):
            self.completes()
            name = "Submit, and another" if left else "Submit"
            self.goes(self.page.get_by_role("button", name=name, exact=True).first)

    def takes(self, verb: str, number: int, **choices: Any) -> None:
        """Take a step on each of the changes that wait for it, from one to the next."""
        self.step = verb
        for _each in range(number):
            # What the last step offered as next: on its page, or of another change; else Home.
            found = self.page.locator(f'main a[href*="/{verb}/"]:visible, [data-onward]')
            wanted = [one for one in found.all() if f"/{verb}/" in one.get_attribute("href")]
            is_there = f"/{verb}/" in self.page.url
            if not wanted and not is_there:
                self.page.goto("/")
                wanted = self.page.locator(f'main a[href*="/{verb}/"]:visible').all()
            if not is_there:
                self.goes(wanted[0])
            self.completes(**choices)
            self.sends(verb)

    def takes_all(self, verb: str, number: int, **more: Any) -> None:
        """Take a step on all that wait for it at once, from Home."""
        choices = {**BULK[verb], **more}
        if number == 1:
            return self.takes(verb, 1, **({} if verb == "authorise" else choices))
        self.step = verb
        self.page.goto("/")
        group = self.page.locator(f'.work-group:has(a[href*="/{WAITS.get(verb, verb)}/"])')
        self.goes(group.get_by_role("link", name="All at once"))
        self.completes(**choices)
        self.sends(verb)
        tasks.carry_on_acts()
        return None


@contextmanager
def when_planned(change: Change) -> Iterator[None]:
    """Let it be the time for which the executions are planned."""
    plan = Change.objects.get(pk=change.pk).execution
    with time_machine.travel(plan.window_start):
        yield


def count(office: Office, cast: Cast, template: ChangeTemplate, number: int) -> Tally:
    """Take so many changes from the template to documented; returns what it cost."""
    office.tally = Tally()
    office.sits(cast.support)
    office.raises(template, cast.requester, number)
    office.sits(cast.success)
    office.takes_all("assess", number)
    last = Change.objects.latest("pk")
    if last.state == State.AUTHORISATION:
        office.sits(cast.approver)
        office.takes_all("authorise", number)
        office.sits(cast.success)
    if number == 1:
        office.takes("plan_execution", 1)
        office.takes("start_execution", 1)
        office.takes("document", 1)
    else:
        office.takes_all("plan_execution", number, executor=cast.support.pk)
        with when_planned(last):
            office.sits(cast.support)
            office.takes_all("execute", number)
            office.sits(cast.success)
            office.takes_all("document", number)
    done = Change.objects.order_by("-pk").values_list("state", flat=True)[:number]
    assert set(done) == {State.CONFIRMATION}, list(done)
    return office.tally


@pytest.mark.parametrize("way", ["template", "standard"])
def test_what_small_changes_cost(
    transactional_db: None, cast: Cast, new_page: Any, live_server: Any, capsys: Any, way: str
) -> None:
    if way == "standard":
        template = standards.approved(cast, **CONTENT).template
    else:
        content = {**standards.CONTENT, **CONTENT}
        template = lifecycle.save_template(
            None, actor=cast.success, name="Night mode", purpose="On.", **content
        )
    office = Office(new_page(), live_server, Tally())
    numbers = {"first": 1, "next": 1, "twelve": 12}
    tallies = {name: count(office, cast, template, many) for name, many in numbers.items()}
    with capsys.disabled():
        print(table(way, tallies))


def table(way: str, tallies: dict[str, Tally]) -> str:
    """Return the costs as lines: each step, then all of them together."""
    lines = [f"\n{way:<20}" + "".join(f"{name:>8} presses  texts" for name in tallies)]
    for step in dict.fromkeys(step for one in tallies.values() for step in one.steps):
        costs = [one.steps.get(step, [0, 0]) for one in tallies.values()]
        lines.append(f"{step:<20}" + "".join(f"{a:>16} {b:>6}" for a, b in costs))
    totals = [one.total for one in tallies.values()]
    lines.append(f"{'all':<20}" + "".join(f"{a:>16} {b:>6}" for a, b in totals))
    return "\n".join(lines)
