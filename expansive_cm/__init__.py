"""The project: settings, addresses, background work and how all of it is run."""

from expansive_cm.celery import app as celery_app

__version__ = "0.1.0"

__all__ = ["__version__", "celery_app"]
