"""Keeping views of the list of changes: saving, sharing, taking over, opening first."""

from collections.abc import Mapping
from json import dumps
from typing import Any

from django.contrib.auth.models import Group
from django.db import IntegrityError, transaction
from django.db.models import Q, Value
from django.db.models.functions import Upper
from django.utils.translation import gettext as _

from accounts.models import User
from expansive_cm.texts import neutral_line
from expansive_cm.workflow.acts import acting
from expansive_cm.workflow.errors import ChangeStale, StepForbidden, StepIncomplete
from expansive_cm.workflow.steps import attribute, require, save

from .. import columns, permissions, saved_views
from ..models import FirstView, ListColumns, SavedView
from .naming import as_name

NAME_IN_USE = "changes_saved_view_name"


def save_view(
    view: SavedView | None,
    *,
    actor: User,
    seen: int | None = None,
    name: str | None = None,
    filters: Mapping[str, list[str]] | None = None,
    shared: str | None = None,
) -> SavedView:
    """Keep a view under a name, or change what is given of one.

    ``shared`` is one of ``saved_views.audiences_of``, "" for nobody; ``seen`` is the version on
    the page. Raises StepForbidden for who may not change it, or is not among those it is to be
    shared with; ChangeStale when it was changed meanwhile; StepIncomplete for a name that another
    of theirs has, for filters that are too long, and for more views than somebody keeps. Effects:
    the view with its history.
    """
    with acting():
        if view is None:
            person = _with_room(actor)
            fresh, reason = SavedView(owner=person), _("saved the view")
        else:
            fresh, reason = _locked(view), _("changed the saved view")
            person = actor.read_afresh()
            require(permissions.may_keep_view(person, fresh))
            if seen is not None and seen != fresh.version:
                raise ChangeStale(_("In the meantime you changed this view in another window."))
            fresh.version += 1
        if shared is not None and shared != fresh.shared:
            _share(fresh, person, shared)
        if filters is not None:
            _fill(fresh, filters)
        if name is not None:
            fresh.name = _named(name)
        return _save(fresh, actor=person, reason=reason)


def delete_view(view: SavedView, *, actor: User) -> None:
    """Delete a view, for everybody it is shared with. Raises StepForbidden.

    Effects: the view ends, its history stays; for whom Changes opened with it, it opens as before.
    """
    with acting():
        fresh = _locked(view)
        person = actor.read_afresh()
        require(permissions.may_keep_view(person, fresh))
        attribute(fresh, actor=person, reason=_("deleted the saved view"))
        fresh.delete()


def take_over_view(view: SavedView, *, actor: User) -> SavedView:
    """Become the owner of a shared view whose owner is not among its readers any more.

    Raises StepForbidden, StepIllegal while its owner is, and StepIncomplete where the new one has
    a view of this name, or too many. Effects: the view with its history.
    """
    with acting():
        person = _with_room(actor)
        fresh = _locked(view)
        require(permissions.may_take_over_view(person, fresh))
        reason = _("took over the saved view of %s") % fresh.owner
        fresh.owner = person
        fresh.version += 1
        return _save(fresh, actor=person, reason=reason)


def open_first(view: SavedView | None, *, actor: User) -> None:
    """Let Changes open with a view for this person, or with all changes. Raises StepForbidden.

    Who chooses the view of their role goes on with whichever that is.
    """
    with transaction.atomic():
        fresh = None if view is None else _locked(view)
        if fresh is not None:
            person = actor.read_afresh()
            if not saved_views.may_see(person, fresh):
                raise StepForbidden(_("This view is not shared with you."))
            if saved_views.opens_for_roles_of(person) == fresh.pk:
                FirstView.objects.filter(person=person).delete()
                return
        FirstView.objects.update_or_create(person=actor, defaults={"view": fresh})


def open_as_usual(*, actor: User) -> None:
    """Let Changes open for this person as it does for who has chosen nothing."""
    FirstView.objects.filter(person=actor).delete()


