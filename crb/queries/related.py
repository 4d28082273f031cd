"""What a page shows beside a change: conflicts, links and drafts."""

from collections.abc import Collection

from django.db.models import Case, Exists, F, OuterRef, Q, Subquery, When
from django.db.models.functions import Coalesce
from django.utils.translation import gettext as _

from accounts.models import User
from changes.models import Change, ChangeLink, Deployment, Execution
from changes.permissions import may_see
from changes.queries import visible_to
from changes.services import links_near
from changes.states import OPEN, State
from expansive_cm.statements import Given, ObjectStatement

STILL_COMES = Q(release__cancelled_at=None)


def _name_if_it_comes(release: str) -> Case:
    return Case(When(Q((f"{release}__cancelled_at", None)), then=F(f"{release}__name")))


def conflicts_of(change: Change, user: User, number: int) -> list[Change]:
    """Return other open changes on the same services that this person may see, latest moved first.

    Then those on what these need, and on what needs them, which their ``bound`` says. Each knows
    its planned window (``window_start``, ``window_end``) or ``planned_release``. At most
    ``number``, in two queries, four where there is room for what is bound to them; reads the
    services that ``changes.story`` has loaded.
    """
    services = {service.pk for service in change.services.all()}
    if not services:
        return []
    found = _open_on(services, change, user, number)
    links = links_near(services)
    for bound, keys in (
        (_("affects what this needs"), links.prerequisites(services)),
        (_("affects what needs this"), links.dependants(services)),
    ):
        if keys and (room := number - len(found)) > 0:
            known = {one.pk for one in found}
            more = _open_on(keys, change, user, room + len(known))
            new = [one for one in more if one.pk not in known][:room]
            for one in new:
                vars(one)["bound"] = bound
            found += new
    return found


def _open_on(services: Collection[int], change: Change, user: User, number: int) -> list[Change]:
    on_these = Change.services.through.objects.filter(
        change=OuterRef("pk"), service__in=sorted(services)
    )
    pending = {"change": OuterRef("pk"), "path": OuterRef("path"), "outcome": ""}
    execution = Execution.objects.filter(**pending).order_by("-pk")
    deployment = Deployment.objects.filter(**pending).order_by("-pk")
    found = visible_to(user).filter(Exists(on_these), state__in=OPEN).exclude(pk=change.pk)
    return list(
        found.annotate(
            window_start=Subquery(execution.values("window_start")[:1]),
            window_end=Subquery(execution.values("window_end")[:1]),
            planned_release=Coalesce(
                Subquery(deployment.filter(STILL_COMES).values("release__name")[:1]),
                _name_if_it_comes("release"),
                _name_if_it_comes("promised_release"),
            ),
        )
        .select_related("organisation")
        .order_by("-state_since", "-pk")[:number]
    )


def links_of(change: Change, user: User) -> list[tuple[str, Change]]:
    """Return what the change is linked with, as far as this person may see it."""
    found = [
        (link.get_kind_display(), link.target)
        if link.source_id == change.pk
        else (link.REVERSED[link.kind], link.source)
        for link in LINKS.objects(change=change.pk)
    ]
    return [(words, other) for words, other in found if may_see(user, other)]


LINKS = ObjectStatement(
    lambda: ChangeLink.objects.filter(
        Q(source=Given("change")) | Q(target=Given("change"))
    ).select_related("source", "target")
)


def drafts_linked_with(change: Change) -> list[Change]:
    """Return linked changes that exist only for whoever raised them."""
    linked = Q(links_in__source=change) | Q(links_out__target=change)
    return list(Change.objects.filter(linked, state=State.DRAFT).distinct())
