"""Views of the list that people keep: who sees, changes and takes over one; what the list says.

Costs 7 s.
"""

from functools import partial
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction
from django.http import QueryDict
from django.test import Client

from accounts.models import SuccessTeam, User
from accounts.roles import Role
from changes import lifecycle, saved_views
from changes.filters import ChangeFilterForm
from changes.models import Change, FirstView, SavedView
from expansive_cm.workflow.errors import ChangeStale, StepError, StepForbidden, StepIncomplete
from tests.concurrently import at_once
from tests.people import Cast, person
from tests.stories import draft, in_requirements, submitted

LIST = "/changes/"
VIEWS = "/changes/views/"
SUBMITTED = {"state": ["submitted"]}


def saved(who: User, name: str = "Mine", shared: str = "", **filters: list[str]) -> SavedView:
    return lifecycle.save_view(
        None, actor=who, name=name, shared=shared, filters=filters or SUBMITTED
    )


def signed_in(user: User) -> Client:
    client = Client()
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    return client


def shown(user: User, query: str = "") -> list[str]:
    """The titles of the list, in order."""
    answer = signed_in(user).get(LIST + query)
    assert answer.status_code == 200, answer.content.decode()[:500]
    return [change.title for change in answer.context["page"]]


def who_sees(cast: Cast, view: SavedView) -> set[str]:
    """Everybody of the cast for whom a view exists, asked in every way there is."""
    found = set()
    for name, who in cast.people.items():
        sees = saved_views.visible_to(who).filter(pk=view.pk).exists()
        assert sees == saved_views.may_see(who, view), name
        found |= {name} if sees else set()
    return found


# Who sees what ------------------------------------------------------------------------------


def test_a_view_is_for_its_owner_or_for_those_it_is_shared_with(cast: Cast) -> None:
    team, role = cast.care_team, Role.CRB_MEMBER
    assert who_sees(cast, saved(cast.support)) == {"support"}
    assert who_sees(cast, saved(cast.success, shared=f"team:{team.pk}")) == {"success"}
    assert who_sees(cast, saved(cast.chair, shared=f"role:{role}")) == {"chair", "crb_member"}
    ours = saved(cast.requester, shared=f"organisation:{cast.harbour.pk}")
    assert who_sees(cast, ours) == {"requester", "colleague", "approver"}
    User.objects.filter(pk=cast.colleague.pk).update(is_active=False)
    cast.colleague.refresh_from_db()
    assert who_sees(cast, ours) == {"requester", "approver"}


def test_each_shares_with_those_they_belong_to_alone(cast: Cast) -> None:
    keys = [f"team:{cast.care_team.pk}", f"team:{cast.retail_team.pk}", "role:support"]
    keys += [f"organisation:{cast.harbour.pk}", f"organisation:{cast.meridian.pk}"]
    keys += ["role:approver", "role:", "team:", "team:x", "nobody"]
    allowed = {
        "support": {"role:support"},
        "success": {f"team:{cast.care_team.pk}"},
        "approver": {f"organisation:{cast.harbour.pk}"},
        "nobody": set[str](),
    }
    for name, mine in allowed.items():
        for key in keys:
            if key in mine:
                saved(cast.people[name], key, key)
                continue
            with pytest.raises(StepForbidden, match="belong"):
                saved(cast.people[name], key, key)


