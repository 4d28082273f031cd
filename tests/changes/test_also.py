"""A search leads to what people, customers, comments, files and numbers elsewhere name.

Nobody's search shows what they may not read, nor that it is there.
"""

from itertools import product
from typing import Any
from urllib.parse import urlencode

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client

from accounts.models import User
from changes import also, filters, lifecycle, searching
from changes.models import Attachment, Change, Comment, Development, Label
from changes.queries import visible_to
from tests import stories
from tests.people import Cast
from tests.remembered import remembered

LIST = "/changes/"
CANARY = "zanzibar"


def search(client: Client, person: User, query: str) -> Any:
    client.force_login(person)
    answer = client.get(f"{LIST}?{query}")
    assert answer.status_code == 200, answer.content.decode()[:300]
    return answer


def places(answer: Any) -> list[tuple[str, str]]:
    return [(str(one.kind), one.words) for one in answer.context["also"].places]


def titles(answer: Any) -> list[str]:
    return [one.title for one in answer.context["page"]]


def attach(change: Change, actor: User, name: str, *, internal: bool = False) -> Attachment:
    file = SimpleUploadedFile(name, b"Plan")
    return lifecycle.attach(
        change, actor=actor, file=file, content_type="text/plain", internal=internal
    )


@pytest.fixture
def theirs(cast: Cast) -> Change:
    """A request with the canary wherever a search looks."""
    return with_canaries(cast)


@remembered
def with_canaries(cast: Cast) -> Change:
    change = stories.submitted(cast, title="Rooms")
    User.objects.filter(pk=cast.requester.pk).update(email=f"{CANARY}@harbour.example")
    lifecycle.comment(change, actor=cast.requester, body=f"As in {CANARY} last year.")
    lifecycle.comment(
        change, actor=cast.support, body=f"{CANARY} costs us too much.", internal=True
    )
    attach(change, cast.requester, f"plan_{CANARY}-2.pdf")
    attach(change, cast.support, f"price {CANARY}.ods", internal=True)
    return change


INTERNAL = ("Internal note", "costs us", "price ")


def test_colleagues_find_people_comments_notes_and_files(
    client: Client, cast: Cast, theirs: Change
) -> None:
    answer = search(client, cast.support, f"q={CANARY}")
    assert places(answer) == [
        ("Internal note", f"{CANARY} costs us too much."),
        ("Comment", f"As in {CANARY} last year."),
        ("File", f"price {CANARY}.ods"),
        ("File", f"plan_{CANARY}-2.pdf"),
    ]
    page = answer.content.decode()
    assert f'href="?asked_by={CANARY}%40harbour.example"' in page
    assert theirs.get_absolute_url() in page
    assert "Nothing contains" not in page
    found = search(client, cast.support, f"asked_by={CANARY}%40harbour.example")
    assert titles(found) == ["Rooms"]


@pytest.mark.parametrize("who", ["requester", "colleague", "approver"])
def test_a_customer_finds_what_the_customer_may_read(
    client: Client, cast: Cast, theirs: Change, who: str
) -> None:
    answer = search(client, cast.people[who], f"q={CANARY}")
    assert places(answer) == [
        ("Comment", f"As in {CANARY} last year."),
        ("File", f"plan_{CANARY}-2.pdf"),
    ]
    assert answer.context["also"].people == []  # no page shows them an address
    assert not any(word in answer.content.decode() for word in INTERNAL)


@pytest.mark.parametrize("who", ["stranger_customer", "stranger_approver", "nobody"])
def test_a_stranger_finds_nothing_and_cannot_tell(
    client: Client, cast: Cast, theirs: Change, who: str
) -> None:
    other = search(client, cast.people[who], "q=nowhere").content.decode()
    for text in (CANARY, cast.requester.display_name, cast.harbour.name, "costs", "price"):
        answer = search(client, cast.people[who], f"q={text}")
        assert not answer.context["also"], text
        page = answer.content.decode()
        assert page.count("<a ") == other.count("<a "), text
        assert "Rooms" not in page, text


def test_a_draft_and_its_files_are_found_by_nobody_else(client: Client, cast: Cast) -> None:
    draft = stories.draft(cast, title="Secret")
    attach(draft, cast.support, f"{CANARY}.txt")
    assert places(search(client, cast.support, f"q={CANARY}")) == [("File", f"{CANARY}.txt")]
    for who in ("success", "auditor", "requester"):
        assert not search(client, cast.people[who], f"q={CANARY}").context["also"], who


