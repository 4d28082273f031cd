"""Texts of a change's story: `{% load story %}`."""

from django import template
from django.utils.safestring import SafeString

from changes.markdown import render

register = template.Library()


@register.filter
def markdown(text: str) -> SafeString:
    """Show Markdown that somebody wrote."""
    return render(text)
