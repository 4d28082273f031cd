"""What is kept of the pages of a failed test."""

from pathlib import Path
from typing import Any

import pytest

from tests import failed_pages
from tests.failed_pages import Evidence

PAGE = """<p>Here</p><script>
  console.log("said this");
  setTimeout(() => { throw new Error("and broke"); });
</script>"""


@pytest.fixture
def evidence(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, browser: Any) -> Any:
    """The evidence of a test that has opened one page, kept in a place of its own."""
    monkeypatch.setattr(failed_pages, "FAILED", tmp_path)
    monkeypatch.setattr(failed_pages, "TRACED", True)
    evidence = Evidence("tests/crb/test_it.py::test_pages[1280-a/b]")
    context = browser.new_context()
    evidence.follow(context)
    page = context.new_page()
    with page.expect_event("pageerror"):
        page.set_content(PAGE)
    yield evidence
    context.close()


def test_a_picture_the_console_and_a_trace_are_kept_and_told(
    evidence: Evidence, tmp_path: Path
) -> None:
    told = evidence.keep()
    folder = tmp_path / "crb-test_it-test_pages-1280-a-b"
    kept = {one.name: one.stat().st_size for one in folder.iterdir()}
    assert kept.keys() == {"1-1.png", "console.txt", "1-trace.zip"}
    assert all(kept.values())
    for words in (folder.name, "1-1.png", "1 log: said this", "1 uncaught: and broke"):
        assert words in told
    assert "said this" in (folder / "console.txt").read_text()
    assert evidence.complaints == ["and broke"]
    assert evidence.keep() == told, "once for a test"


def test_a_page_that_is_gone_hides_nothing(evidence: Evidence) -> None:
    evidence.contexts[0].close()
    told = evidence.keep()
    assert "said this" in told
    assert "no trace" in told
