"""The pages of standard changes: who reads them, what they say, and what they refuse.

Costs about 7 s.
"""

import csv
import io
import re
from datetime import timedelta
from typing import Any

import time_machine
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone
from django.utils.html import escape
from post_office.models import Email

from accounts.models import User
from changes import candidates, lifecycle, permissions, standard
from changes.models import Change, StandardApproval
from changes.states import State
from tests import standards, stories
from tests.changes.test_used_last import plan_of
from tests.mailing import deliver, worded
from tests.people import Cast
from tests.standards import CONTENT, approved, endorsed, in_review, proposed, template, used

LIST = reverse("changes:standard_changes")
CANDIDATES = reverse("changes:standard_candidates")
BY_ITS_END = re.compile("changes_change_(template_ended|closed)")
"""Which of the two is the shorter way depends on how many changes began with a template."""


def page(client: Client, who: User, address: str, data: Any = None, status: int = 200) -> str:
    client.force_login(who)
    answer = client.get(address) if data is None else client.post(address, data)
    assert answer.status_code == status, answer.content.decode()
    return answer.content.decode()


def at(one: StandardApproval, act: str = "standard_change") -> str:
    return reverse(f"changes:{act}", args=[one.pk])


def test_it_is_proposed_approved_and_withdrawn_on_its_pages(client: Client, cast: Cast) -> None:
    one = template(cast)
    edit = reverse("changes:template", args=[one.pk])
    address = reverse("changes:propose_standard", args=[one.pk])
    assert address in page(client, cast.success, edit)
    html = page(client, cast.success, address)
    assert "An authorised approver of Harbour Hospitals reads all" in html
    assert escape(CONTENT["rollback_plan"]) in html
    data = {"case": "Every week.", "seen": one.version}
    assert 'id="id_case_error"' in page(client, cast.success, address, {**data, "case": ""}, 400)
    for bad in ("x" * 2001, "with a\x00NUL"):
        assert 'id="id_case_error"' in page(
            client, cast.success, address, {**data, "case": bad}, 400
        )
    lifecycle.save_template(one, actor=cast.administrator, purpose="By another.")
    html = page(client, cast.success, address, data, 409)
    assert "Alma Admin changed this template" in html and "Every week." in html
    page(client, cast.success, address, {**data, "seen": 2}, 302)
    made = StandardApproval.objects.get()
    assert at(made) in page(client, cast.success, edit) and address not in page(
        client, cast.success, edit
    )
    page(client, cast.success, address, status=409)
    # Who may approve it finds it on Home, reads all of it, and decides.
    home = page(client, cast.approver, "/")
    assert "1 standard change waits for approval." in home
    shown = page(client, cast.approver, f"{LIST}?view=waiting")
    assert at(made) in shown
    html = page(client, cast.approver, at(made))
    for words in (CONTENT["steps"].splitlines()[0], "Every week.", "Unlikely", "Rare"):
        assert escape(words) in html or words == "Unlikely"
    assert edit not in html, "the template itself is for colleagues"
    approve = at(made, "approve_standard")
    assert 'id="id_reason_error"' in page(client, cast.approver, approve, {"seen": 1}, 400)
    html = page(client, cast.approver, approve, {"seen": 9, "reason": "Fine."}, 409)
    assert "Cleo Success proposed the standard change" in html and "Fine." in html
    page(client, cast.approver, approve, {"seen": 1, "reason": "Fine."}, 302)
    page(client, cast.approver, approve, {"seen": 1, "reason": "Fine."}, 409)
    assert "1 standard change" not in page(client, cast.approver, "/")
    page(client, cast.success, at(made, "withdraw_standard"), {"seen": 2, "reason": "No."}, 302)
    html = page(client, cast.auditor, f"{LIST}?view=over")
    assert at(made) in html and "No." in html
    assert at(made) not in page(client, cast.auditor, LIST)


