"""One act on many changes: each obeys its own rules, and none stops another.

Costs 9 s.
"""

import threading
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from datetime import timedelta
from html import escape, unescape
from typing import Any

import pytest
from celery.exceptions import SoftTimeLimitExceeded
from django.db import OperationalError, connection
from django.test import Client
from django.utils import timezone

from accounts.models import User
from accounts.roles import Role
from changes import lifecycle, tasks, way_back
from changes.many import runs
from changes.many.acts import ACTS, acts_of
from changes.models import (
    Change,
    ChangeTemplate,
    Comment,
    Execution,
    ManyRow,
    ManyRun,
    Release,
)
from changes.states import State
from expansive_cm.workflow.errors import ChangeStale, StepForbidden, StepIncomplete
from tests import stories
from tests.concurrently import at_once, signed_in
from tests.people import Cast
from tests.remembered import remembered
from tests.situations import seat_everybody

MANY = "/changes/many/"
FLAG = {
    "type": "configuration",
    "need": "It is part of the contract.",
    "likelihood": 1,
    "impact": 2,
    "service_impact": "None.",
    "customer_impact": "They see it.",
    "urgency": 2,
}
"""What a template proposes of an assessment."""
Outcome = ManyRow.Outcome


def page(person: User, act: str, *changes: Change, **more: Any) -> Any:
    client = Client()
    client.force_login(person)
    chosen = {"act": act, "change": [one.pk for one in changes], **more}
    return client, client.get(MANY, chosen)


def send(person: User, act: str, *changes: Change, run: bool = True, **fields: Any) -> Any:
    """Choose changes, fill in the form, tick what may be ticked; let the worker do it."""
    client, shown = page(person, act, *changes)
    assert shown.status_code == 200, shown.content
    data = {
        "act": act,
        "key": shown.context["key"],
        "proposed": [f"{one.pk}:{one.version}" for one in shown.context["proposed"]],
        "change": [one.pk for one in changes],
        "row": [one.value for one in shown.context["offered"]],
        **fields,
    }
    answer = client.post(MANY, data)
    if run and answer.status_code == 302:
        tasks.carry_on_acts()
    return client, data, answer


def outcomes(run: ManyRun | None = None) -> dict[str, tuple[str, str]]:
    """Return what became of each change of a run, by its reference."""
    run = run or ManyRun.objects.get()
    return {row.change.reference: (row.outcome, row.reason) for row in run.rows.all()}


def acts_on(change: Change, verb: str) -> list[str]:
    return [one.reason for one in change.events.filter(verb=verb)]


FIELDS: dict[str, dict[str, Any]] = {
    "assess": {},
    "document": {"system": "Desk", "reference": "17", "summary": "It is done."},
    "review": {"outcome": "endorsed", "findings": "Looked at all of them."},
    "authorise": {"outcome": "authorised", "reason": "Agreed on Monday."},
    "take": {},
    "assign": {},
    "plan_execution": {},
    "execute": {"notes": "Switched on for all wards."},
    "deploy": {"notes": "Release 4.12 is in place."},
    "comment": {"audience": "internal", "body": "Ask the ward."},
    "link": {"kind": "duplicates"},
    "label": {"name": "Rollout", "colour": "teal"},
    "assign_release": {},
    "watch": {},
    "unwatch": {},
}
SAME = {
    "take": "assign",
    "comment": "note",
    "execute": "record_execution",
    "deploy": "record_deployment",
}
"""Acts that another step takes."""
DOERS = {
    "assess": "success",
    "document": "success",
    "plan_execution": "success",
    "review": "success",
    "authorise": "approver",
    "deploy": "release_manager",
    "assign_release": "release_manager",
}


def ready(cast: Cast) -> Change:
    return stories.deployment_planned(stories.in_deployment(cast), cast)


def release(name: str, days: int = 30, **fields: Any) -> Release:
    day = timezone.localdate() + timedelta(days=days)
    return Release.objects.create(name=name, planned_on=day, **fields)


def to_execute(cast: Cast) -> Change:
    """Planned for now, by support."""
    change = stories.plan(stories.in_execution(cast), cast)
    Execution.objects.filter(change=change).update(window_start=timezone.now())
    return change


@remembered
def of_template(cast: Cast, *, name: str = "Flag", **fields: Any) -> Change:
    """Submitted, of a template that says all of an assessment."""
    template = ChangeTemplate.objects.filter(name=name).first() or lifecycle.save_template(
        None, actor=cast.success, name=name, purpose="Flags.", **{**FLAG, **fields}
    )
    return stories.submitted(cast, template=template)


PLAN = {"steps": "1. Switch it on.", "rollback_plan": "Switch it off."}


@remembered
def to_plan(cast: Cast, *, name: str = "Plan", **fields: Any) -> Change:
    """Authorised, of a template that says how it is carried out."""
    change = stories.in_execution(cast)
    template = ChangeTemplate.objects.filter(name=name).first() or lifecycle.save_template(
        None, actor=cast.success, name=name, purpose="Flags.", **{**PLAN, **fields}
    )
    Change.objects.filter(pk=change.pk).update(template=template)
    return Change.objects.get(pk=change.pk)


