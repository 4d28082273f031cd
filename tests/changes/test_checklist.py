"""The checklist of a template, and the copy of it that each change is executed with. Costs 3 s."""

from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from accounts.models import User
from changes import checklists, lifecycle, standard, story
from changes.models import Change, ChecklistItem, Execution
from changes.views import as_file
from changes.views.checklist import checklist_for
from expansive_cm.workflow.errors import StepIncomplete
from tests import standards, stories
from tests.people import Cast

TEXT = "1. Canary backup is made (Required)\n\n- Ward is told\n* It answers again (required)"
WORDS = ["Canary backup is made", "Ward is told", "It answers again"]


@pytest.fixture
def change(cast: Cast) -> Change:
    """A standard change with a checklist, planned by success, with support as executor."""
    approved = standards.approved(cast, checklist=TEXT)
    used = standards.endorsed(standards.in_review(cast, approved), cast)
    assert used.state == "execution", standard.why_the_normal_way(used)
    planned = stories.plan(used, cast, **standards.PLAN)
    return Change.objects.get(pk=planned.pk)


def signed_in(person: User) -> Client:
    client = Client()
    client.force_login(person)
    return client


def page_of(person: User, change: Change, verb: str = "") -> str:
    address = change.get_absolute_url() + (f"{verb}/" if verb else "")
    return signed_in(person).get(address).content.decode()


def tick(person: User, change: Change, item: Any, done: str = "yes", page: str = "") -> Any:
    data = {"item": getattr(item, "pk", item), "done": done, "page": page}
    return signed_in(person).post(f"{change.get_absolute_url()}tick_item/", data)


def test_a_change_has_a_copy_of_its_own_that_is_ticked(cast: Cast, change: Change) -> None:
    """Before it begins, while it runs and until it is documented, by who works on it."""
    backup, ward, answers = change.checklist_items.all()
    assert [one.text for one in (backup, ward, answers)] == WORDS
    assert [one.is_required for one in (backup, ward, answers)] == [True, False, True]
    standards.edited(change.template, cast, checklist="Something else")
    assert "0 of 3 ticked" in page_of(cast.success, change)

    answer = tick(cast.success, change, backup, page="start_execution")
    assert answer.url == f"{change.get_absolute_url()}start_execution/#check-{backup.pk}"
    again = tick(cast.support, change, backup)
    assert again.url == f"{change.get_absolute_url()}#check-{backup.pk}"
    backup.refresh_from_db()
    assert backup.ticked_by == cast.success, "who ticked it first has ticked it"
    html = page_of(cast.support, change)
    assert "1 of 3 ticked" in html and "Cleo Success" in html
    seen = change.version
    change = lifecycle.start_execution(change, actor=cast.support, reason="Early.", seen=seen)
    html = page_of(cast.support, change, "record_execution")
    assert "Needed before it can be recorded as done: <strong>It answers again</strong>." in html
    assert "2 entries are open." in html

    form = {"outcome": "succeeded", "notes": "What I typed", "seen": change.version}
    address = f"{change.get_absolute_url()}record_execution/"
    refused = signed_in(cast.support).post(address, form)
    words = "Required on the checklist, and not ticked yet: It answers again."
    assert refused.status_code == 400 and words in refused.content.decode()
    assert 'id="id_outcome_error"' in refused.content.decode()
    assert "What I typed" in refused.content.decode()
    with pytest.raises(StepIncomplete, match="not ticked yet: It answers again"):
        lifecycle.execute(change, actor=cast.support, notes="All at once.")
    shown = signed_in(cast.support).post(
        f"{change.get_absolute_url()}tick_item/",
        {"item": answers.pk, "done": "yes", "page": "record_execution"},
        headers={"HX-Request": "true"},
    )
    html = shown.content.decode()
    assert "2 of 3 ticked" in html and "1 entry is open." in html
    assert signed_in(cast.support).post(address, form).status_code == 302, "no page became stale"

    tick(cast.success, change, backup, "no")
    told = list(ChecklistItem.history.order_by("history_id").values_list("history_change_reason"))
    assert [words for (words,) in told[-3:]] == [
        "ticked “Canary backup is made” on the checklist",
        "ticked “It answers again” on the checklist",
        "took back the tick of “Canary backup is made”",
    ]
    html = page_of(cast.success, change, "document")
    assert "2 entries are open." in html and "Needed before" not in html
    html = signed_in(cast.auditor).get(f"{change.get_absolute_url()}history/").content.decode()
    assert "took back the tick of “Canary backup is made”" in html
    documented = lifecycle.document(
        change, actor=cast.success, system="Desk", reference="1", summary="Done."
    )
    assert tick(cast.success, documented, backup).status_code == 409


