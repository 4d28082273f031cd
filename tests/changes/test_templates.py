"""Change templates: who keeps them, what they fill in, and what they never decide."""

from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils.html import escape

from accounts.models import Organisation, User
from changes import access_links, lifecycle, proposing
from changes.models import Change, ChangeTemplate, Service
from changes.states import State
from expansive_cm.workflow.errors import ChangeStale, StepForbidden, StepIncomplete
from tests import stories
from tests.people import Cast

INTERNAL = {
    "need": "canary need",
    "service_impact": "canary services",
    "customer_impact": "canary customers",
    "steps": "canary steps",
    "rollback_plan": "canary rollback",
    "system": "canary system",
}
TEXT = {
    "name": "Feature flag",
    "purpose": "Switch a feature on or off.",
    "title": "Switch on …",
    "description": "Which feature, for whom?",
}
JUDGED = {"type": "configuration", "likelihood": 1, "impact": 2, "urgency": 3}


def written(cast: Cast, **fields: Any) -> ChangeTemplate:
    values = {**TEXT, **JUDGED, **INTERNAL, **fields}
    return lifecycle.save_template(None, actor=cast.success, **values)


def request_of(cast: Cast, **fields: Any) -> dict[str, Any]:
    """What support types into the form of a new request."""
    return {
        "requester": f"{cast.requester.display_name} <{cast.requester.email}>",
        "organisation": cast.harbour.pk,
        "channel": "phone",
        "title": "",
        "description": "",
        **fields,
    }


def sent(template: ChangeTemplate, **fields: Any) -> dict[str, Any]:
    """What the form of a template sends when nothing was changed."""
    names = (*TEXT, *JUDGED, *INTERNAL)
    values = {name: getattr(template, name) for name in names}
    values["organisation"] = template.organisation_id or ""
    return {**values, "is_active": "on", "seen": template.version, **fields}


def page(client: Client, person: User, address: str, data: Any = None, status: int = 200) -> str:
    client.force_login(person)
    answer = client.get(address) if data is None else client.post(address, data)
    assert answer.status_code == status, answer.content.decode()
    return answer.content.decode()


NEW = reverse("changes:new")
LIST = reverse("changes:templates")
WRITE = reverse("changes:new_template")


def at(template: ChangeTemplate) -> str:
    return reverse("changes:template", args=[template.pk])


# Who keeps them -------------------------------------------------------------------------------


def test_who_reads_and_who_writes_templates(client: Client, cast: Cast) -> None:
    ours, theirs = written(cast), written(cast, name="Only theirs", organisation=cast.harbour)
    writers = {"success", "stranger_success", "administrator"}
    readers = writers | {"support", "auditor"}
    # What each role may is in the permission matrix; here is one of each kind of answer.
    some = ("requester", "approver", "nobody", "support", "auditor", *sorted(writers))
    for name in some:
        user = cast.people[name]
        client.force_login(user)
        expected = 200 if name in readers else 403
        assert client.get(LIST).status_code == expected, name
        assert client.get(at(theirs)).status_code == expected, name
        assert client.get(WRITE).status_code == (200 if name in writers else 403), name
        for one, keepers in ((ours, writers), (theirs, {"success", "administrator"})):
            answer = client.post(at(one), sent(one, purpose=f"By {name}."))
            assert answer.status_code == (302 if name in keepers else 403), name
            one.refresh_from_db()
            assert (one.updated_by == user) == (name in keepers), name
    client.logout()
    assert client.get(LIST).status_code == 302


def test_success_keeps_templates_of_its_own_customers_alone(client: Client, cast: Cast) -> None:
    with pytest.raises(StepForbidden):
        written(cast, organisation=cast.meridian)
    html = page(client, cast.success, WRITE)
    assert "Harbour Hospitals" in html and "Meridian Retail" not in html
    data = {**TEXT, "organisation": cast.meridian.pk}
    html = page(client, cast.success, WRITE, data, status=400)
    assert 'id="id_organisation_error"' in html and escape(TEXT["description"]) in html
    Organisation.objects.filter(pk=cast.harbour.pk).update(success_team=cast.retail_team)
    with pytest.raises(StepForbidden):
        written(cast, organisation=cast.harbour)