def test_people_and_customers_lead_to_their_requests(client: Client, cast: Cast) -> None:
    stories.submitted(cast, title="Ours")
    stories.submitted(
        cast, title="Theirs", organisation=cast.meridian, requester=cast.stranger_customer
    )
    name = cast.requester.display_name
    answer = search(client, cast.support, f"q={name}")
    assert answer.context["also"].people == [cast.requester]
    answer = search(client, cast.support, "q=harbour hosp")
    assert answer.context["also"].customers == [(str(cast.harbour.pk), "Harbour Hospitals")]
    answer = search(client, cast.colleague, f"q={name}")
    assert f'href="?requester={cast.requester.pk}"' in answer.content.decode()
    assert titles(search(client, cast.colleague, f"requester={cast.requester.pk}")) == ["Ours"]


def test_who_asked_is_a_column_and_a_filter(client: Client, cast: Cast) -> None:
    stories.submitted(cast, title="Ours")
    stories.submitted(
        cast, title="Theirs", organisation=cast.meridian, requester=cast.stranger_customer
    )
    answer = search(client, cast.tester, f"asked_by={cast.requester.display_name.lower()}")
    assert titles(answer) == ["Ours"]
    row = answer.content.decode().split("<tr>")[2].split("</tr>")[0]
    assert cast.requester.display_name in row and cast.requester.email in row
    assert [str(chip.label) for chip in answer.context["form"].chips] == ["Asked by"]
    assert titles(search(client, cast.tester, "asked_by=nowhere")) == []
    # Customers have no such field: it would tell them addresses.
    assert titles(search(client, cast.colleague, "asked_by=nowhere")) == ["Ours"]


