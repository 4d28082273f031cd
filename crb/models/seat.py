"""Who sat at a meeting: kept when it begins, so that it reads the same for ever."""

from typing import Any, ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Exists, OuterRef
from django.utils.translation import gettext_lazy as _

from expansive_cm.statements import Given, ObjectStatement

from .base import APPEND_ONLY
from .board import Membership, Seat, able
from .meeting import Meeting


class KeptSeat(models.Model):
    """One seat as it was when a meeting began, or when a ballot was closed."""

    meeting = models.ForeignKey(Meeting, on_delete=models.PROTECT, related_name="kept_seats")
    membership = models.ForeignKey(Membership, on_delete=models.PROTECT, related_name="+")
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=_("who sat there"),
        on_delete=models.PROTECT,
        related_name="+",
    )
    absent = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=_("as the alternate of"),
        on_delete=models.PROTECT,
        related_name="+",
        null=True,
        blank=True,
    )
    is_away = models.BooleanField(_("away"), default=False)
    is_chair = models.BooleanField(_("chair"), default=False)
    is_deputy = models.BooleanField(_("deputy chair"), default=False)

    class Meta:
        verbose_name = _("kept seat")
        verbose_name_plural = _("kept seats")
        ordering = ("pk",)
        constraints: ClassVar[list[Any]] = [
            models.UniqueConstraint(fields=["meeting", "membership"], name="crb_seat_once")
        ]
        triggers: ClassVar[list[Any]] = [APPEND_ONLY]

    def __str__(self) -> str:
        return f"{self.user} · {self.meeting}"


def keep_seats(meeting: Meeting) -> None:
    """Keep who sits at a locked meeting, once; nothing that happens to them later changes it."""
    if meeting.kept_seats.exists():
        return
    KeptSeat.objects.bulk_create(
        KeptSeat(
            meeting=meeting,
            membership=seat.membership,
            user=seat.user,
            absent=seat.absent,
            is_away=seat.is_away,
            is_chair=seat.membership.is_chair,
            is_deputy=seat.membership.is_deputy,
        )
        for seat in meeting.members
    )


def kept_seats(meeting: Meeting) -> list[Seat]:
    """Return the seats that were kept of a meeting, in one query; none of one held before."""
    return [
        Seat(one.membership, one.user, absent=one.absent, is_away=one.is_away, kept=one)
        for one in KEPT.objects(meeting=meeting.pk)
    ]


KEPT = ObjectStatement(
    lambda: (
        KeptSeat.objects.filter(meeting=Given("meeting"))
        .annotate(is_able=Exists(able(OuterRef("user"))))
        .select_related("membership", "user", "absent")
    )
)
