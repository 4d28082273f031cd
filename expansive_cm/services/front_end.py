"""Copy what browsers load from the installed front-end packages to static/vendor.

Needs nothing but Python, as it runs at set-up and while the container image is built:
`python expansive_cm/services/front_end.py`.
"""

import re
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
NODE = ROOT / ".venv" / "bin" / "node"
PACKAGES = ROOT / "node_modules"
VENDOR = ROOT / "static" / "vendor"
FILES = {
    "@tabler/core/dist/css/tabler.min.css": "tabler/css/tabler.min.css",
    "@tabler/core/dist/js/tabler.min.js": "tabler/js/tabler.min.js",
    "chart.js/dist/chart.umd.min.js": "chart.js/chart.umd.min.js",
    "idiomorph/dist/idiomorph.min.js": "idiomorph/idiomorph.min.js",
}
# Maps for debuggers are not copied, so nothing may point at them.
MAP_REFERENCE = re.compile(r"(//|/\*)# sourceMappingURL=\S+( \*/)?\s*$")
# Pages and the web server say UTF-8 already. Chromium keeps no style sheet that says so itself,
# but reads all of it again for every page.
CHARSET = re.compile(r'\A@charset "utf-8";', re.IGNORECASE)
# Of selected text each element would have a style of its own, made with every page. The root's is
# inherited; a browser in which it is not shows the system's colours.
SELECTION = re.compile(r",::selection(?=\{)")


def copy_files(packages: Path, vendor: Path) -> None:
    """Replace `vendor` by the files that pages name, and the shapes of our icons.

    Raises: FileNotFoundError when a package lacks a file.
    """
    draft = vendor.with_name(vendor.name + ".new")
    shutil.rmtree(draft, ignore_errors=True)
    for source, target in FILES.items():
        path = draft / target
        path.parent.mkdir(parents=True, exist_ok=True)
        text = (packages / source).read_text(encoding="utf-8")
        text = CHARSET.sub("", MAP_REFERENCE.sub("", text))
        path.write_text(SELECTION.sub(",:root::selection", text), encoding="utf-8")
    shapes = draft / "tabler" / "icons.css"
    builder = ROOT / "expansive_cm" / "ui" / "icons.py"
    icons = packages / "@iconify-json" / "tabler"
    subprocess.run([sys.executable, str(builder), str(icons), str(shapes)], check=True)
    shutil.rmtree(vendor, ignore_errors=True)
    draft.replace(vendor)


def node() -> str:
    """Name the Node.js that fetched the packages: what set-up installed, else the machine's."""
    return str(NODE) if NODE.exists() else "node"


if __name__ == "__main__":
    copy_files(PACKAGES, VENDOR)
