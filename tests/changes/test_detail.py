"""The page of a change: the whole story, what comes next, and who may do it."""

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from django.utils.html import escape

from changes import lifecycle, queries
from changes.models import Change, Notice, Service
from changes.process import STEPS
from changes.states import State
from changes.templatetags.change_ui import state_words
from changes.views.detail import offers, step_url
from expansive_cm.ui.icons import ICONS
from tests import stories
from tests.changes.test_permission_matrix import MATRIX, in_each_state
from tests.changes.test_story import code_with_everything, configuration_with_everything
from tests.people import Cast, person
from tests.plainly import plain_words
from tests.situations import seat_everybody

S = State
TECHNICAL = {
    S.RISK_ASSESSMENT: ("Unsupervised bookings.", "Alerts to security staff."),
    S.TESTING: ("git.expansive.example",),
    S.DEPLOYMENT: ("All green.", "Clean.", "git.expansive.example"),
    S.EXECUTION: ("Set the hours back",),
    S.CONFIRMATION: ("SD-77",),
}
"""What is written down for colleagues, by the state in which it has been."""


def page_for(client: Client, person: Any, change: Change) -> str:
    client.force_login(person)
    answer = client.get(change.get_absolute_url())
    assert answer.status_code == 200
    return answer.content.decode()


WHAT_IS_NEXT = {
    S.SUBMITTED: ("Assess the request", "Care team", "Cleo Success"),
    S.REVIEW: ("Review the request", "", "Cleo Success"),
    S.AUTHORISATION: ("Authorise the change", "approvers of Harbour", "Ada Approver"),
    S.EXECUTION: ("Plan the execution", "", "Cleo Success"),
    S.ROLLED_BACK: ("Plan the execution again", "", "Cleo Success"),
    S.DOCUMENTATION: ("Log the change", "", "Cleo Success"),
    S.BOARD: ("decides at its next meeting", "CRB member", "Max Member"),
    S.INFORMATION_REQUIRED: ("Answer the board", "", "Grace Requester"),
    S.REQUIREMENTS: ("Define the requirements", "Developer", "Dan Developer"),
    S.RISK_ASSESSMENT: ("Assess the security risks", "Developer", "Dan Developer"),
    S.DEVELOPMENT: ("Build the change", "Developer", "Dan Developer"),
    S.TESTING: ("Still to pass: functional, security, regression", "Tester", "Tess Tester"),
    S.DEPLOYMENT: ("Choose the release", "Release manager", "Rita Release"),
    S.CONFIRMATION: ("Say whether the change meets the need", "", "Grace Requester"),
    S.NOT_CONFIRMED: ("Rework what was agreed", "", "Cleo Success"),
    S.CLOSED: ("confirmed that the change meets the need. It is closed.",),
    S.REFUSED: ("The customer success team refused the request on",),
    S.REJECTED: ("The Change Request Board decided on", "not to go ahead."),
    S.WITHDRAWN: ("The request was withdrawn on",),
}
"""What is said of what happens next, and by whom, to everybody inside."""


@pytest.mark.parametrize("state", list(State))
def test_every_state_and_what_is_next_is_told(client: Client, cast: Cast, state: State) -> None:
    change = stories.change_in(state, cast)
    seat_everybody()
    readers = [cast.support] if state == S.DRAFT else [cast.success, cast.requester, cast.auditor]
    for reader in readers:
        html = page_for(client, reader, change)
        assert change.reference in html
        assert state_words(state, plain=reader == cast.requester) in html
        assert "extend the booking hours" in html
        if reader == cast.requester:
            assert escape(plain_words(change, reader)) in html
        if reader == cast.auditor:
            card = html.split('id="next-title"')[1].split('id="facts-title"')[0]
            for words in WHAT_IS_NEXT[state]:
                assert words in card
    assert client.post(change.get_absolute_url()).status_code == 405


def failed_in_testing(cast: Cast) -> tuple[Change, str, str]:
    change = lifecycle.record_test(
        stories.in_testing(cast),
        actor=cast.tester,
        kind="security",
        result="failed",
        evidence="A door stands open.",
    )
    return change, "a test failed", "A door stands open."


