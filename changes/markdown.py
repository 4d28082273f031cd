"""Markdown written by people, as HTML that can do nothing but be read."""

import nh3
from django.utils.safestring import SafeString, mark_safe
from markdown_it import MarkdownIt

TAGS = frozenset(
    """
    a blockquote br code del em h2 h3 h4 h5 h6 hr li ol p pre s strong
    table tbody td th thead tr ul
    """.split()
)
ATTRIBUTES = {"a": {"href", "title"}, "ol": {"start"}}
SCHEMES = frozenset({"http", "https", "mailto"})
HEADINGS = {"h1": "h3", "h2": "h4", "h3": "h5", "h4": "h6", "h5": "h6"}
"""A heading in a text stands below those of the page."""

_parser = MarkdownIt("commonmark", {"html": False, "linkify": False, "breaks": True}).enable(
    ["table", "strikethrough"]
)


def render(text: str) -> SafeString:
    """Return the text as sanitised HTML.

    Raw HTML is shown as text. Pictures and anything that could run, load or style are left
    out; links open nothing but web pages and mail, and vouch for nothing.
    """
    tokens = _parser.parse(text)
    for token in tokens:
        if token.type in ("heading_open", "heading_close"):
            token.tag = HEADINGS.get(token.tag, token.tag)
    html = _parser.renderer.render(tokens, _parser.options, {})
    return mark_safe(  # noqa: S308 - this is what nh3 is for
        nh3.clean(
            html,
            tags=set(TAGS),
            attributes=ATTRIBUTES,
            url_schemes=set(SCHEMES),
            link_rel="nofollow noopener noreferrer",
        )
    )
