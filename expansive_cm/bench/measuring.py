"""What a page costs: its time, its processor time, its statements; and a bare page beside it."""

import statistics
import time
from collections.abc import Callable
from copy import copy
from dataclasses import dataclass
from functools import partial
from typing import Any

from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.core.management.base import CommandError
from django.db import connection
from django.http import HttpRequest, HttpResponse
from django.template import Context, Template
from django.test import Client
from django.test.client import ClientHandler
from django.urls import ResolverMatch, re_path

from accounts.models import User

QUERY_MS, QUERIES = 50, 15
"""What a page may cost: the promise of the design."""


@dataclass(frozen=True)
class Case:
    """A page as one person asks for it."""

    who: str
    user: User
    title: str
    url: str


@dataclass(frozen=True)
class Result:
    """What a page cost: medians over the repetitions."""

    case: Case
    page_ms: float
    cpu_ms: float
    bare_ms: float
    queries: int
    slowest_ms: float
    slowest: str

    @property
    def is_over(self) -> bool:
        """Whether the page costs more than the design promises."""
        return self.slowest_ms > QUERY_MS or self.queries > QUERIES


def secure() -> bool:
    """Whether pages answer over HTTPS only."""
    return bool(settings.SECURE_SSL_REDIRECT)


def client_of(user: User) -> Client:
    """Return a client that is signed in and knows one of the hosts that are allowed."""
    host = next((host for host in settings.ALLOWED_HOSTS if not host.startswith(".")), "localhost")
    client = Client(headers={"host": host.replace("*", "localhost")})
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    return client


class Stopwatch:
    """Times every query of a page, and remembers it."""

    def __init__(self) -> None:
        self.taken: list[tuple[float, str]] = []
        self.asked: list[tuple[str, Any]] = []

    def __call__(self, execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        begun = time.perf_counter()
        try:
            return execute(sql, params, many, context)
        finally:
            self.taken.append(((time.perf_counter() - begun) * 1000, sql))
            self.asked.append((sql, params))


class BareHandler(ClientHandler):
    """Answers whatever is asked by one view, behind the same middleware as every page.

    It has addresses of its own: with others for all, Django would forget the product's.
    """

    view: Callable[[HttpRequest], HttpResponse]

    def resolve_request(self, request: HttpRequest) -> ResolverMatch:
        """Take the view, whatever the address."""
        vars(request)["urlconf"] = (re_path("", self.view),)
        return super().resolve_request(request)


def measure(case: Case, client: Client, bare: BareHandler, repeat: int) -> Result:
    """Ask for a page once to warm up, then several times; then for a bare one as often.

    Raises CommandError if it fails.
    """
    times, spent, counts, slowest = [], [], [], []
    for number in range(repeat + 1):
        stopwatch = Stopwatch()
        begun, worked = time.perf_counter(), time.process_time()
        with connection.execute_wrapper(stopwatch):
            response = client.get(case.url, secure=secure())
        if response.status_code != 200:
            raise CommandError(f"{case.who}: {case.url} answered {response.status_code}.")
        if number == 0 and repeat:
            continue
        times.append((time.perf_counter() - begun) * 1000)
        spent.append((time.process_time() - worked) * 1000)
        counts.append(len(stopwatch.taken))
        slowest.append(max(stopwatch.taken, default=(0.0, "")))
    worst = sorted(slowest)[len(slowest) // 2]
    bare_ms = measure_bare(stopwatch.asked, client, bare, repeat)
    medians = statistics.median(times), statistics.median(spent)
    return Result(case, *medians, bare_ms, max(counts), *worst)


# --- The bare page ------------------------------------------------------------------------------

BEFORE_THE_VIEW = ("django_session", "accounts_user")
"""What a page asks first: the session and its person, which a bare page asks for itself."""
TABLE = """<!DOCTYPE html><html><head><title>Bare</title></head><body>{{ user }}
{% for rows in found %}<table>{% for row in rows %}
<tr>{% for cell in row %}<td>{{ cell }}</td>{% endfor %}</tr>{% endfor %}</table>{% endfor %}
</body></html>"""


def measure_bare(
    asked: list[tuple[str, Any]], client: Client, bare: BareHandler, repeat: int
) -> float:
    """Return the processor time of a page that asks the same of the database and shows it plainly.

    It passes the same middleware, needs somebody signed in, and draws a table of every answer.
    """
    own = [one for one in asked if one[0].lstrip("( ").upper().startswith(("SELECT", "WITH"))]
    for table in BEFORE_THE_VIEW:
        known = next((one for one in own if f'FROM "{table}"' in one[0]), None)
        own = [one for one in own if one is not known]
    bare.view = login_required(partial(_bare, own, Template(TABLE)))
    client = copy(client)
    client.handler = bare
    spent = []
    for _number in range(repeat + 1):
        worked = time.process_time()
        response = client.get("/", secure=secure())
        spent.append((time.process_time() - worked) * 1000)
        if response.status_code != 200:
            raise CommandError(f"The bare page answered {response.status_code}.")
    return statistics.median(spent[1:] or spent)


def _bare(asked: list[tuple[str, Any]], table: Template, request: HttpRequest) -> HttpResponse:
    found = []
    with connection.cursor() as cursor:
        for sql, parameters in asked:
            cursor.execute(sql, parameters)
            found.append(cursor.fetchall())
    return HttpResponse(table.render(Context({"found": found, "user": request.user})))
