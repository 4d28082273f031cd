"""`manage.py demo_logins`: whom the demonstration can be seen as."""

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from accounts.demo import DEMO_PASSWORD, CastMember, demo_cast


class Command(BaseCommand):
    """Prints one login per role; only in demo mode."""

    help = "Print one login of the demonstration for each role."

    def handle(self, *args: Any, **options: Any) -> None:
        """Print role, address and what the person is there to do."""
        if not settings.DEMO:
            raise CommandError("Demo logins exist in demo mode only (DEMO=true).")
        self.stdout.write(f"The password of everybody below is {DEMO_PASSWORD}\n\n")
        members = one_per_role()
        role_width = max(len(str(member.role)) for member in members)
        email_width = max(len(member.email) for member in members)
        for member in members:
            role, email = str(member.role), member.email
            self.stdout.write(f"  {role:<{role_width}}  {email:<{email_width}}  {member.what}")


def one_per_role() -> list[CastMember]:
    """Return the first of the cast for each role, in the order of the cast."""
    first: dict[str, CastMember] = {}
    for member in demo_cast():
        first.setdefault(str(member.role), member)
    return list(first.values())