def test_too_many_people_get_a_sentence(
    client: Client, cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(filters, "MAX_ASKERS", 1)
    client.force_login(cast.support)
    answer = client.get(f"{LIST}?asked_by=a")
    assert answer.status_code == 400
    assert "More than 1 people have this in name or address" in answer.content.decode()


def test_a_number_elsewhere_leads_to_its_change_for_colleagues(client: Client, cast: Cast) -> None:
    change = stories.submitted(cast)
    Change.objects.filter(pk=change.pk).update(external_source="Jira", external_id="FM-4711")
    found = places(search(client, cast.support, "q=FM-4711"))
    assert found == [("Number elsewhere", "Jira FM-4711")]
    assert places(search(client, cast.requester, "q=FM-4711")) == []
    record = stories.in_confirmation(cast).documentations.get()
    number = record.reference.lower()
    found = places(search(client, cast.support, f"q={number}"))
    assert found == [("Number elsewhere", f"{record.system} {number}")]


PULL_REQUESTS = {
    "#4711": True,
    "4711": True,
    "!4711": True,
    "pull/4711": True,
    "GIT.example/rooms": True,
    "#471": False,
    "#0": False,
    "47": False,
}
"""What somebody types, and whether it means the pull request 4711."""


def test_a_pull_request_leads_to_its_change_for_colleagues(client: Client, cast: Cast) -> None:
    change = stories.developed(stories.in_development(cast), cast)
    address = "https://git.example/rooms/pull/4711"
    Development.objects.filter(change=change).update(reference=address)
    place = ("Pull request or branch", address)
    assert places(search(client, cast.support, urlencode({"q": "#4711"}))) == [place]
    assert places(search(client, cast.requester, urlencode({"q": "#4711"}))) == []
    # What else is typed is asked as the list's page asks it.
    for text, is_found in PULL_REQUESTS.items():
        for reader, expected in ((cast.support, [place] * is_found), (cast.requester, [])):
            found = also.also_with(reader, text, visible_to(reader), []).places
            assert [(str(one.kind), one.words) for one in found] == expected, (reader, text)


def test_its_number_is_found_however_its_address_is_written(client: Client, cast: Cast) -> None:
    change = stories.developed(stories.in_development(cast), cast)
    for address in ("rooms!4711", "rooms#4711", "https://git.example/pull/4711/files"):
        Development.objects.filter(change=change).update(reference=address)
        assert places(search(client, cast.support, "q=!4711")), address


def test_a_release_is_found_by_its_name_by_colleagues(client: Client, cast: Cast) -> None:
    release = stories.release()
    text = urlencode({"q": release.name})
    answer = search(client, cast.support, text)
    assert answer.context["also"].releases == [release]
    assert release.get_absolute_url() in answer.content.decode()
    assert search(client, cast.requester, text).context["also"].releases == []
    client.force_login(cast.support)
    assert release.get_absolute_url() in client.get(f"/changes/palette/?{text}").content.decode()


def test_a_label_leads_colleagues_to_what_has_it(client: Client, cast: Cast) -> None:
    change = stories.submitted(cast)
    label = lifecycle.label(change, actor=cast.support, name=f"Night {CANARY}")
    old = lifecycle.label(change, actor=cast.support, name=f"{CANARY} before")
    Label.objects.filter(pk=old.pk).update(merged_into=label, is_active=False)
    there = f"?label={label.pk}"
    for text in (f"{CANARY} nig", "before"):
        answer = search(client, cast.support, f"q={text}")
        assert answer.context["also"].labels == [label], text
        assert f'href="{there}"' in answer.content.decode()
        palette = client.get("/changes/palette/", {"q": text}).content.decode()
        assert f'href="{LIST}{there}"' in palette, text
    assert change.title in search(client, cast.support, there[1:]).content.decode()
    for who in ("requester", "colleague", "approver", "stranger_customer", "nobody"):
        assert not search(client, cast.people[who], f"q={CANARY}").context["also"], who
        palette = client.get("/changes/palette/", {"q": CANARY}).content.decode()
        assert f"Night {CANARY}" not in palette, who


def test_filters_narrow_what_is_found_besides(client: Client, cast: Cast, theirs: Change) -> None:
    assert places(search(client, cast.support, f"q={CANARY}&state=submitted"))
    assert not places(search(client, cast.support, f"q={CANARY}&state=closed"))


def test_cost_does_not_grow(client: Client, cast: Cast, django_assert_num_queries: Any) -> None:
    for rows in (1, 2):
        change = stories.submitted(cast)
        lifecycle.comment(change, actor=cast.requester, body=f"As in {CANARY}.")
        attach(change, cast.requester, f"{CANARY}.pdf")
        for who, queries in (("support", 18), ("requester", 13)):
            client.force_login(cast.people[who])
            with django_assert_num_queries(queries, info=f"{who}, {rows} rows"):
                answer = client.get(f"{LIST}?q={CANARY}")
            assert len(places(answer)) == 2 * rows


def test_no_text_breaks_it(client: Client, cast: Cast, theirs: Change) -> None:
    client.force_login(cast.support)
    client.raise_request_exception = False
    odd = [
        "'",
        "\\",
        "' & '",
        "!!!",
        "a:*",
        "the",
        "the and",
        "%%%",
        "''''xyz",
        "预订会议室",
        "x" * 200,
    ]
    broken = [
        (field, text)
        for field, text in product(("q", "asked_by"), odd)
        if client.get(LIST, {field: text}).status_code != 200
    ]
    assert broken == []


def test_the_newest_are_looked_at_and_then_the_indexes_are_asked(cast: Cast) -> None:
    change = stories.submitted(cast)
    for number in range(4):
        Comment.objects.create(change=change, author=cast.support, body=f"Boiler {number}")
    vector = also.SearchVector("body", config="english")
    common, rare = searching.Words("boil"), searching.Words("zzzyqx")
    for words, asked in ((common, False), (rare, True)):
        seen, indexed = words.within(vector)
        found = searching.newest_or_indexed(Comment.objects.all(), seen, indexed, 3, near=3)
        assert len(found) == (0 if asked else 3)
        sql, params = found.query.sql_with_params()
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL enable_seqscan = off")
            cursor.execute(f"EXPLAIN (ANALYZE, COSTS off, TIMING off) {sql}", params)
            told = [line for (line,) in cursor.fetchall()]
        index = next(line for line in told if "Index Scan on changes_comment_words" in line)
        assert ("never executed" not in index) is asked


@pytest.mark.parametrize(
    ("text", "words", "shown"),
    [
        ("short", ["sho"], "short"),
        ("x " * 200 + "boiler " + "y " * 200, ["boil"], "boiler"),
        ("nothing of it", ["boil"], "nothing of it"),
    ],
)
def test_a_long_text_is_shown_around_the_word(text: str, words: list[str], shown: str) -> None:
    found = also.around(text, words)
    assert shown in found
    assert len(found) <= also.LONGEST + 2
