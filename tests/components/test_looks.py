"""What looks pages over finds what is wrong in one look alone, and says in which."""

from typing import Any

import pytest

from tests.components.looks import looks

PAGE = """<!doctype html><html lang="en"><title>A page</title><style>
  body { font-family: var(--tblr-font-sans-serif, sans-serif); color-scheme: light dark }
  a { display: inline-block; height: 30px; font-size: 20px; line-height: 30px }
  @media (max-width: 600px) and (prefers-color-scheme: light) { .pale { color: #ccc } }
  @media (min-width: 600px) and (prefers-color-scheme: dark) { .dim { color: #333 } }
  @media (min-width: 600px) { img { display: none } }
  @media (max-width: 600px) { .broad { width: 361px; height: 1px } }
</style><main><h1>A page</h1><p class="pale">Pale</p><p class="dim">Dim</p><p class="broad"></p>
<img src="data:," width="30" height="30"><div><a href="#a">00</a><a href="#b">00</a></div></main>
"""
FOUND = [
    ("1280 px, dark", "color-contrast"),
    ("1280 px, dark, in a narrow font", "target-size"),
    ("360 px, dark", "sticks out"),
    ("360 px, dark", "image-alt"),
    ("360 px, light", "sticks out"),
    ("360 px, light", "color-contrast"),
    ("360 px, light, in a narrow font", "sticks out"),
    ("360 px, light, in a narrow font", "target-size"),
]


def test_each_fault_is_found_in_its_look_and_all_are_told(
    page: Any, transactional_db: None
) -> None:
    page.set_content(PAGE)
    with pytest.raises(AssertionError) as told, looks(page) as look:
        look.over_page("the page")
    found = [one.partition(": ") for one in look.found]
    assert len(found) == len(FOUND), look.found
    for (where, _, what), (expected, fault) in zip(found, FOUND, strict=True):
        assert where == f"the page at {expected}"
        assert fault in what
        assert where in str(told.value)
