"""How sign-in differs from django-allauth's own: nobody signs up, and mail is in our words."""

from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from django.conf import settings
from django.http import HttpRequest
from django.template.defaultfilters import date as format_date
from django.utils import timezone

from . import address_changes
from .middleware import zone_of
from .models import User


class AccountAdapter(DefaultAccountAdapter):
    """People are added by an administrator, so signing up is closed."""

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        """Nobody may create an account for themselves."""
        return False

    def format_email_subject(self, subject: str) -> str:
        """Leave subjects as they are: the sender says whom they are from."""
        return subject

    def get_reset_password_from_key_url(self, key: str) -> str:
        """Build the link on BASE_URL, whatever host the request named."""
        url = super().get_reset_password_from_key_url(key)
        path = url.partition("://")[2].partition("/")[2]
        return f"{settings.BASE_URL.rstrip('/')}/{path}"

    def send_password_reset_mail(self, user: User, email: str, context: dict[str, Any]) -> None:
        """Mail the link, unless somebody else changed this address a short while ago."""
        if address_changes.rests_until(user) is None:
            super().send_password_reset_mail(user, email, context)

    def send_mail(self, template_prefix: str, email: str, context: dict[str, Any]) -> None:
        """Queue a mail that says how long its link works and when, in the reader's zone."""
        person = context.get("user")
        zone = zone_of(person) if isinstance(person, User) else timezone.get_current_timezone()
        happened = timezone.localtime(timezone=zone)
        context = {
            **context,
            "link_hours": settings.PASSWORD_RESET_TIMEOUT // 3600,
            "happened": f"{format_date(happened, 'j F Y, H:i')} ({zone})",
        }
        super().send_mail(template_prefix, email, context)

    def send_notification_mail(
        self,
        template_prefix: str,
        user: User,
        context: dict[str, Any] | None = None,
        email: str | None = None,
    ) -> None:
        """Tell a person, at the address that is theirs now, that their account was altered."""
        context = {"user": user, **(context or {})}
        super().send_notification_mail(template_prefix, user, context, email or user.email)
