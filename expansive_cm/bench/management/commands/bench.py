"""`manage.py bench`: how fast the pages are with a hundred thousand changes.

A database of its own is created on the server of DATABASE_URL, filled, measured and dropped
again; the product's data are neither read nor written. Speed is reported, not judged: the
command fails only when a page does not answer.

``cpu ms`` is the processor time of the page in this process, ``bare ms`` that of a page of Django
with the same statements and a plain table for each answer, measured right after it.
"""

import resource
import time
from argparse import ArgumentParser
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

from django.apps import apps
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from django.db import DEFAULT_DB_ALIAS, connection, connections
from django.urls import reverse
from django.utils import timezone

from accounts.models import User
from accounts.roles import Role
from changes import filters, orders, queries
from changes.models import Change, Service
from changes.states import State
from expansive_cm.bench import synthetic
from expansive_cm.bench.measuring import (
    QUERIES,
    QUERY_MS,
    BareHandler,
    Case,
    Result,
    client_of,
    measure,
    secure,
)
from expansive_cm.sure import sure
from expansive_cm.ui.paging import Order, in_order, token_at


class Command(BaseCommand):
    help = "Measure lists, home, change pages and history with many changes."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--changes", type=int, default=100_000, help="how many (100000)")
        parser.add_argument("--repeat", type=int, default=5, help="requests for each page (5)")
        parser.add_argument("--database", default="changes_bench", help="name of its database")
        parser.add_argument("--keep", action="store_true", help="do not drop the database after")
        parser.add_argument("--only", default="", help="pages whose title contains this")

    def handle(self, *args: Any, **options: Any) -> None:
        """Create or reuse the database, measure, print the table, drop the database."""
        name, count = options["database"], options["changes"]
        if name == connection.settings_dict["NAME"]:
            raise CommandError("The benchmark needs a database of its own: choose another name.")
        if count < 200:
            raise CommandError("Fewer than 200 changes measure nothing.")
        call_command("collectstatic", interactive=False, verbosity=0)
        with bench_database(name, keep=options["keep"]) as fresh:
            call_command("migrate", verbosity=0)
            call_command("createcachetable", verbosity=0)
            if fresh:
                self._fill(count)
            elif not Change.objects.exists():
                raise CommandError(f"Database {name} exists and holds no changes: drop it first.")
            else:
                self.stdout.write(f"Database {name} is reused as it is.")
            chosen = [case for case in cases() if options["only"].lower() in case.title.lower()]
            failed = self._measure(chosen, options["repeat"])
            if not options["only"]:
                self._export()
        if failed:
            raise CommandError(f"{failed} pages did not answer.")

    def _fill(self, count: int) -> None:
        begun = time.monotonic()

        def tell(title: str) -> None:
            self.stdout.write(f"  {time.monotonic() - begun:6.1f} s  {title}")
            self.stdout.flush()

        self.stdout.write(f"Filling a database with {count:,} changes …")
        synthetic.fill(count, tell)

    def _measure(self, chosen: list[Case], repeat: int) -> int:
        """Measure each page and print its line at once; returns how many failed."""
        self.stdout.write(
            f"\n{'who':<10} {'page':<46} {'page ms':>8} {'cpu ms':>8} {'bare ms':>8} "
            f"{'queries':>8} {'slowest query ms':>17}"
        )
        over = failed = 0
        # Each of them looks through all static files before the first page.
        clients = {user: client_of(user) for user in {case.user for case in chosen}}
        bare = BareHandler()
        for case in chosen:
            try:
                result = measure(case, clients[case.user], bare, repeat)
            except Exception as error:
                failed += 1
                self.stdout.write(f"{case.who:<10} {case.title:<46} failed: {error}")
                continue
            over += result.is_over
            self._print(result)
        self.stdout.write(
            f"\n{len(chosen)} pages; {over} with a query over {QUERY_MS} ms or more than "
            f"{QUERIES} queries."
        )
        return failed

    def _print(self, result: Result) -> None:
        self.stdout.write(
            f"{result.case.who:<10} {result.case.title:<46} {result.page_ms:>8.1f} "
            f"{result.cpu_ms:>8.1f} {result.bare_ms:>8.1f} {result.queries:>8} "
            f"{result.slowest_ms:>17.1f}{'  <<<' if result.is_over else ''}"
        )
        if result.is_over:
            self.stdout.write(f"           {result.slowest[:2000]}")
        self.stdout.flush()

    def _export(self) -> None:
        user = by_role(Role.SUPPORT)
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        begun = time.monotonic()
        response: Any = client_of(user).get(reverse("changes:export"), secure=secure())
        size = sum(len(part) for part in response.streaming_content)
        grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
        self.stdout.write(
            f"Export of everything: {size / 1e6:.1f} MB in {time.monotonic() - begun:.1f} s; "
            f"memory grew by {grown / 1024:.0f} MB."
        )


# --- The database ---------------------------------------------------------------------------


