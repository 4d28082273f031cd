"""A new request: what support and customers send, what is refused, what is never lost."""

import re
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client, TestCase
from django.urls import reverse

from accounts.models import EmailDomain, User
from accounts.roles import Role
from changes import lifecycle
from changes.models import Change, Event, Service
from changes.states import State
from expansive_cm.workflow.errors import StepForbidden, StepIllegal
from tests.changes.test_attach import stored
from tests.people import Cast, person
from tests.stories import draft, submitted

NEW = "/changes/new/"
AUTOSAVE = "/changes/new/autosave/"


@pytest.fixture
def support(client: Client, cast: Cast) -> Client:
    """Support's browser."""
    client.force_login(cast.support)
    return client


def words(cast: Cast, **changes: Any) -> dict[str, Any]:
    """What support sends for Grace, with changes; None leaves a field out."""
    sent = {
        "requester": "Grace Requester <grace.requester@harbour.example>",
        "organisation": cast.harbour.pk,
        "title": "Let night staff book meeting rooms",
        "description": "Opening hours **end** at seven.",
        "channel": "phone",
        "action": "submit",
        **changes,
    }
    return {name: value for name, value in sent.items() if value is not None}


def errors(response: Any) -> dict[str, list[str]]:
    """The form's mistakes, by field."""
    return {name: list(found) for name, found in response.context["form"].errors.items()}


# What support sends


def test_support_submits_for_somebody_known(support: Client, cast: Cast) -> None:
    service = Service.objects.create(name="Space booking")

    response = support.post(NEW, words(cast, desired_on="2099-01-31", services=[service.pk]))

    change = Change.objects.get()
    assert (response.status_code, response.url) == (302, change.get_absolute_url())
    assert (change.state, change.requester, change.raised_by) == (
        State.SUBMITTED,
        cast.requester,
        cast.support,
    )
    assert (change.organisation, change.channel) == (cast.harbour, "phone")
    assert str(change.desired_on) == "2099-01-31"
    assert list(change.services.all()) == [service]
    assert [event.verb for event in change.events.all()] == ["save_draft", "submit"]


def test_the_requester_decides_the_organisation(support: Client, cast: Cast) -> None:
    support.post(NEW, words(cast, organisation=None, requester="GRACE.requester@harbour.example"))

    change = Change.objects.get()
    assert (change.requester, change.organisation) == (cast.requester, cast.harbour)


def test_a_new_requester_is_added_with_the_organisation_of_the_mail_domain(
    support: Client, cast: Cast
) -> None:
    support.post(
        NEW,
        words(
            cast,
            requester="ines.ortega@ward.harbour.example",
            requester_name="Inés Ortega",
            organisation=None,
        ),
    )

    added = User.objects.get(email="ines.ortega@ward.harbour.example")
    assert (added.display_name, added.organisation) == ("Inés Ortega", cast.harbour)
    assert not added.has_usable_password()
    assert added.history.get().history_user == cast.support
    assert Change.objects.get().requester == added


MISTAKES: list[tuple[dict[str, Any], str, str]] = [
    ({"title": "  "}, "title", "This field is required."),
    ({"title": "x" * 201}, "title", "at most 200 characters"),
    ({"title": "A\x00B"}, "title", "Null characters are not allowed."),
    ({"description": ""}, "description", "This field is required."),
    ({"description": "x" * 50_001}, "description", "at most 50000 characters"),
    ({"requester": ""}, "requester", "This field is required."),
    ({"requester": "Grace"}, "requester", "Choose somebody from the list"),
    ({"requester": "new@harbour.example"}, "requester_name", "Add the person's name."),
    ({"requester": "new@x.example", "organisation": ""}, "organisation", "Choose the customer"),
    ({"organisation": "999999"}, "organisation", "Select a valid choice"),
    ({"organisation": "abc"}, "organisation", "Select a valid choice"),
    ({"channel": "pigeon"}, "channel", "Select a valid choice"),
    ({"desired_on": "2001-02-03"}, "desired_on", "This day has passed"),
    ({"desired_on": "soon"}, "desired_on", "Enter a valid date."),
    ({"services": ["77"]}, "services", "Select a valid choice"),
]