def tomorrow(cast: Cast, **more: Any) -> dict[str, Any]:
    """One person and one hour, as a form sends them."""
    start = timezone.localtime() + timedelta(days=1)
    times = {"window_start": start, "window_end": start + timedelta(hours=1)}
    written = {name: f"{moment:%Y-%m-%dT%H:%M}" for name, moment in times.items()}
    return {"executor": cast.support.pk, **written, **more}


MAKERS = {
    "assess": of_template,
    "document": stories.in_documentation,
    "execute": to_execute,
    "review": stories.in_review,
    "authorise": stories.in_authorisation,
    "deploy": ready,
    "assign_release": stories.in_requirements,
    "plan_execution": to_plan,
}


@pytest.mark.parametrize("name", [act.name for act in ACTS])
def test_each_act_does_what_its_single_step_does(cast: Cast, name: str) -> None:
    person = getattr(cast, DOERS.get(name, "support"))
    maker = MAKERS.get(name, stories.submitted)
    changes = [maker(cast), maker(cast)]
    if name == "unwatch":
        for one in changes:
            lifecycle.watch(one, actor=person)
    fields = {**FIELDS[name], **({"owner": cast.developer.pk} if name == "assign" else {})}
    if name == "plan_execution":
        fields = tomorrow(cast)
    if name == "assign_release":
        fields["release"] = release("Release Owl").pk
    if name == "link":
        fields["target"] = f"{stories.submitted(cast).reference} The first of them"
    client, _data, answer = send(person, name, *changes, **fields)
    run = ManyRun.objects.get()
    assert (answer.status_code, answer["Location"]) == (302, run.get_absolute_url())
    assert {outcome for outcome, _why in outcomes().values()} == {Outcome.DONE}
    verb = SAME.get(name, name)
    for one in changes:
        event = one.events.filter(verb=verb).latest("pk")
        assert event.actor == person
    shown = client.get(run.get_absolute_url()).content.decode()
    assert all(one.reference in shown for one in changes) and "2 changes done." in shown


def test_each_gets_the_release_as_its_own_page_would_give_it(cast: Cast) -> None:
    """Refused: what has it, what is not to get one yet, and what is promised for before it."""
    owl = release("Release Owl")
    plain, early, promised, there = (
        stories.in_requirements(cast),
        stories.submitted(cast),
        stories.in_requirements(cast),
        stories.in_requirements(cast),
    )
    due = owl.planned_on - timedelta(days=1)
    kept = {"promise": "twelve_months", "promised_at": timezone.now(), "due_on": due}
    Change.objects.filter(pk=promised.pk).update(**kept)
    manager = cast.release_manager
    lifecycle.assign_release(there, actor=manager, release=owl)
    chosen = [plain, early, promised, there]
    client, shown = page(manager, "assign_release", *chosen)
    assert [one.change for one in shown.context["refused"]] == [early]
    assert 'name="told"' not in shown.content.decode()  # one text is not for several customers
    client, _data, _answer = send(manager, "assign_release", *chosen, release=owl.pk)
    found = outcomes()
    assert found[plain.reference] == (Outcome.DONE, "")
    assert found[there.reference] == (Outcome.REFUSED, "That is how it is already.")
    outcome, why = found[promised.reference]
    assert outcome == Outcome.REFUSED and "promised" in why
    # Those alone again, with a reason; the release is chosen already.
    again = client.get(f"{MANY}?again={ManyRun.objects.get().pk}").content.decode()
    assert f'<option value="{owl.pk}" selected' in again
    send(manager, "assign_release", promised, release=owl.pk, reason="Its supplier is late.")
    promised = Change.objects.get(pk=promised.pk)
    assert (promised.release, promised.late_reason) == (owl, "Its supplier is late.")
    # With a later one its customer reads on what they read, which is asked on its own page.
    heron = release("Release Heron", 60)
    Change.objects.filter(pk=promised.pk).update(late_told="We wait for a part.")
    send(manager, "assign_release", promised, release=heron.pk, reason="Still no part.")
    promised = Change.objects.get(pk=promised.pk)
    kept = (promised.release, promised.late_reason, promised.late_told)
    assert kept == (heron, "Still no part.", "We wait for a part.")
    # None again; a release that is cancelled before the worker comes to it is nobody's.
    send(manager, "assign_release", plain, there, release="")
    assert not Change.objects.filter(pk__in=[plain.pk, there.pk], release=owl).exists()
    send(manager, "assign_release", plain, run=False, release=owl.pk)
    Release.objects.filter(pk=owl.pk).update(cancelled_at=timezone.now())
    tasks.carry_on_acts()
    assert outcomes(ManyRun.objects.first())[plain.reference][0] == Outcome.REFUSED
    _client, _data, answer = send(manager, "assign_release", plain, release=owl.pk)
    assert answer.status_code == 400
    assert page(cast.support, "assign_release", plain)[1].status_code == 403