def test_nobody_keeps_templates_with_a_right_that_is_gone(cast: Cast) -> None:
    one = written(cast)
    cast.success.groups.clear()
    User.objects.filter(pk=cast.administrator.pk).update(is_active=False)
    for user in (cast.success, cast.administrator):
        for template in (one, None):
            with pytest.raises(StepForbidden):
                lifecycle.save_template(template, actor=user, name="Mine", purpose="Mine.")


def test_a_template_of_a_customer_that_has_gone_is_still_kept(client: Client, cast: Cast) -> None:
    one = written(cast, organisation=cast.harbour)
    Organisation.objects.filter(pk=cast.harbour.pk).update(is_active=False)
    page(client, cast.success, at(one), sent(one, is_active=""), status=302)
    one.refresh_from_db()
    assert (one.is_active, one.organisation) == (False, cast.harbour)
    page(client, cast.administrator, at(one), sent(one, organisation=""), status=302)


def test_what_is_wrong_stands_beside_its_field(client: Client, cast: Cast) -> None:
    written(cast)
    limits = {"name": 101, "purpose": 301, "title": 201, "description": 50001, "need": 5001}
    limits |= {"steps": 10001, "rollback_plan": 10001, "system": 101}
    for name, too_long in limits.items():
        for bad in ("x" * too_long, "with a\x00NUL"):
            html = page(client, cast.success, WRITE, {**TEXT, name: bad}, status=400)
            assert f'id="id_{name}_error"' in html, name
    for name in ("name", "purpose"):
        html = page(client, cast.success, WRITE, {**TEXT, name: " "}, status=400)
        assert f'id="id_{name}_error"' in html and escape(TEXT["description"]) in html
    html = page(client, cast.success, WRITE, {**TEXT, "name": "feature FLAG"}, status=400)
    assert "Another template in use is called “feature FLAG”." in html
    assert ChangeTemplate.objects.count() == 1


def test_signs_that_are_not_kept_are_no_name_and_no_title(client: Client, cast: Cast) -> None:
    """They turn round what is read or steer a terminal, so no text of one line keeps them."""
    for nothing in ("\u202e", " \u2066\x7f "):
        for name in ("name", "purpose"):
            html = page(client, cast.success, WRITE, {**TEXT, name: nothing}, status=400)
            assert f'id="id_{name}_error"' in html
        data = request_of(cast, title=nothing, description="Rooms.", action="submit")
        assert 'id="id_title_error"' in page(client, cast.support, NEW, data, status=400)
    assert not ChangeTemplate.objects.exists() and not Change.objects.exists()


def test_a_name_is_free_again_once_its_template_is_withdrawn(client: Client, cast: Cast) -> None:
    old = written(cast)
    page(client, cast.success, at(old), sent(old, is_active=""), status=302)
    new = written(cast)
    old.refresh_from_db()
    html = page(client, cast.success, at(old), sent(old), status=400)
    assert "Another template in use" in html
    with pytest.raises(StepIncomplete):
        lifecycle.save_template(old, actor=cast.success, is_active=True)
    assert list(ChangeTemplate.objects.filter(is_active=True)) == [new]
    shown = page(client, cast.success, LIST), page(client, cast.success, f"{LIST}?view=withdrawn")
    assert (at(new) in shown[0], at(old) in shown[0]) == (True, False)
    assert (at(new) in shown[1], at(old) in shown[1]) == (False, True)


def test_of_two_who_change_it_the_second_is_told(client: Client, cast: Cast) -> None:
    one = written(cast)
    first = sent(one)
    lifecycle.save_template(one, actor=cast.administrator, seen=1, purpose="By the other.")
    html = page(client, cast.success, at(one), {**first, "purpose": "Mine."}, status=409)
    assert "In the meantime Alma Admin changed this template." in html
    assert 'value="Mine."' in html and 'name="seen" value="2"' in html
    one.refresh_from_db()
    assert one.purpose == "By the other."
    with pytest.raises(ChangeStale):
        lifecycle.save_template(one, actor=cast.success, seen=1, purpose="Mine.")
    page(client, cast.success, at(one), {**first, "seen": ""}, status=409)
    page(client, cast.success, at(one), {**first, "purpose": "Mine.", "seen": 2}, status=302)


