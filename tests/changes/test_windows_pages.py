"""The pages of freezes and maintenance windows: who reads them, what they say and refuse."""

import re
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.models import User
from changes import lifecycle, planning, tasks
from changes.models import Change, Execution, ManyRow, Service, Window
from tests import stories
from tests.changes.test_windows import HOUR, booking, window
from tests.people import Cast

LIST, NEW = reverse("changes:windows"), reverse("changes:new_window")
OVERRIDES = reverse("changes:overrides")


def at(one: Window, act: str = "window") -> str:
    return reverse(f"changes:{act}", args=[one.pk])


def page(client: Client, person: User, address: str, data: Any = None, status: int = 200) -> str:
    client.force_login(person)
    answer = client.get(address) if data is None else client.post(address, data)
    assert answer.status_code == status, answer.content.decode()
    return answer.content.decode()


def typed(**more: Any) -> dict[str, Any]:
    begin = timezone.now() + HOUR
    return {
        "kind": "freeze",
        "name": "End of <year>",
        "effect": "refuses",
        "zone": "Asia/Tokyo",
        "repeats": "once",
        "starts_at": f"{begin:%Y-%m-%d}T23:30",
        "ends_at": f"{begin + timedelta(days=3):%Y-%m-%d}T08:00",
        "reason": "The books are closed.",
        **more,
    }


def test_colleagues_read_them_and_release_managers_keep_them(client: Client, cast: Cast) -> None:
    freeze = window(cast, effect="override", override_role="crb_member")
    for name, somebody in cast.people.items():
        reads = somebody.is_internal and bool(somebody.roles)
        html = page(client, somebody, LIST, status=200 if reads else 403)
        assert ("Audit week" in html) == reads, name
        keeps = name in {"release_manager", "administrator"}
        page(client, somebody, NEW, status=200 if keeps else 403)
    acts = {act: at(freeze, act) for act in ("window", "cancel_window", "override_window")}
    for address in (OVERRIDES, *acts.values()):
        for somebody in (cast.requester, cast.nobody):
            assert "Audit week" not in page(client, somebody, address, status=403)
    for act, somebody in (("cancel_window", cast.chair), ("override_window", cast.release_manager)):
        page(client, somebody, acts[act], status=403)
    assert acts["override_window"] in page(client, cast.chair, acts["window"])
    assert acts["cancel_window"] in page(client, cast.release_manager, acts["window"])


def test_a_freeze_is_made_and_cancelled_in_the_zone_that_was_chosen(
    client: Client, cast: Cast
) -> None:
    manager = cast.release_manager
    for wrong, sentence in (
        ({"ends_at": typed()["starts_at"]}, "must end after it begins"),
        ({"ends_at": ""}, "This is needed."),
        ({"ends_at": "9999-12-31T23:59"}, "more than ten years ahead"),
        ({"starts_at": "0001-01-01T00:00"}, ""),
        ({"starts_at": "1900-01-01T00:00"}, "more than ten years ago"),
        ({"zone": "America/Los_Angeles", "ends_at": "9999-12-31T23:59"}, ""),
        ({"starts_at": "x"}, "Enter a valid date/time."),
        ({"zone": "x"}, "Select a valid choice"),
        ({"name": "n" * 101}, "at most 100 characters"),
        ({"effect": "override"}, "Say which role can override it."),
        (
            {"repeats": "weekly", "weekday": 6, "from_time": "22:00", "to_time": "23:00"},
            "two years",
        ),
        ({"service": 10**9}, "Select a valid choice"),
        ({"name": "\u202e"}, "This field is required."),
        ({"reason": "r" * 2001}, "at most 2000 characters"),
    ):
        assert sentence in page(client, manager, NEW, typed(**wrong), 400)
    assert not Window.objects.exists()
    page(client, manager, NEW, typed(), 302)
    freeze = Window.objects.get()
    assert (freeze.starts_at.hour, freeze.starts_at.minute, freeze.ends_at.hour) == (14, 30, 23)
    html = page(client, cast.auditor, at(freeze))
    assert "End of &lt;year&gt;" in html
    assert "No plan lies in it." in html
    assert at(freeze, "cancel_window") not in html
    cancel = at(freeze, "cancel_window")
    assert "Say why it is cancelled." in page(client, manager, cancel, {"reason": ""}, 400)
    page(client, manager, cancel, {"reason": "Moved <on>.", "seen": 1}, 302)
    page(client, manager, cancel, {"reason": "Again.", "seen": 1}, 409)
    assert "Moved &lt;on&gt;." in page(client, cast.auditor, at(freeze))
    assert "End of" not in page(client, manager, LIST)
    assert "End of" in page(client, manager, f"{LIST}?view=cancelled")
    page(client, manager, f"{LIST}?view=x", status=404)
    page(client, manager, f"{LIST}?page=x", status=400)
    page(client, manager, f"{OVERRIDES}?page=x", status=400)
    page(client, manager, at(Window(pk=10**9)), status=404)
    weekly = typed(repeats="weekly", weekday=6, from_time="22:00", to_time="02:00")
    first = timezone.localdate()
    weekly |= {"first": first, "until": first + timedelta(days=60), "kind": "maintenance"}
    for day in ("9999-12-31", "0001-01-01"):
        page(client, manager, NEW, {**weekly, "first": day, "until": day}, 400)
    page(client, manager, NEW, weekly, 302)
    made = Window.objects.latest("pk")
    assert "every Sunday from 22:00 to 02:00 (Asia/Tokyo)" in page(client, manager, at(made))
    assert made.spans.count() >= 8


