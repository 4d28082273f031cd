"""What becomes of a mail of the board between writing and sending."""

from post_office.models import Email

from accounts.models import User
from changes.settling import drop

from . import invitations, permissions
from .messages import is_about_a_meeting
from .minutes.messages import take_votes_out


def settle(email: Email) -> bool:
    """Send what is said of a meeting only to who may still read it; return whether it goes out.

    A cancellation, which takes the meeting out of a calendar, is for whoever is still with us.
    Minutes go without single votes to who may not see those any more.
    """
    if not is_about_a_meeting(email):
        return True
    reader = User.objects.with_address(email.to[0])
    if reader is None:
        return True
    if permissions.may_see_board(reader):
        take_votes_out(email, reader)
        return True
    cancels = email.files.filter(content_type=invitations.content_type(invitations.CANCEL))
    if reader.is_active and reader.is_internal and cancels.exists():
        return True
    drop(email)
    return False