def test_a_mistake_is_said_beside_its_field_and_nothing_is_saved(
    support: Client, cast: Cast
) -> None:
    people = User.objects.count()
    for changes, field, sentence in MISTAKES:
        response = support.post(NEW, words(cast, **changes))

        assert response.status_code == 400, changes
        found = errors(response)
        assert list(found) == [field], changes
        assert sentence in found[field][0], changes
        kept = response.content.decode()
        if field != "description":
            assert "Opening hours **end** at seven." in kept, changes
        if field != "title":
            assert "Let night staff book meeting rooms" in kept, changes
        assert not Change.objects.exists(), changes
        assert not Event.objects.exists(), changes
        assert User.objects.count() == people, changes


def test_a_requester_of_another_customer_than_the_chosen_one_is_refused(
    support: Client, cast: Cast
) -> None:
    response = support.post(NEW, words(cast, organisation=cast.meridian.pk))

    assert response.status_code == 400
    assert errors(response) == {"organisation": ["Grace Requester belongs to Harbour Hospitals."]}
    assert not Change.objects.exists()


@pytest.mark.parametrize("part", ["developer", "an_approver_of_ours", "auditor", "nobody"])
def test_who_may_not_raise_gets_the_reason(client: Client, cast: Cast, part: str) -> None:
    if part == "an_approver_of_ours":
        client.force_login(person("Helen Inside", Role.APPROVER))
    else:
        client.force_login(cast.people[part])

    for response in (client.get(NEW), client.post(NEW, words(cast)), client.post(AUTOSAVE, {})):
        assert response.status_code == 403
        assert "raised by customers, support and customer success" in response.content.decode()
    assert not Change.objects.exists()


# Customer success: only its own customers


@pytest.fixture
def success(client: Client, cast: Cast) -> Client:
    """The browser of Harbour's success team."""
    client.force_login(cast.success)
    return client


def test_success_raises_for_its_own_customers(success: Client, cast: Cast) -> None:
    assert success.post(NEW, words(cast)).status_code == 302
    assert Change.objects.get().raised_by == cast.success


def test_success_cannot_name_a_customer_of_another_team(success: Client, cast: Cast) -> None:
    response = success.post(
        NEW,
        words(cast, organisation=cast.meridian.pk, requester="mia.meridian@harbour.example"),
    )

    assert response.status_code == 400
    assert "Select a valid choice" in errors(response)["organisation"][0]
    assert "Meridian Retail" not in response.content.decode()
    assert not Change.objects.exists()


def test_an_address_out_of_reach_reads_the_same_whoever_has_it(success: Client, cast: Cast) -> None:
    """A stranger customer's, a colleague's, a former customer's person, a foreign domain's."""
    EmailDomain.objects.create(organisation=cast.meridian, domain="meridian.example")
    stranger = User.objects.create_user(
        "stranger@mail.example", display_name="S", organisation=cast.meridian
    )
    inside = User.objects.create_user("inside@mail.example", display_name="I")
    former = User.objects.create_user(
        "former@mail.example", display_name="F", organisation=cast.harbour, is_active=False
    )
    addresses = [stranger.email, inside.email, former.email, "never.seen@meridian.example"]
    people = User.objects.count()

    for address in addresses:
        response = success.post(NEW, words(cast, requester=address, requester_name="Somebody"))

        assert response.status_code == 400
        assert errors(response) == {
            "requester": ["This address cannot be used for Harbour Hospitals."]
        }
    assert not Change.objects.exists()
    assert User.objects.count() == people


# Customers


@pytest.fixture
def customer(client: Client, cast: Cast) -> Client:
    """Grace's own browser."""
    client.force_login(cast.requester)
    return client


REQUEST = {"title": "Rooms at night", "description": "We work at night.", "action": "submit"}


def test_a_customer_raises_for_themselves(customer: Client, cast: Cast) -> None:
    assert customer.post(NEW, REQUEST).status_code == 302

    change = Change.objects.get()
    assert (change.state, change.channel) == (State.SUBMITTED, "portal")
    assert (change.requester, change.raised_by) == (cast.requester, cast.requester)
    assert change.organisation == cast.harbour


def test_a_customers_form_has_fewer_fields(customer: Client, cast: Cast) -> None:
    page = customer.get(NEW).content.decode()

    names = set(re.findall(r'name="(\w+)"', page))
    assert {"title", "description", "desired_on", "attachments"} <= names
    assert not names & {"requester", "requester_name", "organisation", "channel"}
    assert "What do you need?" in page