def test_a_refusal_stands_beside_its_field_and_leads_to_the_override(
    client: Client, cast: Cast
) -> None:
    change = stories.in_execution(cast)
    freeze = window(cast, effect="override", override_role="crb_member")
    begin = timezone.now() + 2 * HOUR
    data = {
        "seen": change.version,
        "executor": cast.support.pk,
        "window_start": f"{begin:%Y-%m-%dT%H:%M}",
        "window_end": f"{begin + HOUR:%Y-%m-%dT%H:%M}",
        "steps": "1. Change it.",
        "rollback_plan": "Back.",
    }
    address = reverse("changes:plan_execution", args=[change.pk])
    html = page(client, cast.success, address, data, 400)
    assert 'href="#id_window_start">Window opens: Inside the change freeze' in html
    override = at(freeze, "override_window")
    for wrong, sentence in (
        ({"change": "CR-999999", "reason": "x"}, "There is no such change."),
        ({"change": stories.in_review(cast).reference, "reason": "x"}, "not at the point"),
        ({"change": change.reference, "reason": ""}, "Say why it is allowed."),
    ):
        assert sentence in page(client, cast.chair, override, wrong, 400)
    page(client, cast.chair, override, {"change": change.reference, "reason": "Wards <2>."}, 302)
    assert "Wards &lt;2&gt;." in page(client, cast.auditor, OVERRIDES)
    assert "Wards &lt;2&gt;." in page(client, cast.auditor, at(freeze))
    page(client, cast.success, address, data, 302)
    html = page(client, cast.success, change.get_absolute_url())
    assert "In the way of the plan" in html
    assert "It was overridden for this change." in html
    html = page(client, cast.auditor, at(freeze))
    assert change.title in html.split("Plans that lie in it")[1]
    html = page(client, cast.requester, change.get_absolute_url())
    assert "In the way" not in html
    assert "Audit week" not in html
    assert "Wards" not in html


