"""Members whose calendar declined a meeting: asked whether they are away, and who stands in.

Mail proves nobody, so it records no absence: the member does, signed in, from Home. Who declined by
mistake says there that they come (`lifecycle.will_attend`).
"""

from django.urls import reverse
from django.utils.translation import gettext as _

from accounts.models import User
from accounts.roles import Role
from changes.mail_in.declines import Calendar
from changes.notices import Notice

from . import lifecycle, queries
from .invitations import meeting_named


def notices(user: User) -> list[Notice]:
    """Ask a member on Home. One query for members, none for others."""
    if not user.has_role(Role.CRB_MEMBER):
        return []
    return [
        Notice(
            _("Your calendar declined “%s”. Are you away?") % one.meeting,
            f"{reverse('crb:record_absence', args=[one.meeting.board_id])}?day={one.meeting.date}",
            _("Record an absence"),
            _("I will be there"),
            reverse("crb:will_attend", args=[one.meeting_id]),
        )
        for one in queries.declined_by(user)
    ]


def _is_known(person: User, uid: str) -> bool:
    meeting = meeting_named(uid)
    return meeting is not None and queries.invited_ahead(person).filter(meeting=meeting).exists()


def _note(person: User, uid: str) -> None:
    lifecycle.note_decline(person, meeting_named(uid))


CALENDAR = Calendar(_is_known, _note)
