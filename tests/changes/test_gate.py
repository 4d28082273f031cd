"""The deployment gate: each record that can be missing, in words, with who adds it and where.

Costs 5 s.
"""

from collections.abc import Callable
from html import unescape
from itertools import cycle
from typing import Any

import pytest
from django.db import connection, transaction
from django.db.models import F
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from changes import gaps, gates, lifecycle
from changes.models import (
    BoardDecision,
    Change,
    Deployment,
    Development,
    PeerReview,
    Release,
    Requirements,
    RiskAssessment,
    StagingTest,
)
from changes.models.code import CHECKLIST
from changes.states import State
from expansive_cm.workflow.errors import StepIllegal
from tests import stories
from tests.people import Cast

Act = Callable[[], Any]

VOID: dict[str, Act] = {
    "acceptance by the board": lambda: BoardDecision.objects.update(
        taken_back_at=timezone.now(), taken_back_by=F("recorded_by"), taken_back_reason="So."
    ),
    "requirement definition": lambda: Requirements.objects.update(path=9),
    "signed risk assessment": lambda: RiskAssessment.objects.update(outcome=""),
    **{
        f"checklist: {label}": lambda key=key: Development.objects.update(
            checklist=[one for one in CHECKLIST if one != key]
        )
        for key, label in CHECKLIST.items()
    },
    "approved peer review": lambda: PeerReview.objects.update(outcome="changes_requested"),
    **{
        f"passed test: {str(kind.label).lower()}": lambda kind=kind: StagingTest.objects.filter(
            kind=kind
        ).update(result="failed")
        for kind in StagingTest.Kind
    },
    "development record": lambda: Development.objects.update(path=9),
    "release and rollback plan": lambda: Deployment.objects.update(path=9),
    "another release, as its own was cancelled": lambda: Release.objects.update(
        cancelled_at=timezone.now()
    ),
}
"""Each reason for which the gate stays shut of a change that is ready, and what makes it so."""
WHO = {
    "acceptance by the board": "the Change Request Board",
    "requirement definition": "Developer",
    "approved peer review": "Developer",
    "development record": "Developer",
    "another release, as its own was cancelled": "Release manager",
}


class _Undone(Exception):
    pass


def test_each_reason_of_the_gate_is_named_with_who_adds_it(client: Client, cast: Cast) -> None:
    """By the step and, one of each kind, on its page, the change's or the release's in turn."""
    change = stories.deployment_planned(stories.in_deployment(cast), cast)
    client.force_login(cast.release_manager)
    address, release = change.get_absolute_url(), stories.release().get_absolute_url()
    pages = cycle((address, f"{address}start_deployment/", release))
    looked_at: set[str] = set()
    unready = gates.deployment_gaps(Change(pk=change.pk, type="code", path=9))
    assert set(unready) <= VOID.keys(), "every reason is tried"
    for reason, make_so in VOID.items():
        try:
            with transaction.atomic():
                make_so()
                fresh = Change.objects.get(pk=change.pk)
                found = gates.deployment_gaps(fresh)
                assert found == [reason] or found[0] == reason == "development record"
                with pytest.raises(StepIllegal):
                    lifecycle.start_deployment(fresh, actor=cast.release_manager)
                [point, *_more] = [one for one in gates.deployment_points(fresh) if one.missing]
                if point.verb in looked_at:
                    raise _Undone
                looked_at.add(point.verb)
                page = next(pages)
                html = unescape(client.get(page).content.decode())
                plan = f' href="{address}plan_deployment/">Plan deployment</a>'
                if "release" in reason:
                    assert plan in html.split(f"{reason}: <a")[1][:200], page
                else:
                    assert f"{reason}: added by {WHO.get(reason, '')}" in html, (page, reason)
                raise _Undone
        except _Undone:
            pass
    assert gates.deployment_gaps(Change.objects.get(pk=change.pk)) == []


def test_a_link_is_for_who_may_take_the_step_now(cast: Cast, client: Client) -> None:
    """Whoever wrote it neither reviews nor tests it; a reader of the release costs no more."""
    change = stories.in_testing(cast)
    fresh = Change.objects.get(pk=change.pk)

    def url_of(name: str) -> str:
        person = getattr(cast, name)
        found = gaps.gaps_for(person, [fresh])[fresh.pk]
        return next(gap.url for gap in found if gap.words.startswith("passed test"))

    assert url_of("tester").endswith("record_test/")
    for name in ("developer", "release_manager", "auditor", "success"):
        assert url_of(name) == "", name
    early = stories.in_requirements(cast)
    assert early.state == State.REQUIREMENTS
    for name, may in (("success", True), ("developer", True), ("tester", False)):
        found = gaps.gaps_for(getattr(cast, name), [early])[early.pk]
        [gap] = [gap for gap in found if gap.words == "requirement definition"]
        assert bool(gap.url) == may, name
    counted = []
    for _round in range(2):
        for one in Change.objects.filter(release=None):
            Change.objects.filter(pk=one.pk).update(release=stories.release())
        client.force_login(cast.tester)
        with CaptureQueriesContext(connection) as queries:
            assert (
                "Record a test" in client.get(stories.release().get_absolute_url()).content.decode()
            )
        counted.append(len(queries))
        stories.in_testing(cast)
    assert counted[0] == counted[1], counted


def test_the_page_that_adds_something_links_to_itself_nowhere(client: Client, cast: Cast) -> None:
    change = stories.in_deployment(cast)
    manager = cast.release_manager
    client.force_login(manager)
    address = reverse("changes:plan_deployment", args=[change.pk])
    html = client.get(address).content.decode()
    assert "release and rollback plan: on this page" in html
    assert f'href="{address}"' not in html
    assert f'href="{address}"' in client.get(change.get_absolute_url()).content.decode()
