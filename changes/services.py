"""Which services need which, as it is kept: read around some services, or all of it."""

from collections.abc import Collection, Iterable

from django.db import connection

from .dependencies import DEPTH, Links
from .models import Service, ServiceDependency

NEAR = """
WITH RECURSIVE needed(service, far) AS (
    SELECT unnest(%(services)s::bigint[]), 0
    UNION
    SELECT pair.needs_id, needed.far + 1
    FROM needed JOIN changes_servicedependency pair ON pair.service_id = needed.service
    WHERE needed.far < %(depth)s
), needing(service, far) AS (
    SELECT unnest(%(services)s::bigint[]), 0
    UNION
    SELECT pair.service_id, needing.far + 1
    FROM needing JOIN changes_servicedependency pair ON pair.needs_id = needing.service
    WHERE needing.far < %(depth)s
)
SELECT pair.service_id, pair.needs_id
FROM needed JOIN changes_servicedependency pair ON pair.service_id = needed.service
WHERE needed.far < %(depth)s
UNION
SELECT pair.service_id, pair.needs_id
FROM needing JOIN changes_servicedependency pair ON pair.needs_id = needing.service
WHERE needing.far < %(depth)s
"""
"""Of a service each distance is followed once, so that many ways to it are one."""


def links_near(services: Collection[int], depth: int = DEPTH) -> Links:
    """Return what lies between these services and what they need, or what needs them.

    So many steps away; in one query, none of no services.
    """
    if not services:
        return Links()
    with connection.cursor() as cursor:
        cursor.execute(NEAR, {"services": sorted(services), "depth": depth})
        return Links.of(cursor.fetchall())


def all_links() -> Links:
    """Return all there is, in one query; a service needs at most so many others."""
    return Links.of(ServiceDependency.objects.order_by().values_list("service_id", "needs_id"))


def names_of(services: Iterable[int]) -> dict[int, str]:
    """Return the names of services, in one query; none of no services."""
    keys = {*services}
    if not keys:
        return {}
    return dict(Service.objects.filter(pk__in=keys).order_by().values_list("pk", "name"))
