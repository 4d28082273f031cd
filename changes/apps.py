from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class ChangesConfig(AppConfig):
    name = "changes"
    verbose_name = _("Change requests")

    def ready(self) -> None:
        """Start delivery for whatever enters the outbox, mail of libraries included.

        What is sent is settled first.
        """
        from post_office.signals import email_queued

        from accounts.models import ALONGSIDE
        from accounts.navigation import COUNTERS
        from accounts.setting_up import IN_USE, POINTS, Point

        from . import (
            asked,
            dispatch,
            inbox,
            leaving,
            looking_back,
            notices,
            standard_notices,
            unheld,
        )
        from .mail_in.waiting import how_many_wait
        from .models import Change, Service
        from .settling import settle
        from .tasks import deliver_after_commit

        dispatch.SETTLE[:] = [settle]
        COUNTERS["changes:triage"] = how_many_wait
        ALONGSIDE["unread"] = inbox.count_of_reader
        leaving.provide()
        notices.provide(unheld.notices)
        notices.provide(standard_notices.notices)
        notices.provide(asked.notices)
        notices.provide(looking_back.notices)
        IN_USE.append(Change.objects.all)
        POINTS.append(
            Point(
                _("Services"),
                _("What changes affect, such as sign-in or reporting."),
                "server",
                "admin:changes_service_add",
                Service.objects.all,
            )
        )
        email_queued.connect(deliver_after_commit, dispatch_uid="changes.deliver_after_commit")