def test_who_reaches_which_page(client: Client, cast: Cast) -> None:
    """Another customer's does not exist; who may only read finds no button that works."""
    theirs, ours = approved(cast), approved(cast, organisation=None)
    for name, user in cast.people.items():
        inside = user.is_internal and name != "nobody"
        reads = inside or name == "approver"
        client.force_login(user)
        listed = inside or name in ("approver", "stranger_approver")
        assert client.get(LIST).status_code == (200 if listed else 403), name
        assert client.get(at(theirs)).status_code == (200 if reads else 404), name
        assert client.get(at(ours)).status_code == (200 if inside else 404), name
        keeps = name in ("success", "administrator", "approver")
        answer = client.get(at(theirs, "withdraw_standard"))
        assert answer.status_code == (200 if keeps else 403 if reads else 404), name
        finds = name in ("success", "stranger_success", "administrator", "auditor")
        assert client.get(CANDIDATES).status_code == (200 if finds else 403), name
    assert at(ours) not in page(client, cast.approver, LIST)
    assert page(client, cast.approver, LIST).count("work-name") == 1
    client.logout()
    assert client.get(LIST).status_code == 302
    page(client, cast.auditor, f"{LIST}?view=nonsense", status=404)
    page(client, cast.auditor, f"{LIST}?page=elsewhere", status=400)


def test_the_change_says_what_it_is_and_why_not(client: Client, cast: Cast) -> None:
    one = approved(cast)
    change = in_review(cast, one)
    html = page(client, cast.success, change.get_absolute_url())
    assert "once it is reviewed, it goes straight to execution." in html
    other = in_review(cast, one, title="Something else")
    html = page(client, cast.success, other.get_absolute_url())
    assert "It differs from the standard change: title." in html
    other = endorsed(other, cast)
    assert "It differs from the standard change: title." in page(
        client, cast.success, other.get_absolute_url()
    )
    review = reverse("changes:review", args=[change.pk])
    data = {"seen": change.version, "outcome": "endorsed", "findings": "Fine."}
    page(client, cast.success, review, data, 302)
    html = page(client, cast.success, change.get_absolute_url())
    assert "Authorised as a standard change" in html and at(one) in html
    assert "“Feature flag”, version 1" in html
    assert change.reference in page(client, cast.auditor, at(one))
    plan = reverse("changes:plan_execution", args=[change.pk])
    client.force_login(cast.success)
    form = client.get(plan).context["form"]
    assert form["steps"].value() == CONTENT["steps"]
    names = [name for name, _decision in form.not_offered]
    assert cast.approver not in names
    # Customers read that it was approved in advance, and nothing of the template.
    for who in (cast.requester, cast.colleague):
        for address in (change.get_absolute_url(), other.get_absolute_url()):
            html = page(client, who, address)
            assert "Feature flag" not in html and "differs" not in html
    html = page(client, cast.requester, change.get_absolute_url())
    assert "Changes of this kind are approved in advance." in html


def test_one_that_went_to_another_customer_is_gone_for_the_first(
    client: Client, cast: Cast
) -> None:
    """Its template has the other's name and words by then."""
    one = approved(cast)
    fields = {"organisation": cast.meridian, "name": "canary"}
    lifecycle.save_template(one.template, actor=cast.administrator, **fields)
    page(client, cast.approver, at(one), status=404)
    page(client, cast.stranger_approver, at(one), status=404)
    assert "canary" not in page(client, cast.approver, f"{LIST}?view=over")
    deliver()
    told = Email.objects.filter(to=cast.approver.email, subject__contains="canary")
    assert told.exists() and not told.exclude(message="").filter(expires_at=None).exists()


def test_who_authorises_what_was_given_back_reads_why(client: Client, cast: Cast) -> None:
    change = standards.rolled_back(cast)
    lifecycle.ask_authorisation(change, actor=cast.success, reason="It was the network.")
    assert "It was the network." in page(client, cast.approver, change.get_absolute_url())


def test_a_mail_is_dropped_for_who_may_not_read_it_any_more(cast: Cast) -> None:
    used(cast)
    proposed(cast, name="Other")
    cast.harbour.approvers.clear()
    told = worded(to=cast.approver.email).filter(expires_at=None).exclude(subject="")
    assert not [mail.subject for mail in told if "Used as" in mail.subject]


