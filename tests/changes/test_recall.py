"""What is read of a change while somebody asks much of it: once, and forgotten afterwards."""

from typing import Any

from changes import queries
from changes.models import Change, Development, Event
from changes.recall import recalling
from tests import stories
from tests.people import Cast


def test_each_kind_of_record_is_read_once(cast: Cast, django_assert_num_queries: Any) -> None:
    change = Change.objects.get(pk=stories.in_testing(cast).pk)
    with recalling(change), django_assert_num_queries(3):
        for _again in range(3):
            assert [event.verb for event in change.events.all()][-1] == "peer_review"
            assert change.development.change is change
            assert list(change.development.authors.all()) == [cast.developer]


def test_a_question_beside_the_relation_is_asked_anew(cast: Cast) -> None:
    change = Change.objects.get(pk=stories.submitted(cast).pk)
    with recalling(change):
        assert not change.watchers.filter(pk=cast.nobody.pk).exists()
        Change.watchers.through.objects.create(change=change, user=cast.nobody)
        assert change.watchers.filter(pk=cast.nobody.pk).exists()


def test_nothing_is_remembered_afterwards(cast: Cast) -> None:
    change = Change.objects.get(pk=stories.submitted(cast).pk)
    with recalling(change):
        known = len(change.events.all())
    Event.objects.create(change=change, verb="note", from_state="", to_state=change.state)
    assert len(change.events.all()) == known + 1


def test_what_was_loaded_before_is_kept(cast: Cast, django_assert_num_queries: Any) -> None:
    made = stories.in_testing(cast)
    change = queries.with_story(Change.objects.filter(pk=made.pk)).get()
    with recalling(change), django_assert_num_queries(0):
        assert isinstance(change.development, Development)
    with django_assert_num_queries(0):
        assert change.development.authors.all()[0] == cast.developer