def test_a_view_shows_each_reader_what_they_may_see(cast: Cast) -> None:
    """One shared by somebody who sees more tells neither a row nor a name nor a number."""
    cast.meridian.approvers.add(cast.approver)  # who reads the changes of both customers
    submitted(cast, title="Ours")
    submitted(cast, title="Theirs", organisation=cast.meridian, requester=cast.stranger_customer)
    theirs = [str(cast.meridian.pk)]
    view = saved(
        cast.approver, "Both", f"organisation:{cast.harbour.pk}",
        organisation=theirs, requester=[str(cast.stranger_customer.pk)],
    )  # fmt: skip
    assert shown(cast.approver, f"?saved={view.pk}") == ["Theirs"]
    answer = signed_in(cast.colleague).get(f"{LIST}?saved={view.pk}")
    assert [change.title for change in answer.context["page"]] == ["Ours"]
    page = answer.content.decode()
    assert "“Both” asks for something that does not exist for you" in page
    assert "(Asked by and Organisation)" in page
    assert "Meridian" not in page and "Mia" not in page
    assert f'value="{cast.meridian.pk}"' not in page
    # Their own customer, who is all they see, is nothing that does not exist for them.
    own = saved(
        cast.approver, "Own", f"organisation:{cast.harbour.pk}",
        organisation=[str(cast.harbour.pk), *theirs],
    )  # fmt: skip
    answer = signed_in(cast.colleague).get(f"{LIST}?saved={own.pk}")
    assert [change.title for change in answer.context["page"]] == ["Ours"]
    page = answer.content.decode()
    assert "does not exist for you" not in page and "Not as in" not in page
    assert answer.context["here_url"] == f"?saved={own.pk}"
    for address in (f"{LIST}?saved={view.pk}", f"{LIST}?saved=9999", f"{LIST}?saved=x"):
        page = signed_in(cast.stranger_customer).get(address).content.decode()
        assert "does not exist for you, or no more" in page and "Both" not in page


def test_what_is_not_theirs_is_not_there(cast: Cast) -> None:
    view = saved(cast.requester, "Secret name", f"organisation:{cast.harbour.pk}")
    for who in (cast.stranger_customer, cast.administrator):
        client = signed_in(who)
        assert "Secret" not in client.get(VIEWS).content.decode()
        assert client.get(f"{VIEWS}{view.pk}/").status_code == 404
        for act in ("update_view", "delete_view", "take_over_view", "open_first"):
            assert client.post(f"{VIEWS}{view.pk}/{act}/").status_code == 404
        found = client.get("/changes/palette/", {"q": "secret"}, headers={"HX-Request": "true"})
        assert "Secret name" not in found.content.decode()


def test_readers_of_a_shared_view_change_nothing_of_it(cast: Cast) -> None:
    view = saved(cast.chair, shared="role:crb_member")
    client = signed_in(cast.crb_member)
    assert client.get(f"{VIEWS}{view.pk}/").status_code == 403
    for act, status in {"update_view": 403, "delete_view": 403, "take_over_view": 409}.items():
        assert client.post(f"{VIEWS}{view.pk}/{act}/").status_code == status, act
    page = client.get(f"{LIST}?saved={view.pk}&state=board").content.decode()
    assert "Save as" in page and "update_view" not in page
    assert SavedView.objects.get().filters == SUBMITTED


# The list -----------------------------------------------------------------------------------


def test_the_list_opens_marks_and_updates_a_view(cast: Cast) -> None:
    submitted(cast, title="New")
    in_requirements(cast)
    client = signed_in(cast.support)
    assert "Save this view" not in client.get(LIST).content.decode()
    page = client.get(f"{VIEWS}new/?view=waiting&sort=-since").content.decode()
    assert "View: <strong>Waiting on me</strong>" in page and "In state, descending" in page
    page = client.get(f"{LIST}?state=submitted&sort=title").content.decode()
    assert "/changes/views/new/?sort=title&amp;state=submitted" in page
    answer = client.post(
        f"{VIEWS}new/?sort=title&state=submitted", {"name": "New ones", "shared": ""}, follow=True
    )
    view = SavedView.objects.get()
    assert view.filters == {"state": ["submitted"], "sort": ["title"]}
    assert answer.redirect_chain == [(f"{LIST}?saved={view.pk}", 302)]
    assert [change.title for change in answer.context["page"]] == ["New"]
    page = answer.content.decode()
    assert f'href="?saved={view.pk}" aria-current="page"' in page
    assert "Save as" not in page and "Update" not in page
    assert answer.context["here_url"] == f"?saved={view.pk}"
    assert answer.context["query"] == "?sort=title&state=submitted"  # of the file, for anybody

    # The same filters in another order are the view; others are a change against it.
    same = client.get(f"{LIST}?saved={view.pk}&state=submitted&sort=title&q=")
    assert same.context["here_url"] == f"?saved={view.pk}"
    other = client.get(f"{LIST}?saved={view.pk}&state=requirements&q=")
    assert [str(chip.value) for chip in other.context["form"].chips] == ["Requirement definition"]
    assert other.context["here_url"] == f"?saved={view.pk}&state=requirements"
    page = other.content.decode()
    assert "Not as in “New ones”" in page and "Save as" in page
    sent = {"filters": other.context["query"], "seen": view.version}
    client.post(f"{VIEWS}{view.pk}/update_view/", sent)
    view.refresh_from_db()
    assert (view.filters, view.version) == ({"state": ["requirements"]}, 2)
    assert client.post(f"{VIEWS}{view.pk}/update_view/", sent).status_code == 409

    file = b"".join(client.get(f"{LIST}export/?saved={view.pk}").streaming_content).decode()
    assert "New" not in file and file.count("\n") == 2

    # Clearing leaves the view; a filter taken away stays a change against it.
    opened = client.get(f"{LIST}?saved={view.pk}")
    assert opened.context["clear_url"] == "?sort=-reference"
    [chip] = opened.context["form"].chips
    assert chip.without == f"?saved={view.pk}&sort=-reference"
    assert len(shown(cast.support, chip.without)) == 2
    wrong = f"{VIEWS}{view.pk}/update_view/"
    for filters in ("?state=nowhere", "?q=" + "x" * 5000, "?owner=9999"):
        assert client.post(wrong, {"filters": filters, "seen": 2}).status_code in (400, 409)