def test_its_history_says_who_and_why_and_stays(client: Client, cast: Cast) -> None:
    service = Service.objects.create(name="Space booking")
    one = written(cast, services=[service])
    data = sent(one, is_active="", reason="Went wrong.", services=[service.pk])
    page(client, cast.success, at(one), data, status=302)
    rows = one.history.order_by("pk")
    assert {row.history_user for row in rows} == {cast.success}
    assert [row.history_change_reason for row in rows] == [
        "wrote the template",
        "set the services of the template",
        "withdrew the template: Went wrong.",
    ]
    address = reverse("audit:history") + "?type=changes.changetemplate"
    shown = page(client, cast.auditor, address)
    assert "withdrew the template: Went wrong." in shown and "Space booking" in shown
    assert escape(address) in page(client, cast.auditor, at(one))
    assert escape(address) not in page(client, cast.success, at(one))
    assert "Withdrew the template: Went wrong." in page(client, cast.success, at(one))
    with pytest.raises(IntegrityError), transaction.atomic():
        rows.update(history_change_reason="Nothing.")


# A new request --------------------------------------------------------------------------------


def test_a_template_fills_in_what_nobody_has_typed(client: Client, cast: Cast) -> None:
    retired = Service.objects.create(name="Fax", is_active=False)
    service = Service.objects.create(name="Space booking")
    one = written(cast, services=[service, retired])
    assert TEXT["name"] in page(client, cast.support, NEW)
    typed = request_of(cast, title="Night mode on", desired_on="nonsense", use_template=one.pk)
    html = page(client, cast.support, NEW, typed)
    assert 'value="Night mode on"' in html and escape(TEXT["description"]) in html
    assert 'value="nonsense"' in html and escape(typed["requester"]) in html
    assert "data-error-summary" not in html and "Begun with the template “Feature flag”" in html
    client.force_login(cast.support)
    form = client.post(NEW, typed).context["form"]
    assert form["services"].value() == [str(service.pk)]
    assert "Fax" not in html
    assert not Change.objects.exists()


def test_another_template_takes_the_place_of_what_the_first_filled_in(
    client: Client, cast: Cast
) -> None:
    first = written(cast)
    second = written(cast, name="Access", title="Give access", description="Who?\r\nWhy?")
    data = request_of(cast, template=first.pk, title=TEXT["title"], description="My own words")
    html = page(client, cast.support, NEW, {**data, "use_template": second.pk})
    assert 'value="Give access"' in html and "My own words" in html and "Who?" not in html
    html = page(client, cast.support, NEW, {**data, "use_template": ""})
    assert f'value="{escape(TEXT["title"])}"' not in html and "My own words" in html
    assert "Begun with" not in html
    lifecycle.save_template(second, actor=cast.success, is_active=False)
    html = page(client, cast.support, NEW, {**data, "use_template": second.pk})
    assert "This template cannot be used any more." in html
    assert f'value="{escape(TEXT["title"])}"' in html and "Begun with the template “Feat" in html


def test_files_that_were_chosen_are_kept(client: Client, cast: Cast) -> None:
    from django.core.files.uploadedfile import SimpleUploadedFile

    one = written(cast)
    file = SimpleUploadedFile("plan.txt", b"A plan.", "text/plain")
    data = request_of(cast, title="Night mode", use_template=one.pk, attachments=file)
    html = page(client, cast.support, NEW, data)
    draft = Change.objects.get()
    assert "plan.txt" in html and f'name="seen" value="{draft.version}"' in html
    assert (draft.title, draft.template) == ("Night mode", one)


def test_the_change_remembers_its_template_and_shows_it_inside(client: Client, cast: Cast) -> None:
    one = written(cast)
    data = request_of(cast, title="On", description="It.", template=one.pk, action="submit")
    page(client, cast.support, NEW, data, status=302)
    change = Change.objects.get()
    assert (change.template, change.state) == (one, State.SUBMITTED)
    assert at(one) in page(client, cast.success, change.get_absolute_url())
    assert TEXT["name"] not in page(client, cast.requester, change.get_absolute_url())
    with pytest.raises(StepForbidden):
        lifecycle.save_draft(None, actor=cast.requester, template=one)


