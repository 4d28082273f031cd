"""Mail that brings a link and tells of no event: a new one, and the question to the requester.

It is worded as it is written, as its token, or what it says, is in no row.
"""

from datetime import datetime
from functools import partial
from typing import Any

from django.conf import settings
from django.urls import reverse
from post_office.models import PRIORITY

from accounts.models import User
from expansive_cm.post.words import absolute
from expansive_cm.sure import sure

from . import access_links, letters, outbox, permissions
from .audiences import LINK_WANTED, OWNER, REQUESTER, RESPONSIBLE
from .messages import again
from .models import Change, Confirmation, ConfirmationLink, Notice
from .process import past_words
from .reminders import heard_at
from .wording import Letter

# --- The link ----------------------------------------------------------------------------------


def send_link(change: Change, person: User, *, actor: User | None, why: str) -> None:
    """Mail somebody a new link to a change, and nothing else."""
    path, link = access_links.issue(change, person, actor=actor, why=why)
    context = {
        "page_link": absolute(path),
        "link_days": settings.ACCESS_LINK_DAYS,
        "why": LINK_WANTED,
    }
    email = outbox.write(person, "new_link", change, context, PRIORITY.high, links=[link])
    outbox.put([email])
    Notice.objects.create(
        person=person, change=change, email=email, message="new_link", why=str(LINK_WANTED)
    )


# --- Confirmation ------------------------------------------------------------------------------


def ask_requester(
    confirmation: Confirmation,
    token: str,
    *,
    actor: User | None,
    act: str,
    instead_of: str = "",
    held_until: datetime | None = None,
) -> None:
    """Ask the requester, with the link, whether the change meets their needs.

    ``act`` is what was done that the question follows from; ``instead_of`` the name of the
    former requester, for somebody who takes over and did not ask for the change. The mail waits
    until ``held_until``, while what it follows from can be taken back.
    """
    _to_requester(
        "confirmation", confirmation, token, actor, act, held_until, instead_of=instead_of
    )


def remind_requester(confirmation: Confirmation, token: str, after_days: int) -> None:
    """Remind the requester, with a link of its own, of the question since it reached them."""
    act = str(past_words("remind"))
    asked = heard_at(confirmation) or confirmation.asked_at
    _to_requester("reminder", confirmation, token, None, act, None, days=after_days, asked=asked)


def _to_requester(
    message: str,
    confirmation: Confirmation,
    token: str,
    actor: User | None,
    act: str,
    held_until: datetime | None,
    **context: Any,
) -> None:
    change = confirmation.change
    person = sure(change.requester)
    if not person.is_active:
        return
    link = ConfirmationLink.objects.filter(confirmation=confirmation).order_by("-pk")[0]
    context = {
        "confirmation": confirmation,
        "link": absolute(reverse("changes:confirmation", args=[token])),
        "answer_days": settings.CONFIRMATION_LINK_DAYS,
        **context,
    }
    why = str(REQUESTER.why)
    says = partial(dict[str, Any], context)
    letter = Letter(
        person, message, why, says, links=(link,), actor=actor, act=act, held_until=held_until
    )
    letters.send(change, [letter], again)


def escalate(confirmation: Confirmation) -> None:
    """Tell the owner, without one the success team, that the requester did not answer."""
    change = confirmation.change
    people: dict[int, tuple[User, Any]] = {}
    for audience in (OWNER, RESPONSIBLE):
        for person in audience.find(change):
            if person and permissions.may_see(person, change):
                people.setdefault(person.pk, (person, audience.why))
    context = {
        "confirmation": confirmation,
        "link": absolute(reverse("changes:close_unanswered", args=[change.pk])),
    }
    says = partial(dict[str, Any], context)
    told = [Letter(person, "escalation", str(why), says) for person, why in people.values()]
    letters.send(change, told, again)
