"""The icons that pages use, and the style sheet built from them at set-up.

`python -m expansive_cm.ui.icons node_modules/@iconify-json/tabler static/vendor/tabler/icons.css`
gives each named outline icon a class, `i-clock`. What it sets is a shape, which `css/app.css`
fills with the colour of the text: a page says which icon it means in as many signs as its name
has. A name that is missing here is refused by `{% icon %}`, so that a misspelt icon fails a test
instead of vanishing.
"""

import json
import re
import sys
from pathlib import Path

ICONS = frozenset(
    """
    adjustments alert-circle alert-triangle archive arrow-back-up arrow-down arrow-left arrow-right
    arrow-up arrows-sort ban beach bell bell-off bolt book bookmark brand-git briefcase building bug
    building-community calendar calendar-event calendar-plus calendar-time chart-bar chart-dots
    check checklist checks chevron-down chevron-left chevron-right chevron-up circle circle-check
    circle-dashed circle-dot circle-x clipboard-check clipboard-list clipboard-text clock
    clock-exclamation clock-hour-4 code copy device-desktop device-floppy device-laptop
    dots-vertical download edit external-link eye eye-off file file-certificate file-description
    file-export file-import file-text file-upload files filter filter-off flag flame gavel
    git-branch git-merge git-pull-request grip-vertical hand-stop headset help help-circle history
    home hourglass inbox info-circle key language layout-kanban link list list-check list-details
    loader lock lock-open login logout mail mail-forward mail-opened map-pin maximize menu-2 message
    message-circle message-question messages minus mood-check moon news note notes package paperclip
    pencil phone pin player-pause player-play player-track-next plug plus point printer
    progress-check question-mark refresh repeat report rocket rotate rotate-2 route scale search
    send server settings shield shield-check shield-lock sparkles square-check star stopwatch
    subtask sun switch-horizontal tag target test-pipe thumb-down thumb-up timeline tool tools trash
    trending-up upload user user-check user-circle user-cog user-plus user-question users
    users-group versions vocabulary wand world writing x zoom-question
    """.split()
)
STYLES = "vendor/tabler/icons.css"
STROKES = {"icon": 1.5, "icon-bold": 2}
"""The properties that a class sets, and how thick each draws its lines: bold is for small ones."""

_LINES = re.compile(r' (?:fill="none"|stroke(?:-[a-z]+)?="[^"]*")|</?g(?=[ >])[^>]*>')
"""What each drawing says of its lines, with the group that says it: ours say it once."""
_SIGNS = str.maketrans({"%": "%25", "#": "%23", "<": "%3C", ">": "%3E", '"': "'"})
"""What the address of a picture may not hold as it is."""


def build_styles(package: Path) -> str:
    """Return the classes of every named icon in an unpacked @iconify-json/tabler package.

    Raises KeyError for a name that the package does not have.
    """
    drawings = json.loads((package / "icons.json").read_text(encoding="utf-8"))["icons"]
    return "".join(_class_of(name, drawings[name]["body"]) for name in sorted(ICONS))


def _class_of(name: str, drawing: str) -> str:
    lines = _LINES.sub("", drawing)
    shapes = "; ".join(
        f'--{shape}: url("data:image/svg+xml,{_picture(lines, stroke)}")'
        for shape, stroke in STROKES.items()
    )
    return f".i-{name} {{ {shapes} }}\n"


def _picture(drawing: str, stroke: float) -> str:
    picture = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 24 24" fill="none" stroke="#000"'
        f' stroke-width="{stroke}" stroke-linecap="round" stroke-linejoin="round">{drawing}</svg>'
    )
    return picture.translate(_SIGNS)


def main(package: str, target: str) -> None:
    """Write the style sheet where the pages look for it."""
    path = Path(target)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(build_styles(Path(package)), encoding="utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:])