@pytest.mark.parametrize("name", ["organisation", "requester", "channel"])
def test_a_customer_cannot_speak_for_somebody_else(customer: Client, cast: Cast, name: str) -> None:
    foreign = {
        "organisation": cast.meridian.pk,
        "requester": cast.colleague.email,
        "channel": "phone",
    }

    response = customer.post(NEW, {**REQUEST, name: foreign[name]})

    assert response.status_code == 400
    assert "for yourself and your own organisation" in response.content.decode()
    assert not Change.objects.exists()


def test_an_organisation_that_is_no_longer_a_customer_raises_nothing(
    customer: Client, cast: Cast
) -> None:
    cast.harbour.is_active = False
    cast.harbour.save()

    assert customer.get(NEW).status_code == 403
    assert customer.post(NEW, REQUEST).status_code == 403
    assert not Change.objects.exists()


# Drafts


def test_a_draft_needs_nothing(support: Client, cast: Cast) -> None:
    assert support.post(NEW, {"channel": "phone", "action": "draft"}).status_code == 302

    change = Change.objects.get()
    assert (change.state, change.title, change.requester) == (State.DRAFT, "", None)


def test_a_draft_is_its_writers_alone(support: Client, cast: Cast) -> None:
    support.post(NEW, words(cast, action="draft"))
    draft = Change.objects.get()

    for part in ("requester", "success", "auditor", "administrator", "chair"):
        other = Client()
        other.force_login(cast.people[part])
        for address in (
            reverse("changes:edit", args=[draft.pk]),
            f"{NEW}?draft={draft.reference}",
        ):
            assert other.get(address).status_code in (403, 404)
            assert other.post(address, words(cast, title="Mine now")).status_code in (403, 404)
    draft = Change.objects.get()
    assert (draft.title, draft.state) == ("Let night staff book meeting rooms", State.DRAFT)


def test_the_form_lists_ones_other_drafts(support: Client, cast: Cast) -> None:
    assert "Go on with a draft" not in support.get(NEW).content.decode()
    support.post(NEW, words(cast, action="draft", title="Half a thought"))

    assert "Half a thought" in support.get(NEW).content.decode()


# Kept while typing


def test_what_is_typed_is_kept_and_found_again(support: Client, cast: Cast) -> None:
    first = support.post(AUTOSAVE, {"title": "Let night", "key": "k" * 16, "channel": "phone"})
    draft = Change.objects.get()
    assert first.json() == {
        "kept": True,
        "complete": True,
        "reference": draft.reference,
        "version": 1,
        "words": f"Kept as draft {draft.reference}",
    }

    again = {**words(cast, action=None), "seen": 1}
    second = support.post(f"{AUTOSAVE}?draft={draft.reference}", again)

    assert (second.status_code, second.json()["version"]) == (200, 1)
    draft = Change.objects.get()
    assert (draft.title, draft.requester) == ("Let night staff book meeting rooms", cast.requester)
    assert [event.verb for event in draft.events.all()] == ["save_draft"]
    assert draft.history.count() == 2
    page = support.get(f"{NEW}?draft={draft.reference}").content.decode()
    assert "Opening hours **end** at seven." in page


def test_nothing_worth_keeping_makes_no_draft(support: Client, cast: Cast) -> None:
    response = support.post(AUTOSAVE, {"channel": "phone", "requester": "gra"})

    assert response.json() == {"kept": False, "words": ""}
    assert not Change.objects.exists()


def test_what_is_not_valid_yet_is_left_out(support: Client, cast: Cast) -> None:
    sent = words(cast, requester="gra", desired_on="2001-01-01", organisation=cast.harbour.pk)

    result = support.post(AUTOSAVE, sent).json()

    draft = Change.objects.get()
    assert (result["kept"], result["complete"]) == (True, False)
    assert (draft.requester, draft.desired_on, draft.organisation) == (None, None, cast.harbour)
    assert draft.title == "Let night staff book meeting rooms"


def test_a_customer_that_cannot_be_chosen_takes_no_requester_off(
    success: Client, cast: Cast
) -> None:
    success.post(AUTOSAVE, words(cast, action=None))
    own = Change.objects.get()
    assert own.requester == cast.requester
    sent = words(cast, action=None, organisation=cast.meridian.pk, seen=1, title="Longer")
    kept = success.post(f"{AUTOSAVE}?draft={own.reference}", sent)
    assert (kept.status_code, kept.json()["complete"]) == (200, False)
    own = Change.objects.get()
    assert (own.title, own.organisation, own.requester) == ("Longer", cast.harbour, cast.requester)