def test_a_plain_address_opens_the_view_that_somebody_chose(cast: Cast) -> None:
    submitted(cast, title="New")
    in_requirements(cast)
    view = saved(cast.chair, shared="role:crb_member")
    client = signed_in(cast.crb_member)
    assert len(shown(cast.crb_member)) == 2
    offered = f'action="{VIEWS}{view.pk}/open_first/"'
    assert offered in client.get(VIEWS).content.decode()  # by a form, which needs no scripts
    client.post(f"{VIEWS}{view.pk}/open_first/")
    answer = client.get(LIST)
    assert f'name="saved" value="{view.pk}"' in answer.content.decode(), "what is applied is of it"
    page = client.get(f"{LIST}?saved={view.pk}&q=").content.decode()
    assert f"Not as in “{view.name}”" in page
    assert [change.title for change in answer.context["page"]] == ["New"]
    assert answer.context["here_url"] == f"?saved={view.pk}"
    assert answer.context["clear_url"] == "?sort=-reference"
    assert 'href="?sort=-reference">All changes</a>' in answer.content.decode()
    for query in ("?sort=-reference", "?q=", "?view="):
        assert len(shown(cast.crb_member, query)) == 2, query
    assert len(shown(cast.chair)) == 2
    client.post(f"{VIEWS}all/")
    assert len(shown(cast.crb_member)) == 2
    client.post(f"{VIEWS}{view.pk}/open_first/")
    lifecycle.save_view(view, actor=cast.chair, filters={"q": [str(Change.objects.latest("pk"))]})
    assert len(shown(cast.crb_member)) <= 1  # the list, not the change that is named
    # Sorted anew meanwhile: a place in the list of before is nothing that its reader did wrong.
    older = f"{LIST}?saved={view.pk}&page=WyJ0aXRsZSJd:no"
    assert client.get(older).headers["Location"] == f"{LIST}?saved={view.pk}"
    assert client.get(f"{older}&state=submitted").status_code == 400
    lifecycle.save_view(view, actor=cast.chair, shared="")
    assert len(shown(cast.crb_member)) == 2  # shared no more
    lifecycle.delete_view(view, actor=cast.chair)
    assert not FirstView.objects.exists()


