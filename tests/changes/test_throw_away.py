"""A draft that its writer throws away: it is gone from every list, and nobody hears of it."""

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from post_office.models import Email

from accounts.models import User
from changes import lifecycle, permissions, queries
from changes.models import Change, Notice
from changes.process import STEPS
from changes.states import State
from tests import stories
from tests.people import Cast

HOME, LIST, NEW = reverse("changes:home"), reverse("changes:list"), reverse("changes:new")


def address(draft: Change) -> str:
    return reverse("changes:throw_away", args=[draft.pk])


def signed_in(client: Client, person: User) -> Client:
    client.force_login(person)
    return client


def thrown_away(cast: Cast, **fields: Any) -> Change:
    return lifecycle.throw_away(stories.draft(cast, **fields), actor=cast.support)


@pytest.fixture
def page(client: Client, cast: Cast) -> Client:
    return signed_in(client, cast.support)


def test_the_writer_is_asked_first_and_then_it_is_gone(page: Client, cast: Cast) -> None:
    draft = stories.draft(cast, title="Never mind")
    for shown in (HOME, reverse("changes:edit", args=[draft.pk]), draft.get_absolute_url()):
        assert address(draft) in page.get(shown).content.decode(), shown
    asked = page.get(address(draft)).content.decode()
    assert "Never mind" in asked and "for good" in asked
    assert Change.objects.get(pk=draft.pk).state == State.DRAFT
    answer = page.post(address(draft), {"seen": draft.version})
    assert (answer.status_code, answer["Location"]) == (302, HOME)
    home = page.get(HOME).content.decode()
    assert f"You threw {draft.reference} away. The draft was thrown away on " in home
    assert "Never mind" not in home
    assert "Never mind" not in page.get(NEW).content.decode()
    assert page.post(address(draft), {"seen": draft.version}).status_code == 409


def test_an_empty_draft_can_be_thrown_away(page: Client, cast: Cast) -> None:
    draft = lifecycle.save_draft(None, actor=cast.support)
    for shown in (draft.get_absolute_url(), address(draft)):
        assert ">None<" not in page.get(shown).content.decode()
    assert page.post(address(draft), {"seen": draft.version}).status_code == 302


def test_no_step_asks_an_empty_draft_for_what_it_lacks(page: Client, cast: Cast) -> None:
    draft, gone = (lifecycle.save_draft(None, actor=cast.support) for _ in range(2))
    gone = lifecycle.throw_away(gone, actor=cast.support)
    for one, steps in ((draft, {"edit", "submit", "throw_away"}), (gone, set())):
        may = {step.verb for step in STEPS if permissions.check(step.verb, cast.support, one)}
        assert may == steps, one.state
        answer = page.get(reverse("changes:request_successor", args=[one.pk]))
        assert answer.status_code in (403, 409), one.state


def test_history_keeps_it_and_its_writer_finds_it_by_its_number(page: Client, cast: Cast) -> None:
    gone = thrown_away(cast, title="Never mind")
    assert (gone.state, gone.submitted_at) == (State.WITHDRAWN, None)
    event = gone.events.get(verb="throw_away")
    assert (event.actor, event.from_state) == (cast.support, State.DRAFT)
    assert gone.history.first().history_user == cast.support
    answer = page.get(LIST, {"q": gone.reference})
    assert answer["Location"] == gone.get_absolute_url()
    shown = page.get(gone.get_absolute_url()).content.decode()
    assert "The draft was thrown away on " in shown and "Nobody was told of it." in shown
    assert "Threw the draft away" in shown


def test_it_is_in_no_list(page: Client, cast: Cast) -> None:
    thrown_away(cast, title="Unwanted rooms for night staff")
    for query in ("", "?view=mine", "?state=withdrawn", "?q=unwanted", "?q=unwantde"):
        assert len(page.get(LIST + query).context["page"]) == 0, query
    other = stories.submitted(cast)
    found = page.get(reverse("changes:find_change"), {"q": "unwanted", "besides": other.reference})
    assert "Unwanted" not in found.content.decode()
    asked = {"title": "Unwanted rooms for night staff", "organisation": cast.harbour.pk}
    assert "Unwanted" not in page.get(reverse("changes:similar"), asked).content.decode()


def test_nobody_else_ever_sees_it_nor_is_told(cast: Cast) -> None:
    gone = thrown_away(cast)
    seen = {
        name
        for name, person in cast.people.items()
        if queries.visible_to(person).filter(pk=gone.pk).exists()
    }
    by_rule = {name for name, one in cast.people.items() if permissions.may_see(one, gone)}
    assert (seen, by_rule) == ({"support"}, {"support"})
    assert not Notice.objects.exists()
    assert not Email.objects.exists()


def test_a_customers_own_draft_leaves_their_home(client: Client, cast: Cast) -> None:
    draft = lifecycle.save_draft(
        None,
        actor=cast.requester,
        title="Ours",
        organisation=cast.harbour,
        requester=cast.requester,
    )
    page = signed_in(client, cast.requester)
    assert page.post(address(draft), {"seen": draft.version}).status_code == 302
    home = page.get(HOME)
    assert home.context["drafts"] == [] and home.context["ended"] == []
    assert "The draft was thrown away on" in page.get(draft.get_absolute_url()).content.decode()


@pytest.mark.parametrize("who", ["requester", "success", "auditor", "stranger_customer"])
def test_another_persons_draft_does_not_exist(client: Client, cast: Cast, who: str) -> None:
    draft = stories.draft(cast)
    page = signed_in(client, cast.people[who])
    assert page.get(address(draft)).status_code == 404
    assert page.post(address(draft), {"seen": draft.version}).status_code == 404
    assert Change.objects.get(pk=draft.pk).state == State.DRAFT


def test_what_was_sent_is_withdrawn_instead(page: Client, cast: Cast) -> None:
    sent = stories.submitted(cast)
    assert page.get(address(sent)).status_code == 409
    assert page.post(address(sent), {"seen": sent.version}).status_code == 409
    assert Change.objects.get(pk=sent.pk).state == State.SUBMITTED


def test_a_window_that_still_types_is_told(page: Client, cast: Cast) -> None:
    gone = thrown_away(cast)
    typed = {"title": "Still here", "seen": gone.version}
    answer = page.post(f"{reverse('changes:autosave')}?draft={gone.reference}", typed)
    assert answer.status_code == 409
    assert answer.json()["words"] == "The draft has been thrown away."
    answer = page.post(f"{NEW}?draft={gone.reference}", typed, follow=True)
    assert f"{gone.reference} was thrown away." in answer.content.decode()


def test_somebody_who_may_raise_no_more_still_throws_theirs_away(cast: Cast) -> None:
    draft = stories.draft(cast)
    cast.support.groups.clear()
    gone = lifecycle.throw_away(draft, actor=User.objects.get(pk=cast.support.pk))
    assert gone.is_thrown_away
