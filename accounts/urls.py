"""Signing in and out, passwords, and a person's own page."""

from django.http import Http404, HttpRequest, HttpResponse
from django.urls import include, path

from . import views


def closed(request: HttpRequest, **_parts: str) -> HttpResponse:
    """Answer 404: an address is an administrator's to change, since mail proves identity."""
    raise Http404


own = (
    [
        path("profile/", views.profile, name="profile"),
        path("guide/<slug:name>/", views.guide, name="guide"),
        path("sign-in-as/", views.sign_in_as, name="sign_in_as"),
    ],
    "accounts",
)

urlpatterns = [
    path("email/", closed),
    path("confirm-email/", closed),
    path("confirm-email/<str:key>/", closed),
    path("", include(own)),
    path("", include("allauth.urls")),
]
