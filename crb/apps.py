from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class CrbConfig(AppConfig):
    name = "crb"
    verbose_name = _("Change Request Board")
