"""Hands on the keyboard alone: a control is come to by Tab, and the focus is in sight there.

Whoever comes to a page skips to its content first. No press of the mouse, no focus given by script.
"""

from collections.abc import Callable
from datetime import datetime
from typing import Any

# Which way the wanted control lies from the focus: nowhere yet, here, before it or after it.
WAY = """(wanted) => {
  const here = document.activeElement;
  if (!here || here === document.body) return "nowhere";
  const same = here === wanted || (here.type === "radio" && wanted.type === "radio"
    && here.name === wanted.name && here.form === wanted.form);
  if (same) return "here";
  return here.compareDocumentPosition(wanted) & Node.DOCUMENT_POSITION_PRECEDING
    ? "before" : "after";
}"""
IS_SEEN = """() => {
  const here = document.activeElement;
  const shown = [here, here.matches("[type=radio], [type=checkbox]") && here.nextElementSibling];
  return shown.some((one) => {
    const style = one && getComputedStyle(one);
    return style && style.outlineStyle !== "none" && parseFloat(style.outlineWidth) > 1;
  });
}"""
WHERE = """() => {
  const here = document.activeElement;
  return `${here.tagName} ${here.name || here.id || here.textContent.trim().slice(0, 40)}`;
}"""
IS_SOMEWHERE = """() => !window.pressedHere || document.querySelector("dialog[open]")
  || document.activeElement !== document.body"""
MOST = 120
ORDERS = ("%d%m%Y %H%M", "%m%d%Y %I%M%p")
"""A moment as browsers ask for it: here, and in America. The browser's own language decides."""
PARTS = 6


class Keys:
    """The keyboard of somebody at a page."""

    def __init__(self, page: Any) -> None:
        self.page = page

    def reach(self, control: Any) -> Any:
        """Go to a control by Tab, or back by Shift and Tab; return its handle."""
        self.page.locator("html[data-whole]").wait_for(state="attached")
        wanted, met = control.element_handle(), 0
        way = self._way(wanted)
        if way == "nowhere":
            self._skips_to_content(wanted)
            way = self._way(wanted)
        key = "Shift+Tab" if way == "before" else "Tab"
        while way != "here":
            self.page.keyboard.press(key)
            way = self._way(wanted)
            met += 1
            assert met < MOST, f"no key leads to {control}, but to {self.page.evaluate(WHERE)}"
        assert self.page.evaluate(IS_SEEN), f"no focus is seen on {self.page.evaluate(WHERE)}"
        return wanted

    def _way(self, wanted: Any) -> str:
        return self.page.evaluate(WAY, wanted)

    def _skips_to_content(self, wanted: Any) -> None:
        self.page.keyboard.press("Tab")
        if wanted.evaluate("one => one.closest('main') !== null"):
            assert self.page.evaluate(WHERE) == "A Skip to the content"
            self.page.keyboard.press("Enter")

    def press(self, control: Any, key: str = "Enter") -> None:
        """Go to a button or link and press it: what comes, or what changes, keeps the focus."""
        wanted = self.reach(control)
        self.page.evaluate("window.pressedHere = true")
        wanted.press(key)

    def has_not_lost_it(self) -> None:
        """Expect that the focus is somewhere, unless another page has come."""
        self.page.wait_for_load_state()
        self.page.wait_for_function(IS_SOMEWHERE)

    def write(self, control: Any, text: str) -> None:
        """Write a text, a day or a moment over what stands in a field."""
        self.reach(control)
        if control.get_attribute("type") == "datetime-local":
            self._write_moment(control, text)
        else:
            self.page.keyboard.press("Control+a")
            self.page.keyboard.insert_text(text)

    def _write_moment(self, control: Any, text: str) -> None:
        """Write its parts in the order in which this browser shows them."""
        moment = datetime.fromisoformat(text)
        for order in ORDERS:
            day, hour = order.split()
            self.page.keyboard.type(moment.strftime(day))
            self.page.keyboard.press("ArrowRight")  # from a year, which may have more digits
            self.page.keyboard.type(moment.strftime(hour))
            if control.input_value() == text:
                return
            for _each in range(PARTS):
                self.page.keyboard.press("ArrowLeft")
        raise AssertionError(f"{text} cannot be written into {control}")

    def select(self, control: Any, value: str) -> None:
        """Go down a list to the option of this value."""
        self.reach(control)
        self.page.keyboard.press("Home")
        self._go_down(control, lambda: control.input_value() == value)

    def choose(self, control: Any) -> None:
        """Tick a box, or go along a group of choices to this one."""
        wanted = self.reach(control)
        if control.is_checked():
            return
        if wanted.evaluate("one => one === document.activeElement"):
            self.page.keyboard.press("Space")
        self._go_down(control, control.is_checked)

    def _go_down(self, control: Any, is_there: Callable[[], bool]) -> None:
        for _each in range(MOST):
            if is_there():
                return
            self.page.keyboard.press("ArrowDown")
        raise AssertionError(f"no key leads to {control}")