def release_undone(cast: Cast) -> tuple[Change, str, str]:
    change = stories.deployed(cast, outcome="rolled_back")
    return change, "it was rolled back", change.events.get(verb="record_deployment").reason


def returned_by_the_reviewer(cast: Cast) -> tuple[Change, str, str]:
    change = lifecycle.peer_review(
        stories.developed(stories.in_development(cast), cast),
        actor=cast.peer_reviewer,
        outcome="changes_requested",
        findings="The night shift is missing.",
    )
    return change, "Rework what the reviewer found", "The night shift is missing."


def reworked(cast: Cast) -> tuple[Change, str, str]:
    change = lifecycle.answer_confirmation(
        stories.deployed(cast), actor=cast.requester, confirmed=False, reason="Not on Sundays."
    )
    change = lifecycle.rework(change, actor=cast.success, reason="Sundays were agreed.")
    return change, "Rework what was agreed", "Sundays were agreed."


@pytest.mark.parametrize(
    "sent_back", [failed_in_testing, release_undone, returned_by_the_reviewer, reworked]
)
def test_who_builds_a_change_again_reads_why(
    client: Client, cast: Cast, sent_back: Callable[[Cast], tuple[Change, str, str]]
) -> None:
    change, sentence, reason = sent_back(cast)
    html = page_for(client, cast.developer, change)
    card = html.split('id="next-title"')[1].split('id="facts-title"')[0]
    assert reason
    assert sentence in card
    assert escape(reason) in card


def test_buttons_for_those_who_may_and_reasons_for_those_who_may_not(
    client: Client, cast: Cast
) -> None:
    change = stories.in_authorisation(cast)
    address = reverse("changes:authorise", args=[change.pk])
    mine = page_for(client, cast.approver, change)
    assert f'<a class="btn btn-primary" href="{address}">' in mine
    assert "Your turn" in mine
    theirs = page_for(client, cast.success, change)
    assert f'href="{address}"' not in theirs
    assert "This is for an authorised approver of Harbour Hospitals." in theirs
    assert "Your turn" not in theirs


def test_the_next_step_is_the_prominent_one(client: Client, cast: Cast) -> None:
    change = stories.deployment_planned(stories.in_deployment(cast), cast)
    html = page_for(client, cast.release_manager, change)
    start = reverse("changes:start_deployment", args=[change.pk])
    plan = reverse("changes:plan_deployment", args=[change.pk])
    assert f'<a class="btn btn-primary" href="{start}">' in html
    assert f'<a class="btn" href="{plan}">' in html
    gate = html.split('class="gate"')[1].split("</ul>")[0]
    assert gate.count("check-done") == 9


def test_strangers_find_nothing(client: Client, cast: Cast) -> None:
    change = stories.closed(cast)
    assert client.get(change.get_absolute_url()).status_code == 302
    for stranger in (cast.stranger_customer, cast.stranger_approver, cast.nobody):
        client.force_login(stranger)
        missing = client.get(f"/changes/CR-{change.pk + 1000:06d}/")
        theirs = client.get(change.get_absolute_url())
        assert theirs.status_code == missing.status_code == 404
        assert theirs.content == missing.content or b"Harbour" not in theirs.content
    draft = stories.draft(cast)
    client.force_login(cast.success)
    assert client.get(draft.get_absolute_url()).status_code == 404


@pytest.mark.parametrize(
    "address",
    ["/changes/CR-1/", "/changes/CR-0000001/", "/changes/cr-000001/", "/changes/CR-999999999999/"],
)
def test_a_change_has_one_address(client: Client, cast: Cast, address: str) -> None:
    client.force_login(cast.support)
    assert client.get(address).status_code == 404


# What a customer does not read ------------------------------------------------------------------


