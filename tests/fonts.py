"""The two fonts of the browser tests, the same on every machine: a wide one and a narrow one.

What fits, or stands still, in one machine's font may do neither in another's. So the browser
knows these fonts alone: every page is drawn in the wide one, as a machine does that has nothing
else, and tests of layout look at it in the narrow one as well.
"""

from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

from tests.environment import ROOT

PACKAGES = ROOT / "node_modules"
WIDE = "DejaVu Sans"
NARROW = "PT Sans Narrow"
FOLDERS = ("dejavu-fonts-ttf/ttf", "@expo-google-fonts/pt-sans-narrow")
GENERIC = {
    "system-ui": WIDE,
    "sans-serif": WIDE,
    "serif": "DejaVu Serif",
    "monospace": "DejaVu Sans Mono",
}
NO_FONTS = "The fonts of the browser tests are missing: `make test` installs them."
SET = """family => {
  const set = () => document.documentElement.style.setProperty(
    "--tblr-font-sans-serif", family && `"${family}"`);
  if (document.documentElement) set();
  else new MutationObserver((changes, observer) => { observer.disconnect(); set(); })
    .observe(document, { childList: true });
}"""


def only_these(folder: Path) -> dict[str, str]:
    """Return the environment in which a browser has these fonts and no other.

    Raises: FileNotFoundError where they are not installed.
    """
    folders = [PACKAGES / one for one in FOLDERS]
    if not all(one.is_dir() for one in folders):
        raise FileNotFoundError(NO_FONTS)
    parts = [f"<dir>{escape(str(one))}</dir>" for one in folders]
    parts.append(f"<cachedir>{escape(str(folder / 'cache'))}</cachedir>")
    parts += [
        f"<alias binding='strong'><family>{generic}</family><prefer><family>{family}</family>"
        "</prefer></alias>"
        for generic, family in GENERIC.items()
    ]
    # The last resort of a browser that finds no font of a name.
    parts.append(
        "<match><edit name='family' mode='append_last' binding='weak'>"
        f"<string>{WIDE}</string></edit></match>"
    )
    file = folder / "fonts.conf"
    file.write_text(f"<?xml version='1.0'?>\n<fontconfig>{''.join(parts)}</fontconfig>\n")
    return {"FONTCONFIG_FILE": str(file)}


def draw_in(page: Any, family: str = "") -> None:
    """Draw the open page in this font; in none of ours, so the wide one, when nothing is named."""
    page.evaluate(SET, family)


def always_draw_in(page: Any, family: str) -> Any:
    """Draw each page that is opened in this font, from its first paint on, until it is closed."""
    return page.add_init_script(f"({SET})({family!r})")
