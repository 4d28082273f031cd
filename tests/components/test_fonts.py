"""The browser of the tests knows the tests' two fonts and none of the machine's."""

from typing import Any

from tests.fonts import NARROW, WIDE, draw_in

# What pages ask for, and what a machine may have.
NAMES = ["inherit", "system-ui", "sans-serif", "Roboto", "'Segoe UI'", "'Helvetica Neue'", "Arial"]
WIDTHS = """names => {
  const probe = document.createElement("span");
  probe.textContent = "Whatever the machine has: 0123456789";
  document.body.append(probe);
  const widths = names.map((name) => {
    probe.style.fontFamily = name;
    return probe.offsetWidth;
  });
  probe.remove();
  return widths;
}"""


def test_pages_are_drawn_in_the_wide_font_or_in_the_narrow_one(
    page: Any, transactional_db: None
) -> None:
    page.goto("/account/login/")
    wide, narrow = page.evaluate(WIDTHS, [f"'{WIDE}'", f"'{NARROW}'"])
    assert narrow < 0.8 * wide
    assert page.evaluate(WIDTHS, NAMES) == [wide] * len(NAMES)
    draw_in(page, NARROW)
    assert page.evaluate(WIDTHS, ["inherit"]) == [narrow]
    draw_in(page)
    assert page.evaluate(WIDTHS, ["inherit"]) == [wide]