def test_our_own_people_begin_with_what_is_open(cast: Cast) -> None:
    submitted(cast, title="New")
    ended = lifecycle.withdraw(submitted(cast, title="Ended"), actor=cast.requester, reason="No.")
    draft(cast)
    both, new = {"New", ended.title}, {"New"}
    client = signed_in(cast.auditor)

    def begun() -> tuple[set[str], list[str], str]:
        answer = client.get(LIST)
        tabs = [str(one["label"]) for one in answer.context["views"] if one["active"]]
        return {one.title for one in answer.context["page"]}, tabs, answer.context["here_url"]

    assert begun() == (new, ["Open"], "?view=open")
    page = client.get(LIST)
    assert [str(one["label"]) for one in page.context["views"]][:2] == ["Open", "All"]
    assert page.context["views"][1]["url"] == "?sort=-reference"
    assert page.context["clear_url"] == "?view=open"
    assert "Save this view" not in page.content.decode()
    file = b"".join(client.get(f"{LIST}export/").streaming_content).decode()
    assert "New" in file and ended.title not in file
    for query in ("?sort=-reference", "?q=", "?view=", "?page="):
        found = client.get(LIST + query).context
        assert {one.title for one in found["page"]} == both, query

    # All changes are a choice of one's own, and so is going back; a view of one's own as well.
    assert "views/usual/" not in client.get(VIEWS).content.decode()
    client.post(f"{VIEWS}all/")
    assert begun() == (both, ["All"], "?sort=-reference")
    assert "views/usual/" in client.get(VIEWS).content.decode()
    client.post(f"{VIEWS}usual/")
    assert begun() == (new, ["Open"], "?view=open")
    lifecycle.open_first(saved(cast.auditor, state=["withdrawn"]), actor=cast.auditor)
    assert begun()[0] == {ended.title}
    client.post(f"{VIEWS}usual/")
    assert begun()[0] == new
    assert client.get(f"{VIEWS}usual/").status_code == 405

    # A customer's people, who have a few changes of their own, begin with all of them.
    client = signed_in(cast.requester)
    assert begun()[0] >= both and begun()[1:] == (["All"], "?")
    assert "views/usual/" not in client.get(VIEWS).content.decode()


def test_who_has_chosen_nothing_begins_with_the_view_of_their_role(cast: Cast) -> None:
    submitted(cast, title="New")
    board = saved(cast.chair, "Ours", "role:crb_member", q=["nothing like it"])
    tests = saved(cast.tester, "Tests", "role:tester")
    both = person("Two Hats", Role.CRB_MEMBER, Role.TESTER)
    own = saved(both, "My own", state=["closed"])

    def opened(who: User) -> SavedView | None:
        data, mine = QueryDict(), set(ChangeFilterForm.base_fields)
        views = saved_views.asked_for(User.objects.get(pk=who.pk), data, mine)
        first = [views.current] if views.current else []
        assert [one for one in views.rows if one.is_first] == first
        assert views.has_first == bool(first)
        assert saved_views.opens_with(who.read_afresh()) == (first[0].pk if first else None)
        return views.current

    assert opened(both) is None
    for view in (board, tests):
        lifecycle.open_for_role(view, actor=cast.administrator, opens=True, why="As agreed")
    assert opened(cast.crb_member) == opened(cast.chair) == board
    assert opened(cast.tester) == tests
    assert opened(both) == board  # the first of their roles, as the product lists them
    assert all(opened(who) is None for who in (cast.support, cast.requester, cast.nobody))
    assert len(shown(cast.chair)) == 0 and len(shown(cast.chair, "?sort=-reference")) == 1
    page = signed_in(cast.tester).get(VIEWS).content.decode()
    assert "For the role Tester, Changes opens with it" in page

    # What somebody chooses themselves comes before it: another, or all of them; and back again.
    client = signed_in(both)
    for address, found in {
        f"{VIEWS}{tests.pk}/open_first/": tests,
        f"{VIEWS}{own.pk}/open_first/": own,
        f"{VIEWS}all/": None,
        f"{VIEWS}{board.pk}/open_first/": board,
    }.items():
        assert client.post(address).status_code == 302
        assert opened(both) == found, address
    assert not FirstView.objects.exists()  # with that of the role, whichever it becomes
    lifecycle.open_first(own, actor=both)
    lifecycle.delete_view(own, actor=both)
    assert opened(both) == board

    # It is that of the role alone: of one it is shared with no more, or who holds it no more.
    other = saved(cast.crb_member, "Other", "role:crb_member")
    lifecycle.open_for_role(other, actor=cast.administrator, opens=True)
    assert opened(both) == opened(cast.chair) == other
    board.refresh_from_db()
    assert not board.opens_role
    assert board.history.latest().history_change_reason == "let Changes open with another view"
    lifecycle.save_view(other, actor=cast.crb_member, name="Renamed")
    assert opened(cast.chair) == other
    cast.chair.groups.clear()
    assert opened(cast.chair) is None
    lifecycle.save_view(other, actor=cast.crb_member, shared="")
    assert opened(both) == tests and opened(cast.crb_member) is None
    lifecycle.open_for_role(tests, actor=cast.administrator, opens=False)
    assert opened(both) is None
    for wrong in ({"role": None, "opens_role": True}, {"role": "crb_member", "opens_role": True}):
        SavedView.objects.filter(pk=board.pk).update(opens_role=False)
        SavedView.objects.filter(pk=tests.pk).update(role="crb_member", opens_role=True)
        with pytest.raises(IntegrityError), transaction.atomic():
            SavedView.objects.filter(pk=board.pk).update(**wrong)