def open_for_role(view: SavedView, *, actor: User, opens: bool, why: str = "") -> SavedView:
    """Let Changes open with a view for everybody of the role it is shared with, or no longer.

    It takes the place of the one that did. Raises StepForbidden, StepIllegal for a view that is
    shared with no role, and ChangeStale where it was meanwhile. Effects: the views, with history.
    """
    with acting():
        # Of one role, one after the other; the views only then, by their keys.
        Group.objects.select_for_update(no_key=True).filter(name=view.role).order_by("pk").first()
        others = Q(role=view.role, opens_role=True)
        rows = SavedView.objects.select_for_update().filter(others | Q(pk=view.pk)).order_by("pk")
        found = {one.pk: one for one in rows}
        fresh = found.pop(view.pk, None)
        if fresh is None:
            raise ChangeStale(_("This view was deleted in the meantime."))
        if fresh.role and fresh.role != view.role:
            raise ChangeStale(_("In the meantime this view was shared with another role."))
        person = actor.read_afresh()
        require(permissions.may_open_for_role(person, fresh))
        if opens:
            for other in found.values():
                other.opens_role = False
                save(other, actor=person, reason=_("let Changes open with another view"))
        fresh.opens_role = opens
        words = _("let Changes open with it for the role")
        reason = words if opens else _("ended that Changes opens with it for the role")
        return save(fresh, actor=person, reason=f"{reason}: {why}" if why else reason)


def keep_columns(names: str, *, actor: User) -> None:
    """Show this person these columns in the list, as an address names them.

    Those that do not exist for them are left out. The usual ones, or none, end the choice.
    """
    found, _lost = columns.read(actor, names)
    with transaction.atomic():
        if not found or found == columns.usual(actor):
            ListColumns.objects.filter(person=actor).delete()
            return
        kept = {"names": columns.written(found)}
        ListColumns.objects.update_or_create(person=actor, defaults=kept)


def _locked(view: SavedView) -> SavedView:
    # Nothing is joined: a row whose owner changed while this waited would not be found again.
    fresh = SavedView.objects.select_for_update().filter(pk=view.pk).order_by().first()
    if fresh is None:
        raise ChangeStale(_("This view was deleted in the meantime."))
    return fresh


def _with_room(actor: User) -> User:
    """Return the person afresh, whose row is held: two views made at once are counted in turn."""
    User.objects.select_for_update(no_key=True).filter(pk=actor.pk).order_by().first()
    person = actor.read_afresh()
    theirs = saved_views.visible_to(person).filter(owner=person)
    if theirs.count() >= saved_views.MOST:
        words = _("You keep %d views, and nobody keeps more. Delete one of yours first.")
        raise StepIncomplete(words % saved_views.MOST)
    return person


def _named(name: str) -> str:
    longest = SavedView._meta.get_field("name").max_length or 0
    if text := as_name(name, longest):
        return text
    words = _("A view has a name of at most %d letters, each of which can be seen.")
    raise StepIncomplete(words % longest, ["name"])


def _share(view: SavedView, person: User, shared: str) -> None:
    if shared and shared not in saved_views.audiences_of(person):
        raise StepForbidden(_("You can share a view only with those you belong to."))
    kind, _colon, key = shared.partition(":")
    view.team_id = int(key) if kind == "team" else None
    view.organisation_id = int(key) if kind == "organisation" else None
    view.role = key if kind == "role" else None
    view.opens_role = False


def _fill(view: SavedView, filters: Mapping[str, list[str]]) -> None:
    # What was typed is shown to others: nothing in it misleads, as in every text that is kept.
    view.filters = {name: [neutral_line(one) for one in values] for name, values in filters.items()}
    if len(dumps(view.filters, ensure_ascii=False)) > saved_views.LONGEST:
        raise StepIncomplete(_("These are more filters than one view keeps. Take some away."))


def _save(view: SavedView, **why: Any) -> SavedView:
    name = view.name
    try:
        with transaction.atomic():
            return save(view, **why)
    except IntegrityError as error:
        if NAME_IN_USE not in str(error):
            raise
        raise StepIncomplete(_in_use(view, name), ["name"]) from None


def _in_use(view: SavedView, name: str) -> str:
    """Say that a name is taken: maybe by a view that they see no more, as they left a role."""
    theirs = saved_views.visible_to(view.owner).filter(owner=view.owner)
    if theirs.annotate(upper=Upper("name")).filter(upper=Upper(Value(name))).exists():
        return _("You keep another view called “%s”.") % name
    words = _("A view called “%s” that you shared is still yours by name. Choose another name.")
    return words % name
