"""Forms that arrive more than once."""

from typing import Any, ClassVar

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from expansive_cm.statements import Given, Statement

from .change import Change


class SentForm(models.Model):
    """A form that made a request: its key makes a second one impossible, whoever comes first.

    ``change`` is empty only inside the transaction that makes it.
    """

    person = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    key = models.CharField(_("key"), max_length=40)
    change = models.ForeignKey(Change, on_delete=models.PROTECT, related_name="+", null=True)
    at = models.DateTimeField(_("sent"), auto_now_add=True)

    class Meta:
        verbose_name = _("sent form")
        verbose_name_plural = _("sent forms")
        ordering = ("pk",)
        constraints: ClassVar[list[Any]] = [
            models.UniqueConstraint(fields=["person", "key"], name="changes_sent_form_once")
        ]

    def __str__(self) -> str:
        return f"{self._meta.verbose_name} {self.pk}"

    @classmethod
    def made_by(cls, person: User, key: str) -> Change | None:
        """Return what the person's form with this key has made already; mostly nothing."""
        made = MADE_BY.rows(person=person.pk, key=key)
        return Change.objects.get(pk=made[0][0]) if made else None


MADE_BY = Statement(
    lambda: (
        SentForm.objects.filter(person=Given("person"), key=Given("key", models.CharField()))
        .order_by()
        .values_list("change")
    ),
    planned_once=True,
)