@pytest.mark.parametrize("state", list(TECHNICAL))
def test_customers_do_not_read_what_is_for_colleagues(
    client: Client, cast: Cast, state: State
) -> None:
    makers = {
        S.RISK_ASSESSMENT: stories.risk_assessed,
        S.EXECUTION: lambda cast: stories.plan(stories.in_execution(cast), cast),
    }
    change = makers.get(state, stories.MAKERS[state])(cast)
    inside, outside = (page_for(client, one, change) for one in (cast.success, cast.requester))
    for words in TECHNICAL[state]:
        assert words in inside
        assert words not in outside


def test_internal_notes_are_nowhere_for_customers(client: Client, cast: Cast) -> None:
    change = stories.in_review(cast)
    lifecycle.comment(change, actor=cast.success, body="They are late payers.", internal=True)
    assert "Added an internal note" in page_for(client, cast.success, change)
    for customer in (cast.requester, cast.colleague, cast.approver):
        html = page_for(client, customer, change)
        assert "late payers" not in html
        assert "internal note" not in html


def test_questions_to_colleagues_are_not_for_customers(client: Client, cast: Cast) -> None:
    questions = [("How many rooms?", cast.requester), ("Is it worth it?", cast.developer)]
    change = stories.decided(
        stories.on_board(cast), cast, "information_required", questions=questions
    )
    html = page_for(client, cast.requester, change)
    assert "How many rooms?" in html
    assert "Is it worth it?" not in html
    assert "Is it worth it?" in page_for(client, cast.success, change)


def test_a_link_to_another_customers_change_is_not_told(client: Client, cast: Cast) -> None:
    change = stories.in_review(cast)
    other = lifecycle.save_draft(
        None,
        actor=cast.support,
        title="Tills in Meridian's shops",
        description="Faster.",
        organisation=cast.meridian,
        requester=cast.stranger_customer,
        channel="phone",
    )
    other = lifecycle.submit(other, actor=cast.support)
    lifecycle.link(change, actor=cast.support, other=other, kind="conflicts_with")
    assert other.reference in page_for(client, cast.success, change)
    html = page_for(client, cast.requester, change)
    assert other.reference not in html
    assert "Meridian" not in html


def test_customers_see_only_their_own_people_as_those_who_act(client: Client, cast: Cast) -> None:
    html = page_for(client, cast.requester, stories.in_testing(cast))
    card = html.split('id="next-title"')[1].split('id="facts-title"')[0]
    assert "Tess Tester" not in card
    assert "Ada Approver" in page_for(client, cast.requester, stories.in_authorisation(cast))


# The story ----------------------------------------------------------------------------------------


def test_earlier_rounds_are_kept_and_marked(client: Client, cast: Cast) -> None:
    html = page_for(client, cast.success, configuration_with_everything(cast))
    assert "Round 1" in html
    assert "Round 2" in html
    assert "2 earlier records, kept but no longer counting" in html
    assert "Not on Sundays." in html


def test_what_people_wrote_cannot_run(client: Client, cast: Cast) -> None:
    evil = "<script>alert(1)</script>"
    change = stories.submitted(cast, title=f"Title {evil}", description=f"Text {evil} **bold**")
    change = lifecycle.assess(
        change, actor=cast.success, type="code", **{**stories.ASSESSMENT, "need": evil}
    )
    html = page_for(client, cast.success, change)
    assert evil not in html
    assert "<strong>bold</strong>" in html


def test_an_overdue_promise_is_marked(client: Client, cast: Cast) -> None:
    change = stories.in_requirements(cast)
    assert "Overdue" not in page_for(client, cast.requester, change)
    yesterday = timezone.localdate() - timezone.timedelta(days=1)
    Change.objects.filter(pk=change.pk).update(due_on=yesterday)
    assert "Overdue" in page_for(client, cast.requester, change)


def test_every_step_of_the_process_has_an_icon_and_a_page(cast: Cast) -> None:
    change = Change(pk=1)
    assert {step.icon for step in STEPS} <= ICONS
    for step in STEPS:
        assert step_url(step, change), step.verb