def test_each_is_linked_as_its_own_page_would(cast: Cast) -> None:
    """Refused: the other one itself, what is linked already, and what is nobody's to link to."""
    other, one, linked = (stories.submitted(cast, title=f"No {at}") for at in range(3))
    lifecycle.link(linked, actor=cast.support, other=other, kind="duplicates")
    target = {"kind": "duplicates", "target": f"{other.reference} No 0"}
    client, _data, answer = send(cast.support, "link", other, one, linked, **target)
    found = outcomes()
    assert found == {
        other.reference: (Outcome.REFUSED, "A change cannot be linked to itself."),
        one.reference: (Outcome.DONE, ""),
        linked.reference: (Outcome.REFUSED, "These changes are linked like this already."),
    }
    assert [(link.kind, link.target) for link in one.links_out.all()] == [("duplicates", other)]
    again = client.get(f"{MANY}?again={ManyRun.objects.get().pk}").content.decode()
    assert f'value="{other.reference} No 0"' in again and "These changes are" in again
    assert 'value="duplicates" selected' in again

    # What does not exist for them is said beside its field, in the same words as what never was.
    draft = stories.draft(cast)  # of support, for nobody else
    for wrong in (draft.reference, "CR-999999", "No such", ""):
        _client, _data, answer = send(cast.developer, "link", one, kind="duplicates", target=wrong)
        words = "There is no such change." if wrong else "Say which change."
        assert answer.status_code == 400 and words in answer.content.decode(), wrong

    # Nobody links who lost the role before the worker came to it.
    more = {"kind": "enabled_by", "target": other.reference}
    send(cast.developer, "link", one, run=False, **more)
    cast.developer.groups.clear()
    tasks.carry_on_acts()
    assert outcomes(ManyRun.objects.first())[one.reference][0] == Outcome.REFUSED
    assert one.links_out.count() == 1


def test_many_are_assessed_and_endorsed_as_their_template_was_shown(cast: Cast) -> None:
    """Not by who may not; not what has blanks, no template, or one that says something else now."""
    whole, blank = of_template(cast), of_template(cast, name="Blank", need="Because of ….")
    asked = of_template(cast)
    lifecycle.edit(asked, actor=cast.support, title="Switch … on")
    partial = of_template(cast, name="Partial", impact=None)
    bare, later = stories.submitted(cast), of_template(cast, name="Later")
    chosen = [whole, blank, asked, partial, bare, later]
    _client, shown = page(cast.success, "assess", *chosen)
    assert [one.change for one in shown.context["offered"]] == [whole, later]
    why = {one.change: one.why_not for one in shown.context["refused"]}
    words = ("has blanks", "The request has blanks", "does not say all", "assess it by itself")
    for one, part in zip((blank, asked, partial, bare), words, strict=True):
        assert part in why[one]
    assert shown.content.decode().count("It is part of the contract.") == 2  # one a template
    send(cast.success, "assess", *chosen, run=False, further="yes", findings="As always.")
    template = later.template
    fields = {**FLAG, "name": "Later", "purpose": "Flags.", "need": "Something else."}
    lifecycle.save_template(template, actor=cast.success, **fields)
    tasks.carry_on_acts()
    found = outcomes()
    assert found[whole.reference][0] == Outcome.DONE
    assert (acts_on(whole, "assess"), acts_on(whole, "review")) == ([FLAG["need"]], ["As always."])
    assert Change.objects.get(pk=whole.pk).state == State.AUTHORISATION
    assert found[later.reference][0] == Outcome.REFUSED and "another" in found[later.reference][1]
    assert not acts_on(later, "assess")
    code = of_template(cast, name="Code", type="code")
    for run in (False, True):
        more = {"further": "yes", "findings": "" if not run else "Fine."}
        assert send(cast.success, "assess", code, run=run, **more)[2].status_code == (
            302 if run else 400
        )
    assert (
        "Only a configuration change is reviewed"
        in outcomes(ManyRun.objects.latest("pk"))[code.reference][1]
    )
    assert Change.objects.get(pk=code.pk).state == State.SUBMITTED
    # What was to be assessed alone can be endorsed as well when it is chosen again.
    client, _data, _answer = send(cast.success, "assess", later, run=False)
    Change.objects.filter(pk=later.pk).update(version=later.version + 1)
    tasks.carry_on_acts()
    again = client.get(f"{MANY}?again={ManyRun.objects.latest('pk').pk}").content.decode()
    assert "Reviewed with the assessment, which says what there is to know.</textarea>" in again


def test_who_may_not_learns_nothing_of_the_template(cast: Cast) -> None:
    """Nor who has an old page: what happened in the meantime is said first."""
    submitted, execution = stories.submitted(cast), stories.in_execution(cast)
    now = timezone.now()
    window = {"window_start": now, "window_end": now}
    plan = {"executor": cast.support, "proposed": {}, **window}
    for actor, seen, error in (
        (cast.developer, None, StepForbidden),
        (cast.success, 0, ChangeStale),
        (cast.success, None, StepIncomplete),
    ):
        with pytest.raises(error):
            lifecycle.assess_as_proposed(submitted, actor=actor, proposed={}, seen=seen)
        with pytest.raises(error):
            lifecycle.plan_as_proposed(execution, actor=actor, seen=seen, **plan)


