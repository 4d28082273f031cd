"""Services and what they need: circles, both halves at once, pictures, and plans in the way.

Costs about 3 s.
"""

import random
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format
from post_office.models import Email

from accounts.middleware import zone_of
from accounts.models import User
from changes import lifecycle, planning
from changes.dependencies import Links, columns_of, lines_of
from changes.met_mail import is_for_colleagues
from changes.models import Change, Service, ServiceDependency
from changes.services import all_links, links_near
from changes.settling import settle
from expansive_cm.workflow.errors import StepForbidden, StepIllegal, StepIncomplete
from tests import stories
from tests.concurrently import at_once
from tests.people import Cast


def made(*names: str) -> list[Service]:
    return [Service.objects.create(name=name) for name in names]


def need(cast: Cast, *services: Service) -> None:
    """Each needs the next one."""
    for one, other in zip(services, services[1:], strict=False):
        lifecycle.add_dependency(one, actor=cast.administrator, needs=other)


def test_a_circle_is_refused_and_named(cast: Cast) -> None:
    lifts, doors, badges, power, water, gas, air = made(
        "Lifts", "Doors", "Badges", "Power", "Water", "Gas", "Air"
    )
    need(cast, lifts, doors, badges)
    link = partial(lifecycle.add_dependency, actor=cast.administrator)
    with pytest.raises(StepIncomplete) as no:
        link(badges, needs=lifts)
    assert no.value.missing == ["needs"]
    circle = "Badges needs Lifts, which needs Doors, which needs Badges"
    assert str(no.value).startswith(f"That would be a circle: {circle}.")
    for one, other, words in ((lifts, lifts, "itself"), (lifts, doors, "already")):
        with pytest.raises(StepIncomplete, match=words):
            link(one, needs=other)
    need(cast, badges, power, water, gas, air)
    with pytest.raises(StepIncomplete, match="Air needs Lifts, which needs Doors, which needs …,"):
        link(air, needs=lifts)
    for somebody in (cast.release_manager, cast.auditor, cast.requester):
        with pytest.raises(StepForbidden):
            link(air, needs=lifts, actor=somebody)
        with pytest.raises(StepForbidden):
            lifecycle.remove_dependency(lifts, actor=somebody, needs=doors.pk)
    remove = partial(lifecycle.remove_dependency, lifts, actor=cast.administrator, needs=doors.pk)
    remove()
    with pytest.raises(StepIllegal, match="already"):
        remove()
    link(badges, needs=lifts)
    said = ServiceDependency.history.order_by("history_id").filter(service_id=lifts.pk)
    assert [(one.history_type, one.history_change_reason) for one in said] == [
        ("+", "said that Lifts needs Doors"),
        ("-", "said that Lifts does not need Doors any more"),
    ]


@pytest.mark.django_db(transaction=True)
def test_two_halves_of_a_circle_at_once_are_one(cast: Cast) -> None:
    lifts, doors = made("Lifts", "Doors")
    link = partial(lifecycle.add_dependency, actor=cast.administrator)
    answers = at_once(partial(link, lifts, needs=doors), partial(link, doors, needs=lifts))
    assert ServiceDependency.objects.count() == 1
    [refused] = [one for one in answers if isinstance(one, Exception)]
    assert isinstance(refused, StepIncomplete)


def test_what_is_near_is_found_and_nothing_invented(cast: Cast) -> None:
    """Against a plain walk over all pairs, from the seed of this run; services in no circle."""
    services = made(*(f"Service {number}" for number in range(30)))
    keys = [one.pk for one in services]
    pairs = {tuple(sorted(random.sample(keys, 2))) for _each in range(60)}
    ServiceDependency.objects.bulk_create(
        ServiceDependency(service_id=one, needs_id=other) for one, other in pairs
    )
    for own in ([keys[3]], keys[10:13]):
        needed = needing = set(own)
        for _step in range(3):
            needed = needed | {other for one, other in pairs if one in needed}
            needing = needing | {one for one, other in pairs if other in needing}
        with CaptureQueriesContext(connection) as asked:
            near = links_near(own)
        assert len(asked) == 1
        assert set(near.prerequisites(own)) == needed - {*own}
        assert set(near.dependants(own)) == needing - {*own}
        for key in near.prerequisites(own):
            ways = [way for way in (near.way(one, key) for one in own) if way]
            assert all(pair in pairs for way in ways for pair in zip(way, way[1:], strict=False))
            assert min(len(way) - 1 for way in ways) == near.prerequisites(own)[key]
    column = columns_of(all_links().pairs)
    assert all(column[one] < column[other] for one, other in pairs)
    assert Links().way(1, 2) == []


