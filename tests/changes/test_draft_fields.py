"""A draft names nothing of a customer that is not its writer's, whatever is sent. Costs 5 s.

All fields that name a person, a customer, a service, a draft or another form, in every way in
which a draft is written, by everybody who writes drafts for some customers only.
"""

from collections.abc import Iterator
from itertools import product
from typing import Any

import pytest
from django.db import models, transaction
from django.db.models import Q
from django.test import Client
from django.urls import reverse

from accounts.models import User
from changes import lifecycle
from changes.forms.intake import form_for
from changes.models import Change, SentForm, Service
from tests.people import Cast

NEW, AUTOSAVE = "/changes/new/", "/changes/new/autosave/"
MARK = "Zanzibar"
"""In every text of the other customer."""
ALWAYS_OTHERS = {"id", "created_at", "updated_at", "state_since"}
"""The number of a draft, and when it was kept: all else being alike, so is its page."""
WRITERS = ["requester", "approver", "success"]
WAYS = ["saved", "kept", "kept again", "kept by key", "edited"]


@pytest.fixture
def theirs(cast: Cast) -> Change:
    """A draft of another customer's person, all of whose words bear the mark."""
    User.objects.filter(pk=cast.stranger_customer.pk).update(display_name=f"Mia {MARK}")
    mia = User.objects.get(pk=cast.stranger_customer.pk)
    own = lifecycle.save_draft(
        None,
        actor=mia,
        title=f"{MARK} warehouse",
        description=MARK,
        organisation=cast.meridian,
        requester=mia,
    )
    SentForm.objects.create(person=mia, key="their-form-of-today", change=own)
    return own


def foreign(cast: Cast, theirs: Change) -> Iterator[tuple[str, dict[str, Any]]]:
    """What may be sent to get at them: the query, and the fields."""
    mia, retired = cast.stranger_customer, Service.objects.create(name=MARK, is_active=False)
    yield "", {"organisation": cast.meridian.pk}
    for who in (mia.pk, mia.email, f"Grace <{mia.email}>", cast.stranger_approver.email):
        yield "", {"requester": who}
        yield "", {"requester": who, "organisation": cast.meridian.pk}
    yield "", {"requester": mia.email, "organisation": "", "requester_name": "Mia"}
    yield "", {"services": [retired.pk]}
    yield "", {"key": "their-form-of-today"}
    yield f"?draft={theirs.reference}", {}
    related = [one.name for one in Change._meta.get_fields() if isinstance(one, models.ForeignKey)]
    related += [one.name for one in Change._meta.many_to_many]
    named = set(form_for(cast.success).base_fields) | set(form_for(cast.requester).base_fields)
    assert {"organisation", "requester", "services", "owner", "watchers"} <= set(related)
    others = {name: mia.pk for name in related if name not in named}
    yield "", {**others, "change": theirs.pk, "source": theirs.pk, "pk": theirs.pk, "id": theirs.pk}


def write(client: Client, way: str, own: Change, query: str, fields: dict[str, Any]) -> Any:
    sent = {"title": "Rooms", "description": "At night.", "action": "draft", **fields}
    mine = query or f"?draft={own.reference}"
    if way == "edited":
        return client.post(reverse("changes:edit", args=[own.pk]) + query, sent)
    if way == "kept again":
        return client.post(AUTOSAVE + mine, {**sent, "seen": own.version})
    if way == "kept by key":
        return client.post(AUTOSAVE + query, {"key": "own-form-of-today", **sent})
    return client.post((AUTOSAVE if way == "kept" else NEW) + query, sent)


@pytest.mark.parametrize("name", WRITERS)
def test_no_field_leads_to_another_customer(
    client: Client, cast: Cast, theirs: Change, name: str
) -> None:
    writer = cast.people[name]
    client.force_login(writer)
    own = lifecycle.save_draft(None, actor=writer, title="Rooms", organisation=cast.harbour)
    SentForm.objects.create(person=writer, key="own-form-of-today", change=own)
    mine_or_theirs = Change.objects.filter(Q(raised_by=writer) | Q(pk=theirs.pk)).order_by("pk")
    before = Change.objects.filter(pk=theirs.pk).values().get()
    watchers, services = Change.watchers.through.objects, Change.services.through.objects
    read: list[dict[str, Any]] = []
    for way, (query, fields) in product(WAYS, list(foreign(cast, theirs))):
        with transaction.atomic():
            answer = write(client, way, own, query, fields)
            tried = (way, query, fields)
            assert answer.status_code in (200, 302, 400, 403, 404), (tried, answer.status_code)
            assert MARK not in answer.content.decode(), tried
            rows = {row["id"]: row for row in mine_or_theirs.values()}
            assert rows.pop(theirs.pk) == before, tried
            assert not watchers.exists() and not services.exists(), tried
            for pk, row in rows.items():
                said = (*tried, row)
                assert row["organisation_id"] in (None, cast.harbour.pk), said
                assert row["requester_id"] in (None, cast.requester.pk, writer.pk), said
                assert (row["owner_id"], row["promised_release_id"]) == (None, None), said
                shown = {name: row[name] for name in row.keys() - ALWAYS_OTHERS}
                # A draft that is as one whose page was read has the same page.
                if answer.status_code in (200, 302) and shown not in read:
                    read.append(shown)
                    reference = Change(pk=pk).reference
                    page = client.get(f"{NEW}?draft={reference}").content.decode()
                    assert MARK not in page, said
            transaction.set_rollback(True)
