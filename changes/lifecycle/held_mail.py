"""Mails that wait because what they tell can be taken back: stopped where it is."""

from collections.abc import Iterable

from django.db.models import Q, QuerySet
from post_office.models import STATUS, Email

from accounts.models import User

from .. import settling
from ..models import Notice
from ..taking_back import UNTRIED


def stop(notices: QuerySet[Notice]) -> tuple[set[int], set[int]]:
    """Stop the mails of these notices, and take these out of the notifications.

    Returns the people whom a mail has reached, or may have, and those who have read it in the app
    while no mail told them. What the worker holds at this moment is on its way; what was dropped
    before it was tried, as its reader had left, is not.
    """
    told = Notice.objects.filter(pk__in=list(notices.values_list("pk", flat=True)))
    waiting = Email.objects.filter(notices__in=told, status=STATUS.queued, expires_at=None)
    untried = waiting.filter(number_of_retries=None) | waiting.filter(number_of_retries=0)
    keys = list(untried.values_list("pk", flat=True))
    held = Email.objects.filter(pk__in=keys, status=STATUS.queued)
    stopped = list(held.select_for_update(skip_locked=True, of=("self",)).order_by("pk"))
    never = Q(UNTRIED, email__status=STATUS.queued, email__expires_at__isnull=False)
    gone = told.filter(email__isnull=False).exclude(email__in=stopped).exclude(never)
    in_app = told.filter(email=None, is_for_digest=False, read_at__isnull=False)
    reached = {*gone.values_list("person", flat=True)}, {*in_app.values_list("person", flat=True)}
    for email in stopped:
        if not email.notices.exclude(pk__in=told).exists():
            settling.drop(email)
    told.filter(is_in_inbox=True).update(is_in_inbox=False)
    return reached


def is_a_customers(people: Iterable[int]) -> bool:
    """Whether one of these people is the customer's: to the others pages tell it anyway."""
    return User.objects.filter(pk__in=people, organisation__isnull=False).exists()
