"""How much room is left for files: of one change, and of one person behind a mailed link."""

from django.conf import settings
from django.db.models import Q, Sum
from django.template.defaultfilters import filesizeformat
from django.utils.translation import gettext as _

from accounts.models import User

from .models import Change


def why_no_room(
    change: Change, person: User, name: str, size: int, *, by_link: bool = False
) -> str:
    """Return why a file of this size does not fit on a change any more; "" if it does.

    A mailed link is a secret that may have reached anybody, so it fills less than a change has
    room for: what its person attached by any way counts. Costs one query.
    """
    sums = change.attachments.aggregate(
        all=Sum("size", default=0), own=Sum("size", filter=Q(uploaded_by=person), default=0)
    )
    if by_link and sums["own"] + size > settings.LINK_FILES_MAX_BYTES:
        words = _(
            "“%(name)s” does not fit: your files on this page may have %(limit)s together."
            " Please write to us if there is more."
        )
        return words % {"name": name, "limit": filesizeformat(settings.LINK_FILES_MAX_BYTES)}
    if sums["all"] + size > settings.CHANGE_FILES_MAX_BYTES:
        words = _("“%(name)s” does not fit: the files of one change may have %(limit)s together.")
        return words % {"name": name, "limit": filesizeformat(settings.CHANGE_FILES_MAX_BYTES)}
    return ""