def test_the_address_of_a_template_begins_a_request(client: Client, cast: Cast) -> None:
    one = written(cast, organisation=cast.harbour)
    html = page(client, cast.support, f"{NEW}?template={one.pk}")
    assert f'value="{escape(TEXT["title"])}"' in html
    assert f'<option value="{cast.harbour.pk}" selected' in html
    for bad in ("0", "x", "99", "9" * 40, ""):
        html = page(client, cast.support, f"{NEW}?template={bad}")
        assert TEXT["title"] not in html
        assert ("This template cannot be used any more." in html) == bool(bad)
    assert f"{NEW}?template={one.pk}" in page(client, cast.support, LIST)
    assert f"{NEW}?template={one.pk}" not in page(client, cast.auditor, LIST)
    assert f"{NEW}?template={one.pk}" not in page(client, cast.stranger_success, LIST)


def test_another_one_goes_on_with_template_and_requester(client: Client, cast: Cast) -> None:
    one = written(cast)
    data = request_of(cast, title="On", description="It.", template=one.pk, channel="chat")
    client.force_login(cast.support)
    answer = client.post(NEW, {**data, "action": "another"})
    change = Change.objects.get()
    assert (change.state, answer["Location"]) == (
        State.SUBMITTED,
        f"{NEW}?after={change.reference}",
    )
    answer = client.get(answer["Location"])
    form = answer.context["form"]
    for name, value in {**data, "title": TEXT["title"], "description": TEXT["description"]}.items():
        assert form[name].value() == value, name
    assert f"{change.reference} is submitted." in answer.content.decode()
    assert not Change.objects.exclude(pk=change.pk).exists()
    lifecycle.save_template(one, actor=cast.success, is_active=False)
    form = client.get(f"{NEW}?after={change.reference}").context["form"]
    assert (form["title"].value(), form["requester"].value()) == (None, data["requester"])
    client.force_login(cast.stranger_customer)
    assert client.get(f"{NEW}?after={change.reference}").status_code == 404
    client.force_login(cast.requester)
    html = client.get(f"{NEW}?after={change.reference}").content.decode()
    assert "Submit, and another" not in html and TEXT["title"] not in html


def test_a_template_of_one_customer_is_for_them_alone(client: Client, cast: Cast) -> None:
    one = written(cast, organisation=cast.harbour, is_offered=True)
    assert TEXT["name"] in page(client, cast.requester, NEW)
    for stranger in (cast.stranger_customer, cast.stranger_success):
        assert TEXT["name"] not in page(client, stranger, NEW)
        html = page(client, stranger, NEW, {"use_template": one.pk, "title": "Mine"})
        assert TEXT["description"] not in html and 'value="Mine"' in html
    other = request_of(
        cast,
        requester=cast.stranger_customer.email,
        organisation=cast.meridian.pk,
        title="On",
        description="It.",
        template=one.pk,
        action="submit",
    )
    html = page(client, cast.support, NEW, other, status=400)
    assert "The template “Feature flag” is for Harbour Hospitals only." in html
    with pytest.raises(StepForbidden):
        lifecycle.save_draft(None, actor=cast.support, organisation=cast.meridian, template=one)
    draft = lifecycle.save_draft(None, actor=cast.support, template=one)
    with pytest.raises(StepForbidden):
        lifecycle.edit(draft, actor=cast.support, organisation=cast.meridian)
    with pytest.raises(StepForbidden):
        lifecycle.autosave(
            draft, actor=cast.support, seen=1, services=[], organisation=cast.meridian
        )
    Organisation.objects.filter(pk=cast.harbour.pk).update(is_active=False)
    assert TEXT["name"] not in page(client, cast.support, NEW)


def test_a_draft_outlives_its_template(client: Client, cast: Cast) -> None:
    one = written(cast)
    draft = stories.draft(cast, template=one)
    lifecycle.save_template(one, actor=cast.success, is_active=False)
    address = reverse("changes:edit", args=[draft.pk])
    html = page(client, cast.support, address)
    assert "Begun with" not in html
    data = request_of(cast, title="On", description="It.", template=one.pk, action="submit")
    page(client, cast.support, address, {**data, "seen": draft.version}, status=302)
    draft = Change.objects.get()
    assert (draft.state, draft.template) == (State.SUBMITTED, None)
    with pytest.raises(StepForbidden):
        lifecycle.save_draft(None, actor=cast.support, template=one)


