"""Parts that nobody can take: the administrators are mailed, once for each."""

from collections.abc import Sequence

from django.db import transaction

from accounts.models import User

from .. import administration
from ..models import ToldPart
from ..unheld import Unheld


def tell_of_unheld(parts: Sequence[Unheld]) -> bool:
    """Mail every administrator of parts that nobody can take, in one mail; idempotent.

    Effects: a row for each part in the same transaction as the mail, so two beats at once tell
    once. Returns whether there was anything that had not been told.
    """
    with transaction.atomic():
        new = [
            part
            for part in sorted(parts, key=lambda one: one.key)
            if ToldPart.objects.get_or_create(key=part.key)[1]
        ]
        if not new:
            return False
        administration.unheld(new, User.objects.administrators().order_by("pk"))
    return True


def forget_told_part(told: ToldPart) -> None:
    """Let administrators be mailed again, should it come to that again."""
    ToldPart.objects.filter(pk=told.pk).delete()
