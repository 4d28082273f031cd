"""What pages share whose address is a secret: out of caches, and no trying of tokens."""

from dataclasses import dataclass
from functools import wraps
from typing import Protocol

from django.core.cache import cache
from django.http import HttpRequest, HttpResponse

FAILURES_ALLOWED = 20
FAILURES_SECONDS = 600
LONGEST_TOKEN = 100


class View(Protocol):
    """A view of one token."""

    def __call__(self, request: HttpRequest, token: str) -> HttpResponse: ...


def for_its_reader_only(view: View) -> View:
    """Keep a page whose address is a secret out of caches and search engines."""

    @wraps(view)
    def wrapped(request: HttpRequest, token: str) -> HttpResponse:
        response = view(request, token)
        response["Cache-Control"] = "no-store, private"
        response["X-Robots-Tag"] = "noindex, nofollow, noarchive"
        return response

    return wrapped


@dataclass(frozen=True)
class WrongTokens:
    """Counts the tokens of one kind that did not work, by the address they came from."""

    kind: str

    def are_too_many(self, request: HttpRequest) -> bool:
        """Whether the next one is not even looked at."""
        return self._counted(request) >= FAILURES_ALLOWED

    def count(self, request: HttpRequest) -> None:
        """Note one more; all are forgotten when none has come for a while."""
        cache.set(self._key(request), self._counted(request) + 1, FAILURES_SECONDS)

    def _counted(self, request: HttpRequest) -> int:
        return cache.get(self._key(request), 0)

    def _key(self, request: HttpRequest) -> str:
        return f"{self.kind}-failures:{request.META.get('REMOTE_ADDR', '')}"
