"""`{% load demo %}`: the people whom the sign-in page offers in demo mode."""

from django import template
from django.conf import settings

from accounts.demo import CastMember
from accounts.demo import demo_cast as cast

register = template.Library()


@register.simple_tag
def demo_cast() -> tuple[CastMember, ...]:
    """Return the cast in demo mode, and nobody otherwise."""
    return cast() if settings.DEMO else ()