def test_administrators_alone_choose_the_view_of_a_role(cast: Cast) -> None:
    shared = saved(cast.chair, "Ballots", "role:crb_member")
    mine = saved(cast.chair, "Mine alone")
    with pytest.raises(StepError, match="not shared with a role"):
        lifecycle.open_for_role(mine, actor=cast.administrator, opens=True)
    for who in (cast.chair, cast.crb_member, cast.auditor, cast.requester):
        with pytest.raises(StepForbidden):
            lifecycle.open_for_role(shared, actor=who, opens=True)
    client, pages = signed_in(cast.administrator), "/admin/changes/savedview/"
    listed = client.get(pages).content.decode()
    assert "Ballots" in listed and "Mine alone" not in listed
    assert client.get(f"{pages}{mine.pk}/change/").status_code == 302
    for act in ("add/", f"{shared.pk}/delete/"):
        assert client.get(f"{pages}{act}").status_code == 403
    address = f"{pages}{shared.pk}/change/"
    assert signed_in(cast.chair).get(address).status_code == 302
    sent = {"opens_role": "on", "reason": "As agreed", "name": "Changed", "role": "tester"}
    assert client.post(address, sent).status_code == 302
    shared.refresh_from_db()
    assert (shared.opens_role, shared.name, shared.role) == (True, "Ballots", "crb_member")
    kept = shared.history.latest()
    assert kept.history_change_reason == "let Changes open with it for the role: As agreed"
    assert kept.history_user == cast.administrator
    number = shared.history.count()
    assert client.post(address, sent).status_code == 302  # nothing to change
    assert shared.history.count() == number
    # Meanwhile its owner took it back, or deleted it.
    lifecycle.save_view(shared, actor=cast.chair, shared="")
    with pytest.raises(StepError, match="not shared with a role any more"):
        lifecycle.open_for_role(shared, actor=cast.administrator, opens=True)
    lifecycle.delete_view(shared, actor=cast.chair)
    with pytest.raises(ChangeStale):
        lifecycle.open_for_role(shared, actor=cast.administrator, opens=True)


def test_what_a_view_names_and_is_gone_is_left_out_in_a_sentence(
    cast: Cast, django_assert_num_queries: Any
) -> None:
    submitted(cast, title="New")
    gone = person("Gone Colleague", Role.SUPPORT)
    view = saved(
        cast.support, "Odd", state=["submitted", "closed-for-good"], owner=[str(gone.pk), "none"],
        service=["9999"], sort=["colour"], view=["theirs"], colour=["red"], age=["1"],
    )  # fmt: skip
    User.objects.filter(pk=gone.pk).update(organisation=cast.harbour)
    client = signed_in(cast.support)
    client.get(f"{LIST}?saved={view.pk}")
    with django_assert_num_queries(10):  # as many as without a view
        answer = client.get(f"{LIST}?saved={view.pk}")
    assert [change.title for change in answer.context["page"]] == ["New"]
    left_out = "(View, Order, State, Service, Owner, In its state for and colour)"
    assert left_out in answer.content.decode()
    assert answer.context["query"] == "?state=submitted&owner=none"
    assert 'name="filters" value="?state=submitted&amp;owner=none"' in answer.content.decode()