def test_many_are_planned_as_their_template_or_their_plan_says(cast: Cast) -> None:
    """One person, one window; refused where that person may not, or what was shown has changed."""
    fresh, later = to_plan(cast), to_plan(cast, name="Later")
    planned = stories.plan(stories.in_execution(cast), cast, steps="1. By hand.")
    blank, half = to_plan(cast, name="Blank", steps="Set …."), to_plan(cast, name="Half", steps="")
    bare, back = stories.in_execution(cast), stories.rolled_back(cast)
    old = to_plan(cast, name="Old")
    ChangeTemplate.objects.filter(name="Old").update(is_active=False)
    chosen = [fresh, later, planned, blank, half, bare, back, old]
    client, shown = page(cast.success, "plan_execution", *chosen)
    assert [one.change for one in shown.context["offered"]] == [fresh, later, planned]
    assert [one.name for one in shown.context["proposed"]] == ["Later", "Plan"]
    why = {one.change: one.why_not for one in shown.context["refused"]}
    words = ("have blanks", "does not say both", "has no plan", "rolled back", "has no plan")
    for one, part in zip((blank, half, bare, back, old), words, strict=True):
        assert part in why[one], part
    assert "Switch it off." in shown.content.decode()
    past = timezone.now() - timedelta(days=9)
    wrong = {"window_end": f"{past:%Y-%m-%dT%H:%M}"}
    answer = send(cast.success, "plan_execution", *chosen, run=False, **tomorrow(cast, **wrong))[2]
    assert answer.status_code == 400 and "must close after" in answer.content.decode()
    send(cast.success, "plan_execution", *chosen, run=False, **tomorrow(cast))
    named = {"name": "Later", "purpose": "Flags.", **PLAN, "steps": "Something else."}
    lifecycle.save_template(later.template, actor=cast.success, **named)
    tasks.carry_on_acts()
    found = outcomes()
    for one in (fresh, planned):
        assert found[one.reference] == (Outcome.DONE, "")
        plan = Change.objects.get(pk=one.pk).execution
        assert (plan.executor, plan.recorded_by) == (cast.support, cast.success)
        assert timedelta(0) < plan.window_start - timezone.now() < timedelta(days=1)
        assert (plan.steps, bool(plan.rollback_plan)) == (
            PLAN["steps"] if one == fresh else "1. By hand.",
            True,
        )
    assert found[later.reference][0] == Outcome.REFUSED and "another" in found[later.reference][1]
    assert Change.objects.get(pk=later.pk).execution is None
    again = client.get(MANY, {"again": ManyRun.objects.get().pk, "change": later.pk})
    form, asked = again.context["form"], tomorrow(cast)
    assert form["window_start"].value().strftime("%Y-%m-%dT%H:%M") == asked["window_start"]
    assert str(form["executor"].value()) == str(cast.support.pk)
    send(cast.success, "plan_execution", fresh, run=False, **asked)  # is planned anew
    cast.support.groups.clear()
    tasks.carry_on_acts()
    refused, why_not = outcomes(ManyRun.objects.latest("pk"))[fresh.reference]
    assert refused == Outcome.REFUSED and "cannot be the executor" in why_not


def test_a_window_that_passed_before_the_worker_came_to_it_is_not_planned(cast: Cast) -> None:
    change = to_plan(cast)
    send(cast.success, "plan_execution", change, run=False, **tomorrow(cast))
    run, long_ago = ManyRun.objects.get(), timezone.now() - timedelta(days=3)
    for hours, name in enumerate(("window_start", "window_end")):
        run.arguments[name] = (long_ago + timedelta(hours=hours)).isoformat()
    run.save()  # the worker was away for days
    tasks.carry_on_acts()
    words = "The window has passed already."
    assert outcomes() == {change.reference: (Outcome.REFUSED, words)}
    assert Change.objects.get(pk=change.pk).execution is None


def test_executions_without_words_went_as_planned_but_not_late(cast: Cast) -> None:
    good, late = to_execute(cast), to_execute(cast)
    late = lifecycle.start_execution(late, actor=cast.support)
    hour, now = timedelta(hours=1), timezone.now()
    times = {"window_start": now - 2 * hour, "window_end": now - hour}
    Execution.objects.filter(change=late).update(**times)
    send(cast.support, "execute", good, late, notes=" ")
    found = outcomes()
    assert acts_on(good, "record_execution") == ["Carried out as planned."]
    assert "say why it took longer" in found[late.reference][1]


def test_home_leads_to_all_that_wait_for_one_step(cast: Cast) -> None:
    """Those of the person alone; not where one waits, nor for a step that is no act on many."""
    address = "/changes/many/?act=review&amp;waiting=review&amp;back=%2F"
    first = stories.in_review(cast)
    client = Client()
    client.force_login(cast.success)
    assert address not in client.get("/").content.decode()
    second, other = stories.in_review(cast), stories.in_review(cast)
    Change.objects.filter(pk=other.pk).update(organisation=cast.meridian)
    for _each in range(2):
        stories.in_development(cast)
    html = client.get("/").content.decode()
    assert html.count("waiting=") == 1 and address in html
    shown = client.get(address.replace("&amp;", "&"))
    assert [one.change for one in shown.context["offered"]] == [first, second]
    for wrong in ("assign", "x\0", ""):
        answer = client.get(MANY, {"act": "review", "waiting": wrong})
        assert answer.status_code == 400
    assert Client().get(address).status_code == 302


