"""The entry for web servers."""

import os
import re

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "expansive_cm.settings")

django = get_wsgi_application()

from expansive_cm.web.application import Application  # noqa: E402 - needs the settings

LIVE = re.compile(r"/board/meetings/\d+/live/")
"""Following a meeting: many pages ask at once, and none of them may keep somebody from a page."""

application = Application(django, lambda path: LIVE.fullmatch(path) is not None)
