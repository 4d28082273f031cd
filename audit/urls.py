"""Addresses of history."""

from django.urls import path

import changes.urls  # noqa: F401  (registers <reference:…>)

from . import views

app_name = "audit"

urlpatterns = [
    path("history/", views.history, name="history"),
    path("changes/<reference:pk>/history/", views.change_history, name="change_history"),
]