@pytest.mark.parametrize("how", ["withdrawn", "another customer's", "corrected"])
def test_a_request_forgets_a_template_that_is_not_for_it(cast: Cast, how: str) -> None:
    """Without the form too: the draft is sent, or the customer put right, on its own page."""
    one = written(cast, organisation=cast.harbour)
    draft = stories.draft(cast, template=one)
    if how == "withdrawn":
        lifecycle.save_template(one, actor=cast.success, is_active=False)
    elif how == "another customer's":
        lifecycle.save_template(one, actor=cast.administrator, organisation=cast.meridian)
    change = lifecycle.submit(draft, actor=cast.support)
    if how == "corrected":
        assert Change.objects.get().template == one
        whose = {"organisation": cast.meridian, "requester": cast.stranger_customer}
        lifecycle.correct_customer(change, actor=cast.support, reason="Wrong customer.", **whose)
    assert Change.objects.get().template is None
    remembered = Change.objects.get().history.values_list("template", flat=True)
    assert one.pk in remembered, "history keeps that it began with it"


def test_templates_are_found_by_words_and_the_rest_is_said(client: Client, cast: Cast) -> None:
    for number in range(10):
        written(cast, name=f"Flag {number}")
    written(cast, name="Access of people", purpose="Give somebody more rights.")
    find = reverse("changes:find_template")
    html = page(client, cast.support, f"{find}?find_template=flag")
    assert html.count("data-template=") == 8 and "There are more" in html
    html = page(client, cast.support, f"{find}?find_template=RIGHTS%20access")
    assert html.count("data-template=") == 1 and "There are more" not in html
    assert "No template has these words." in page(client, cast.support, f"{find}?find_template=zz")
    assert "data-template=" not in page(client, cast.requester, f"{find}?find_template=flag")
    page(client, cast.auditor, find, status=403)
    new = page(client, cast.support, NEW)
    assert new.count('class="btn begin-with-choice"') == 4 and "find-template" in new


def test_the_list_goes_on_page_by_page(client: Client, cast: Cast) -> None:
    values = {**TEXT, "created_by": cast.success, "updated_by": cast.success}
    ChangeTemplate.objects.bulk_create(
        ChangeTemplate(**{**values, "name": f"Flag {number:02}"}) for number in range(30)
    )
    client.force_login(cast.auditor)
    first = client.get(LIST)
    second = client.get(LIST + first.context["next_url"])
    names = [one.name for answer in (first, second) for one, _usable in answer.context["rows"]]
    assert names == [f"Flag {number:02}" for number in range(30)]
    assert client.get(f"{LIST}?page=elsewhere").status_code == 400


def test_those_used_last_come_first(cast: Cast) -> None:
    names = ["A", "B", "C", "D", "E", "F"]
    made = {name: written(cast, name=name) for name in names}
    for name in ("E", "F", "E"):
        stories.draft(cast, template=made[name])
    shown, others = proposing.shown_first(cast.support)
    assert ([one.name for one in shown], others) == (["E", "F", "A", "B"], True)
    shown, others = proposing.shown_first(cast.success)
    assert [one.name for one in shown] == ["A", "B", "C", "D"]


def test_pages_cost_the_same_however_many_there_are(client: Client, cast: Cast) -> None:
    found = []
    for number in range(3):
        written(cast, name=f"Flag {number}", organisation=cast.harbour)
        stories.draft(cast, template=ChangeTemplate.objects.latest("pk"))
        counts = []
        for address in (LIST, NEW, reverse("changes:find_template"), f"{LIST}?q=flag"):
            client.force_login(cast.support)
            with CaptureQueriesContext(connection) as queries:
                assert client.get(address).status_code == 200
            counts.append(len(queries))
        found.append(counts)
    assert found[0] == found[2]


# Later stages ---------------------------------------------------------------------------------


def form_at(client: Client, person: User, verb: str, change: Change) -> Any:
    client.force_login(person)
    answer = client.get(reverse(f"changes:{verb}", args=[change.pk]))
    assert answer.status_code == 200
    return answer.context["form"]


