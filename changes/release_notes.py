"""What a release brings, in words that customers read: they write themselves from what was done.

Of each change only what its customer reads anyway: what was asked for, and what was said when it
was put in place.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

from django.db.models import F, QuerySet
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.text import slugify
from django.utils.translation import gettext as _

from accounts.models import Organisation, User
from expansive_cm.sure import sure

from .models import Deployment, Release
from .queries import visible_to

MOST = 500
"""How many changes the notes of a release tell of."""
INLINE = re.compile(r"[\\`*_\[\]<>~|&#]")
LEADING = re.compile(r"^(\d*)([+=.)-])")
"""What begins a list, or a line under a heading."""


@dataclass(frozen=True)
class Entry:
    """One change: its customer, its number, what was asked for, and what was done."""

    customer: Organisation
    reference: str
    url: str
    title: str
    done: str


@dataclass(frozen=True)
class Part:
    """What a release brings to one customer."""

    customer: Organisation
    entries: list[Entry]


@dataclass(frozen=True)
class Notes:
    """The notes of a release: whole, or of one customer; ``more`` where not all is told."""

    release: Release
    customers: list[Organisation]
    customer: Organisation | None
    parts: list[Part]
    more: bool


def notes_of(release: Release, user: User, customer: int | None = None) -> Notes | None:
    """Return what was put in place with a release, of what this person may see.

    None where the customer that is asked for has nothing in it. What was rolled back, or is being
    reworked, is not told. One query; up to three more where it is more than is told.
    """
    deployed = _deployed(release, user)
    found = list(deployed[: MOST + 1])
    customers = list(dict.fromkeys(sure(one.change.organisation) for one in found))
    if len(found) > MOST:
        named = Organisation.objects.filter(pk__in=deployed.values("change__organisation"))
        customers = list(named.order_by("name", "pk"))
    chosen = next((one for one in customers if one.pk == customer), None)
    if customer is not None:
        if chosen is None:
            return None
        if len(found) > MOST:
            found = list(deployed.filter(change__organisation=chosen)[: MOST + 1])
        found = [one for one in found if one.change.organisation == chosen]
    return Notes(release, customers, chosen, _parts(found[:MOST]), len(found) > MOST)


def _deployed(release: Release, user: User) -> QuerySet[Deployment]:
    return (
        Deployment.objects.filter(
            release=release,
            outcome=Deployment.Outcome.SUCCEEDED,
            path=F("change__path"),
            round=F("change__round"),
            change__in=visible_to(user),
        )
        .select_related("change__organisation")
        .defer("change__description", "change__search")
        .order_by("change__organisation__name", "change__organisation_id", "change_id")
    )


def _parts(deployed: Sequence[Deployment]) -> list[Part]:
    found = [
        Entry(
            sure(one.change.organisation),
            one.change.reference,
            one.change.get_absolute_url(),
            one.change.title,
            one.notes,
        )
        for one in deployed
    ]
    return [
        Part(customer, list(entries))
        for customer, entries in groupby(found, key=lambda one: one.customer)
    ]


def title_of(release: Release) -> str:
    """Return the headline of the notes."""
    if release.released_at is None:
        return _("Release %s, so far") % release.name
    day = date_format(timezone.localdate(release.released_at), "j F Y")
    return _("Release %(name)s, %(day)s") % {"name": release.name, "day": day}


def more_words() -> str:
    """Return what is said where not all is told."""
    return _("Only the first %d changes are told of here.") % MOST


def as_markdown(notes: Notes) -> str:
    """Return the notes as a Markdown text; names of customers stand in those of several."""
    lines = [f"# {escaped(title_of(notes.release))}", ""]
    for part in notes.parts:
        if len(notes.parts) > 1:
            lines += [f"## {escaped(part.customer.name)}", ""]
        for one in part.entries:
            lines.append(f"- **{escaped(one.title)}** ({one.reference})")
            lines += [f"  {escaped(line)}  " for line in one.done.splitlines() if line.strip()]
        lines.append("")
    if not notes.parts:
        lines += [_("Nothing was put in place with it yet."), ""]
    if notes.more:
        lines += [more_words(), ""]
    return "\n".join(lines)


def escaped(text: str) -> str:
    """Return a text as Markdown that says the same: no sign of it marks anything up."""
    inline = INLINE.sub(lambda found: "\\" + found[0], text.strip())
    return LEADING.sub(lambda found: f"{found[1]}\\{found[2]}", inline)


def file_name(release: Release, customer: Organisation | None) -> str:
    """Return what the file is called."""
    names = [release.name, customer.name if customer else ""]
    slugs = [slugify(one.replace(".", "-")) for one in names]
    return "-".join(["release", *(one for one in slugs if one)]) + ".md"
