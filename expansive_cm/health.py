"""Whether this process lives (/healthz) and whether it can serve people (/readyz)."""

import secrets
import time
from collections.abc import Callable

from django.db import Error, connection, transaction
from django.db.migrations.executor import MigrationExecutor
from django.db.migrations.loader import MigrationLoader
from django.http import HttpRequest, HttpResponse

WRITE_AGAIN_SECONDS = 30.0
WRITTEN_BYTES = 32_768
"""More than a page, and it does not compress: what is written needs room on the disk."""
CACHE_KEY = "readyz"
WRITE = """
INSERT INTO expansive_cm_cache (cache_key, value, expires) VALUES (%s, %s, now())
ON CONFLICT (cache_key) DO UPDATE SET value = excluded.value, expires = excluded.expires
"""
"""In the table of what is counted, where it is over at once and nobody reads it."""


class HealthMiddleware:
    """Answer both checks before host names, sessions and redirects come into play.

    They are asked for from inside the machine, by address, without TLS and often: the first
    middleware is the only place where nothing else can make them fail.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response
        self.migrated = False
        self.wrote_at = -WRITE_AGAIN_SECONDS

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.path_info not in ("/healthz", "/readyz"):
            return self.get_response(request)
        if request.method not in ("GET", "HEAD"):
            return answer("Only GET and HEAD are answered here.", 405)
        if request.path_info == "/healthz":
            return answer("alive")
        return self.readiness()

    def readiness(self) -> HttpResponse:
        """Ask the database, and compare its migrations with the code's until they agree.

        Redis is not asked: every request can be served without it.
        """
        try:
            with connection.cursor() as cursor:
                cursor.execute("SELECT 1")
            self.migrated = self.migrated or not pending_migrations()
        except Error:
            connection.close()
            return answer("The database does not answer.", 503)
        if not self.migrated:
            return answer("The database lacks migrations: run `manage.py migrate`.", 503)
        if not self.can_write():
            return answer("Nothing can be written to the database.", 503)
        return answer("ready")

    def can_write(self) -> bool:
        """Whether the database takes what is written: asked anew every half minute, by writing.

        A database whose disk is full, or that lets nobody write, still answers every question.
        """
        if time.monotonic() < self.wrote_at + WRITE_AGAIN_SECONDS:
            return True
        try:
            with transaction.atomic(), connection.cursor() as cursor:
                cursor.execute(WRITE, [CACHE_KEY, secrets.token_hex(WRITTEN_BYTES // 2)])
        except Error:
            return False
        self.wrote_at = time.monotonic()
        return True


def pending_migrations() -> bool:
    """Whether the code knows a migration that the database has not seen."""
    executor = MigrationExecutor(connection)
    return bool(executor.migration_plan(executor.loader.graph.leaf_nodes()))


def made_by_an_earlier_version() -> bool:
    """Whether the database was begun by migrations that are no more.

    Before upgrades are promised, the first migration of an app is now and then written anew, to
    stand for all before it, and gets another name; later ones cannot follow upon the old ones.
    """
    loader = MigrationLoader(connection)
    begun = {app for app, _name in loader.applied_migrations}
    firsts = [node for node in loader.graph.root_nodes() if node[0] in begun]
    return not loader.applied_migrations.keys() >= set(firsts)


def answer(text: str, status: int = 200) -> HttpResponse:
    """A line of text for a machine, which nothing may keep."""
    headers = {"Cache-Control": "no-store"}
    if status == 405:
        headers["Allow"] = "GET, HEAD"
    if status == 503:
        headers["Retry-After"] = "10"
    content_type = "text/plain; charset=utf-8"
    return HttpResponse(f"{text}\n", status=status, content_type=content_type, headers=headers)
