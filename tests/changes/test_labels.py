"""Labels: put on and taken off, kept in order, and hidden from everybody else. Costs 5 s."""

import pytest
from django.test import Client

from accounts.models import User
from changes import lifecycle
from changes.models import Change, ChangeLabel, Label
from expansive_cm.workflow.errors import ChangeStale, StepForbidden, StepIllegal, StepIncomplete
from tests.people import Cast
from tests.stories import submitted

OUTSIDE = ("requester", "colleague", "approver", "stranger_customer", "nobody")


def signed_in(user: User) -> Client:
    client = Client()
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    return client


def put(cast: Cast, change: Change, name: str, **more: str) -> Label:
    return lifecycle.label(change, actor=cast.support, name=name, **more)


def labels_on(change: Change, cast: Cast) -> str:
    """The labels in the row of the list."""
    page = signed_in(cast.support).get("/changes/", {"columns": "labels"}).content.decode()
    return page.partition(change.title)[2].partition("</tr>")[0]


def test_a_label_is_made_on_the_page_and_taken_off_there(cast: Cast) -> None:
    change = submitted(cast, title="Rooms at night")
    client, at = signed_in(cast.support), f"/changes/{change.reference}/label/"
    for name in ("", "n" * 41, "\u2800", "\u0301", "a\u202eb", "a\x07b", "a\0b"):
        answer = client.post(at, {"name": name, "colour": "red"})
        assert answer.status_code == 400, name
        assert 'id="id_label_name_error"' in answer.content.decode(), name
    assert client.post(at, {"name": "n", "colour": "pink"}).status_code == 400
    assert not Label.objects.exists()

    client.post(at, {"name": "  Night   shift ", "colour": "red"})
    again = client.post(
        at, {"name": "NIGHT SHIFT", "colour": "blue"}, headers={"HX-Request": "true"}
    )
    assert (again.status_code, "this label already" in again.content.decode()) == (422, True)
    [label] = Label.objects.all()
    assert (label.name, label.colour) == ("Night shift", "red")
    assert (
        "Take off the label Night shift" in client.get(change.get_absolute_url()).content.decode()
    )
    assert "put on a label: Night shift" in str(ChangeLabel.history.get().history_change_reason)
    assert "Night shift" in labels_on(change, cast)

    off = f"/changes/{change.reference}/labels/{label.pk}/unlabel/"
    assert client.post(off).status_code == 302
    assert client.post(off).status_code == 409
    assert "Night shift" not in labels_on(change, cast)
    assert [one.is_internal for one in change.events.filter(verb__endswith="label")] == [True, True]


def test_merged_labels_are_shown_and_found_as_one(cast: Cast) -> None:
    first, second, both = (submitted(cast, title=f"Request {n}") for n in ("one", "two", "three"))
    old, new = put(cast, first, "Old"), put(cast, second, "New")
    put(cast, both, "Old"), put(cast, both, "New")
    older = put(cast, first, "Older")
    lifecycle.merge_label(older, actor=cast.administrator, into=old)
    lifecycle.merge_label(old, actor=cast.administrator, into=new)

    client = signed_in(cast.support)
    for wanted in (old, new, older):
        page = client.get("/changes/", {"label": wanted.pk, "columns": "labels"})
        assert page.status_code == 200
        found = page.content.decode()
        assert all(one.title in found for one in (first, second, both)), wanted
    assert labels_on(both, cast).count("New") == labels_on(first, cast).count("New") == 1
    with pytest.raises(StepIncomplete):
        put(cast, first, "older")
    exported = b"".join(client.get("/changes/export/").streaming_content).decode()
    assert [line.rsplit(",", 1)[1] for line in exported.split()[-1:]] == ["New"]

    lifecycle.unlabel(first, actor=cast.support, label=new)
    assert not ChangeLabel.objects.filter(change=first).exists()
    with pytest.raises(StepIllegal):
        lifecycle.merge_label(old, actor=cast.administrator, into=new)
    with pytest.raises(StepIncomplete):
        lifecycle.merge_label(new, actor=cast.administrator, into=old)


