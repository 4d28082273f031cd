from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class CrbConfig(AppConfig):
    name = "crb"
    verbose_name = _("Change Request Board")

    def ready(self) -> None:
        """Tell changes, which may not ask this app, when the board decides about a change."""
        from changes.plain import provide

        from .board_dates import dates_for

        provide(dates_for)
