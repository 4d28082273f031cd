"""What people write in Markdown comes out as text that can do nothing."""

import re

import pytest

from changes.markdown import render


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