def test_what_is_planned_for_a_service_along_the_way_is_in_the_way(cast: Cast) -> None:
    """Of what it needs and what needs it, three steps far, with the way by name."""
    app, orders, access, power, grid = made("App", "Orders", "Access", "Power", "Grid")
    need(cast, app, orders, access, power, grid)
    change = stories.in_execution(cast)
    change.services.set([orders])
    others: dict[str, Change] = {}
    for service in (app, access, power, orders):
        other = others[service.name] = stories.plan(stories.in_execution(cast), cast)
        other.services.set([service])
    busy = f"{cast.support} executes"
    stories.plan(change, cast)
    kept = [one for one in change.events.latest("pk").data["conflicts"] if busy not in one]

    def said(name: str, words: str) -> str:
        return f"{others[name].reference} is planned at that time and affects {words}."

    assert sorted(kept) == sorted(
        [
            said("App", "App, which needs Orders"),
            said("Access", "Access, which Orders needs"),
            said("Power", "Power, which Orders needs through Access"),
            said("Orders", "Orders"),
        ]
    )
    far = Change.objects.get(pk=others["App"].pk)
    far.services.set([grid])
    own = Change.objects.get(pk=change.pk)
    own.services.set([app])
    plan = planning.plan_of(own)
    assert plan is not None
    told = "\n".join(one.words for one in planning.conflicts_of(own, plan))
    assert "Power, which App needs through Orders, Access." in told
    assert "Grid" not in told
    lifecycle.remove_dependency(orders, actor=cast.administrator, needs=access.pk)
    assert "Power" not in "\n".join(one.words for one in planning.conflicts_of(own, plan))


def test_whose_plan_is_met_by_a_new_one_is_told_once(cast: Cast) -> None:
    """Not of what has begun, not who plans or executes the new one, and nothing that is over."""
    app, orders = made("App", "Orders")
    need(cast, app, orders)
    first, begun, new, beside = (stories.in_execution(cast) for _each in range(4))
    for one, service in ((first, orders), (begun, orders), (new, app), (beside, app)):
        one.services.set([service])
    stories.plan(first, cast)
    stories.started(stories.plan(begun, cast), cast)
    now, hour = timezone.now(), timedelta(hours=1)
    plan = partial(
        lifecycle.plan_execution,
        new,
        actor=cast.administrator,
        executor=cast.support,
        steps="Look.",
        rollback_plan="Look away.",
    )
    for person in (cast.administrator, cast.stranger_success):
        person.groups.add(*cast.success.groups.all())
    cast.care_team.members.add(cast.administrator)
    before = set(Email.objects.values_list("pk", flat=True))

    def told() -> list[Email]:
        mails = Email.objects.exclude(pk__in=before).order_by("pk")
        return [one for one in mails if is_for_colleagues(one)]

    plan(window_start=now, window_end=now + 30 * hour)
    [mail] = told()
    assert mail.to == [cast.success.email]
    assert f"{new.reference} is planned at the time of 1 plan of yours" in mail.subject
    assert f"- {first.reference}\n" in mail.message
    assert begun.reference not in mail.message
    plan(window_start=now, window_end=now + 31 * hour)
    assert told() == [mail]
    at = {"window_start": now, "window_end": now + 31 * hour}
    lifecycle.plan_execution(beside, **plan.keywords, **at)
    assert told() == [mail]  # the same person planned for the same time before


def test_a_mail_of_plans_that_meet_says_what_is_so_when_it_goes_out(cast: Cast) -> None:
    """One that was corrected meanwhile is told as it is, one that meets nothing any more is not."""
    app, lift = made("App", "Lift")
    now, hour = timezone.now(), timedelta(hours=1)
    for person in (cast.administrator, cast.stranger_success):
        person.groups.add(*cast.success.groups.all())
        cast.care_team.members.add(person)
    theirs, strange, new, more = (stories.in_execution(cast) for _each in range(4))

    def planned(change: Change, actor: User, service: Service, hours: int) -> Change:
        change = Change.objects.get(pk=change.pk)
        change.services.set([service])
        times = {"window_start": now + hour, "window_end": now + hours * hour}
        plan = {"executor": cast.support, "steps": "Look.", "rollback_plan": "Look away."}
        return lifecycle.plan_execution(change, actor=actor, **plan, **times)

    def told() -> list[Email]:
        mails = Email.objects.exclude(pk__in=before).order_by("pk")
        return [one for one in mails if is_for_colleagues(one)]

    planned(theirs, cast.success, app, 2)
    planned(strange, cast.stranger_success, lift, 2)
    before = set(Email.objects.values_list("pk", flat=True))
    planned(new, cast.administrator, app, 4)
    planned(new, cast.administrator, app, 5)
    [mail] = told()
    assert settle(mail)
    local = (now + 5 * hour).astimezone(zone_of(cast.success))
    assert f"until {date_format(local, 'j M Y, H:i')}." in mail.message
    for one, service in ((more, lift), (new, app), (more, lift), (more, app)):
        planned(one, cast.administrator, service, 5)
    assert [one.to for one in told()] == [[cast.success.email], [cast.stranger_success.email]]
    assert settle(told()[0]) and not settle(told()[1])  # nothing on lifts is met any more
    stories.started(Change.objects.get(pk=new.pk), cast)
    assert settle(told()[0])  # what has begun is at that time all the more
    Change.objects.get(pk=theirs.pk).services.set([])
    assert not settle(told()[0])