def test_later_forms_are_filled_in_and_nothing_is_recorded_by_it(
    client: Client, cast: Cast
) -> None:
    one = written(cast)
    change = stories.submitted(cast, template=one)
    form = form_at(client, cast.success, "assess", change)
    assert {name: form[name].value() for name in ChangeTemplate.ASSESSMENT} == {
        name: getattr(one, name) for name in ChangeTemplate.ASSESSMENT
    }
    address = reverse("changes:assess", args=[change.pk])
    assert "Filled in from the template “Feature flag”." in page(client, cast.success, address)
    assert not change.assessments.exists()
    page(client, cast.success, address, {"seen": change.version}, status=400)
    change = advanced(cast, change)
    form = form_at(client, cast.success, "plan_execution", change)
    assert (form["steps"].value(), form["rollback_plan"].value()) == (
        "canary steps",
        "canary rollback",
    )
    assert change.execution is None
    change = stories.executed(Change.objects.get(pk=change.pk), cast)
    form = form_at(client, cast.success, "document", change)
    assert form["system"].value() == "canary system"
    assert form["summary"].value() == "Went as written."
    assert not change.documentations.exists()


def advanced(cast: Cast, change: Change) -> Change:
    """Assess, review and authorise a change."""
    change = lifecycle.assess(
        change, actor=cast.success, type="configuration", **stories.ASSESSMENT
    )
    change = lifecycle.review(change, actor=cast.success, outcome="endorsed", findings="Fine.")
    return lifecycle.authorise(
        change, actor=cast.approver, outcome="authorised", reason="We need it."
    )


def test_a_code_change_is_planned_with_the_rollback_plan_of_its_template(
    client: Client, cast: Cast
) -> None:
    one = written(cast)
    change = stories.in_deployment(cast)
    Change.objects.filter(pk=change.pk).update(template=one)
    form = form_at(client, cast.release_manager, "plan_deployment", change)
    assert form["rollback_plan"].value() == "canary rollback"
    change = stories.deployment_planned(change, cast)
    form = form_at(client, cast.release_manager, "plan_deployment", change)
    assert form["rollback_plan"].value() == "Redeploy 4.11."


def test_a_template_that_does_not_fit_any_more_proposes_nothing(client: Client, cast: Cast) -> None:
    one = written(cast, organisation=cast.harbour)
    change = stories.submitted(cast, template=one)
    assert form_at(client, cast.success, "assess", change)["need"].value() == "canary need"
    corrected = lifecycle.correct_customer(
        change,
        actor=cast.support,
        organisation=cast.meridian,
        requester=cast.stranger_customer,
        reason="Wrong customer.",
    )
    assert form_at(client, cast.stranger_success, "assess", corrected)["need"].value() is None
    other = stories.submitted(cast, template=one)
    lifecycle.save_template(one, actor=cast.success, is_active=False)
    assert form_at(client, cast.success, "assess", other)["need"].value() is None


# From an existing change ------------------------------------------------------------------------


def test_a_template_is_made_from_what_a_change_has_recorded(client: Client, cast: Cast) -> None:
    service, retired = Service.objects.create(name="Rooms"), Service.objects.create(name="Fax")
    change = stories.closed(cast)
    change.services.add(service, retired)
    Service.objects.filter(pk=retired.pk).update(is_active=False)
    address = f"{WRITE}?from={change.reference}"
    assert address in page(client, cast.success, change.get_absolute_url())
    for other in (cast.support, cast.requester, cast.auditor):
        assert address not in page(client, other, change.get_absolute_url())
    client.force_login(cast.success)
    form = client.get(address).context["form"]
    expected = {
        "name": change.title,
        "organisation": cast.harbour.pk,
        "title": change.title,
        "description": change.description,
        "services": [service.pk],
        "type": "configuration",
        "need": stories.ASSESSMENT["need"],
        "likelihood": 2,
        "impact": 3,
        "steps": "1. Change the setting.\n2. Book a room.",
        "rollback_plan": "Set the hours back to 7–19.",
        "system": "Success desk",
    }
    assert {name: form[name].value() for name in expected} == expected
    assert not form["is_offered"].value()
    data = {**{name: value or "" for name, value in expected.items()}, "purpose": "Rooms at night."}
    page(client, cast.success, address, data, status=302)
    one = ChangeTemplate.objects.get()
    assert (one.organisation, one.steps, one.is_offered) == (cast.harbour, data["steps"], False)
    row = one.history.earliest("pk")
    assert row.history_change_reason == f"wrote the template from {change.reference}"


