"""What a page was drawn with, which tests ask its answer for: that of the page, not of its parts.

Django's client copies what each template is drawn with, also of each that a page extends or
includes and of each component on it: dozens of copies a page, of which tests read the first.
"""

from typing import Any

from django.template import Context, Template
from django.test import client

keep_whole = client.store_rendered_templates


def keep(store: dict[str, Any], signal: Any, sender: Any, template: Template, **said: Any) -> None:
    """Keep what a template is drawn with, unless another one draws it as a part of itself."""
    context: Context = said["context"]
    if context.template is template:
        keep_whole(store, signal, sender, template, **said)


client.store_rendered_templates = keep
