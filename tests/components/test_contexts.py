"""Contexts are lent to one test after another: nothing is left of what a test did to its own."""

from tests.contexts import Contexts, Kind

SIZE = (800, 600)


def test_what_a_test_did_is_undone_before_the_next(
    contexts: Contexts, transactional_db: None
) -> None:
    """Costs 0.7 s."""
    heard: list[str] = []
    lent = contexts.lend(*SIZE, lambda _context: None, Kind())
    lent.pages[0].on("console", lambda message: heard.append(message.text))
    lent.pages[0].add_init_script("window.ofThePage = true")
    lent.add_init_script("window.ofTheContext = true")
    with lent.add_init_script("window.brief = true"):
        pass  # a script that the test itself takes away again
    lent.set_offline(True)
    contexts.take_back(lent)
    again = contexts.lend(*SIZE, lambda _context: None, Kind())
    assert again is lent
    page = again.pages[0]
    page.goto("/healthz")
    page.evaluate("console.log('Here')")
    assert page.evaluate("[window.ofThePage, window.ofTheContext, window.brief]") == [None] * 3
    assert heard == []
    contexts.take_back(again)


def test_what_cannot_be_undone_ends_a_context(contexts: Contexts, transactional_db: None) -> None:
    lent = contexts.lend(*SIZE, lambda _context: None, Kind())
    lent.pages[0].clock.install()
    contexts.take_back(lent)
    other = contexts.lend(*SIZE, lambda _context: None, Kind())
    assert other is not lent
    contexts.take_back(other)
