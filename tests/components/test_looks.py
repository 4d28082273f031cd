"""What looks pages over finds what is wrong in one look alone, and says in which."""

from pathlib import Path
from typing import Any

import pytest
from django.contrib.staticfiles.finders import find

from tests.components.looks import OF_OTHER_LOOKS, faults, looks
from tests.environment import ROOT

PAGE = """<!doctype html><html lang="en"><title>A page</title><style>
  body { font-family: var(--tblr-font-sans-serif, sans-serif); color-scheme: light dark }
  body { background: Canvas; color: CanvasText }
  a { color: inherit; display: inline-block; height: 30px; font-size: 20px; line-height: 30px }
  @media (max-width: 600px) and (prefers-color-scheme: light) { .pale { color: #ccc } }
  @media (min-width: 600px) and (prefers-color-scheme: dark) { .dim { color: #333 } }
  @media (min-width: 600px) { img { display: none } }
  @media (max-width: 600px) { .broad { width: 361px; height: 1px } }
</style><main><h1>A page</h1><p class="pale">Pale</p><p class="dim">Dim</p><p class="broad"></p>
<img src="data:," width="30" height="30"><div><a href="#a">00</a><a href="#b">00</a></div></main>
"""
# The same page as ours are: dark by what is written on it, whatever the system is.
OURS = (
    PAGE.replace('lang="en"', 'lang="en" data-bs-theme="light"')
    .replace(": light dark }", ": light } [data-bs-theme=dark] body { color-scheme: dark }")
    .replace(" and (prefers-color-scheme: light) {", " { [data-bs-theme=light]")
    .replace(" and (prefers-color-scheme: dark) {", " { [data-bs-theme=dark]")
)
FOUND = [
    ("1280 px, dark, in a narrow font", {"color-contrast", "target-size"}),
    ("320 px, dark, in a narrow font", {"sticks out"}),
    ("320 px, dark, in a narrow font", {"target-size"}),
    ("320 px, light", {"sticks out"}),
    ("320 px, light", {"color-contrast", "image-alt"}),
]
VENDORED = ("vendor/tabler/css/tabler.min.css", "vendor/tabler/icons.css")
FAULTS = set().union(*(faults for _, faults in FOUND))


@pytest.mark.parametrize("shown", [PAGE, OURS], ids=["of the system's scheme", "of its own"])
def test_each_fault_is_found_in_its_look_and_all_are_told(
    page: Any, transactional_db: None, shown: str
) -> None:
    page.set_content(shown)
    with pytest.raises(AssertionError) as told, looks(page) as look:
        look.over_page("the page")
    found = [one.partition(": ") for one in look.found]
    assert len(found) == len(FOUND), look.found
    for (where, _, what), (expected, faults_there) in zip(found, FOUND, strict=True):
        assert where == f"the page at {expected}"
        assert {one for one in FAULTS if one in what} == faults_there
        assert where in str(told.value)


def test_no_style_asks_for_the_systems_scheme_beside_the_page() -> None:
    """So a page looks in the dark as in a system that is dark, which the looks rely on."""
    styles = [*(ROOT / "static/css").glob("*.css"), *(Path(find(name)) for name in VENDORED)]
    asking = [one.name for one in styles if "prefers-color-scheme" in one.read_text()]
    assert len(styles) > len(VENDORED) and asking == []


GOOD = '<p style="color: #757575">Grey on white is good.</p>'
BAD = {
    "another ground": '<div style="background: #ddd"><p style="color: #757575">Grey</p></div>',
    "a veil of another kind": '<div style="background: oklch(0 0 0 / .2)">'
    '<p style="color: #757575">Grey</p></div>',
    "seen through": '<div style="opacity: .6"><p style="color: #757575">Grey</p></div>',
    "seen through with its ground": '<div style="opacity: .6"><div style="background: #fff">'
    '<p style="color: #757575">Grey</p></div></div>',
    "a colour that is seen through": '<p style="color: rgb(0 0 0 / .5)">Grey</p>',
    "another colour": '<p style="color: #777">Grey</p>',
    "laid over": '<div style="background: #999; height: 9em; position: relative">'
    '<p style="color: #757575; position: absolute; background: none">Grey</p></div>',
    "no longer disabled": '<button style="color: #bbb; background: #fff">Go</button>',
}
DISABLED = '<button style="color: #bbb; background: #fff" disabled>Go</button>'


@pytest.mark.parametrize("bad", BAD)
def test_good_colours_somewhere_excuse_no_bad_ones_elsewhere(
    page: Any, transactional_db: None, bad: str
) -> None:
    page.set_content(PAGE + GOOD + DISABLED)
    assert faults(page) == faults(page) == ""
    page.set_content(PAGE + GOOD + BAD[bad])
    assert faults(page).count("color-contrast") == faults(page).count("color-contrast") > 0


def test_no_short_look_lets_a_covered_target_or_a_link_like_text_pass(
    page: Any, transactional_db: None
) -> None:
    inline = "display: inline; font-size: inherit; text-decoration: none; color: #333"
    for size, left in ((30, -20), (24, -2)):
        style = f"width: {size}px; height: {size}px; padding: 0; position: relative"
        page.set_content(
            f"{PAGE}<p>Words before <a href='#c' style='{inline}'>a link</a> and after it.</p>"
            f"<button style='{style}'>1</button><button style='{style}; left: {left}px'>2</button>"
        )
        found = faults(page, OF_OTHER_LOOKS)
        told = {one for one in OF_OTHER_LOOKS if one in found}
        assert told == {"link-in-text-block", "target-size"}, size
