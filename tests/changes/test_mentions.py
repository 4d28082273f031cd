"""Whom a comment names with an at sign is told of it, if they may read it, and nobody else.

Costs 12 s, more than half of them in the browser.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from html import unescape
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from playwright.sync_api import expect

from accounts.models import User
from accounts.roles import Role
from changes import access_links, lifecycle, mentions
from changes.models import Change, Notice
from expansive_cm.ui import markdown
from tests import stories
from tests.components.browsing import sign_in
from tests.components.looks import looks
from tests.mailing import last_row, worded
from tests.people import Cast, person

WHY = "somebody names you in it"


@pytest.fixture
def change(cast: Cast) -> Change:
    return stories.submitted(cast)


@contextmanager
def named() -> Iterator[set[User]]:
    """Who is told within the block because a comment names them."""
    before = Notice.objects.order_by("-pk").values_list("pk", flat=True).first() or 0
    found: set[User] = set()
    yield found
    found.update(one.person for one in Notice.objects.filter(pk__gt=before, why=WHY))


def said(change: Change, author: User, body: str, **more: Any) -> set[User]:
    with named() as told:
        lifecycle.comment(change, actor=author, body=body, **more)
    return told


AUTHORS = ("support", "requester", "colleague", "developer")


@pytest.mark.parametrize("internal", [False, True], ids=["public", "internal"])
@pytest.mark.parametrize("name", AUTHORS)
def test_each_is_told_who_may_read_it_and_can_be_known(
    cast: Cast, change: Change, name: str, internal: bool
) -> None:
    """Everybody is named at once: customers reach their colleagues, and who has written to them."""
    author = cast.people[name]
    if internal and author.organisation_id:
        return
    lifecycle.comment(change, actor=cast.success, body="We look at it.")
    lifecycle.comment(change, actor=cast.tester, body="Not for you.", internal=True)
    strangers = {cast.stranger_customer, cast.stranger_approver, cast.nobody}
    customers = {cast.requester, cast.colleague, cast.approver}
    ours = set(cast.people.values()) - customers - strangers
    everybody = "\n".join(f"@{one.display_name}," for one in cast.people.values())
    if author in customers:
        expected = customers | {cast.success}
    else:
        expected = ours if internal else ours | customers
    assert said(change, author, everybody, internal=internal) == expected - {author}


def test_they_get_one_mail_that_says_why(cast: Cast, change: Change) -> None:
    since = last_row()
    body = "@Dan Developer, and @dan developer: could you look?\n\n@Grace Requester knows more."
    lifecycle.comment(change, actor=cast.support, body=body)
    mails = {row.to[0]: row for row in worded(pk__gt=since)}
    mine = [row for row in worded(pk__gt=since) if row.to == [cast.developer.email]]
    assert len(mine) == 1 and "Sam Support wrote" in mine[0].subject
    for reader in (cast.developer, cast.requester):
        assert (
            WHY in mails[reader.email].message and "could you look?" in mails[reader.email].message
        )


MEANT = {
    "@Ann Lee": {"Ann Lee"},
    "(@Ann Lee)": {"Ann Lee"},
    "@ANN LEE's idea": {"Ann Lee"},
    "@Ann, please": {"Ann"},
    "@Ann Leeds": {"Ann"},
    "@Ann Lee-Smith and @Ann": {"Ann Lee-Smith", "Ann"},
    "@Zoë Groß!": {"Zoë Groß"},
    "@Zoe\u0308 Groß": {"Zoë Groß"},
    "@Twin Name": {"Twin Name"},
    "@Dr. T. O'Neil's": {"Dr. T. O'Neil"},
    "(@Davis Jr., please)": {"Davis Jr."},
    "@Davis Jr.: and “@Davis Jr.'s”": {"Davis Jr."},
    "@'t Hooft, look": {"'t Hooft"},
    "@Two  Gaps and @No\u00a0Break": {"Two  Gaps", "No\u00a0Break"},
    "@გიორგი": {"გიორგი"},
    "ann@Ann.example, https://chat.example/@Ann, @@Ann, Ann": set(),
    "@ Ann": set(),
    "@An": set(),
}


def test_what_counts_as_a_name(cast: Cast, change: Change) -> None:
    names = ("Ann", "Ann Lee", "Ann Lee-Smith", "Zoë Groß", "Dr. T. O'Neil", "Twin Name")
    odd = ("Davis Jr.", "'t Hooft", "Two  Gaps", "No\u00a0Break", "გიორგი")
    for number, name in enumerate((*names, "Twin Name", *odd)):
        one = person(f"Person {number}", Role.SUPPORT)
        User.objects.filter(pk=one.pk).update(display_name=name)
    for body, meant in MEANT.items():
        found = mentions.people_in(change, body, author=cast.support, internal=False)
        assert {one.display_name for one in found} == meant, body
        assert len(found) == (2 if meant == {"Twin Name"} else len(meant)), body


def test_a_comment_full_of_signs_and_names_costs_no_more(
    cast: Cast, change: Change, django_assert_max_num_queries: Any
) -> None:
    for number in range(mentions.MOST + 2):
        person(f"Helper {number:02}", Role.SUPPORT)
    bodies = {
        "@a " * 6_600: 0,
        ("@" + "x " * 74) * 130: 0,
        "@" * 20_000: 0,
        " ".join(f"@Helper {number:02}" for number in range(mentions.MOST + 2)): mentions.MOST,
    }
    for body, number in bodies.items():
        with django_assert_max_num_queries(2):
            found = mentions.people_in(change, body, author=cast.support, internal=False)
        assert len(found) == number


def test_who_left_moved_or_lost_the_right_before_the_mail_goes_gets_none(
    cast: Cast, change: Change
) -> None:
    """What decides is asked again when the mail is worded."""
    since = last_row()
    lifecycle.comment(
        change,
        actor=cast.support,
        body="@Dan Developer @Tess Tester @Colin Colleague @Otto Auditor",
    )
    User.objects.filter(pk=cast.developer.pk).update(is_active=False)
    cast.tester.groups.clear()
    User.objects.filter(pk=cast.colleague.pk).update(organisation=cast.meridian)
    told = {row.to[0] for row in worded(pk__gt=since) if row.message}
    assert told == {cast.requester.email, cast.success.email, cast.auditor.email}
    assert said(change, cast.support, "@Dan Developer @Tess Tester @Colin Colleague") == set()


def test_a_correction_tells_only_whom_it_names_anew(cast: Cast, change: Change) -> None:
    comment = lifecycle.comment(change, actor=cast.support, body="@Dan Developer, look.")
    with named() as told:
        lifecycle.correct_comment(comment, actor=cast.support, body="@Dan Developer, see.")
    assert told == set()
    with named() as told:
        lifecycle.correct_comment(
            comment, actor=cast.support, body="@Dan Developer and @Tess Tester, see."
        )
    assert told == {cast.tester}


def test_the_page_says_who_was_told_whatever_became_of_them(
    client: Client, cast: Cast, change: Change
) -> None:
    lifecycle.comment(change, actor=cast.support, body="@Dan Developer, look.", internal=True)
    comment = lifecycle.comment(change, actor=cast.support, body="@Tess Tester, look.")
    lifecycle.correct_comment(comment, actor=cast.support, body="Never mind.")
    User.objects.filter(pk=cast.tester.pk).update(is_active=False)
    for reader, words in (
        (cast.support, ["told: Dan Developer", "told: Tess Tester"]),
        (cast.requester, []),
    ):
        client.force_login(reader)
        page = client.get(change.get_absolute_url()).content.decode()
        assert [f"told: {part.split('<')[0]}" for part in page.split("told: ")[1:]] == words


MARKED = {
    "@Dan Developer, look.": "[@Dan Developer], look.",
    "Is it @dan  developer's, or @Tess Tester's?": "Is it [@dan  developer]'s, or @Tess Tester's?",
    "**@Dan Developer** and `@Dan Developer`": "[@Dan Developer] and [@Dan Developer]",
    "@Anne & Bob <O'Neil>: hi, @Anne": "[@Anne & Bob <O'Neil>]: hi, @Anne",
    "dan@Dan Developer, @Dan, @Dan Developers, Dan Developer": "",
    '[x @Dan Developer y](https://a.example "@Dan Developer >")': "x @Dan Developer y",
    "@Dan Developer\n\n- @Dan Developer\n\n<b>@Dan Developer</b>": (
        "[@Dan Developer] [@Dan Developer] <b>@Dan Developer</b>"
    ),
    "@Z. Eta " * 99 + "@Dan Developer @Dan Developer": "@Z. Eta " * 99
    + "[@Dan Developer] @Dan Developer",
}


@pytest.mark.parametrize("body", MARKED, ids=range(len(MARKED)))
def test_names_of_who_was_told_are_marked_and_nothing_else(body: str) -> None:
    """Besides the marks, the page is the same: nothing that was escaped comes to life."""
    drawn = markdown.render(body)
    html = mentions.marked(drawn, ["Dan Developer", "Anne & Bob <O'Neil>"])
    without = re.sub(r'<span class="mention">([^<]*)</span>', r"\1", html)
    same = [one.replace("&quot;", '"').replace("&#x27;", "'") for one in (without, drawn)]
    assert same[0] == same[1]
    shown = re.sub(r'<span class="mention">([^<]*)</span>', r"[\1]", html)
    text = " ".join(unescape(re.sub(r'<(?:"[^"]*"|[^">])*>', "", shown)).split())
    assert text == " ".join((MARKED[body] or body).split())
    assert mentions.marked(drawn, []) == drawn == mentions.marked(drawn, [""])


def test_a_name_is_marked_for_each_reader_where_it_told_somebody(
    client: Client, cast: Cast, change: Change
) -> None:
    body = "@Tess Tester and @Nora Nobody, as @Grace Requester asks"
    comment = lifecycle.comment(change, actor=cast.support, body=body)
    lifecycle.comment(change, actor=cast.support, body="@Dan Developer?", internal=True)
    marks = ["@Tess Tester", "@Grace Requester"]
    linked = access_links.issue(change, cast.requester, actor=None)[0]
    for reader, more in ((cast.support, ["@Dan Developer"]), (cast.requester, []), (None, [])):
        client.logout()
        if reader:
            client.force_login(reader)
        page = client.get(change.get_absolute_url() if reader else linked).content.decode()
        assert re.findall(r'<span class="mention">([^<]*)<', page) == marks + more
    lifecycle.correct_comment(comment, actor=cast.support, body="Tess Tester, Grace Requester.")
    client.force_login(cast.support)
    page = client.get(change.get_absolute_url()).content.decode()
    assert page.count('class="mention"') == 1


def test_only_those_are_offered_who_would_be_told(cast: Cast, change: Change) -> None:
    lifecycle.comment(change, actor=cast.success, body="We look at it.")
    address = reverse("changes:find_mention", args=[change.pk])
    client = Client()
    for reader in cast.people.values():
        client.force_login(reader)
        for audience in ("internal", "public"):
            offered: set[User] = set()
            for text in ("e", "%", "x" * 5_000):
                answer = client.get(address, {"text": text, "audience": audience})
                if answer.status_code != 200:
                    assert answer.status_code in (403, 404)
                    continue
                shown = answer.content.decode()
                offered |= {
                    one
                    for one in cast.people.values()
                    if f'data-value="{one.display_name}"' in shown
                }
            internal = audience == "internal" and reader.organisation_id is None
            body = "\n".join(f"@{one.display_name}," for one in offered)
            told = mentions.people_in(change, body, author=reader, internal=internal)
            assert set(told) == offered, (reader, audience)
    client.force_login(cast.requester)
    found = {name: client.get(address, {"text": name}).content.decode() for name in ("dan", "cleo")}
    assert "Dan Developer" not in found["dan"] and "Cleo Success" in found["cleo"]


ODD_NAMES = (
    "",
    "Zz.",
    "Zz (Ops)",
    "Zz’s",
    "zz@acme.example",
    "Zz @ Ops",
    "Zz" + " a" * 11,
    "Zz\u200b",
)


def test_whoever_is_offered_is_meant_however_odd_their_name(cast: Cast, change: Change) -> None:
    """An option that writes a name which names nobody would be a lie."""
    for number, name in enumerate(ODD_NAMES):
        one = person(f"Person {number}", Role.SUPPORT)
        User.objects.filter(pk=one.pk).update(display_name=name)
    where = {"author": cast.support, "internal": False}
    for text in ("zz", "", ".", "\x00", " \u200b"):
        for one in mentions.offered(change, text, **where):
            body = f"Ask @{one.display_name}, please."
            assert one in mentions.people_in(change, body, **where), one.display_name


def test_those_are_offered_who_may_read_it_behind_many_who_may_not(
    cast: Cast, change: Change
) -> None:
    for number in range(5 * mentions.OFFERED):
        person(f"Aaron {number:02}")
    helper = person("Aaron Zed", Role.SUPPORT)
    where = {"author": cast.support, "internal": False}
    assert mentions.offered(change, "aaron", **where) == [helper]


def test_corrections_to_and_fro_tell_nobody_twice_and_never_more_than_of_one_comment(
    cast: Cast, change: Change
) -> None:
    names = [f"Helper {number:02}" for number in range(2 * mentions.MOST)]
    for name in names:
        person(name, Role.SUPPORT)
    first, second = (
        " ".join(f"@{name}," for name in half)
        for half in (names[: mentions.MOST - 1], names[mentions.MOST - 1 :])
    )
    comment = lifecycle.comment(change, actor=cast.support, body=first)
    told = []
    for body in ("Nobody.", first, second, "Nobody.", first + second):
        with named() as found:
            lifecycle.correct_comment(comment, actor=cast.support, body=body)
        told.append(len(found))
    assert told == [0, 0, 1, 0, 0]


def test_whose_mail_of_a_comment_still_waits_reads_its_new_words_once(
    cast: Cast, change: Change
) -> None:
    since = last_row()
    comment = lifecycle.comment(change, actor=cast.support, body="Done.")
    lifecycle.correct_comment(comment, actor=cast.support, body="Done, @Grace Requester.")
    rows = [row for row in worded(pk__gt=since) if row.to == [cast.requester.email]]
    assert sum(row.message.count("Done, @Grace Requester.") for row in rows) == 1


def test_whoever_could_not_be_reached_at_first_is_told_by_a_correction(
    cast: Cast, change: Change
) -> None:
    body = "@Tess Tester, is it done?"
    comment = lifecycle.comment(change, actor=cast.requester, body=body)
    lifecycle.comment(change, actor=cast.tester, body="We look at it.")
    with named() as told:
        lifecycle.correct_comment(comment, actor=cast.requester, body=f"{body} Please.")
    assert told == {cast.tester}


def test_customers_are_not_shown_the_names_that_a_correction_took_out(
    client: Client, cast: Cast, change: Change
) -> None:
    """Only Expansive's people read in the history what a comment said before."""
    comment = lifecycle.comment(change, actor=cast.support, body="@Dan Developer broke it.")
    lifecycle.correct_comment(comment, actor=cast.support, body="We mend it.")
    for reader, shown in ((cast.requester, False), (cast.support, True)):
        client.force_login(reader)
        page = client.get(change.get_absolute_url()).content.decode()
        assert ("told: Dan Developer" in page) == shown