def test_administrators_rename_and_end_labels(cast: Cast) -> None:
    change = submitted(cast)
    label, other = put(cast, change, "Ünder way"), put(cast, change, "Other")
    client, at = signed_in(cast.administrator), f"/labels/{label.pk}/"
    kept = {"colour": "green", "is_active": "on", "seen": label.version}
    taken = client.post(at, {**kept, "name": "OTHER"})
    assert (taken.status_code, "Another label is called" in taken.content.decode()) == (400, True)
    assert client.post(at, {**kept, "name": "Done"}).status_code == 302
    stale = client.post(at, {**kept, "name": "Mine"})
    assert (stale.status_code, "Mine" in stale.content.decode()) == (409, True)
    assert client.post(f"{at}merge/", {"into": label.pk}).status_code == 400

    lifecycle.keep_label(
        other, actor=cast.administrator, name="Other", colour="red", is_active=False
    )
    with pytest.raises(StepIncomplete):
        put(cast, submitted(cast), "other")
    with pytest.raises(StepForbidden):
        lifecycle.merge_label(other, actor=cast.support, into=label)
    with pytest.raises(ChangeStale):
        lifecycle.merge_label(label, actor=cast.administrator, into=label, seen=1)
    assert signed_in(cast.support).post(at, {**kept, "name": "x"}).status_code == 403
    assert "Other" in client.get("/labels/?view=ended").content.decode()
    assert "Other" not in client.get("/labels/").content.decode()


def test_nobody_outside_learns_of_a_label(cast: Cast) -> None:
    change = submitted(cast)
    label = put(cast, change, "Zebra crossing")
    lifecycle.unlabel(change, actor=cast.support, label=label)
    put(cast, change, "zebra crossing")
    for part in OUTSIDE:
        client = signed_in(cast.people[part])
        read = [
            change.get_absolute_url(),
            "/changes/?columns=labels",
            f"/changes/?label={label.pk}",
        ]
        read += ["/changes/?q=Zebra", "/changes/export/", "/labels/", "/labels/find/?name=z"]
        for address in read:
            answer = client.get(address)
            body = b"".join(answer.streaming_content) if answer.streaming else answer.content
            assert b"ebra crossing" not in body, (part, address)
        assert client.get("/labels/").status_code == 404
        put_on = client.post(f"/changes/{change.reference}/label/", {"name": "a", "colour": "red"})
        assert put_on.status_code in (403, 404), part


def test_the_list_reads_labels_once_its_menu_is_opened(cast: Cast) -> None:
    change = submitted(cast)
    client = signed_in(cast.support)
    assert "Nothing to choose" in client.get("/changes/filter/label/").content.decode()
    label = put(cast, change, "Rollout")
    page = client.get("/changes/").content.decode()
    assert "Rollout" not in page
    assert "Rollout" in client.get("/changes/?menus=whole").content.decode()
    assert "Rollout" in client.get("/changes/filter/label/").content.decode()
    chosen = client.get("/changes/", {"label": label.pk}).content.decode()
    assert f'name="label" value="{label.pk}" checked' in chosen
    wrong = client.get("/changes/", {"label": label.pk + 1})
    assert wrong.status_code == 400
    assert client.get("/labels/find/", {"name": "\0"}).status_code == 400
    assert "Rollout" in client.get("/labels/find/", {"name": "LLO"}).content.decode()
    assert "Rollout" not in client.get("/labels/find/", {"name": "%"}).content.decode()


def test_all_labels_are_listed_page_by_page(cast: Cast) -> None:
    made = [Label(name=f"Label {n:03}", created_by=cast.support) for n in range(60)]
    Label.objects.bulk_create(made)
    Label.objects.filter(name="Label 007").update(is_active=False)
    client = signed_in(cast.administrator)
    first = client.get("/labels/")
    second = client.get("/labels/" + first.context["next_url"])
    names = [one.name for page in (first, second) for one in page.context["rows"]]
    assert names == [one.name for one in made if one.name != "Label 007"]
    assert client.get("/labels/?page=x").status_code == 400
    assert "Label 007" in client.get("/labels/?view=ended").content.decode()
    assert "Label 008" not in client.get("/labels/?view=ended").content.decode()
