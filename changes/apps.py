from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class ChangesConfig(AppConfig):
    name = "changes"
    verbose_name = _("Change requests")

    def ready(self) -> None:
        """Start delivery for whatever enters the outbox, mail of libraries included."""
        from post_office.signals import email_queued

        from accounts.navigation import COUNTERS

        from .mail_in.waiting import how_many_wait
        from .tasks import deliver_after_commit

        COUNTERS["changes:triage"] = how_many_wait
        email_queued.connect(deliver_after_commit, dispatch_uid="changes.deliver_after_commit")