def test_the_page_says_told_only_of_whom_a_mail_is_meant_for(
    client: Client, cast: Cast, change: Change
) -> None:
    User.objects.filter(pk=cast.tester.pk).update(mail_pace=User.MailPace.NEEDED)
    User.objects.filter(pk=cast.developer.pk).update(mail_pace=User.MailPace.DAILY)
    told = said(change, cast.support, "@Dan Developer, @Tess Tester, @Grace Requester, look.")
    client.force_login(cast.support)
    page = client.get(change.get_absolute_url()).content.decode()
    names = page.split("told: ")[1].split("<")[0].split(", ")
    assert set(names) == {one.display_name for one in told}


def test_a_name_is_chosen_by_keyboard_and_told(
    new_page: Any, live_server: Any, transactional_db: None, cast: Cast
) -> None:
    change = stories.submitted(cast)
    page = new_page(width=360, height=740)
    sign_in(page, cast.support, live_server)
    page.goto(change.get_absolute_url())
    field = page.get_by_label("Your comment")
    field.press_sequentially("Please ask @dan")
    expect(page.get_by_role("option", name="Dan Developer")).to_have_attribute(
        "aria-selected", "true"
    )
    with looks(page) as over:
        over.over_page("people to name")
    field.press("Enter")
    expect(field).to_have_value("Please ask @Dan Developer ")
    field.press_sequentially("or @te")
    expect(page.get_by_role("option", name="Tess Tester")).to_be_visible()
    listed = page.get_by_role("listbox", name="People to name")
    # An input method's own Enter, and a caret that has gone elsewhere, choose nothing.
    kept = "Please ask @Dan Developer or @te"
    composing = {"key": "Enter", "isComposing": True, "bubbles": True, "cancelable": True}
    field.dispatch_event("keydown", composing)
    expect(field).to_have_value(kept)
    field.evaluate("field => field.setSelectionRange(18, 18)")
    field.press("Tab")
    expect(field).to_have_value(kept)
    expect(listed).to_be_hidden()
    field.focus()
    field.press("Control+End")
    field.press_sequentially("s")
    expect(listed).to_be_visible()
    field.press("Escape")
    expect(listed).to_be_hidden()
    field.press_sequentially("s")
    field.press("Backspace")
    expect(listed).to_be_visible()
    with named() as told:
        field.press("Control+Enter")
        expect(page.get_by_text("Named in it, and told: Dan Developer")).to_be_visible()
        expect(listed).to_be_hidden()
    assert told == {cast.developer}