@pytest.mark.xdist_group("everywhere")
def test_the_page_leads_to_every_step_for_whoever_may_take_it(cast: Cast) -> None:
    for state, change in in_each_state(cast, but_draft=True).items():
        story = queries.with_story(Change.objects.all()).get(pk=change.pk)
        verbs = {verb: who for verb, (who, states) in MATRIX.items() if state in states}
        for name in set().union(*verbs.values()):
            led = {one.step.verb for one in offers(cast.people[name], story) if one.decision}
            assert led == {verb for verb, who in verbs.items() if name in who}, (state, name)


# How many queries ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("make", "counts"),
    [
        (configuration_with_everything, {"success": 8, "requester": 7}),
        (code_with_everything, {"success": 8, "requester": 7, "auditor": 7}),
    ],
)
def test_a_long_story_costs_no_more_queries(
    client: Client,
    cast: Cast,
    django_assert_num_queries: Any,
    make: Callable[[Cast], Change],
    counts: dict[str, int],
) -> None:
    change = make(cast)
    for numbers in ([0], [1, 2]):
        repeated(change, cast, numbers)
        for name, count in counts.items():
            client.force_login(getattr(cast, name))
            client.get(change.get_absolute_url())
            Notice.objects.update(read_at=timezone.now())  # else it is noted that they were read
            with django_assert_num_queries(count, info=f"{name}, {numbers}"):
                assert client.get(change.get_absolute_url()).status_code == 200


def repeated(change: Change, cast: Cast, numbers: list[int]) -> None:
    """Give the change services, comments, watchers, links and further records, one for each."""
    for number in numbers:
        change.services.add(Service.objects.create(name=f"Service {number}"))
        lifecycle.label(change, actor=cast.support, name=f"Label {number}")
        lifecycle.comment(change, actor=cast.requester, body="How is it going?")
        lifecycle.comment(change, actor=cast.success, body="Well.", internal=True)
        watcher = person(f"Watcher {number}", organisation=cast.harbour)
        lifecycle.watch(change, actor=watcher)
        other = stories.submitted(cast, title=f"Other {number}")
        lifecycle.link(change, actor=cast.support, other=other, kind="conflicts_with")
        lifecycle.resend_confirmation(change, actor=cast.support)
        for relation in ("executions", "developments", "staging_tests", "deployments"):
            again(change, relation)


def again(change: Change, relation: str) -> None:
    """Copy the newest record of a kind, if there is one, as a further one."""
    record = getattr(change, relation).first()
    if record is not None:
        record.pk, record._state.adding = None, True
        record.save()


def test_a_customer_whose_turn_it_is_reads_what_to_do(client: Client, cast: Cast) -> None:
    change = stories.change_in(S.AUTHORISATION, cast)
    html = page_for(client, cast.approver, change)
    assert "Authorise the change, or refuse it." in html
    assert plain_words(change, cast.approver) in html
    assert "Authorise the change, or refuse it." not in page_for(client, cast.requester, change)


@pytest.mark.parametrize("state", [S.CONFIRMATION, S.NOT_CONFIRMED])
def test_only_the_requester_is_spoken_to_as_such(client: Client, cast: Cast, state: State) -> None:
    change = stories.change_in(state, cast)
    for address in (change.get_absolute_url(), "/", "/changes/"):
        client.force_login(cast.requester)
        words = plain_words(change, cast.requester)
        assert words in client.get(address).content.decode()
        client.force_login(cast.colleague)
        html = client.get(address).content.decode()
        assert plain_words(change, cast.colleague) in html
        assert "Grace Requester" in html
        assert "you told us" not in html
        assert "your needs" not in html


def test_every_tab_that_somebody_is_offered_opens_for_them(client: Client, cast: Cast) -> None:
    change = stories.change_in(S.CONFIRMATION, cast)
    offered = {}
    for name, reader in cast.people.items():
        client.force_login(reader)
        answer = client.get(change.get_absolute_url())
        if answer.status_code == 200:
            tabs = answer.context["tabs"]
            offered[name] = [str(tab.label) for tab in tabs]
            others = {tab.url for tab in tabs} - {change.get_absolute_url()}
            refused = [url for url in others if client.get(url).status_code != 200]
            assert not refused, name
    assert offered["requester"] == ["Story"]
    assert offered["auditor"] == offered["support"] == ["Story", "Mail", "History"]
