"""Copy as new: a draft that asks for the same as another change, whatever became of that."""

from typing import Any

from django.test import Client
from django.urls import reverse
from post_office.models import Email

from accounts.models import Organisation, User
from changes import lifecycle
from changes.models import Change, ChangeLink, ChangeTemplate, Service
from changes.states import State
from tests import stories
from tests.people import Cast

BUTTON = "Copy as new"


def address(change: Change) -> str:
    return reverse("changes:copy_as_new", args=[change.pk])


def press(client: Client, person: User, change: Change, status: int = 302) -> Any:
    client.force_login(person)
    answer = client.post(address(change), {"key": "k" * 12})
    assert answer.status_code == status
    return answer


def copied(change: Change) -> Change:
    return Change.objects.exclude(pk=change.pk).get()


def test_it_opens_a_draft_that_is_filled_in_and_linked(client: Client, cast: Cast) -> None:
    old = stories.in_confirmation(cast)
    services = [Service.objects.create(name="Rooms"), Service.objects.create(name="Fax")]
    old.services.add(*services)
    Service.objects.filter(name="Fax").update(is_active=False)
    lifecycle.comment(old, actor=cast.support, body="canary note", internal=True)
    mails = Email.objects.count()
    answer = press(client, cast.support, old)
    draft = copied(old)
    assert answer["Location"] == reverse("changes:edit", args=[draft.pk])
    page = client.get(answer["Location"]).content.decode()
    assert f"This draft is a copy of {old.reference} and is linked to it." in page
    kept = ("title", "description", "organisation", "requester")
    assert [getattr(draft, name) for name in kept] == [getattr(old, name) for name in kept]
    assert (draft.state, draft.raised_by, draft.desired_on) == (State.DRAFT, cast.support, None)
    assert list(draft.services.all()) == [services[0]]
    link = draft.links_out.get()
    assert (link.target, link.kind) == (old, ChangeLink.Kind.COPY_OF)
    assert link.history.get().history_change_reason.endswith(f"Copy of {old.reference}")
    assert not draft.attachments.exists() and not draft.comments.exists()
    assert Email.objects.count() == mails
    assert Change.objects.get(pk=old.pk).version == old.version
    for who in (cast.success, cast.requester, cast.auditor):
        client.force_login(who)
        assert draft.reference not in client.get(old.get_absolute_url()).content.decode()
    lifecycle.submit(draft, actor=cast.support)
    client.force_login(cast.success)
    assert draft.reference in client.get(old.get_absolute_url()).content.decode()


def test_pressed_twice_there_is_one_draft(client: Client, cast: Cast) -> None:
    old = stories.submitted(cast)
    answers = [press(client, cast.support, old)["Location"] for _press in range(2)]
    assert answers[0] == answers[1] == reverse("changes:edit", args=[copied(old).pk])


def test_pressed_again_on_an_old_page_it_shows_what_has_become_of_the_draft(
    client: Client, cast: Cast
) -> None:
    """By the browser's way back the button is the one of before; editing may be over by then."""
    for name, end in (("copy_as_new", lifecycle.throw_away), ("follow_up", lifecycle.submit)):
        old = stories.closed(cast)
        client.force_login(cast.support)
        address, key = reverse(f"changes:{name}", args=[old.pk]), {"key": f"{name}-12345"}
        client.post(address, key)
        draft = Change.objects.exclude(pk=old.pk).latest("pk")
        end(draft, actor=cast.support)
        assert client.post(address, key)["Location"] == draft.get_absolute_url()
        assert client.get(draft.get_absolute_url()).status_code == 200


def test_who_may_raise_for_the_customer_copies(client: Client, cast: Cast) -> None:
    old = stories.in_review(cast)
    expected = {"support": 302, "success": 302, "requester": 302, "colleague": 302, "approver": 302}
    for name, user in cast.people.items():
        stranger = not user.is_internal or name == "nobody"
        press(client, user, old, expected.get(name, 404 if stranger else 403))
        shown = client.get(old.get_absolute_url())
        assert (BUTTON in shown.content.decode()) == (name in expected), name
    assert client.get(address(old)).status_code == 405
    Organisation.objects.filter(pk=cast.harbour.pk).update(is_active=False)
    press(client, User.objects.get(pk=cast.support.pk), old, 403)


def test_a_customer_asks_in_their_own_name(client: Client, cast: Cast) -> None:
    old = stories.submitted(cast)
    press(client, cast.colleague, old)
    draft = copied(old)
    assert (draft.requester, draft.raised_by) == (cast.colleague, cast.colleague)
    assert draft.channel == "portal"


def test_a_requester_who_has_gone_is_left_open(cast: Cast) -> None:
    old = stories.submitted(cast)
    User.objects.filter(pk=cast.requester.pk).update(is_active=False)
    assert lifecycle.copy_as_new(old, actor=cast.support).requester is None
    User.objects.filter(pk=cast.requester.pk).update(is_active=True, organisation=cast.meridian)
    assert lifecycle.copy_as_new(old, actor=cast.support).requester is None


def test_the_template_goes_along_as_far_as_it_may_be_used(cast: Cast) -> None:
    template = lifecycle.save_template(None, actor=cast.success, name="Flag", purpose="Flags.")
    old = stories.submitted(cast, template=template)
    assert lifecycle.copy_as_new(old, actor=cast.support).template == template
    assert lifecycle.copy_as_new(old, actor=cast.requester).template is None
    ChangeTemplate.objects.update(is_active=False)
    assert lifecycle.copy_as_new(old, actor=cast.support).template is None
