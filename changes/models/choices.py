"""What some fields of a change hold, by name."""

from django.db import models
from django.utils.translation import gettext_lazy as _


class Channel(models.TextChoices):
    """How the request reached support."""

    PORTAL = "portal", _("Portal")
    EMAIL = "email", _("E-mail")
    PHONE = "phone", _("Phone")
    CHAT = "chat", _("Chat")
    API = "api", _("API")


class Promise(models.TextChoices):
    """What an acceptance by the board promises."""

    NONE = "", _("None")
    TWELVE_MONTHS = "twelve_months", _("Delivered within 12 months")
    THREE_RELEASES = "three_releases", _("In one of the next three releases")
    REPLANNED = "replanned", _("By a day that the board promised anew")
