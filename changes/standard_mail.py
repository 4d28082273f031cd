"""What is mailed of standard changes: to be approved, decided, ended, or ending soon."""

import re
from collections.abc import Iterable, Mapping
from typing import Any

from django.db.models import QuerySet
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from post_office.models import Email

from accounts.models import User
from accounts.roles import Role
from expansive_cm.post.threads import thread_headers
from expansive_cm.post.words import absolute
from expansive_cm.sure import sure
from expansive_cm.texts import Text

from . import outbox, permissions, standard
from .models import Change, StandardApproval
from .turns.parts import holders_of

THREAD = "standard-"
ABOUT = re.compile(rf"^<{THREAD}(\d{{1,18}})@")
APPROVES = gettext_lazy("you may approve this standard change")
KEEPS = gettext_lazy("you keep this standard change, or your team does")
OWNS = gettext_lazy("you see a change through that it authorised")


def is_about_one(email: Email) -> bool:
    """Whether a mail in the outbox is one of those below."""
    return bool(_key_of(email))


def may_still_read(email: Email, person: User) -> bool:
    """Whether the reader of such a mail may read of what it is about as it goes out."""
    return may_read(person, {"standard": _key_of(email)})


def may_read(person: User, data: Mapping[str, Any]) -> bool:
    """Whether somebody may read of the standard change that an event's data name."""
    return permissions.standard_changes_for(person).filter(pk=data.get("standard") or 0).exists()


def _key_of(email: Email) -> int:
    found = ABOUT.match(str((email.headers or {}).get("References", "")))
    return int(found.group(1)) if found else 0


def proposed(approval: StandardApproval) -> None:
    """Tell whoever may approve it that it waits."""
    words = _("%s proposed it. Read what is approved, and decide.") % approval.proposed_by
    people = permissions.possible_approvers(approval)
    _tell(approval, people, _("Please decide on a standard change"), words, approval.case, APPROVES)


def decided(approval: StandardApproval) -> None:
    """Tell those who keep it what became of it."""
    if approval.decision == StandardApproval.Decision.APPROVED:
        headline = _("A standard change is approved")
        words = _("%(person)s approved it. It is in force until %(day)s.") % {
            "person": approval.decided_by,
            "day": date_format(sure(approval.valid_until), "j F Y"),
        }
    else:
        headline = _("A standard change was refused")
        words = _("%s refused it. Changes made from it are authorised one by one.")
        words %= approval.decided_by
    keepers = _besides(approval.decided_by, _keepers(approval))
    _tell(approval, keepers, headline, words, approval.reason, KEEPS)


def ended(approval: StandardApproval, *, besides: User | None) -> None:
    """Tell those who keep it, and who approved it, that it has ended, why, and what goes on.

    And owners of what goes on. Where nobody keeps it any more, whoever may approve another.
    """
    keepers, owners = _keepers(approval), []
    if approval.decision == StandardApproval.Decision.APPROVED:
        headline = _("A standard change has ended")
        words = _("From now on changes made from it are authorised one by one.")
        going = standard.in_flight(approval)
        words = " ".join(filter(None, [words, standard.that_go_on(going)]))
        owners = [one for one in _owners(going) if one not in keepers]
    else:
        headline = _("The proposal of a standard change has ended")
        words = _("It waits for approval no more. Changes made from it are authorised one by one.")
    others = [] if keepers else permissions.possible_approvers(approval)
    others = [one for one in others if one not in owners]
    for people, why in ((keepers, KEEPS), (owners, OWNS), (others, APPROVES)):
        _tell(approval, _besides(besides, people), headline, words, approval.ended_why, why)


def _owners(changes: QuerySet[Change]) -> list[User]:
    owned = changes.order_by().values("owner")
    return list(User.objects.filter(pk__in=owned, is_active=True, organisation=None).order_by("pk"))


def ends_soon(approval: StandardApproval) -> None:
    """Remind those who may approve it for another year, and who proposed it."""
    headline = _("A standard change ends soon")
    words = _("Its last day is %s. It can be approved for another year, or left to end.")
    words %= date_format(sure(approval.valid_until), "j F Y")
    people = permissions.possible_approvers(approval)
    _tell(approval, people, headline, words, "", APPROVES)
    others = [one for one in _keepers(approval) if one not in people]
    _tell(approval, others, headline, words, "", KEEPS)


def _keepers(approval: StandardApproval) -> list[User]:
    """Who proposed and who approved it, and the customer success team of the customer."""
    named = [approval.proposed_by, approval.decided_by]
    customer = approval.template.organisation
    team: Iterable[User] = ()
    if customer is not None:
        team = holders_of(Role.CUSTOMER_SUCCESS).filter(success_teams=customer.success_team_id)
    found = {one.pk: one for one in [*named, *team] if one is not None and one.is_active}
    return [found[key] for key in sorted(found)]


def _besides(person: User | None, people: Iterable[User]) -> list[User]:
    return [one for one in people if one != person]


def _tell(
    approval: StandardApproval,
    people: Iterable[User],
    headline: str,
    words: str,
    reason: str,
    why: Text,
) -> None:
    context = {
        "approval": approval,
        "headline": headline,
        "words": words,
        "reason": reason,
        "url": absolute(approval.get_absolute_url()),
        "why": str(why),
    }
    headers = thread_headers(f"{THREAD}{approval.pk}")
    tag = _("Standard change")
    outbox.put(
        [
            outbox.compose(person, "standard_change", context, tag=tag, headers=headers)
            for person in people
        ]
    )
