"""How sign-in differs from django-allauth's own: nobody signs up."""

from allauth.account.adapter import DefaultAccountAdapter
from django.http import HttpRequest


class AccountAdapter(DefaultAccountAdapter):
    """People are added by an administrator, so signing up is closed."""

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        """Nobody may create an account for themselves."""
        return False