def test_typing_never_adds_a_person(support: Client, cast: Cast) -> None:
    people = User.objects.count()

    support.post(AUTOSAVE, words(cast, requester="new@harbour.example", requester_name="N"))

    assert User.objects.count() == people
    assert Change.objects.get().requester is None


def test_a_lost_answer_does_not_make_a_second_request(support: Client, cast: Cast) -> None:
    """The same form sent twice, and sent after its autosave, is one request."""
    key = "a-key-of-this-form"
    support.post(AUTOSAVE, words(cast, action=None, key=key))
    assert support.post(NEW, words(cast, key=key)).status_code == 302
    assert support.post(NEW, words(cast, key=key)).status_code == 302

    change = Change.objects.get()
    assert change.state == State.SUBMITTED
    assert [event.verb for event in change.events.all()] == ["save_draft", "submit"]


def test_a_late_autosave_does_not_touch_a_submitted_request(support: Client, cast: Cast) -> None:
    support.post(AUTOSAVE, words(cast, action=None))
    change = Change.objects.get()
    address = f"?draft={change.reference}"
    support.post(NEW + address, words(cast, seen=1))

    late = support.post(AUTOSAVE + address, words(cast, title="Too late", seen=1))

    assert (late.status_code, late.json()["kept"]) == (409, False)
    change = Change.objects.get()
    assert (change.title, change.revision) == ("Let night staff book meeting rooms", 1)


def test_a_draft_saved_in_another_window_is_not_overwritten(support: Client, cast: Cast) -> None:
    support.post(NEW, words(cast, action="draft"))
    draft = Change.objects.get()
    address = f"?draft={draft.reference}"
    support.post(NEW + address, words(cast, action="draft", seen=1, title="From window one"))

    kept = support.post(AUTOSAVE + address, words(cast, seen=1, title="From window two"))
    sent = support.post(NEW + address, words(cast, seen=1, title="From window two"))

    assert (kept.status_code, sent.status_code) == (409, 409)
    page = sent.content.decode()
    assert "From window two" in page
    assert re.search(r'name="seen" value="2"', page)
    draft = Change.objects.get()
    assert (draft.title, draft.state) == ("From window one", State.DRAFT)


def test_signed_out_while_typing_is_said_in_words(client: Client, db: None) -> None:
    response = client.post(AUTOSAVE, {"title": "Let night"})

    assert response.status_code == 401
    assert "signed out" in response.json()["words"]
    assert client.get(NEW).url == f"/account/login/?next={NEW}"


def test_looking_at_the_form_changes_nothing(support: Client, cast: Cast) -> None:
    assert support.get(NEW, words(cast)).status_code == 200
    assert support.get(AUTOSAVE, words(cast)).status_code == 405
    assert support.put(NEW).status_code == 405
    assert not Change.objects.exists()


# Files on the form


def test_files_come_with_the_request(support: Client, cast: Cast) -> None:
    files = [
        SimpleUploadedFile("plan.txt", b"The plan"),
        SimpleUploadedFile("photo.png", b"\x89PNG\r\n\x1a\n...."),
    ]

    assert support.post(NEW, words(cast, attachments=files)).status_code == 302

    found = Change.objects.get().attachments.all()
    assert [(one.name, one.is_internal) for one in found] == [
        ("plan.txt", False),
        ("photo.png", False),
    ]


def test_a_stale_submission_keeps_its_files_on_the_draft(support: Client, cast: Cast) -> None:
    support.post(AUTOSAVE, words(cast))
    draft = Change.objects.get()

    response = support.post(
        f"{NEW}?draft={draft.reference}",
        words(cast, seen=7, attachments=[SimpleUploadedFile("plan.txt", b"The plan")]),
    )

    assert response.status_code == 409
    assert Change.objects.get().state == State.DRAFT
    assert [file.name for file in draft.attachments.all()] == ["plan.txt"]


def test_files_are_kept_while_something_else_is_wrong(support: Client, cast: Cast) -> None:
    sent = words(cast, key="a-key-of-the-form", title="")
    good = SimpleUploadedFile("plan.txt", b"The plan")
    response = support.post(NEW, {**sent, "attachments": [good]})
    assert (response.status_code, list(errors(response))) == (400, ["title"])
    draft = Change.objects.get()
    assert (draft.state, draft.description) == (State.DRAFT, sent["description"])
    page = response.content.decode()
    assert f'href="/changes/{draft.reference}/attachments/' in page
    assert "could be kept" not in page
    assert "Remove plan.txt" in page

    response = support.post(NEW, {**sent, "title": "Bookings", "seen": draft.version})
    assert response.status_code == 302
    change = Change.objects.get()
    assert (change.state, change.attachments.get().name) == (State.SUBMITTED, "plan.txt")