def test_no_template_is_made_from_what_one_may_not_see(client: Client, cast: Cast) -> None:
    draft = stories.draft(cast)
    for wrong in (draft.reference, "CR-009999", "x", ""):
        page(client, cast.success, f"{WRITE}?from={wrong}", status=404)
    mine = lifecycle.save_draft(None, actor=cast.success, title="Mine")
    page(client, cast.success, f"{WRITE}?from={mine.reference}", status=404)


def test_who_keeps_none_of_its_customer_makes_no_template_for_all_from_a_change(
    client: Client, cast: Cast
) -> None:
    """The form could not name the customer, and proposed a template for all with what it wrote."""
    change = stories.closed(cast)
    address = f"{WRITE}?from={change.reference}"
    data = {**TEXT, "description": change.description}

    def may(person: User) -> list[bool]:
        client.force_login(person)
        shown = address in client.get(change.get_absolute_url()).content.decode()
        return [shown, client.get(address).status_code == 200]

    assert may(cast.success) == may(cast.administrator) == [True, True]
    assert may(cast.stranger_success) == [False, False]
    page(client, cast.stranger_success, address, data, status=403)
    with pytest.raises(StepForbidden, match="Harbour Hospitals"):
        lifecycle.save_template(None, actor=cast.stranger_success, made_from=change, **TEXT)
    Organisation.objects.filter(pk=cast.harbour.pk).update(is_active=False)
    assert may(cast.success) == may(cast.administrator) == [False, False]
    Organisation.objects.filter(pk=cast.harbour.pk).update(
        is_active=True, success_team=cast.retail_team
    )
    assert may(cast.success) == [False, False]
    assert may(cast.stranger_success) == [True, True]
    assert not ChangeTemplate.objects.exists()


# What customers never see -----------------------------------------------------------------------


def test_customers_see_what_is_offered_and_nothing_internal(client: Client, cast: Cast) -> None:
    hidden = written(cast, name="canary name", purpose="canary purpose", title="canary title")
    offered = written(cast, name="Offered", is_offered=True)
    change = lifecycle.submit(
        stories.draft(cast, template=hidden), actor=cast.support
    )  # what support began with
    own = lifecycle.copy_as_new(change, actor=cast.requester)
    path, _link = access_links.issue(change, cast.requester, actor=cast.support)
    find = reverse("changes:find_template")
    client.force_login(cast.requester)
    for one in (hidden, offered):
        assert client.get(at(one)).status_code == 403
    places = {
        "list of templates": (LIST, None),
        "new": (NEW, None),
        "by address": (f"{NEW}?template={offered.pk}", None),
        "hidden by address": (f"{NEW}?template={hidden.pk}", None),
        "found": (find, None),
        "searched": (f"{find}?find_template=name", None),
        "filled in": (NEW, {"use_template": offered.pk}),
        "hidden filled in": (NEW, {"use_template": hidden.pk}),
        "sent": (NEW, {"template": hidden.pk, "title": "x", "action": "submit"}),
        "change": (change.get_absolute_url(), None),
        "their copy": (own.get_absolute_url(), None),
        "editing it": (reverse("changes:edit", args=[own.pk]), None),
        "history": (f"{change.get_absolute_url()}history/", None),
        "changes": (reverse("changes:list"), None),
        "export": (reverse("changes:export"), None),
        "palette": (reverse("changes:palette") + "?q=name", None),
        "by link": (path, None),
    }
    for place, (address, data) in places.items():
        answer = client.get(address) if data is None else client.post(address, data)
        text = b"".join(answer) if answer.streaming else answer.content
        assert b"canary" not in text, place
    html = page(client, cast.requester, NEW, {"use_template": offered.pk})
    assert escape(TEXT["description"]) in html
    assert Change.objects.exclude(pk=change.pk).filter(template=hidden).count() == 0
