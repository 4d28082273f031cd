"""How much a page of the list weighs, and menus that are whole only once they are opened."""

from datetime import UTC, datetime

import time_machine
from django.test import Client
from django.utils import timezone

from accounts.models import Organisation, User
from changes.models import Change
from tests.people import Cast
from tests.stories import assessed

LIST = "/changes/"


def signed_in(user: User) -> Client:
    client = Client()
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    return client


def many_customers_and_people(cast: Cast, number: int) -> None:
    """So many more customers and colleagues that can be chosen, and a change of each."""
    team, group = cast.harbour.success_team, cast.success.groups.all()[0]
    customers = [Organisation(name=f"Customer {i:03d}", success_team=team) for i in range(number)]
    Organisation.objects.bulk_create(customers)
    people = [
        User(email=f"p{i}@expansive.example", display_name=f"Colleague {i:03d}")
        for i in range(number)
    ]
    User.objects.bulk_create(people)
    for person in people:
        person.groups.add(group)
    number_of_first = assessed(cast, "code").pk
    Change.objects.filter(pk=number_of_first).update(risk=3, due_on=timezone.localdate())
    first = Change.objects.get(pk=number_of_first)
    for customer, person in zip(customers[:50], people, strict=False):
        first.pk, first.organisation, first.owner = None, customer, person
        first.title = "Show the meters of every floor on the map of the site"
        Change.objects.bulk_create([first])


@time_machine.travel(datetime(2028, 9, 27, 12, tzinfo=UTC))  # whose name is the longest
def test_a_list_of_fifty_is_small_whoever_can_be_chosen(cast: Cast) -> None:
    many_customers_and_people(cast, 150)
    for who in (cast.support, cast.success, cast.administrator):  # with most acts and entries
        response = signed_in(who).get(LIST)
        assert len(response.context["page"].rows) == 50
        assert len(response.content) <= 56 * 1024, who  # 10 of which are filters
    page = response.content.decode()
    assert page.count("Customer 0") <= 50 and "Customer 149" not in page
    assert page.count("Colleague 0") <= 50 and "Colleague 149" not in page


def test_a_long_menu_is_whole_once_it_is_opened(cast: Cast) -> None:
    many_customers_and_people(cast, 30)
    chosen = Organisation.objects.get(name="Customer 029")
    box = f'name="organisation" value="{chosen.pk}" checked'
    support = signed_in(cast.support)
    page = support.get(LIST, {"organisation": chosen.pk}).content.decode()
    assert box in page and page.count('name="organisation"') == 1
    menu = support.get(f"{LIST}filter/organisation/", {"organisation": chosen.pk}).content.decode()
    assert box in menu and menu.count('name="organisation"') == Organisation.objects.count()
    whole = support.get(LIST, {"organisation": chosen.pk, "menus": "whole"}).content.decode()
    assert whole.count('name="organisation"') == Organisation.objects.count()


def test_a_menu_is_only_for_those_whose_page_has_it(cast: Cast) -> None:
    def answers(user: User) -> list[int]:
        names = ("organisation", "owner", "state", "q", "none")
        return [signed_in(user).get(f"{LIST}filter/{name}/").status_code for name in names]

    assert answers(cast.support) == [200, 200, 200, 404, 404]
    assert answers(cast.nobody) == [404, 404, 200, 404, 404]
    assert answers(cast.colleague) == [404, 404, 404, 404, 404]
    assert Client().get(f"{LIST}filter/owner/").status_code == 302
