"""Texts in Markdown: `{% load markdown %}`."""

from django import template
from django.utils.safestring import SafeString

from expansive_cm.ui.markdown import render

register = template.Library()


@register.filter
def markdown(text: str) -> SafeString:
    """Show Markdown that somebody wrote."""
    return render(text)