def closed(cast: Cast, one: StandardApproval, *, confirmed: bool = True) -> Change:
    change = standards.executed(endorsed(in_review(cast, one), cast), cast)
    change = lifecycle.document(
        change, actor=cast.success, system="Desk", reference="SD-1", summary="Done."
    )
    reason = "" if confirmed else "Not quite."
    return lifecycle.answer_confirmation(
        change, actor=cast.requester, confirmed=confirmed, reason=reason
    )


def test_candidates_are_templates_with_clean_repeated_history(client: Client, cast: Cast) -> None:
    one = approved(cast, name="Often")
    for _number in range(candidates.ENOUGH):
        closed(cast, one)
    closed(cast, one, confirmed=False)
    key = one.template_id
    assert candidates.candidates() == [], "it is a standard change"
    lifecycle.withdraw_standard(one, actor=cast.success, reason="To see.")
    (found,) = candidates.candidates()
    assert (found.template.pk, found.runs.clean, found.runs.rolled_back) == (key, 3, 0)
    html = page(client, cast.success, CANDIDATES)
    assert "3 clean runs" in html and reverse("changes:propose_standard", args=[key]) in html
    propose = reverse("changes:propose_standard", args=[key])
    html = page(client, cast.stranger_success, CANDIDATES)
    assert propose not in html and "Often" not in html, "another team's customer"
    assert propose not in page(client, cast.auditor, CANDIDATES)
    with time_machine.travel(timezone.now() + timedelta(days=370)):
        assert candidates.candidates() == []
    # One that was rolled back keeps it off, and so does what was decided one by one.
    change = Change.objects.filter(state=State.CLOSED).first()
    assert change is not None
    change.executions.update(outcome="rolled_back")
    assert candidates.runs_of_templates()[key].rolled_back == 1
    assert candidates.candidates() == []


def test_runs_are_those_that_the_events_tell(cast: Cast) -> None:
    """Counted anew from what happened: in SQL that shares nothing with ours."""
    one = approved(cast)
    closed(cast, one)
    closed(cast, one, confirmed=False)
    change = endorsed(in_review(cast, one), cast)
    lifecycle.withdraw(change, actor=cast.requester, reason="No.")
    failed = standards.executed(endorsed(in_review(cast, one), cast), cast, "rolled_back")
    lifecycle.close_rolled_back(failed, actor=cast.success, reason="Enough.")
    again = endorsed(in_review(cast, one), cast)
    again = lifecycle.authorise(again, actor=cast.approver, outcome="authorised", reason="Yes.")
    again = standards.executed(again, cast, "rolled_back")
    again = standards.executed(again, cast)
    again = lifecycle.document(
        again, actor=cast.success, system="Desk", reference="SD-2", summary="Done."
    )
    lifecycle.answer_confirmation(again, actor=cast.requester, confirmed=True)
    sql = """
        SELECT template_id, count(*) FILTER (WHERE yes AND NOT no AND NOT undone),
               count(*) FILTER (WHERE undone), count(*) FILTER (WHERE ended)
        FROM (SELECT change.id, change.template_id,
                bool_or(event.data ->> 'answer' = 'confirmed') IS TRUE AS yes,
                bool_or(event.data ->> 'answer' = 'not_as_expected') IS TRUE AS no,
                bool_or(event.data ->> 'outcome' = 'rolled_back') IS TRUE AS undone,
                bool_or(event.to_state = 'closed') AS ended
              FROM changes_change change JOIN changes_event event ON event.change_id = change.id
              WHERE change.template_id IS NOT NULL GROUP BY change.id) told
        GROUP BY template_id"""
    with connection.cursor() as cursor:
        cursor.execute(sql)
        [(key, clean, undone, ended)] = cursor.fetchall()
    assert (clean, undone, ended) == (1, 2, 3)
    runs = candidates.runs_of_templates()[key]
    assert (runs.clean, runs.rolled_back, runs.clean + runs.other) == (1, 2, 1)