def test_who_reads_it_and_who_does_not(cast: Cast, change: Change) -> None:
    ward = change.checklist_items.get(text="Ward is told")
    other = stories.in_execution(cast)
    for wrong in ("0", "-1", "x", "", "9" * 30):
        assert tick(cast.success, change, wrong).status_code in (400, 409), wrong
    assert tick(cast.success, other, ward).status_code == 409
    assert tick(cast.success, change, ward, "perhaps").status_code == 400
    assert tick(cast.success, change, ward, page="admin").status_code == 400
    lifecycle.tick_item(change, actor=cast.success, item=ward.pk, done=True)
    for person in (cast.requester, cast.approver, cast.auditor, cast.stranger_success):
        assert tick(person, change, ward, "no").status_code in (403, 404), person
    for name, person in cast.people.items():
        found = checklist_for(person, change)
        assert (found is not None) == (person.is_internal and name != "nobody"), name
        assert found is None or found.may_tick == (name in ("success", "support")), name
    ward.refresh_from_db()
    assert ward.is_ticked
    for person in (cast.requester, cast.auditor):
        html = page_of(person, change)
        assert ("Canary backup" in html) == person.is_internal
        assert 'name="item"' not in html
        whole = story.load(person, change.pk, with_talk=True)
        told = str(as_file.in_words(whole, person, timezone.now()))
        assert ("Canary backup is made (required)" in told) == person.is_internal
        assert ("Ward is told, Cleo Success" in told) == person.is_internal
        sent = signed_in(person).get("/changes/export/")
        rows = b"".join(sent.streaming_content).decode()
        assert ("1 of 3" in rows) == ("Checklist" in rows) == person.is_internal


def test_what_was_checked_counts_for_its_round(cast: Cast, change: Change) -> None:
    """A rollback needs no tick, and what is done again is checked again."""
    first = change.checklist_items.first()
    lifecycle.tick_item(change, actor=cast.support, item=first.pk, done=True)
    change = stories.started(change, cast)
    change = lifecycle.record_execution(
        change, actor=cast.support, outcome=Execution.Outcome.ROLLED_BACK, notes="It did not."
    )
    assert "1 of 3 ticked" in page_of(cast.success, change)
    change = lifecycle.ask_authorisation(change, actor=cast.success, reason="Otherwise.")
    assert "0 of 3 ticked" in page_of(cast.success, change)


def test_it_is_part_of_what_is_approved(cast: Cast) -> None:
    plain = standards.approved(cast)
    assert "checklist" not in plain.content, "what was approved without one stays as it is"
    one = standards.approved(cast, name="Other", checklist=TEXT)
    assert dict(standard.in_words(one))["Checklist"] == TEXT
    change = standards.in_review(cast, one)
    assert standard.differences(change, one.content) == []
    assert standard.differences(change, plain.content) == ["checklist"]
    standards.edited(one.template, cast, checklist=f"{TEXT}\nMore")
    one.refresh_from_db()
    assert one.ending == "edited"


def test_a_template_takes_a_list_that_people_work_with(cast: Cast, change: Change) -> None:
    """Made from a change that has one; too long a list, or an entry, is refused."""
    address = f"/templates/new/?from={change.reference}"
    html = signed_in(cast.success).get(address).content.decode()
    assert "Canary backup is made (required)\nWard is told\nIt answers again (required)" in html
    for bad, words in (("x" * 201, "is too long"), ("x\n" * 51, "These are 51 entries")):
        data = {"name": "New", "purpose": "New.", "checklist": bad}
        answer = signed_in(cast.success).post("/templates/new/", data)
        assert answer.status_code == 400
        assert words in answer.content.decode(), words
        assert 'id="id_checklist_error"' in answer.content.decode()
    assert checklists.entries("(required)\n - \n3. ") == []
    long = "\n".join("y" * 200 for _line in range(50))
    assert len(checklists.entries(long)) == 50 and not checklists.fault(long)


def test_it_goes_where_its_template_goes(cast: Cast, change: Change) -> None:
    """Along with a copy as new, once that is sent; not to another customer."""
    copied = lifecycle.copy_as_new(change, actor=cast.support)
    assert not copied.checklist_items.exists()
    sent = lifecycle.submit(copied, actor=cast.support)
    assert [one.text for one in sent.checklist_items.all()] == WORDS
    lifecycle.correct_customer(
        sent,
        actor=cast.support,
        organisation=cast.meridian,
        requester=cast.stranger_customer,
        reason="Wrong customer.",
    )
    assert not sent.checklist_items.exists()
    assert ChecklistItem.history.filter(change=sent, history_type="-").count() == 3


def test_a_deployment_is_checked_too(cast: Cast) -> None:
    """By release managers and the team; what is put in place at once is refused as well."""
    change = stories.deployment_planned(stories.in_deployment(cast), cast)
    Change.objects.filter(pk=change.pk).update(template=standards.template(cast))
    needed = ChecklistItem.objects.create(change=change, text="Backup", is_required=True)
    change = Change.objects.get(pk=change.pk)
    with pytest.raises(StepIncomplete, match="not ticked yet: Backup"):
        lifecycle.deploy(change, actor=cast.release_manager, notes="At once.")
    assert "Needed before" in page_of(cast.release_manager, change, "start_deployment")
    assert tick(cast.release_manager, change, needed).status_code == 302
    done = lifecycle.deploy(change, actor=cast.release_manager, notes="At once.")
    assert done.state == "confirmation"
