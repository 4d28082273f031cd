"""Files that go out with a mail."""

from django.db import models
from django.utils.translation import gettext_lazy as _


class MailFile(models.Model):
    """A file that some mails carry, kept in the database so that it commits with them."""

    emails = models.ManyToManyField("post_office.Email", related_name="files")
    name = models.CharField(_("name"), max_length=255)
    content_type = models.CharField(_("type"), max_length=100)
    content = models.BinaryField(_("content"))

    class Meta:
        verbose_name = _("file of a mail")
        verbose_name_plural = _("files of mails")
        ordering = ("pk",)

    def __str__(self) -> str:
        return self.name

    @property
    def is_calendar(self) -> bool:
        return self.content_type.startswith("text/calendar")