def test_the_menu_costs_one_query_whatever_there_is(
    cast: Cast, django_assert_num_queries: Any
) -> None:
    submitted(cast)
    for number in range(saved_views.MOST):
        saved(cast.chair, f"A view with a long name, so that it takes room {number:02}")
    view = SavedView.objects.latest("pk")
    lifecycle.open_first(view, actor=cast.chair)
    client = signed_in(cast.chair)
    client.get(LIST)
    for query in ("", f"?saved={SavedView.objects.order_by('pk')[3].pk}"):
        with django_assert_num_queries(9):  # one of which is theirs
            answer = client.get(LIST + query)
        page = answer.content.decode()
        start = page.index("list-saved")
        drawn = page[start : page.index("</details>", start)]
        assert drawn.count("list-saved-one") == saved_views.DRAWN + 2 and len(drawn) < 5_000
        assert drawn.count('aria-current="page"') == 1 and "All saved views" in drawn
    with django_assert_num_queries(10):
        page = client.get(VIEWS).content.decode()
    assert page.count("Rename or share") == 25 and "Next" in page


def test_an_index_serves_each_way_to_see_a_view(cast: Cast) -> None:
    for who in (cast.success, cast.requester):
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL enable_seqscan = off")
        plan = saved_views.visible_to(who).explain()
        assert "BitmapOr" in plan and "Seq Scan on changes_savedview" not in plan, plan


# Keeping them -------------------------------------------------------------------------------


def test_names_and_numbers_have_limits_that_are_said(cast: Cast) -> None:
    client = signed_in(cast.support)
    new = f"{VIEWS}new/?state=submitted"
    wrong = {
        "": "This field is required",
        "\u2066 ": "This field is required",
        "a\u200b": "each of which can be seen",
        "a\u3164": "each of which can be seen",
        "\u2800": "each of which can be seen",
        "\u0301": "each of which can be seen",
        "x" * 61: "at most 60",
        "a\0b": "Null characters",
    }
    for name, words in wrong.items():
        answer = client.post(new, {"name": name})
        assert answer.status_code == 400 and words in answer.content.decode(), repr(name)
    answer = client.post(new, {"name": "One", "shared": f"team:{cast.care_team.pk}"})
    assert answer.status_code == 400 and "valid choice" in answer.content.decode()
    assert saved(cast.support, "One", q=["a\u202eb\u0301"]).filters == {"q": ["ab\u0301"]}
    assert saved(cast.success, "Signs", q=["\U0001f600" * 200]).pk  # as many as a search
    saved(cast.success, "One")  # somebody else's
    assert saved(cast.success, "Heart \u2764\ufe0f").name == "Heart \u2764"
    answer = client.post(new, {"name": "ONE", "shared": ""})
    assert answer.status_code == 400 and "You keep another view called “ONE”" in str(
        answer.content.decode()
    )
    with pytest.raises(StepIncomplete, match="more filters than one view keeps"):
        saved(cast.support, "Two", q=["x" * saved_views.LONGEST])
    for number in range(saved_views.MOST - 1):
        saved(cast.support, f"View {number}")
    answer = client.post(new, {"name": "One more", "shared": ""})
    assert answer.status_code == 400
    assert "You keep 30 views, and nobody keeps more." in answer.content.decode()
    assert client.get(f"{VIEWS}new/?state=nowhere").status_code == 409


def test_a_form_that_arrives_twice_is_taken_once(cast: Cast) -> None:
    client = signed_in(cast.support)
    token = client.get(f"{VIEWS}new/?state=submitted").context["csrf_token"]
    data = {"name": "One", "shared": "", "first": "on", "csrfmiddlewaretoken": str(token)}
    for _again in range(2):
        assert client.post(f"{VIEWS}new/?state=submitted", data).status_code == 302
    assert SavedView.objects.count() == 1 and FirstView.objects.get().person == cast.support


