"""What every page promises in every look: readable for all, and nothing sticks out at the side.

The looks are two widths, light and dark, a wide font and a narrow one. A page is made once and
stays open while its look changes; another width loads it again only where a script fits it to
that: folds a part, or draws a chart. What every look costs is drawing the page anew and reading
it, so the second one of a width has the other scheme and the other font at once: what it may
break is told apart by the rules.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from axe_playwright_python.base import AXE_SCRIPT, AxeResults
from playwright.sync_api import Locator, Page

from tests.components.certain import CERTAIN
from tests.components.colours import GOOD_COLOURS, TRY_COLOURS_ONCE
from tests.fonts import NARROW, draw_in

# The narrow one is also the wide one at 400 %. Each begins with all rules in one scheme.
LOOKS = {1280: ("light", "dark"), 320: ("dark", "light")}
HEIGHT = 900
EVERYTHING = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
# All that other colours can break, and all that a narrower font can.
OF_OTHER_LOOKS = ["color-contrast", "link-in-text-block", "target-size"]
RUN = """([rules, known, seenShortly]) => {
  if (typeof axe === "undefined") return null;
  const found = globalThis.triedColours(known);
  const certain = globalThis.certainRules(seenShortly);
  const runOnly = rules.filter((rule) => !certain.includes(rule));
  const nothing = { violations: [], passes: [], incomplete: [], inapplicable: [] };
  if (runOnly.length === 0) return [nothing, []];
  const options = { runOnly, resultTypes: ["violations"],
    rules: Object.fromEntries(certain.map((rule) => [rule, { enabled: false }])) };
  return axe.run(document, options).then(({ violations }) => [
    { ...nothing, violations }, [...found]]);
}"""
IS_SHOWN = """scheme => {
  const { bsTheme } = document.documentElement.dataset;
  if (bsTheme !== undefined && bsTheme !== scheme) return false;
  for (const one of document.getAnimations()) if (one instanceof CSSTransition) one.finish();
  return true;
}"""
FOLDS = "document.querySelector('[data-fold-on]:not([data-open])') !== null"
DRAWS = "document.querySelector('[data-chart]') !== null"
OVERHANG = "document.documentElement.scrollWidth - window.innerWidth"
UNFOLD = "document.querySelectorAll('details').forEach(one => { one.open = true; })"

# As it were in fonts a little wider or narrower: between a wide one and a narrow one there is
# always one in which a line just breaks. What begins below all of them is laid out once: its
# lines may break where they will, and none of these elements stands elsewhere for it.
PLACES = """elements => {
  const { style } = document.body;
  const places = () => elements.map((one) => {
    const { x, y, width, height } = one.getBoundingClientRect();
    return `${x} ${y} ${width} ${height} with ${style.letterSpacing}`;
  });
  const found = [places()];
  const lowest = Math.max(...elements.map((one) => one.getBoundingClientRect().bottom));
  const is_below = (one) => one.getBoundingClientRect().top >= lowest
    && elements.every((element) => element.compareDocumentPosition(one)
      === Node.DOCUMENT_POSITION_FOLLOWING);
  const lower = new Set([...document.body.querySelectorAll("*")].filter(is_below));
  const below = [...lower].filter((one) => !lower.has(one.parentElement))
    .map((one) => [one, one.style.display]);
  for (const [one] of below) one.style.display = "none";
  for (let step = 0; step < 13; step += 1) {
    style.letterSpacing = `${(step - 8) / 50}em`;
    found.push(places());
  }
  style.letterSpacing = "";
  for (const [one, display] of below) one.style.display = display;
  return found.flat();
}"""


def faults(page: Page, rules: list[str] = EVERYTHING) -> str:
    """Return what axe finds wrong with a page as it is shown, or nothing."""
    seen_shortly = [one for one in OF_OTHER_LOOKS if rules == EVERYTHING or one in rules]
    given = [rules, list(GOOD_COLOURS), seen_shortly]
    told = page.evaluate(RUN, given)
    if told is None:
        _bring_in_axe(page)
        told = page.evaluate(RUN, given)
    said, tried = told
    GOOD_COLOURS.update(tried)
    results = AxeResults(said)
    return results.generate_report() if results.violations_count else ""


def _bring_in_axe(page: Page) -> None:
    """Define axe and what spares it trouble in the open page.

    A script of the page's own is compiled once in its process; what `evaluate` wraps, each time.
    """
    session = page.context.new_cdp_session(page)
    session.send("Runtime.evaluate", {"expression": AXE_SCRIPT + TRY_COLOURS_ONCE + CERTAIN})
    session.detach()


def fits(page: Page) -> bool:
    """Whether nothing sticks out at the side."""
    return page.evaluate(OVERHANG) <= 0


def places_in_any_font(elements: list[Locator], fonts: list[str]) -> list[str]:
    """Return where elements stand in fonts like these: in each, a little wider and narrower."""
    page, handles = elements[0].page, [one.element_handle() for one in elements]
    places = []
    for font in fonts:
        draw_in(page, font)
        places += [f"{one} in {font}" for one in page.evaluate(PLACES, handles)]
    return places


def unfold(page: Page) -> None:
    """Open whatever is folded, so that it is looked at too."""
    page.evaluate(UNFOLD)


class Looks:
    """Looks a page over in every look and remembers each fault by the page and the look."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.found: list[str] = []
        self._scheme, self._font = "", ""

    def over_address(
        self, address: str, prepare: Callable[[Page], None] | None = None, *, anew: bool = False
    ) -> None:
        """Look over what lies at an address; `prepare` brings it into its state when it is loaded.

        It is loaded once; for each width where a script fits it to its width, or with ``anew``.
        Whoever goes on with it finds it as in the last look.
        """
        is_loaded = False
        for width, schemes in LOOKS.items():
            if not is_loaded or anew or self._is_fitted(prepare):
                self.page.set_content("")  # what is not shown is not drawn anew
                self._show(width, schemes[0])
                self.page.goto(address)
                self._font = ""
                is_loaded = True
                if prepare:
                    prepare(self.page)
            self._look(address, width, schemes)

    def _is_fitted(self, prepare: Callable[[Page], None] | None) -> bool:
        """Whether a script has fitted the page to its width; what is unfolded is so in any."""
        is_folded = prepare is not unfold and self.page.evaluate(FOLDS)
        return is_folded or self.page.evaluate(DRAWS)

    def over_page(self, name: str) -> None:
        """Look over a page whose state cannot be loaded again, and leave it narrow and light."""
        for width, schemes in LOOKS.items():
            self._look(name, width, schemes)
        self._draw_in()

    def _show(self, width: int, scheme: str) -> None:
        if self.page.viewport_size != {"width": width, "height": HEIGHT}:
            self.page.set_viewport_size({"width": width, "height": HEIGHT})
        if self._scheme != scheme:  # even the same one is a reason to draw everything anew
            self.page.emulate_media(color_scheme=scheme)
            self._scheme = scheme

    def _draw_in(self, font: str = "") -> None:
        if self._font != font:
            draw_in(self.page, font)
            self._font = font

    def _look(self, name: str, width: int, schemes: tuple[str, str]) -> None:
        first, other = schemes
        self._draw_in()
        self._see(width, first)
        self._note(f"{name} at {width} px, {first}", EVERYTHING)
        self._draw_in(NARROW)
        self._see(width, other)
        self._note(f"{name} at {width} px, {other}, in a narrow font", OF_OTHER_LOOKS)

    def _see(self, width: int, scheme: str) -> None:
        self._show(width, scheme)
        if not self.page.evaluate(IS_SHOWN, scheme):
            self.page.wait_for_function(IS_SHOWN, arg=scheme)

    def _note(self, look: str, rules: list[str]) -> None:
        if (overhang := self.page.evaluate(OVERHANG)) > 0:
            self.found.append(f"{look}: sticks out by {overhang} px")
        if found := faults(self.page, rules):
            self.found.append(f"{look}: {found}")


@contextmanager
def looks(page: Page) -> Iterator[Looks]:
    """Look pages over one after another; all faults of all of them fail the test together."""
    over = Looks(page)
    try:
        yield over
    except BaseException as error:
        error.add_note("\n".join(over.found))
        raise
    assert not over.found, "\n".join(over.found)