def test_of_several_files_the_good_ones_are_kept(support: Client, cast: Cast) -> None:
    files = [SimpleUploadedFile("plan.txt", b"The plan"), SimpleUploadedFile("run.exe", b"MZ")]
    response = support.post(NEW, words(cast, attachments=files))
    assert (response.status_code, list(errors(response))) == (400, ["attachments"])
    assert Change.objects.get().attachments.get().name == "plan.txt"
    assert "Not every file could be kept" in response.content.decode()


def test_a_kept_file_is_removed_and_what_was_typed_stays(support: Client, cast: Cast) -> None:
    sent = words(cast, key="a-key-of-the-form", title="")
    before = stored()
    support.post(NEW, {**sent, "attachments": [SimpleUploadedFile("plan.txt", b"The plan")]})
    file = Change.objects.get().attachments.get()
    typed = {**sent, "description": "Other words", "requester": "Nobody", "remove": file.pk}
    with TestCase.captureOnCommitCallbacks(execute=True):
        response = support.post(NEW, typed)
    page = response.content.decode()
    assert response.status_code == 200
    assert "Other words" in page
    assert 'value="Nobody"' in page
    assert "plan.txt" not in page
    assert errors(response) == {}
    assert not Change.objects.get().attachments.exists()
    assert stored() == before
    assert file.history.latest().history_type == "-"
    assert file.history.latest().history_user == cast.support
    assert support.post(NEW, typed).status_code == 404


def test_files_of_a_request_that_was_sent_stay(cast: Cast) -> None:
    change = submitted(cast)
    file = lifecycle.attach(
        change,
        actor=cast.support,
        file=SimpleUploadedFile("plan.txt", b"The plan"),
        content_type="text/plain",
    )
    with pytest.raises(StepIllegal, match="stay with it"):
        lifecycle.detach(change, actor=cast.support, attachment=file)
    assert change.attachments.exists()


def test_nobody_else_removes_a_file_of_a_draft(client: Client, cast: Cast) -> None:
    change = draft(cast)
    file = lifecycle.attach(
        change,
        actor=change.raised_by,
        file=SimpleUploadedFile("plan.txt", b"The plan"),
        content_type="text/plain",
    )
    for name in ("success", "requester", "colleague"):
        client.force_login(getattr(cast, name))
        answer = client.post(f"/changes/{change.reference}/edit/", {"remove": file.pk})
        assert answer.status_code == 404
    with pytest.raises(StepForbidden):
        lifecycle.detach(change, actor=cast.success, attachment=file)
    assert change.attachments.exists()


def test_a_file_over_the_limit_is_named_and_the_words_are_kept(
    support: Client, cast: Cast, settings: Any
) -> None:
    settings.ATTACHMENT_MAX_BYTES = 10
    file = SimpleUploadedFile("plan.txt", b"far too long a plan")

    response = support.post(NEW, words(cast, attachments=[file]))

    assert response.status_code == 400
    sentence = errors(response)["attachments"][0]
    assert sentence.startswith("“plan.txt” is too large: 19")
    page = response.content.decode()
    assert "Opening hours **end** at seven." in page
    assert "Not every file could be kept" in page
    assert not Change.objects.exists()


def test_sending_costs_few_statements_whoever_is_told(
    support: Client, cast: Cast, django_assert_num_queries: Any
) -> None:
    """The same for one colleague who is told as for three."""
    support.post(NEW, words(cast, key="a-key-of-the-first"))
    for number in (1, 3):
        while cast.care_team.members.count() < number:
            name = f"Another {cast.care_team.members.count()}"
            cast.care_team.members.add(person(name, Role.CUSTOMER_SUCCESS))
        with django_assert_num_queries(35):
            support.post(NEW, words(cast, key=f"a-key-of-those-of-{number}"))
    assert Change.objects.count() == 3


def test_the_form_costs_few_queries(
    support: Client, cast: Cast, django_assert_max_num_queries: Any
) -> None:
    support.get(NEW)
    with django_assert_max_num_queries(9):
        support.get(NEW)
