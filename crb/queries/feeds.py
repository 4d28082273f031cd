"""Calendar addresses that are worth something."""

from django.db.models import QuerySet

from accounts.continuity import has_lost
from accounts.roles import Role

from ..models import CalendarFeed


def working_feeds() -> QuerySet[CalendarFeed]:
    """Return the addresses of members who have been members ever since they made them.

    An address that was worth nothing for a while is known to whom nobody remembers: it does not
    come to life again with the role.
    """
    feeds = CalendarFeed.objects.select_related("user").filter(
        revoked_at=None,
        user__is_active=True,
        user__organisation=None,
        user__groups__name=Role.CRB_MEMBER,
    )
    return feeds.exclude(
        has_lost(Role.CRB_MEMBER, person="user", since="created_at", after="made_after")
    )
