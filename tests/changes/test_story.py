"""What one statement loads is what the models would have loaded one by one."""

from collections.abc import Callable
from typing import Any

import pytest
from django.db import models

from changes import access_links, lifecycle, story
from changes.models import Change, Service
from changes.views.discussion import (
    attachments_context,
    comments_context,
    links_context,
    watch_context,
)
from tests import stories
from tests.people import Cast
from tests.remembered import remembered


@remembered
def configuration_with_everything(cast: Cast) -> Change:
    """Rolled back, planned again, documented, declined, reworked and asked again."""
    change = stories.executed(stories.rolled_back(cast), cast)
    document = {"system": "Desk", "reference": "D-1", "summary": "Done."}
    change = lifecycle.document(change, actor=cast.success, **document)
    lifecycle.send_reminder(change.confirmation.pk, 3)
    change = lifecycle.answer_confirmation(
        change, actor=cast.requester, confirmed=False, reason="Not on Sundays."
    )
    change = lifecycle.rework(change, actor=cast.success, reason="Sundays were agreed.")
    return lifecycle.document(stories.executed(change, cast), actor=cast.success, **document)


@remembered
def code_with_everything(cast: Cast) -> Change:
    """Asked questions, tested twice, rolled back once."""
    change = stories.information_required(cast)
    lifecycle.answer_question(
        change, actor=cast.requester, question=change.questions.get(), answer="Forty."
    )
    change = stories.decided(change, cast, "accepted_as_priority")
    change = lifecycle.define_requirements(
        change,
        actor=cast.developer,
        purpose="p",
        scope="s",
        objectives="o",
        acceptance_criteria="a",
    )
    change = lifecycle.assess_risk(
        change, actor=cast.developer, security_risks="s", impact_analysis="i", mitigations="m"
    )
    change = lifecycle.sign_risk_assessment(change, actor=cast.release_manager, signed_off=True)
    change = lifecycle.record_test(
        stories.reviewed(change, cast),
        actor=cast.tester,
        kind="security",
        result="failed",
        evidence="Open redirect.",
    )
    change = stories.deployment_planned(
        stories.all_passed(stories.reviewed(change, cast), cast), cast
    )
    change = lifecycle.start_deployment(change, actor=cast.release_manager)
    return lifecycle.record_deployment(
        change, actor=cast.release_manager, outcome="succeeded", notes="Out."
    )


def plainly(records: Any) -> list[dict[str, Any]]:
    """Every column of every record, but for the hash that the story leaves out."""
    return [
        {
            field.attname: getattr(record, field.attname)
            for field in record._meta.concrete_fields
            if field.name != "token_hash"
        }
        for record in records
    ]


@pytest.mark.parametrize("make", [configuration_with_everything, code_with_everything])
def test_a_story_is_what_the_models_say(
    cast: Cast, django_assert_num_queries: Any, make: Callable[[Cast], Change]
) -> None:
    pk = make(cast).pk
    assert cast.support.roles  # which a page has read of its reader before
    with django_assert_num_queries(3):
        told = story.load(cast.support, pk)
    with django_assert_num_queries(0):
        texts = {name: plainly(getattr(told, name).all()) for name in story.RELATIONS}
        links = [plainly(c.links.all()) for c in told.confirmations.all()]
        reminders = [plainly(c.reminders.all()) for c in told.confirmations.all()]
        authors = [[a.pk for a in d.authors.all()] for d in told.developments.all()]
        people = [str(person) for person in everybody(told)]
    plain = Change.objects.get(pk=pk)
    assert texts == {name: plainly(getattr(plain, name).all()) for name in story.RELATIONS}
    assert links == [plainly(c.links.all()) for c in plain.confirmations.all()]
    assert reminders == [plainly(c.reminders.all()) for c in plain.confirmations.all()]
    assert authors == [[a.pk for a in d.authors.all()] for d in plain.developments.all()]
    assert people == [str(person) for person in everybody(plain)]


def everybody(change: Change) -> list[models.Model]:
    """Every person and release that a record names."""
    records = [record for name in story.RELATIONS for record in getattr(change, name).all()]
    return [
        getattr(record, field.name)
        for record in records
        for field in record._meta.concrete_fields
        if field.many_to_one and field.name != "change"
    ]


def test_services_come_with_the_story(cast: Cast, django_assert_num_queries: Any) -> None:
    services = [Service.objects.create(name=name) for name in ("Space", "Assets")]
    change = stories.submitted(cast, services=services)
    told = story.load(cast.requester, change.pk)
    with django_assert_num_queries(0):
        assert [service.name for service in told.services.all()] == ["Assets", "Space"]


def test_no_story_for_strangers(cast: Cast) -> None:
    change = stories.submitted(cast)
    with pytest.raises(Change.DoesNotExist):
        story.load(cast.stranger_customer, change.pk)


def test_what_is_told_of_the_talk_is_what_the_page_would_have_read(cast: Cast) -> None:
    change = stories.submitted(cast)
    other = stories.submitted(cast, title="Another one")
    lifecycle.comment(change, actor=cast.requester, body="Please hurry.")
    lifecycle.comment(change, actor=cast.success, body="Between us.", internal=True)
    lifecycle.link(change, actor=cast.success, other=other, kind="successor_of")
    lifecycle.watch(change, actor=cast.support)
    lifecycle.watch(change, actor=cast.success)
    for user in (cast.success, cast.requester):
        read = story.load(user, change.pk)
        told = story.load(user, change.pk, with_talk=True)
        assert not story.is_told(read, "comments") and story.is_told(told, "comments", "watchers")
        for make in (comments_context, attachments_context, links_context, watch_context):
            ours, theirs = make(user, told), make(user, read)
            for name in ("comments", "attachments", "links", "watchers", "watcher_count"):
                assert ours.get(name) == theirs.get(name), (user, name)
        assert [str(one.comment.author) for one in comments_context(user, told)["comments"]]
        assert access_links.readers(told) == access_links.readers(read)

    assert story.load(cast.success, change.pk).requester == cast.requester
