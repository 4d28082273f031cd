"""What every page promises in every look: readable for all, and nothing sticks out at the side.

The looks are two widths, light and dark, a wide font and a narrow one. A page is made once and
stays open while its look changes; another width loads it again only where a script fits it to
that: folds a part, or draws a chart. What every look costs is drawing the page anew and reading
it, so from one to the next either the width changes, or scheme and font at once: what that may
break is told apart by the rules.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import groupby
from typing import Any, NamedTuple

from axe_playwright_python.base import AXE_SCRIPT, AxeResults
from playwright.sync_api import Locator, Page

from tests.components.certain import CERTAIN
from tests.components.colours import GOOD_COLOURS, TRY_COLOURS_ONCE
from tests.fonts import NARROW, draw_in

HEIGHT = 900
LOOKED_WITH = AXE_SCRIPT + TRY_COLOURS_ONCE + CERTAIN
EVERYTHING = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
# All that other colours can break, and all that a narrower font can.
OF_OTHER_LOOKS = ["color-contrast", "link-in-text-block", "target-size"]


class Look(NamedTuple):
    """How a page is drawn, and the rules that are tried then; without a font, in the wide one."""

    width: int
    scheme: str
    font: str
    rules: list[str]

    def __str__(self) -> str:
        font = ", in a narrow font" if self.font else ""
        return f"{self.width} px, {self.scheme}{font}"


# The narrow width is also the wide one at 400 %. The last look is that of a page that is loaded.
LOOKS = (
    Look(1280, "light", "", EVERYTHING),
    Look(1280, "dark", NARROW, OF_OTHER_LOOKS),
    Look(320, "dark", NARROW, OF_OTHER_LOOKS),
    Look(320, "light", "", EVERYTHING),
)
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
# A page of ours is dark by what its first script writes on it when the system is, which the shell's
# tests prove: written at once with the font, it is drawn anew once, not for the system as well.
SHOW = """([scheme, family]) => {
  const root = document.documentElement;
  root.style.setProperty("--tblr-font-sans-serif", family && `"${family}"`);
  const { bsTheme } = root.dataset;
  if (bsTheme !== undefined && bsTheme !== scheme) {
    root.dataset.bsTheme = scheme;
    document.dispatchEvent(new CustomEvent("theme:change", { detail: scheme }));
  }
  for (const one of document.getAnimations()) if (one instanceof CSSTransition) one.finish();
  return bsTheme !== undefined;
}"""
FOLDS = "document.querySelector('[data-fold-on]:not([data-open])') !== null"
DRAWS = "document.querySelector('[data-chart]') !== null"
OVERHANG = "document.documentElement.scrollWidth - window.innerWidth"
# What is asked of each look follows in the page itself: each way there and back would let it draw
# what the next look draws anew. A page that is not ours, or without axe, is left to ask for that.
LOOK_TOGETHER = f"""async ([asked, known]) => {{
  if (typeof axe === "undefined" || !document.documentElement.dataset.bsTheme) return null;
  const found = [];
  for (const [how, rules, seenShortly] of asked) {{
    ({SHOW})(how);
    const overhang = {OVERHANG};
    const [said, tried] = await ({RUN})([rules, known, seenShortly]);
    known.push(...tried);
    found.push([overhang, said, tried]);
  }}
  return found;
}}"""
UNFOLD = "part => document.querySelectorAll(`${part} details`).forEach(one => { one.open = true; })"

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
    given = [rules, list(GOOD_COLOURS), _seen_shortly(rules)]
    told = page.evaluate(RUN, given)
    if told is None:
        _bring_in_axe(page)
        told = page.evaluate(RUN, given)
    return _read(*told)


def _seen_shortly(rules: list[str]) -> list[str]:
    return [one for one in OF_OTHER_LOOKS if rules == EVERYTHING or one in rules]


def _read(said: dict[str, Any], tried: list[str]) -> str:
    GOOD_COLOURS.update(tried)
    results = AxeResults(said)
    return results.generate_report() if results.violations_count else ""


def _bring_in_axe(page: Page) -> None:
    """Define axe and what spares it trouble in the open page.

    A script of the page's own is compiled once in its process; what `evaluate` wraps, each time.
    """
    session = page.context.new_cdp_session(page)
    session.send("Runtime.evaluate", {"expression": LOOKED_WITH})
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
    page.evaluate(UNFOLD, "")


def unfold_content(page: Page) -> None:
    """Open whatever is folded but the header's menus, which lie over what is to be looked at."""
    page.evaluate(UNFOLD, "main")