def test_rows_are_ticked_wherever_changes_are_listed(cast: Cast) -> None:
    """On Home, a release, the board, promises, figures; each leads back there alone."""
    change = stories.in_review(cast)
    seat_everybody()
    held = stories.on_board(cast)
    out = release("9.1")
    ready_one = ready(cast)
    Change.objects.filter(pk=ready_one.pk).update(
        release=out, promise="twelve_months", promised_at=timezone.now()
    )
    client = Client()
    pages = {
        "/": (cast.success, change, "Home"),
        out.get_absolute_url(): (cast.release_manager, ready_one, "Release"),
        "/board/?before=2026-01-01": (cast.developer, held, "Board"),
        "/changes/?view=open": (cast.success, change, "Changes"),
        "/promises/?standing=": (cast.success, ready_one, "Promises"),
        "/figures/submitted/": (cast.success, change, "Figures"),
    }
    for address, (person, listed, label) in pages.items():
        client.force_login(person)
        html = client.get(address).content.decode()
        form = html[html.index('id="many"') :].partition("</form>")[0]
        assert f"name=change value={listed.pk}>" in form and 'name="act"' in form, address
        back = unescape(form.partition('name="back" value="')[2].partition('"')[0])
        shown = client.get(MANY, {"act": "watch", "change": listed.pk, "back": back})
        found = shown.context["way_back"]
        assert (found.url, found.label) == (address, label)
        assert f'href="{escape(address)}"' in shown.content.decode()
    for person in (cast.auditor, cast.requester):
        client.force_login(person)
        for address in pages:
            assert "name=change" not in client.get(address).content.decode(), address


def test_the_way_back_leads_to_one_of_our_lists_alone() -> None:
    for text in (
        *("//evil.org/", "/\\evil.org/", "https://evil.org/changes/", "javascript:alert(1)"),
        *("/changes/many/", "/account/logout/", "/../changes/", "/\t/evil.org/", "/board/\n"),
        *("?", "?q=\0", "/?x#x", "/?q=é", f"?q={'x' * 1000}", "changes/", "/changes/export/"),
    ):
        found = way_back.page_with_list(text).url
        assert (way_back.kept_of(text), found) == ("", "/changes/"), text