@contextmanager
def bench_database(name: str, *, keep: bool) -> Iterator[bool]:
    """Point the default connection to a database of its own; yields whether it is new.

    A database that exists is reused and stays; a new one is dropped afterwards unless ``keep``.
    """
    quoted = connection.ops.quote_name(name)
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name])
        fresh = cursor.fetchone() is None
        if fresh:
            cursor.execute(f"CREATE DATABASE {quoted}")
    product = connection.settings_dict["NAME"]
    _use(name)
    try:
        yield fresh
    finally:
        _use(product)
        if fresh and not keep:
            with connection.cursor() as cursor:
                cursor.execute(f"DROP DATABASE {quoted}")


def _use(name: str) -> None:
    connections[DEFAULT_DB_ALIAS].close()
    connections[DEFAULT_DB_ALIAS].settings_dict["NAME"] = name


# --- What is asked ----------------------------------------------------------------------------


def by_role(role: Role) -> User:
    """Return the first person with a role."""
    person = User.objects.filter(groups__name=role).order_by("pk").first()
    if person is None:
        raise CommandError(f"The database has nobody with the role {role}.")
    return person


def cases() -> list[Case]:
    """Return every page that is measured, for each kind of person."""
    small = Change.objects.order_by("-pk").values_list("organisation__people", flat=True).last()
    everybody = {
        "support": by_role(Role.SUPPORT),
        "success": by_role(Role.CUSTOMER_SUCCESS),
        "board": by_role(Role.CRB_MEMBER),
        "developer": by_role(Role.DEVELOPER),
        "tester": by_role(Role.TESTER),
        "approver": by_role(Role.APPROVER),
        "customer": User.objects.get(pk=sure(small)),
        "auditor": by_role(Role.AUDITOR),
    }
    found = []
    for who, user in everybody.items():
        pages: Callable[[User], list[tuple[str, str]]] = (
            staff_pages if user.is_internal else customer_pages
        )
        found += [Case(who, user, title, url) for title, url in pages(user)]
    found += [Case("auditor", everybody["auditor"], *page) for page in history_pages()]
    for who in ("board", "support"):
        found += [Case(who, everybody[who], *page) for page in board_pages()]
    return found


def _list(query: str = "") -> str:
    return reverse("changes:list") + (f"?{query}" if query else "")


def customer_pages(user: User) -> list[tuple[str, str]]:
    """What a customer opens."""
    own = queries.visible_to(user).exclude(state=State.DRAFT).order_by("-pk").first()
    assert own is not None
    return [
        ("home", reverse("changes:home")),
        ("list", _list()),
        ("list, open", _list("view=open")),
        ("list, by last change", _list("sort=-updated")),
        ("list, search two words", _list("q=booking+room")),
        ("list, search for nothing", _list("q=zzzyqx")),
        ("change", reverse("changes:detail", args=[own.pk])),
    ]


def staff_pages(user: User) -> list[tuple[str, str]]:
    """What Expansive's own people open: every filter, every order, deep pages."""
    pages = [("home", reverse("changes:home")), ("list", _list())]
    pages += [(f"list, {view}", _list(f"view={view}")) for view, _label in filters.VIEWS if view]
    if not user.has_role(Role.SUPPORT, Role.AUDITOR):
        return pages
    for sort, order in orders.SORTS.items():
        pages.append((f"list, by {sort}", _list(f"sort={sort}")))
        pages.append((f"list, by {sort}, deep", _list(f"sort={sort}&page={deep(user, order)}")))
    pages += _narrowed()
    pages.append(("change", reverse("changes:detail", args=[closed_change().pk])))
    return pages


def _narrowed() -> list[tuple[str, str]]:
    """What those open who may ask for everything: filters and words, alone and together."""
    first = Change.objects.values_list("organisation", "owner", "services").exclude(owner=None)
    organisation, owner, service = first.exclude(services=None).order_by("pk")[0]
    rare = Change.objects.order_by("organisation").values_list("organisation", flat=True).last()
    scarce = Service.objects.order_by("pk").values_list("pk", flat=True).last()
    filtered = {
        "closed": "state=closed",
        "four states": "state=review&state=board&state=testing&state=closed&sort=-updated",
        "rare state, by title": "state=rolled_back&sort=title",
        "configuration": "type=configuration",
        "not assessed, by last change": "type=none&sort=-updated",
        "a big customer": f"organisation={organisation}",
        "a small customer": f"organisation={rare}",
        "a small customer, by title": f"organisation={rare}&sort=title",
        "a service": f"service={service}",
        "a service, by risk": f"service={service}&sort=-risk",
        "a rare service, by due": f"service={scarce}&sort=due",
        "an owner": f"owner={owner}",
        "nobody's": "owner=none",
        "critical": "risk=4",
        "critical, by age": "risk=4&sort=since",
        "three months in its state": "age=90",
        "changed in the last day": "updated=1",
        "overdue": "overdue=1",
        "overdue, by due": "overdue=1&sort=due",
        "overdue of a customer": f"overdue=1&organisation={rare}",
        "customer and service and risk": f"organisation={rare}&service={service}&risk=4",
        "nothing that exists": f"organisation={rare}&state=not_confirmed&risk=4&overdue=1",
        "search one common word": "q=change",
        "search a common beginning": "q=re",
        "search two words": "q=booking+room",
        "search two words, by title": "q=booking+room&sort=title",
        "search five words": "q=boiler+inspection+certificate+expiry+reminder",
        "search a common word of a customer": f"q=change&organisation={rare}",
        "search a rare number": "q=99+77+55",
        "search with a slip": "q=bokoing+meetin",
        "search for nothing": "q=zzzyqx",
    }
    pages = [(f"list, {title}", _list(query)) for title, query in filtered.items()]
    return pages + _promised(rare, scarce) + _counted(rare)


