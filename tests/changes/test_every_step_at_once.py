"""Every step of a change at the same moment as itself, and as all others, on real connections.

One is taken; the others are told, and nothing stands twice. Which steps there are, who takes
them and what is filled in say the pages' own tests. Costs 6 s of processor time beside others.
"""

from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import pytest
from django.urls import reverse

from accounts.models import User
from changes import permissions, queries
from changes.lifecycle.core import UNVERSIONED
from changes.models import Change
from changes.process import STEP
from tests.changes.step_pages import StepPageTests
from tests.concurrently import at_once, signed_in
from tests.people import Cast
from tests.turns import everywhere

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.xdist_group("everywhere")]
BESIDE = {"submit", "record_board_outcome"}
"""Sent by forms of their own: `test_concurrency`, and `crb/test_at_once`."""


def pages() -> dict[str, type[StepPageTests]]:
    """Return the tests of the steps' pages, by the step."""
    for path in sorted(Path(__file__).parent.glob("test_*.py")):
        if "(StepPageTests)" in path.read_text() and path.name != Path(__file__).name:
            import_module(f"tests.changes.{path.stem}")
    return {one.verb: one for one in StepPageTests.__subclasses__()}


def test_each_is_taken_once(transactional_db: None, cast: Cast) -> None:
    made = [change.pk for change in everywhere(cast).values()]
    found = list(queries.with_story(Change.objects.filter(pk__in=made)).order_by("pk"))
    takers: dict[str, User] = {verb: getattr(cast, page.who) for verb, page in pages().items()}
    where = {
        verb: [one for one in found if permissions.check(verb, who, one)]
        for verb, who in takers.items()
    }
    used: set[int] = set()
    taken: dict[str, list[int]] = {}
    for verb, page in sorted(pages().items(), key=lambda one: len(where[one[0]])):
        who = takers[verb]
        free = [one for one in where[verb] if one.pk not in used]
        # What another step led to does as well; what is made anew costs most.
        free = free or [one for one in again(used) if permissions.check(verb, who, one)]
        change = free[0] if free else page.make(cast)
        used.add(change.pk)
        data = {"seen": change.version, **page().filled_in(cast, change)}
        data = {name: value for name, value in data.items() if value is not None}
        data["csrfmiddlewaretoken"] = "of one page"
        browsers = [signed_in(who), signed_in(who)]
        address = reverse(f"changes:{verb}", args=[change.pk])
        before = Change(pk=change.pk).events.filter(verb=verb).count()
        answers = at_once(*[lambda b=one, a=address, d=data: b.post(a, d) for one in browsers])
        stands = Change.objects.get(pk=change.pk).events.filter(verb=verb).count() - before
        taken[verb] = [stands, *sorted(answer.status_code for answer in answers)]
    assert {verb for verb, step in STEP.items() if step.main} <= taken.keys() | BESIDE
    odd = {verb: one for verb, one in taken.items() if not _is_told(verb, one)}
    assert odd == {}


def again(used: set[int]) -> Iterator[Change]:
    """Yield changes as the steps before have left them."""
    yield from Change.objects.filter(pk__in=used).order_by("pk")


def _is_told(verb: str, taken: list[int]) -> bool:
    """Whether one was taken and the other told, or led to what the same form made before."""
    same_form = verb in UNVERSIONED and taken == [1, 302, 302]
    return same_form or taken in ([1, 302, 409], [1, 302, 403])


def test_of_all_that_can_be_done_one_is_first(transactional_db: None, cast: Cast) -> None:
    """In every situation all who may do something press at once, each on the page of before."""
    tried = set()
    made = {situation: change.pk for situation, change in everywhere(cast).items()}
    loaded = queries.with_story(Change.objects.filter(pk__in=made.values())).in_bulk()
    for situation, pk in made.items():
        change = loaded[pk]
        presses, versioned = [], []
        for verb, page in pages().items():
            who: User = getattr(cast, page.who)
            if not permissions.check(verb, who, change):
                continue
            data = {"seen": change.version, **page().filled_in(cast, change)}
            data = {name: value for name, value in data.items() if value is not None}
            address = reverse(f"changes:{verb}", args=[change.pk])
            browser = signed_in(who)
            presses.append(lambda b=browser, a=address, d=data: b.post(a, d).status_code)
            versioned.append(verb not in UNVERSIONED)
            tried.add(verb)
        answers = at_once(*presses) if len(presses) > 1 else []
        assert set(answers) <= {302, 400, 403, 409}, (situation, answers)
        first = [one for one, counts in zip(answers, versioned, strict=False) if counts]
        assert first.count(302) <= 1, (situation, answers)
        assert 302 in answers or not answers, (situation, answers)
    assert len(tried) > 20
