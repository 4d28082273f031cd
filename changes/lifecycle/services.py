"""Dependencies between services: saying that one needs another, and that it does no longer."""

from django.db import connection
from django.utils.translation import gettext as _

from accounts.models import User
from expansive_cm.workflow.acts import acting
from expansive_cm.workflow.errors import StepIllegal, StepIncomplete
from expansive_cm.workflow.steps import attribute, require, save

from .. import permissions
from ..models import Service, ServiceDependency
from ..services import all_links, names_of

LINKING = 7_304_552
"""The number of the lock that whoever links services holds until their transaction ends."""
MOST = 50
"""So many other services one needs at most."""
NAMED = 6
"""So many services of a circle are named; of a longer one, those at its ends."""


def add_dependency(service: Service, *, actor: User, needs: Service) -> ServiceDependency:
    """Say that a service needs another one to work.

    Raises StepForbidden; StepIncomplete, beside ``needs``, for the service itself, one that it
    needs already, one that needs it, which is named with the way, and where it needs too many.
    Effects: the dependency with its history. One person links at a time: two halves of a circle
    that are added at once would not see each other.
    """
    with acting():
        person = actor.read_afresh()
        require(permissions.can_keep_services(person))
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [LINKING])
        if fault := _fault(service, needs):
            raise StepIncomplete(fault, ["needs"])
        made = ServiceDependency(service=service, needs=needs)
        return save(made, actor=person, reason=_("said that %(one)s needs %(other)s") % _both(made))


def remove_dependency(service: Service, *, actor: User, needs: int) -> None:
    """Say that a service does not need another one any more; history keeps that it did.

    Raises StepForbidden, and StepIllegal where somebody else has said so already.
    """
    with acting():
        person = actor.read_afresh()
        require(permissions.can_keep_services(person))
        rows = ServiceDependency.objects.select_for_update(of=("self",), no_key=True)
        record = rows.select_related("service", "needs").filter(service=service, needs=needs)
        found = record.first()
        if found is None:
            raise StepIllegal(_("This dependency has been removed already."))
        why = _("said that %(one)s does not need %(other)s any more") % _both(found)
        attribute(found, actor=person, reason=why)
        found.delete()


def _both(dependency: ServiceDependency) -> dict[str, Service]:
    return {"one": dependency.service, "other": dependency.needs}


def _fault(service: Service, needs: Service) -> str:
    """Say why a service cannot be linked with another one, "" where it can."""
    if service.pk == needs.pk:
        return _("A service does not depend on itself. Choose another one.")
    links = all_links()
    own = links.needs.get(service.pk, ())
    if needs.pk in own:
        return _("%(one)s needs %(other)s already.") % {"one": service, "other": needs}
    if len(own) >= MOST:
        words = _("A service needs %d others at most. Remove one that it does not need directly.")
        return words % MOST
    if way := links.way(needs.pk, service.pk):
        words = _("That would be a circle: %(circle)s. Remove one of these dependencies first.")
        return words % {"circle": circle_in_words([service.pk, *way])}
    return ""


def circle_in_words(way: list[int]) -> str:
    """Return a circle as who needs whom; of a long one, how it begins and ends."""
    half = NAMED // 2
    shown = way if len(way) <= NAMED else [*way[:half], *way[-half:]]
    names = names_of(shown)
    said = [names[key] for key in shown]
    if len(way) > NAMED:
        said.insert(half, "…")
    words = _("%(one)s needs %(other)s") % {"one": said[0], "other": said[1]}
    for name in said[2:]:
        words = _("%(before)s, which needs %(name)s") % {"before": words, "name": name}
    return words