def test_what_cannot_be_assessed_so_hides_nothing_that_can(
    cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of what waits, what began with no template leaves the page to the rest."""
    asked = {"act": "assess", "waiting": "assess"}
    bare, whole, later = stories.submitted(cast), of_template(cast), of_template(cast)
    monkeypatch.setattr("changes.views.many.MOST", 2)
    client = Client()
    client.force_login(cast.success)
    assert [one.change for one in client.get(MANY, asked).context["offered"]] == [whole, later]
    Change.objects.filter(pk__in=[whole.pk, later.pk]).update(template=None)
    shown = client.get(MANY, asked).context  # why not, where there is nothing else
    assert [one.change for one in shown["refused"]] == [bare, whole]


def test_one_that_is_refused_stops_none_of_the_others(cast: Cast) -> None:
    """Stale, of another team, past the state, and one that fails in an unforeseen way."""
    good, stale, moved, broken, last = (stories.in_review(cast) for _each in range(5))
    strange = stories.in_review(cast)
    Change.objects.filter(pk=strange.pk).update(organisation=cast.meridian)
    chosen = [good, stale, moved, strange, broken, last]
    client, data, answer = send(cast.success, "review", *chosen, run=False, **FIELDS["review"])
    lifecycle.assign(stale, actor=cast.support, owner=cast.developer)
    lifecycle.withdraw(moved, actor=cast.support, reason="No longer wished.")
    real = lifecycle.review

    def review(change: Change, **fields: Any) -> Change:
        if change.pk == broken.pk:
            Comment.objects.create(change=change, author=cast.success, body="Half done.")
            raise ZeroDivisionError
        return real(change, **fields)

    with pytest.MonkeyPatch.context() as patch:
        (act,) = (one for one in ACTS if one.name == "review")
        patch.setitem(runs.ACT, "review", type(act)(**{**vars(act), "does": review}))
        tasks.carry_on_acts()
    found = outcomes()
    assert [found[one.reference][0] for one in chosen] == [
        Outcome.DONE,
        Outcome.REFUSED,
        Outcome.REFUSED,
        Outcome.REFUSED,
        Outcome.FAILED,
        Outcome.DONE,
    ]
    assert "In the meantime Sam Support assigned an owner." in found[stale.reference][1]
    assert "withdrew the request" in found[moved.reference][1]
    assert "looks after Meridian Retail" in found[strange.reference][1]
    assert not Comment.objects.exists()
    shown = client.get(ManyRun.objects.get().get_absolute_url()).content.decode()
    assert "2 changes done." in shown and "3 refused." in shown and "1 could not be done." in shown

    again = client.get(MANY, {"again": ManyRun.objects.get().pk})
    offered = [one.change for one in again.context["offered"]]
    assert offered == [stale, broken]
    assert "Looked at all of them." in again.content.decode()
    assert [one.change for one in again.context["refused"]] == [moved, strange]


def test_a_form_that_comes_twice_acts_once(cast: Cast) -> None:
    changes = [stories.submitted(cast), stories.submitted(cast)]
    client, data, answer = send(cast.support, "comment", *changes, **FIELDS["comment"])
    assert client.post(MANY, data)["Location"] == answer["Location"]
    tasks.carry_on_acts()
    runs.carry_on(ManyRun.objects.get().pk)
    assert Comment.objects.count() == 2
    other = client.post(MANY, {**data, "body": "Something else."})
    assert other.status_code == 400 and "Something else." in other.content.decode()
    assert other.context["key"] != data["key"] and Comment.objects.count() == 2
    client.post(MANY, {**data, "body": "Something else.", "key": other.context["key"]})
    tasks.carry_on_acts()
    assert Comment.objects.count() == 4


def test_a_run_that_was_cut_off_goes_on_and_does_nothing_twice(cast: Cast) -> None:
    changes = [stories.submitted(cast) for _each in range(4)]
    send(cast.support, "comment", *changes, run=False, **FIELDS["comment"])
    run = ManyRun.objects.get()
    real = lifecycle.comment
    died: list[int] = []

    def die(change: Change, **fields: Any) -> Comment:
        done = real(change, **fields)
        if change.pk == changes[1].pk:
            died.append(1)
            raise SystemExit
        return done

    act = runs.ACT["comment"]
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(runs.ACT, "comment", type(act)(**{**vars(act), "does": die}))
        for _each in range(runs.MAX_ATTEMPTS):
            with pytest.raises(SystemExit):
                runs.carry_on(run.pk)
            assert Comment.objects.count() == 1
        assert runs.unfinished() == [run.pk]
        runs.carry_on(run.pk)  # passes over the one on which it died
    assert len(died) == runs.MAX_ATTEMPTS
    assert [one for one, _why in outcomes(run).values()] == [
        Outcome.DONE,
        Outcome.FAILED,
        Outcome.DONE,
        Outcome.DONE,
    ]
    assert (Comment.objects.count(), runs.unfinished()) == (3, [])


@pytest.mark.parametrize("error", [SoftTimeLimitExceeded, OperationalError])
def test_what_is_no_fault_of_the_change_leaves_it_to_the_next_worker(
    cast: Cast, error: type[Exception]
) -> None:
    """A worker whose time is over; a database that was restarted; but not for ever."""
    changes = [stories.submitted(cast), stories.submitted(cast)]
    send(cast.support, "comment", *changes, run=False, **FIELDS["comment"])
    act = runs.ACT["comment"]

    def too_late(change: Change, **fields: Any) -> None:
        raise error

    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(runs.ACT, "comment", type(act)(**{**vars(act), "does": too_late}))

        def ends() -> AbstractContextManager[object]:
            is_over = error is SoftTimeLimitExceeded
            return pytest.raises(error) if is_over else nullcontext()

        for _each in range(runs.MAX_ATTEMPTS):
            with ends():  # the time of the whole task is over, not that of one run
                tasks.carry_on_acts()
            assert {one for one, _why in outcomes().values()} == {Outcome.WAITING}
        with ends():
            tasks.carry_on_acts()
    assert [one for one, _why in outcomes().values()] == [Outcome.FAILED, Outcome.WAITING]
    tasks.carry_on_acts()
    assert [one for one, _why in outcomes().values()] == [Outcome.FAILED, Outcome.DONE]


def test_rights_are_asked_when_it_is_done(cast: Cast) -> None:
    """Who was deactivated, lost the role or moved to a customer meanwhile does nothing."""

    def deactivate() -> None:
        User.objects.filter(pk=cast.support.pk).update(is_active=False)

    def take_role() -> None:
        cast.support.groups.clear()

    def move() -> None:
        cast.support.groups.clear()
        User.objects.filter(pk=cast.support.pk).update(organisation=cast.harbour)

    for befalls in (deactivate, take_role, move):
        changes = [stories.submitted(cast), stories.submitted(cast)]
        Change.objects.filter(pk__in=[one.pk for one in changes]).update(raised_by=cast.developer)
        send(cast.support, "comment", *changes, run=False, **FIELDS["comment"])
        befalls()
        tasks.carry_on_acts()
        run = ManyRun.objects.latest("pk")
        assert {one for one, _why in outcomes(run).values()} == {Outcome.REFUSED}, befalls
        User.objects.filter(pk=cast.support.pk).update(is_active=True, organisation=None)
        cast.support.groups.set(cast.success.groups.model.objects.filter(name=Role.SUPPORT))
    assert not Comment.objects.exists()


def test_separation_of_duties_holds_for_each(cast: Cast) -> None:
    own, other = stories.in_authorisation(cast), stories.in_authorisation(cast)
    own.requester = cast.approver
    own.save()
    _client, shown = page(cast.approver, "authorise", own, other)
    (refused,) = shown.context["refused"]
    assert refused.change == own and "Separation of duties" in refused.why_not
    send(cast.approver, "authorise", own, other, **FIELDS["authorise"])
    found = outcomes()
    assert found[own.reference] == (Outcome.REFUSED, refused.why_not)
    assert found[other.reference][0] == Outcome.DONE
    assert not acts_on(own, "authorise") and acts_on(other, "authorise") == ["Agreed on Monday."]


def test_who_reaches_the_pages(cast: Cast) -> None:
    """A customer's people see nothing of it, but for their approvers, who authorise."""
    change = stories.submitted(cast)
    send(cast.support, "watch", change)
    run = ManyRun.objects.get()
    first = {
        **dict.fromkeys(("requester", "auditor", "nobody")),
        "approver": "authorise",
        "success": "assess",
        "support": "take",
        "administrator": "assign",
        "developer": "comment",
        "release_manager": "deploy",
    }
    for name, act in first.items():
        person = cast.people[name]
        assert next((one.name for one in acts_of(person)), None) == act, name
        client, shown = page(person, act or "watch", change)
        assert shown.status_code == (200 if act else 403), name
        listed = client.get("/changes/").content.decode()
        assert ('name="act"' in listed) == ("name=change" in listed) == bool(act), name
        if name in ("approver", "administrator"):
            assert page(person, "watch", change)[1].status_code == 403
            assert client.post(MANY, {"act": "watch", "change": change.pk}).status_code == 403
        for path in (run.get_absolute_url(), f"{run.get_absolute_url()}progress/"):
            assert client.get(path).status_code == (200 if name == "support" else 404), name
            assert client.post(path).status_code == 405
        assert client.get(MANY, {"again": run.pk}).status_code in {403, 404} or name == "support"
    assert [one.name for one in acts_of(cast.approver)] == ["authorise"]
    assert Client().get(MANY)["Location"] == f"/account/login/?next={MANY}"
    assert ManyRun.objects.count() == 1


def test_who_has_one_act_alone_and_none_to_take_it_on_is_led_back(cast: Cast) -> None:
    _client, shown = page(cast.approver, "authorise", stories.submitted(cast), back="?sort=title")
    text = shown.content.decode()
    assert "You may not do this on any of these changes." in text
    assert "What else would you do" not in text
    assert '<a class="step-back" href="/changes/?sort=title">' in text


def test_a_customers_approver_decides_on_their_own_alone(cast: Cast) -> None:
    own, strange = stories.in_authorisation(cast), stories.in_authorisation(cast)
    lifecycle.comment(own, actor=cast.success, body="heron", internal=True)
    Change.objects.filter(pk=strange.pk).update(organisation=cast.meridian)
    client, shown = page(cast.approver, "authorise", own, strange)
    assert [one.change for one in shown.context["offered"]] == [own]
    rows = [f"{one.pk}:{one.version}" for one in (own, strange)]
    data = {"act": "authorise", "key": "k", "change": [own.pk, strange.pk], "row": rows}
    client.post(MANY, data | FIELDS["authorise"])
    lifecycle.assign(own, actor=cast.support, owner=cast.support)
    tasks.carry_on_acts()
    ((outcome, reason),) = outcomes().values()
    assert outcome == Outcome.REFUSED and "assigned an owner" in reason
    told = client.get(ManyRun.objects.get().get_absolute_url()).content.decode()
    for text in (shown.content.decode(), told):
        assert strange.reference not in text and "heron" not in text
    cast.harbour.approvers.remove(cast.approver)
    assert client.get(ManyRun.objects.get().get_absolute_url()).status_code == 404


def test_what_does_not_exist_for_somebody_is_not_told_apart(cast: Cast) -> None:
    draft, change = stories.draft(cast), stories.submitted(cast)
    Change.objects.filter(pk=draft.pk).update(raised_by=cast.success)
    client, shown = page(cast.support, "watch", change, draft, Change(pk=987654))
    assert [one.change for one in shown.context["offered"]] == [change]
    assert not shown.context["refused"] and draft.reference not in shown.content.decode()
    assert page(cast.support, "watch", draft)[1].status_code == 404
    rows = [f"{draft.pk}:1", f"{change.pk}:{change.version}"]
    data = {"act": "watch", "change": [draft.pk, change.pk], "row": rows, "key": "k"}
    client.post(MANY, data)
    tasks.carry_on_acts()
    assert set(outcomes()) == {change.reference} and not draft.watchers.exists()
    run = ManyRun.objects.get()
    ManyRow.objects.filter(run=run).update(change=draft)
    later = client.get(run.get_absolute_url()).content.decode()
    assert draft.reference not in later and draft.title not in later
    assert client.get(MANY, {"again": run.pk}).status_code == 400


def test_who_has_moved_to_a_customer_reads_their_runs_no_more(cast: Cast) -> None:
    change = stories.submitted(cast)
    client, _data, _answer = send(cast.support, "watch", change)
    path = ManyRun.objects.get().get_absolute_url()
    User.objects.filter(pk=cast.support.pk).update(organisation=cast.harbour)
    assert {client.get(one).status_code for one in (path, f"{path}progress/")} == {404}


@pytest.mark.django_db(transaction=True)
def test_two_forms_and_two_workers_at_once_act_once(cast: Cast) -> None:
    changes = [stories.submitted(cast), stories.submitted(cast)]
    _client, data, _answer = send(cast.support, "comment", *changes, run=False, audience="x")
    data |= FIELDS["comment"]
    clients = [signed_in(cast.support) for _each in range(2)]
    answers = at_once(*(lambda one=one: one.post(MANY, data) for one in clients))
    run = ManyRun.objects.get()
    assert [answer["Location"] for answer in answers] == [run.get_absolute_url()] * 2
    assert at_once(*[lambda: runs.carry_on(run.pk)] * 2) == [None, None]
    assert (Comment.objects.count(), runs.unfinished()) == (2, [])


@pytest.mark.django_db(transaction=True)
def test_a_worker_that_lost_its_lock_does_nothing_twice(cast: Cast) -> None:
    """As when the database was restarted: the lock is gone with the connection, the work is not."""
    changes = [stories.submitted(cast) for _each in range(3)]
    send(cast.support, "comment", *changes, run=False, **FIELDS["comment"])
    run = ManyRun.objects.get()
    real, others = lifecycle.comment, []

    def carry_on() -> None:
        try:
            runs.carry_on(run.pk)
        finally:
            connection.close()

    def lose(change: Change, **fields: Any) -> Comment:
        if not others:
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_unlock_all()")
            others.append(threading.Thread(target=carry_on))
            others[0].start()
            others[0].join(timeout=0.7)
        return real(change, **fields)

    act = runs.ACT["comment"]
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(runs.ACT, "comment", type(act)(**{**vars(act), "does": lose}))
        runs.carry_on(run.pk)
        others[0].join(timeout=60)
    assert [one.comments.count() for one in changes] == [1, 1, 1]
    assert {one for one, _why in outcomes(run).values()} == {Outcome.DONE}
    assert runs.unfinished() == []


@pytest.mark.parametrize(
    ("data", "status", "sentence"),
    [
        ({"act": "watch"}, 400, "Choose at least one change"),
        ({"act": "watch", "change": ["x", "-1", "9" * 30]}, 400, "Choose at least one change"),
        ({"act": "watch", "change": range(1, 52)}, 400, "At most 50 changes at once"),
        ({"act": "close", "change": [1]}, 404, ""),
        ({"act": "authorise", "change": [1]}, 403, "never yours"),
        ({"again": "x"}, 400, "Choose at least one change"),
        ({"again": "77"}, 404, ""),
    ],
)
def test_bad_choices_get_a_sentence(
    cast: Cast, data: dict[str, Any], status: int, sentence: str
) -> None:
    client = Client()
    client.force_login(cast.support)
    answer = client.get(MANY, data)
    assert (answer.status_code, sentence in answer.content.decode()) == (status, True)
    if "again" not in data:
        assert client.post(MANY, data).status_code == status


def test_bad_forms_keep_what_was_typed_and_ticked(cast: Cast) -> None:
    one, two = stories.in_review(cast), stories.in_review(cast)
    client, data, answer = send(cast.success, "review", one, two, run=False, findings="Fine.")
    assert answer.status_code == 400 and "Fine." in answer.content.decode()
    ticked = {**data, **FIELDS["review"], "row": f"{one.pk}:{one.version}", "outcome": "maybe"}
    answer = client.post(MANY, ticked)
    assert [chosen.ticked for chosen in answer.context["offered"]] == [True, False]
    answer = client.post(MANY, {**ticked, "outcome": "endorsed", "row": []})
    assert answer.status_code == 400 and "Tick at least one change." in answer.content.decode()
    unheard = {**ticked, "outcome": "endorsed", "row": f"{one.pk}:{'9' * 18}"}
    answer = client.post(MANY, unheard)
    assert answer.status_code == 400 and "Tick at least one change." in answer.content.decode()
    odd = {"key": "a\0b", "back": "?q=\0", "row": [f"{one.pk}:{one.version}", "1:x", ":", "a"]}
    answer = client.post(MANY, {**ticked, "outcome": "endorsed", **odd})
    assert answer.status_code == 302
    tasks.carry_on_acts()
    assert set(outcomes()) == {one.reference}
    assert (
        client.get(MANY, {"act": "review", "change": two.pk, "back": "//evil"})
        .context["way_back"]
        .url
        == "/changes/"
    )


@pytest.mark.parametrize(
    "name",
    [
        *("assess", "review", "authorise", "plan_execution", "execute", "assign"),
        *("assign_release", "watch"),
    ],
)
def test_the_page_costs_the_same_for_two_and_for_six(
    cast: Cast, name: str, django_assert_max_num_queries: Any
) -> None:
    person = getattr(cast, DOERS.get(name, "support"))
    maker: Callable[[Cast], Change] = MAKERS.get(name, stories.submitted)
    changes = [maker(cast) for _each in range(6)]
    counts = []
    for number in (2, 6):
        with django_assert_max_num_queries(60) as asked:
            assert page(person, name, *changes[:number])[1].status_code == 200
        counts.append(len(asked))
    assert counts[0] == counts[1], counts


def test_a_form_that_can_end_changes_asks_first(cast: Cast) -> None:
    """On the step's own page and for many: each form with the choice of refusing."""
    ways = {
        "review": (stories.in_review, "success"),
        "authorise": (stories.in_authorisation, "approver"),
    }
    for verb, (make, doer) in ways.items():
        change = make(cast)
        client, many = page(cast.people[doer], verb, change)
        for shown in (many, client.get(f"{change.get_absolute_url()}{verb}/")):
            html = shown.content.decode()
            assert 'name="outcome" value="refused"' in html.replace('type="radio" ', "")
            if verb == "authorise" and shown is not many:  # a button says what is decided
                asker = html[html.index('value="refused" formaction=') :].partition(">")[0]
            else:
                asker = html[html.index("data-confirm-if=") :].partition(">")[0]
                assert 'data-confirm-if="outcome=refused"' in asker
            assert "is told why." in asker