def test_an_approver_reads_of_freezes_and_plans_ahead(
    client: Client, cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    change, other, second = stories.in_authorisation(cast), *map(stories.in_execution, [cast] * 2)
    for one in (change, other, second):
        booking(one)
    for one in (other, second):
        stories.plan(one, cast)
    window(cast, name="Theirs", organisation=cast.harbour)
    window(cast, name="Others", organisation=cast.meridian)
    window(
        cast,
        name="Later",
        starts_at=timezone.now() + 800 * HOUR,
        ends_at=timezone.now() + 900 * HOUR,
    )
    own = cast.harbour.approvers
    inside = cast.developer
    inside.groups.add(cast.approver.groups.get())
    own.add(inside)
    address = reverse("changes:authorise", args=[change.pk])
    html = page(client, User.objects.get(pk=inside.pk), address)
    assert "Theirs" in html
    assert "Others" not in html
    assert "Later" not in html
    assert f"{other.reference} is planned at that time and affects Space booking. Until" in html
    monkeypatch.setattr("changes.planning.ahead.LISTED", 1)
    assert "And 1 more." in page(client, User.objects.get(pk=inside.pk), address)
    theirs = page(client, cast.approver, address)
    assert "Theirs" not in theirs
    assert other.reference not in theirs


def test_plans_in_a_freeze_have_pages_and_cost_no_queries(
    client: Client, cast: Cast, django_assert_num_queries: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("changes.views.windows.PAGE_SIZE", 2)
    for number in range(2):
        stories.plan(stories.in_execution(cast), cast)
        if not number:
            stories.deployment_planned(stories.in_deployment(cast), cast)
    freeze = window(cast, ends_at=timezone.now() + timedelta(days=30))
    Window.objects.bulk_create(
        Window(
            kind="maintenance",
            effect="warns",
            zone="UTC",
            name=f"w{number}",
            starts_at=timezone.now(),
            ends_at=timezone.now() + timedelta(days=40),
        )
        for number in range(3)
    )
    client.force_login(cast.auditor)
    with django_assert_num_queries(11):
        html = client.get(at(freeze)).content.decode()
    assert html.count("work-name") == 2
    link = html.split('rel="next" href="')[1].split('"')[0].replace("&amp;", "&")
    assert client.get(at(freeze) + link).content.decode().count("work-name") == 1
    with django_assert_num_queries(4):
        client.get(LIST)
    assert "w0" in client.get(f"{LIST}?view=upcoming").content.decode()


def test_the_page_of_a_change_asks_for_conflicts_in_fixed_queries(
    client: Client, cast: Cast, django_assert_max_num_queries: Any
) -> None:
    change = stories.plan(stories.in_execution(cast), cast)
    service = booking(change)
    client.force_login(cast.success)
    client.get(change.get_absolute_url())
    counts = set()
    for _each in range(2):
        other = stories.plan(stories.in_execution(cast), cast)
        other.services.add(service)
        window(cast, effect="warns")
        with django_assert_max_num_queries(60) as asked:
            assert "Stops it" not in client.get(change.get_absolute_url()).content.decode()
        counts.add(len(asked))
    assert len(counts) == 1
    assert Service.objects.count() == 1
    assert Change.objects.count() == 3


def test_a_form_sent_twice_makes_one_freeze(cast: Cast) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(cast.release_manager)
    html = client.get(NEW).content.decode()
    token = html.split('name="csrfmiddlewaretoken" value="')[1].split('"')[0]
    for _twice in range(2):
        client.post(NEW, typed(csrfmiddlewaretoken=token))
    assert Window.objects.count() == 1


def read_key(html: str) -> str:
    """By what the page that is shown says which conflicts were read."""
    found = re.search(r'name="read" value="(\w+)"', html)
    return found[1] if found else ""


def test_what_is_in_the_way_is_shown_before_a_plan_is_saved(client: Client, cast: Cast) -> None:
    """On a first plan, as its times are typed, and to who sends it without having read it."""
    change, other = stories.in_execution(cast), stories.in_execution(cast)
    stories.plan(other, cast)
    begins = timezone.now().replace(second=0, microsecond=0) + 200 * HOUR
    Execution.objects.update(window_start=begins, window_end=begins + HOUR)
    for name, effect in (("Quiet <night>", "warns"), ("Closed", "refuses")):
        starts = begins if effect == "warns" else begins + 24 * HOUR
        window(cast, name=name, effect=effect, starts_at=starts, ends_at=starts + 9 * HOUR)
    address = reverse("changes:plan_execution", args=[change.pk])
    zone = ZoneInfo(cast.success.time_zone)

    def times(starts: datetime, **more: Any) -> dict[str, Any]:
        local = [timezone.localtime(one, zone) for one in (starts, starts + HOUR)]
        names = ("window_start", "window_end")
        return {name: f"{at:%Y-%m-%dT%H:%M}" for name, at in zip(names, local, strict=True)} | more

    def typed_so(values: dict[str, Any], status: int = 200) -> str:
        answer = client.get(address, values, headers={"HX-Request": "true"})
        assert answer.status_code == status
        return answer.content.decode()

    client.force_login(cast.requester)
    assert "Quiet" not in typed_so(times(begins), 403)
    client.force_login(cast.success)
    assert typed_so(times(begins - 99 * HOUR)).strip() == ""
    for wrong in ({}, {"window_start": "x"}, times(begins, window_end="0001-01-01T00:00")):
        assert typed_so(wrong).strip() == "", "while they are typed"
    part = typed_so(times(begins))
    assert "Quiet &lt;night&gt;" in part and "Warns" in part and "<html" not in part
    back = {"HX-Request": "true", "HX-History-Restore-Request": "true"}
    assert "<html" in client.get(address, headers=back).content.decode(), "who goes back to it"
    busy = typed_so(times(begins, executor=cast.support.pk))
    assert f"{cast.support} executes {other.reference}" in busy
    assert "Stops it" in typed_so(times(begins + 24 * HOUR))
    soon = window(cast, name="These days", ends_at=timezone.now() + 60 * HOUR)
    assert "These days" in client.get(address).content.decode(), "what is proposed at first"
    lifecycle.cancel_window(soon, actor=cast.administrator, reason="No.")
    sent = {"seen": change.version, "steps": "Do.", "rollback_plan": "Undo."}
    sent |= times(begins, executor=cast.support.pk)
    answer = client.post(address, sent)
    html = answer.content.decode()
    assert answer.status_code == 400 and "Read what is in the way" in html
    assert read_key(html) == read_key(busy) and not change.executions.exists()
    assert client.post(address, {**sent, "read": read_key(part)}).status_code == 400, "of another"
    assert client.post(address, {**sent, "read": read_key(busy)}).status_code == 302
    assert len(change.events.latest("pk").data["conflicts"]) == 2
    later = times(begins + 24 * HOUR, seen=Change.objects.get(pk=change.pk).version)
    html = client.post(address, {**sent, **later}).content.decode()
    assert html.count("Inside the change freeze “Closed”") == 3, "on top, beside it, in the list"


def test_a_release_within_a_freeze_is_told_before_it_is_chosen(client: Client, cast: Cast) -> None:
    change, release = stories.in_development(cast), stories.release()
    starts, ends = planning.day_of(release)
    window(cast, name="All day", starts_at=starts, ends_at=ends)
    address = reverse("changes:assign_release", args=[change.pk])
    client.force_login(cast.release_manager)
    htmx = {"HX-Request": "true"}
    assert "All day" in client.get(address, {"release": release.pk}, headers=htmx).content.decode()
    assert "All day" not in client.get(address, {"release": ""}, headers=htmx).content.decode()
    sent = {"seen": change.version, "release": release.pk}
    html = client.post(address, sent).content.decode()
    assert "Read what is in the way" in html and "Stops it" in html
    assert client.post(address, {**sent, "read": read_key(html)}).status_code == 302
    change = Change.objects.get(pk=change.pk)
    (kept,) = change.events.latest("pk").data["conflicts"]
    assert "All day" in kept and change.release == release

    # Chosen for many, nobody would have read it: it is left to the page that shows it.
    other = stories.in_development(cast)
    chosen = {"act": "assign_release", "change": other.pk, "release": release.pk}
    client.post(reverse("changes:act_on_many"), {**chosen, "row": f"{other.pk}:{other.version}"})
    tasks.carry_on_acts()
    (row,) = ManyRow.objects.all()
    assert row.outcome == ManyRow.Outcome.REFUSED and "All day" in row.reason
    assert Change.objects.get(pk=other.pk).release is None