def _counted(organisation: int | None) -> list[tuple[str, str]]:
    """The figures of some days, and the lists behind two of them."""
    year = f"since={timezone.localdate() - timedelta(days=364)}"
    addresses = {
        "90 days": reverse("changes:figures"),
        "a year": f"{reverse('changes:figures')}?{year}",
        "a small customer": f"{reverse('changes:figures')}?{year}&organisation={organisation}",
        "submitted": f"{reverse('changes:figure', args=['submitted'])}?{year}",
        "slowest in review": f"{reverse('changes:figure', args=['stage-review'])}?{year}&over=1",
    }
    return [(f"figures, {title}", address) for title, address in addresses.items()]


def _promised(organisation: int | None, service: int | None) -> list[tuple[str, str]]:
    """The same for promises: of a customer, and of a service, that have few."""
    promised = {
        "open": "",
        "at risk": "standing=at_risk",
        "kept": "standing=kept",
        "every": "standing=every",
        "a small customer": f"standing=every&organisation={organisation}",
        "a rare service": f"standing=broken&service={service}",
        "made a year ago": "standing=broken&age=365",
    }
    address = reverse("changes:promises")
    return [(f"promises, {title}", f"{address}?{query}") for title, query in promised.items()]


def closed_change() -> Change:
    """Return a change with a whole life behind it."""
    change = Change.objects.filter(state=State.CLOSED).order_by("pk").first()
    if change is None:
        raise CommandError("The database has no closed change.")
    return change


def deep(user: User, order: Order) -> str:
    """Return the token of a page in the middle of everything."""
    middle = Change.objects.count() // 2
    return token_at(order, in_order(queries.visible_to(user), order)[middle], 1001)


def history_pages() -> list[tuple[str, str]]:
    """The history of one change, and everybody's."""
    change = closed_change()
    person = by_role(Role.SUPPORT)
    url = reverse("audit:history")
    return [
        ("history of a change", reverse("audit:change_history", args=[change.pk])),
        ("history", url),
        ("history, a person", f"{url}?person={person.pk}"),
        ("history, a type", f"{url}?type=changes.change"),
        ("history, a change", f"{url}?reference={change.reference}"),
        ("history, a month", f"{url}?since=2025-01-01&until=2025-01-31"),
        ("history, a person, a type", f"{url}?person={person.pk}&type=changes.execution"),
    ]


def board_pages() -> list[tuple[str, str]]:
    """The board over time, and one meeting of each state."""
    meetings = apps.get_model("crb", "Meeting").objects
    small = Change.objects.filter(agenda_items__isnull=False).order_by("organisation").last()
    held = sure(meetings.filter(state="closed").order_by("starts_at").last())
    coming = sure(meetings.filter(state="scheduled").order_by("starts_at").first())
    member = by_role(Role.CRB_MEMBER)
    lists = {
        "decisions": "",
        "decisions, rejected": "outcome=rejected",
        "decisions, settled late": "outcome=settled&over=60",
        "decisions of a year": "since=2024-01-01&until=2024-12-31",
        "decisions of a meeting": f"meeting={held.pk}",
        "decisions, a customer": f"organisation={small.organisation_id if small else ''}",
        "decisions, promise overdue": "promise=overdue",
        "decisions, nothing": "promise=void&outcome=rejected",
        "questions": "",
        "questions, unanswered": "state=unanswered",
        "questions, answered": "state=answered",
        "questions, a person": "person=person+3",
        "questions, old": "state=unanswered&over=60",
        "attendance": "",
        "attendance, a member": f"member={member.pk}",
        "attendance, a member absent": f"member={member.pk}&presence=absent",
    }
    pages = [
        ("board", reverse("crb:board")),
        ("board over time", reverse("crb:overtime")),
        ("board over time, three months", reverse("crb:overtime") + "?months=3"),
        ("board, meeting to come", coming.get_absolute_url()),
        ("board, meeting held", held.get_absolute_url()),
    ]
    for title, query in lists.items():
        name = title.split(",")[0].split()[0]
        pages.append((f"board, {title}", f"{reverse(f'crb:{name}')}?{query}"))
    return pages