def test_renaming_sharing_and_deleting_stand_in_history(cast: Cast) -> None:
    view = saved(cast.success)
    client = signed_in(cast.success)
    key = f"team:{cast.care_team.pk}"
    data = {"name": "Ours", "shared": key, "seen": 1}
    assert client.post(f"{VIEWS}{view.pk}/", data).status_code == 302
    stale = client.post(f"{VIEWS}{view.pk}/", {**data, "name": "Typed"})
    page = stale.content.decode()
    assert stale.status_code == 409 and 'value="Typed"' in page
    assert "In the meantime you changed this view" in page and 'value="2"' in page
    view.refresh_from_db()
    assert (view.name, view.shared, view.filters) == ("Ours", key, SUBMITTED)
    assert client.post(f"{VIEWS}{view.pk}/delete_view/").status_code == 302
    rows = SavedView.history.order_by("history_id")  # type: ignore[attr-defined]
    assert [(row.history_type, row.history_user, row.history_change_reason) for row in rows] == [
        ("+", cast.success, "saved the view"),
        ("~", cast.success, "changed the saved view"),
        ("-", cast.success, "deleted the saved view"),
    ]
    auditor = signed_in(cast.auditor).get("/history/?type=changes.savedview")
    assert "deleted the saved view" in auditor.content.decode()
    with pytest.raises(ChangeStale, match="deleted in the meantime"):
        lifecycle.save_view(view, actor=cast.success, name="Late")


@pytest.mark.parametrize("how", ["deactivated", "role", "customer"])
def test_whoever_is_no_longer_of_them_leaves_a_shared_view_to_them(cast: Cast, how: str) -> None:
    view = saved(cast.chair, "Ballots", "role:crb_member")
    other = saved(cast.crb_member, "ballots")
    with pytest.raises(StepError, match="Cora Chair keeps this view"):
        lifecycle.take_over_view(view, actor=cast.crb_member)
    if how == "role":
        cast.chair.groups.clear()
    else:
        changed = {"deactivated": {"is_active": False}, "customer": {"organisation": cast.harbour}}
        User.objects.filter(pk=cast.chair.pk).update(**changed[how])
    chair = User.objects.get(pk=cast.chair.pk)
    assert not saved_views.visible_to(chair).exists()
    for act in (lifecycle.delete_view, lifecycle.take_over_view, lifecycle.open_first):
        with pytest.raises(StepError):
            act(view, actor=chair)
    if how == "role":  # what they see no more has its name still
        with pytest.raises(StepIncomplete, match="“BALLOTS” that you shared is still yours by"):
            saved(chair, "BALLOTS")
    client = signed_in(cast.crb_member)
    assert "Take over" in client.get(VIEWS).content.decode()
    assert client.post(f"{VIEWS}{view.pk}/take_over_view/").status_code == 409  # that name
    lifecycle.save_view(other, actor=cast.crb_member, name="My ballots")
    assert client.post(f"{VIEWS}{view.pk}/take_over_view/").status_code == 302
    view.refresh_from_db()
    assert view.owner == cast.crb_member
    assert view.history.first().history_change_reason == "took over the saved view of Cora Chair"
    again = client.post(f"{VIEWS}{view.pk}/take_over_view/")
    assert again.status_code == 409 and "You keep this view already" in again.content.decode()


def test_one_of_those_who_take_it_over_at_once_gets_it(transactional_db: None, cast: Cast) -> None:
    view = saved(cast.chair, shared="role:crb_member")
    cast.chair.groups.clear()
    people = [cast.crb_member, person("Ann Other", Role.CRB_MEMBER)]
    acts = [partial(lifecycle.take_over_view, view, actor=one) for one in people]
    [refused] = [str(one) for one in at_once(*acts) if isinstance(one, Exception)]
    assert refused == f"{SavedView.objects.get().owner} keeps this view."


def test_the_database_shares_a_view_with_one_alone(cast: Cast) -> None:
    view = saved(cast.success, shared=f"team:{cast.care_team.pk}")
    with pytest.raises(IntegrityError), transaction.atomic():
        SavedView.objects.filter(pk=view.pk).update(role="support")
    assert SuccessTeam.objects.count() == 2


def test_the_palette_finds_views_by_name(cast: Cast) -> None:
    view = saved(cast.chair, "Late ballots", "role:crb_member")
    answer = signed_in(cast.crb_member).get(
        "/changes/palette/", {"q": "ballots late"}, headers={"HX-Request": "true"}
    )
    page = answer.content.decode()
    assert f"{LIST}?saved={view.pk}" in page and "Cora Chair" in page
