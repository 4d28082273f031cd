"""What processes share because it is there before they part."""

import gc
from functools import cache
from pathlib import Path
from typing import Any

from django.conf import settings
from django.template.loader import get_template
from django.urls import get_resolver


@cache
def load_everything() -> None:
    """Load views and templates, and let the garbage collector never look at them again.

    Each process would otherwise load them for itself; and what the collector looks at is written
    to, and no longer shared. Asks no database: a connection must not be shared. What is loaded
    already is not looked at again.
    """
    get_resolver()._populate()
    templates: dict[str, Any] = settings.TEMPLATES[0]
    for folder in templates["DIRS"]:
        for path in sorted(Path(folder).rglob("*.html")):
            get_template(str(path.relative_to(folder)))
    gc.collect()
    gc.freeze()
