"""What pages share whose address is a secret: out of caches, and no trying of tokens."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import Any

from django.core.cache import cache
from django.db import connection, transaction
from django.http import Http404, HttpRequest
from django.http.response import HttpResponseBase

from expansive_cm.errors import page_not_found

FAILURES_ALLOWED = 20
FAILURES_SECONDS = 600
LONGEST_TOKEN = 100


View = Callable[..., HttpResponseBase]
"""A view of one token, which is a part of the address."""


def for_its_reader_only(view: View) -> View:
    """Keep a page whose address is a secret, or what is not there, out of caches and searches."""

    @wraps(view)
    def wrapped(request: HttpRequest, **parts: Any) -> HttpResponseBase:
        response: HttpResponseBase
        try:
            response = view(request, **parts)
        except Http404 as error:
            response = page_not_found(request, error)
        response["Cache-Control"] = "no-store, private"
        response["X-Robots-Tag"] = "noindex, nofollow, noarchive"
        return response

    return wrapped


@dataclass(frozen=True)
class Limit:
    """So many acts of one kind in so many seconds, counted by who acts."""

    kind: str
    allowed: int
    seconds: int

    def is_open_for(self, who: str) -> bool:
        """Count one more act and say whether it may be; all are forgotten after a while without.

        Those who act at the same moment take turns, so that none slips through uncounted.
        """
        key = self._key(who)
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [key])
            counted = cache.get(key, 0)
            if counted < self.allowed:
                cache.set(key, counted + 1, self.seconds)
        return bool(counted < self.allowed)

    def _key(self, who: str) -> str:
        return f"{self.kind}:{who}"


@dataclass(frozen=True)
class WrongTokens:
    """Counts the tokens of one kind that did not work, by the address they came from."""

    kind: str

    @property
    def limit(self) -> Limit:
        return Limit(f"{self.kind}-failures", FAILURES_ALLOWED, FAILURES_SECONDS)

    def are_too_many(self, request: HttpRequest) -> bool:
        """Count one more that does not work; whether it is refused instead of being answered."""
        return not self.limit.is_open_for(address_of(request))


def address_of(request: HttpRequest) -> str:
    """Return the network address that a request came from."""
    return str(request.META.get("REMOTE_ADDR", ""))
