"""What holds for a person's whole request."""

import zoneinfo
from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from .models import User


class TimeZoneMiddleware:
    """Show and read times in the time zone of the person signed in; a visitor's is UTC."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        user = request.user
        if not isinstance(user, User):
            return self.get_response(request)
        with timezone.override(zone_of(user)):
            return self.get_response(request)


def zone_of(user: User) -> zoneinfo.ZoneInfo:
    """Return a person's time zone, or UTC where the name has since been dropped."""
    try:
        return zoneinfo.ZoneInfo(user.time_zone)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError):
        return zoneinfo.ZoneInfo("UTC")