class Looks:
    """Looks a page over in every look and remembers each fault by the page and the look."""

    def __init__(self, page: Page) -> None:
        self.page = page
        page.add_init_script(LOOKED_WITH)  # sent once, not anew to every page that is loaded
        self.found: list[str] = []

    def over_address(
        self, address: str, prepare: Callable[[Page], None] | None = None, *, anew: bool = False
    ) -> None:
        """Look over what lies at an address; `prepare` brings it into its state when it is loaded.

        It is loaded once; for each width where a script fits it to its width, or with ``anew``.
        Whoever goes on with it finds it as in the last look.
        """
        scheme = ""
        for width, group in groupby(LOOKS, lambda look: look.width):
            seen = list(group)
            if not scheme or anew or self._is_fitted(prepare):
                self.page.set_content("")  # what is not shown is not drawn anew
                self._widen(width)
                scheme = seen[0].scheme
                self.page.emulate_media(color_scheme=scheme)
                self.page.goto(address)
                if prepare:
                    prepare(self.page)
            self._look(address, seen)
        if scheme != seen[-1].scheme:
            self.page.emulate_media(color_scheme=seen[-1].scheme)

    def _is_fitted(self, prepare: Callable[[Page], None] | None) -> bool:
        """Whether a script has fitted the page to its width; what is unfolded is so in any."""
        is_folded = prepare is not unfold and self.page.evaluate(FOLDS)
        return is_folded or self.page.evaluate(DRAWS)

    def over_page(self, name: str) -> None:
        """Look over a page whose state cannot be loaded again, and leave it narrow and light."""
        for _, seen in groupby(LOOKS, lambda look: look.width):
            self._look(name, list(seen))

    def _widen(self, width: int) -> None:
        if self.page.viewport_size != {"width": width, "height": HEIGHT}:
            self.page.set_viewport_size({"width": width, "height": HEIGHT})

    def _look(self, name: str, seen: list[Look]) -> None:
        """Look over the open page in all looks of one width."""
        self._widen(seen[0].width)
        asked = [[[one.scheme, one.font], one.rules, _seen_shortly(one.rules)] for one in seen]
        told = self.page.evaluate(LOOK_TOGETHER, [asked, list(GOOD_COLOURS)])
        if told is None:
            _bring_in_axe(self.page)
            told = self.page.evaluate(LOOK_TOGETHER, [asked, list(GOOD_COLOURS)])
        if told is None:
            for look in seen:
                self._look_by_system(name, look)
            return
        for look, (overhang, said, tried) in zip(seen, told, strict=True):
            self._note(name, look, overhang, _read(said, tried))

    def _look_by_system(self, name: str, look: Look) -> None:
        """Look over a page that has the scheme of its system, which the browser must be given."""
        self.page.emulate_media(color_scheme=look.scheme)
        self.page.evaluate(SHOW, [look.scheme, look.font])
        overhang = self.page.evaluate(OVERHANG)
        self._note(name, look, overhang, faults(self.page, look.rules))

    def _note(self, name: str, look: Look, overhang: int, found: str) -> None:
        if overhang > 0:
            self.found.append(f"{name} at {look}: sticks out by {overhang} px")
        if found:
            self.found.append(f"{name} at {look}: {found}")


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