def test_the_pages_show_it_and_only_administrators_change_it(client: Client, cast: Cast) -> None:
    lifts, doors, old = made("Lifts", "Doors", "Old gates with quite a long name of their own")
    need(cast, lifts, doors, old)
    old.is_active = False
    old.save()

    def page(person: User, address: str, data: Any = None, status: int = 200) -> str:
        client.force_login(person)
        answer = client.get(address) if data is None else client.post(address, data)
        assert answer.status_code == status, answer.status_code
        return answer.content.decode()

    every = reverse("changes:services")
    assert "Old gates" in page(cast.auditor, lifts.get_absolute_url())
    assert "Through these" in page(cast.support, lifts.get_absolute_url())
    assert "This service has ended" in page(cast.support, old.get_absolute_url())
    listed = page(cast.support, every)
    assert listed.count('class="services-line"') == 2
    assert "needs Doors · needed by 0" in " ".join(listed.split())
    assert "Doors</a>" not in page(cast.support, f"{every}?find=lIFT").partition("work-list")[2]
    assert "No service is called so" in page(cast.support, f"{every}?find=zzz")
    assert page(cast.support, f"{every}?page=bent", status=400)
    for person in (cast.requester, cast.approver):
        page(person, every, status=403)
        page(person, lifts.get_absolute_url(), status=403)
    add = reverse("changes:add_dependency", args=[doors.pk])
    free = reverse("changes:remove_dependency", args=[lifts.pk])
    for address, data in ((add, {"needs": "Lifts"}), (free, {"needs": doors.pk})):
        page(cast.release_manager, address, data, 403)
    again = page(cast.administrator, add, {"needs": "lifts"}, 400)
    assert "That would be a circle: Doors needs Lifts, which needs Doors." in again
    assert "/js/compose" in again, "what is offered while one types can be seen and chosen"
    assert 'value="lifts"' in again
    assert "No service is called so." in page(cast.administrator, add, {"needs": "Gates"}, 400)
    made("AIR", "aIR", "Air")
    for name in ("AIR", "aIR", "Air"):
        page(cast.administrator, add, {"needs": name}, 302)
        needed = ServiceDependency.objects.latest("pk").needs.name
        assert needed == name
    assert "Several services" in page(cast.administrator, add, {"needs": "air"}, 400)
    for text in ("%25", "%F0%9F%9A%AA"):
        page(cast.support, f"{every}?find={text}")
    assert "Say which service." in page(cast.administrator, add, {"needs": " "}, 400)
    page(cast.administrator, free, {"needs": doors.pk}, 302)
    page(cast.administrator, free, {"needs": doors.pk}, 409)
    page(cast.administrator, free, {"needs": "x"}, 404)
    page(cast.administrator, add, {"needs": "lifts"}, 302)
    found = page(cast.administrator, reverse("changes:find_service") + "?needs=LI")
    assert 'data-value="Lifts"' in found


def test_a_name_fits_into_its_box_whatever_it_is_written_with() -> None:
    """Wide letters count as they are, and an accent stays with its letter."""
    assert lines_of("Badges") == ["Badges"]
    assert lines_of("Old gates with quite a long name of their own") == [
        "Old gates with quite",
        "a long name of thei…",
    ]
    for sign, fit in (("字", 10), ("W", 12), ("A", 15), ("a\u0325", 20), ("א", 20)):
        first, second = lines_of(f"{sign * 50} {sign * 50}")
        assert first == second == f"{sign * fit}…"
    assert lines_of("") == [""]


def test_a_picture_and_its_page_are_bounded(client: Client, cast: Cast) -> None:
    """Of many services that need one, those nearest are drawn, and a page of them is listed."""
    [hub] = made("Sign-in")
    Service.objects.bulk_create(Service(name=f"Service {number:03}") for number in range(200))
    ServiceDependency.objects.bulk_create(
        ServiceDependency(service=one, needs=hub) for one in Service.objects.exclude(pk=hub.pk)
    )
    client.force_login(cast.support)
    with CaptureQueriesContext(connection) as asked:
        answer = client.get(hub.get_absolute_url())
    shown = answer.content.decode()
    assert shown.count("<rect") == 40
    assert "161 that are further away are not in the picture" in shown
    assert shown.count('class="work"') == 50
    assert len(asked) < 20
    assert len(answer.content) < 60 * 1024
    answer = client.get(reverse("changes:services"))
    assert "services-picture" not in answer.content.decode()
