"""The gallery for anybody who is signed in, and pages that fail, with addresses of their own."""

from django.http import HttpRequest, HttpResponse
from django.urls import path

from changes.views.gallery import show, show_progress
from expansive_cm import errors
from expansive_cm.urls import urlpatterns as product


def too_late(request: HttpRequest) -> HttpResponse:
    """Answer that somebody else was faster."""
    return errors.conflict(request, "Helen Carrow authorised CR-000123 a minute ago.", "/gallery/")


def broken(request: HttpRequest) -> HttpResponse:
    """Fail."""
    raise RuntimeError("on purpose")


urlpatterns = [
    path("gallery/", show),
    path("gallery/progress/", show_progress),
    path("too-late/", too_late),
    path("broken/", broken),
    *product,
]
handler400 = "expansive_cm.errors.bad_request"
handler403 = "expansive_cm.errors.permission_denied"
handler404 = "expansive_cm.errors.page_not_found"
handler500 = "expansive_cm.errors.server_error"