def test_a_million_changes_are_counted_along_indexes(cast: Cast) -> None:
    one = used(cast).authorisation.standard
    with CaptureQueriesContext(connection) as queries:
        candidates.runs_of_templates()
        list(standard.in_flight(one))
        permissions.nobody_may_decide().count()
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
        cursor.execute("SET LOCAL enable_bitmapscan = off")
        plans = []
        for asked in queries:
            cursor.execute(f"EXPLAIN {asked['sql']}")
            plans.append("\n".join(row[0] for row in cursor.fetchall()))
    assert BY_ITS_END.search(plans[0])
    big = ("changes_change", "changes_authorisation", "changes_execution", "changes_confirmation")
    scanned = {word for plan in plans for word in re.findall(r"Seq Scan on (\w+)", plan)}
    assert not scanned & {*big}, plans


def test_the_export_names_it_as_long_as_it_authorises(client: Client, cast: Cast) -> None:
    change = used(cast)

    def told() -> str:
        client.force_login(cast.support)
        text = b"".join(client.get("/changes/export/").streaming_content).decode()
        [row] = csv.DictReader(io.StringIO(text.lstrip("\ufeff")))
        return row["Standard change"]

    assert told() == "Feature flag"
    change = lifecycle.ask_authorisation(change, actor=cast.success, reason="Other steps.")
    lifecycle.authorise(change, actor=cast.approver, outcome="authorised", reason="Fine.")
    assert told() == ""


def test_a_requester_reads_of_none_of_our_people_who_approved(client: Client, cast: Cast) -> None:
    """One for all customers was approved by a member of the board: on no page and in no mail."""
    change = endorsed(in_review(cast, approved(cast, organisation=None)), cast)
    deliver()
    mail = standards.mail_to(cast.requester)[-1]
    assert "approved in advance" in mail.message
    link = re.search(r"/r/[^/\s]+/", mail.message)
    assert link is not None
    read = [one.message + one.html_message for one in standards.mail_to(cast.requester)]
    for who in (cast.requester, cast.approver):
        for address in ("/", "/changes/", change.get_absolute_url()):
            read.append(page(client, who, address))
        read.append(b"".join(client.get("/changes/export/").streaming_content).decode())
    client.logout()
    linked = client.get(link.group()).content.decode()
    assert "changes of this kind are approved in advance" in linked
    for text in (*read, linked):
        assert cast.chair.display_name not in text and "Feature flag" not in text
        assert "authorised approver of Harbour" not in text, "nobody of them is asked"


def test_auditors_find_it_in_the_history_of_everything(client: Client, cast: Cast) -> None:
    one = approved(cast)
    lifecycle.withdraw_standard(one, actor=cast.approver, reason="We look again.")
    html = page(client, cast.auditor, "/history/?type=changes.standardapproval")
    assert "We look again." in html and "Feature flag" in html


def test_pages_cost_the_same_however_many_there_are(client: Client, cast: Cast) -> None:
    counts = []
    for number in range(3):
        one = approved(cast, name=f"Flag {number}")
        for _twice in range(number + 1):
            endorsed(in_review(cast, one), cast)
        proposed(cast, name=f"Waits {number}")
        found = []
        for who, address in (
            (cast.auditor, LIST),
            (cast.auditor, f"{LIST}?view=waiting"),
            (cast.auditor, at(one)),
            (cast.approver, LIST),
            (cast.approver, "/"),
            (cast.auditor, CANDIDATES),
        ):
            client.force_login(who)
            with CaptureQueriesContext(connection) as queries:
                assert client.get(address).status_code == 200
            found.append(len(queries))
        counts.append(found)
    assert counts[1] == counts[2]
    with CaptureQueriesContext(connection) as queries:
        candidates.runs_of_templates()
    [counted] = [one["sql"] for one in queries]
    assert BY_ITS_END.search(plan_of(counted))


def test_changes_of_others_stay_unseen_by_who_approved_for_one_customer(
    client: Client, cast: Cast
) -> None:
    """A draft, and another customer's change, are not among what used it."""
    one = approved(cast)
    mine = endorsed(in_review(cast, one), cast)
    stories.draft(cast, template=one.template, title="canary")
    html = page(client, cast.approver, at(one))
    assert mine.reference in html and "canary" not in html
