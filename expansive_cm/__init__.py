"""The project: settings, addresses, background work and how all of it is run."""

from expansive_cm.celery import app as celery_app

__all__ = ["celery_app"]
