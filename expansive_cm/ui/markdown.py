"""Markdown written by people, as HTML that can do nothing but be read.

Drawing a text is bounded, whatever it holds: a few signs can stand for a table of thousands of
cells, or repeat a long address with each reference to it. A text that would cost more than its
length justifies is shown as it was written, so no word of it is lost and no page waits for it.
"""

from collections.abc import Callable
from functools import lru_cache
from typing import Any

import nh3
from django.utils.html import linebreaks
from django.utils.safestring import SafeString, mark_safe
from markdown_it import MarkdownIt
from markdown_it.rules_core import StateCore
from markdown_it.token import Token

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

LENGTH = 60_000
"""A longer text, such as a whole log sent by mail, is not taken apart at all."""
STEPS_A_SIGN = 40
"""Rules tried; words need one or two, a text of nothing but brackets some thirty."""
PARTS = 15_000
PARTS_A_SIGN = 2
CELLS = 3_000
LINKS = 500
NESTING = 19
"""Of blocks, and of marks within a line. The parser would drop what lies one level deeper."""
SIZE_A_SIGN = 12
FREE = 500
"""What each text may have beyond what its length gives it."""
KEPT = 128
KEPT_LENGTH = 10_000
"""Drawings kept in each process, so that a story is not drawn anew on every view."""


class TooMuch(Exception):
    """A text asks for more than it may."""


class _Steps:
    """How many rules may still be tried on one text."""

    def __init__(self, text: str) -> None:
        self.left = STEPS_A_SIGN * (FREE + len(text))


class _Parts(list[Token]):
    """The blocks of one text, which end where there are too many."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.most = min(PARTS, PARTS_A_SIGN * (FREE + len(text)))

    def append(self, token: Token) -> None:
        if len(self) >= self.most or token.level >= NESTING:
            raise TooMuch("parts")
        super().append(token)


def _counted(rule: Callable[..., Any]) -> Callable[..., Any]:
    # Called for every rule at every sign: it calls nothing else.
    def tried(state: Any, *rest: Any) -> Any:
        steps: _Steps = state.env["steps"]
        steps.left -= 1
        if steps.left < 0:
            raise TooMuch("steps")
        return rule(state, *rest)

    return tried


def _bounded_parser() -> MarkdownIt:
    parser = MarkdownIt("commonmark", {"html": False, "linkify": False, "breaks": True})
    for rules in (parser.block.ruler, parser.inline.ruler, parser.inline.ruler2):
        for rule in rules.__rules__:
            rule.fn = _counted(rule.fn)
    return parser.enable(["table", "strikethrough"])


_parser = _bounded_parser()


def render(text: str) -> SafeString:
    """Return the text as sanitised HTML.

    Raw HTML is shown as text. Pictures and anything that could run, load or style are left
    out; links open nothing but web pages and mail, and vouch for nothing. A text that exceeds
    the limits above is shown as plain text.
    """
    return _kept(text) if len(text) <= KEPT_LENGTH else _bounded(text)


def _bounded(text: str) -> SafeString:
    try:
        return _drawn(text)
    except TooMuch:
        escaped: Any = linebreaks(text, autoescape=True)
        shown: SafeString = escaped
        return shown


_kept = lru_cache(maxsize=KEPT)(_bounded)


def _drawn(text: str) -> SafeString:
    """Raise TooMuch where the text exceeds a limit."""
    if len(text) > LENGTH:
        raise TooMuch("length")
    env = {"steps": _Steps(text)}
    state = StateCore(text, _parser, env)
    state.tokens = _Parts(text)
    _parser.core.process(state)
    _weigh(text, state.tokens)
    for token in state.tokens:
        if token.type in ("heading_open", "heading_close"):
            token.tag = HEADINGS.get(token.tag, token.tag)
    html = _parser.renderer.render(state.tokens, _parser.options, env)
    return mark_safe(  # noqa: S308 - this is what nh3 is for
        nh3.clean(
            html,
            tags=set(TAGS),
            attributes=ATTRIBUTES,
            url_schemes=set(SCHEMES),
            link_rel="nofollow noopener noreferrer",
        )
    )


def _weigh(text: str, tokens: list[Token]) -> None:
    """Raise TooMuch before anything is drawn: what is referred to counts each time it is."""
    cells = links = size = 0
    for block in tokens:
        cells += block.type in ("td_open", "th_open")
        depth = 0
        for token in (block, *(block.children or ())):
            depth += token.nesting if token is not block else 0
            links += token.type == "link_open"
            size += len(token.content) * (token.type != "inline") + 2 * len(token.tag) + 5
            size += sum(len(str(value)) for value in token.attrs.values())
            if depth > NESTING or cells > CELLS or links > LINKS:
                raise TooMuch("depth, cells or links")
    if size > SIZE_A_SIGN * (FREE + len(text)):
        raise TooMuch("size")
