"""What a customer's person reads of a change."""

from django.utils import timezone

from accounts.middleware import zone_of
from accounts.models import User
from changes import plain
from changes.models import Change


def plain_words(change: Change, reader: User) -> str:
    """Return in the reader's words where a change is."""
    fresh = Change.objects.select_related("organisation", "requester").get(pk=change.pk)
    with timezone.override(zone_of(reader)):
        return plain.statuses([fresh], reader)[fresh.pk].now
