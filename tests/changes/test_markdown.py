"""What people write in Markdown comes out as text that can do nothing."""

import re
import sys
from html import unescape
from pathlib import Path

import pytest
from django.conf import settings
from django.utils.html import strip_tags
from hypothesis import given
from hypothesis import strategies as st

from expansive_cm.ui.markdown import FREE, SIZE_A_SIGN, _bounded, render


def test_what_one_expects_of_markdown() -> None:
    html = render("# Why\n\n**now** and ~~later~~\nsecond line\n\n- one\n- two\n\n`x < y`")
    assert "<h3>Why</h3>" in html
    assert "<strong>now</strong>" in html
    assert "<s>later</s>" in html
    assert "<br>" in html
    assert "<li>one</li>" in html
    assert "<code>x &lt; y</code>" in html


def test_tables() -> None:
    html = render("| a | b |\n|---|---|\n| 1 | 2 |")
    assert "<th>a</th>" in html
    assert "<td>2</td>" in html


def test_links_vouch_for_nothing() -> None:
    html = render("[plan](https://intranet.example/plan)")
    assert 'href="https://intranet.example/plan"' in html
    assert 'rel="nofollow noopener noreferrer"' in html


@pytest.mark.parametrize(
    "text",
    [
        "<script>alert(1)</script>",
        "<img src=x onerror=alert(1)>",
        "[x](javascript:alert(1))",
        "[x](JaVaScRiPt:alert(1))",
        "[x](data:text/html;base64,PHNjcmlwdD4=)",
        "[x](vbscript:msgbox)",
        "![x](https://tracker.example/pixel.png)",
        '<a href="#" style="position:fixed">x</a>',
        "<svg><script>alert(1)</script></svg>",
        "<iframe src=https://evil.example></iframe>",
        '[x](https://a.example/"onmouseover="alert(1))',
        "<javascript:alert(1)>",
        "&lt;script&gt;alert(1)&lt;/script&gt;",
    ],
)
def test_nothing_runs_or_loads(text: str) -> None:
    tags = " ".join(re.findall(r"<[^>]*>", render(text))).lower()
    for bad in (
        "<script",
        "<img",
        "<svg",
        "<iframe",
        "<style",
        "javascript:",
        "data:",
        "vbscript:",
    ):
        assert bad not in tags
    assert not re.search(r"\s(on\w+|style)\s*=", tags)


def test_deep_nesting_and_long_texts_are_no_fault() -> None:
    assert render("> " * 500 + "deep")
    assert render("[" * 5000)
    assert render("word " * 10000)
    assert render("") == ""


HOSTILE = {
    "short rows of wide tables": "|" * 65 + "\n|" + "-|" * 64 + "\n" + "|\n" * 64,
    "many tables": "|a\n|-\n|b\n\n",
    "cells without words": "|",
    "references to a long address": "[a]: http://" + "x" * 200 + "\n\n" + "[a]" * 400 + "\n\n",
    "links": "[a](b)",
    "addresses": "<http://a>",
    "quotes within quotes": "> ",
    "lists within quotes": ">- ",
    "lists within lists": "- 1. ",
    "steps of a list": "".join(f"{'  ' * level}- a\n" for level in range(30)),
    "lines of a quote": "> > > > > > a\n",
    "marks within marks": "*a **a ",
    "marks that close": "*a **a " * 20 + "a** a* " * 20,
    "brackets": "[",
    "pictures": "![",
    "links within links": "[[a](b)](c",
    "open destinations": "[a](<b",
    "open titles": "[a](b 'c [a](d \"e ",
    "open definitions": '[a]: b "c\n',
    "labels over lines": "[a\n",
    "backticks": "`a``b```",
    "open tags": "<a",
    "entities": "&#1",
    "ampersands": "&",
    "quotation marks": '"',
    "lines": "a\n",
    "paragraphs": "a\n\n",
    "empty items": "-\n",
    "headings": "# a\n",
    "underlined": "a\n=\n",
    "fences": "```\n",
    "lazy lines": "> a\na\n",
    "backslashes": "\\",
    "tildes": "~~a ",
    "blanks": " \t\n",
    "no line": "\u2028\x0b\x00",
}


def test_no_text_makes_a_large_page() -> None:
    for name, unit in HOSTILE.items():
        for length in (300, 4_000, 20_000):
            html = render((unit * (length // len(unit) + 1))[:length])
            assert len(html) <= SIZE_A_SIGN * (length + FREE), (name, length)


def test_the_work_grows_no_faster_than_the_text() -> None:
    for name, unit in HOSTILE.items():
        text = unit * (3_000 // len(unit) + 1)
        once, thrice = (_calls(text[:length]) for length in (1_000, 3_000))
        assert thrice <= 4 * once + 10_000, name


def _calls(text: str) -> int:
    """Return how many functions are called to draw a text, which no other process changes."""
    count = 0

    def counted(frame: object, event: str, arg: object) -> None:
        nonlocal count
        count += 1

    before = sys.getprofile()
    sys.setprofile(counted)
    try:
        _bounded(text)
    finally:
        sys.setprofile(before)
    return count


@pytest.mark.parametrize(
    "name", ["short rows of wide tables", "references to a long address", "links"]
)
def test_what_exceeds_a_limit_is_shown_as_it_was_written(name: str) -> None:
    text = (HOSTILE[name] * 1_000)[:4_216]
    html = render(text)
    assert unescape(strip_tags(html.replace("<br>", "\n"))).split() == text.split()
    assert "<a " not in html
    assert "<td" not in html


def test_a_text_longer_than_any_form_takes_is_shown_as_it_was_written() -> None:
    assert "<p>**a** " in render("**a** " * 20_000)


def test_words_that_lie_too_deep_are_not_lost() -> None:
    assert "deep" in render("> " * 500 + "deep")
    assert "deep" in render("- " * 500 + "deep")
    assert "<script" not in render("> " * 500 + "<script>")


def test_a_long_document_is_still_markdown() -> None:
    text = "## Why\n\nBecause of [this](https://a.example) and *that*.\n\n- one\n- two\n\n" * 100
    assert render(text).count("<h4>") == 100
    table = "|a|b|c|\n|-|-|-|\n" + "|1|2|3|\n" * 300
    assert render(table).count("<td>") == 900


SIGNS = st.text(alphabet="|-\n[]()!<>*_~`#:&\\ a1\t\"'=", max_size=400)


@given(SIGNS, st.integers(1, 100))
def test_any_text_is_drawn_within_its_bounds(unit: str, times: int) -> None:
    text = (unit * times)[:20_000]
    assert len(render(text)) <= SIZE_A_SIGN * (len(text) + FREE)


def test_nothing_else_draws_markdown() -> None:
    root = Path(settings.BASE_DIR)
    sources = (root / app for app in ("accounts", "audit", "changes", "crb", "expansive_cm"))
    drawing = [
        path.relative_to(root).as_posix()
        for source in sources
        for path in source.rglob("*.py")
        if re.search(r"markdown_it\b|import nh3", path.read_text())
    ]
    assert drawing == ["expansive_cm/ui/markdown.py"]
