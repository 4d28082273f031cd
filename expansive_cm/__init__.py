"""The project: settings, addresses, background work and how all of it is run."""

import tomllib
from pathlib import Path

from expansive_cm.celery import app as celery_app

_PROJECT = Path(__file__).resolve().parent.parent / "pyproject.toml"
__version__: str = tomllib.loads(_PROJECT.read_text())["project"]["version"]

__all__ = ["__version__", "celery_app"]
