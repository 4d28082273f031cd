"""The icons that pages use, and the sprite built from them at set-up.

`python -m expansive_cm.icons node_modules/@tabler/icons static/vendor/tabler/icons.svg`
copies each named outline icon into one SVG file. A name that is missing here is
refused by `{% icon %}`, so that a misspelt icon fails a test instead of vanishing.
"""

import re
import sys
from pathlib import Path

ICONS = frozenset(
    """
    adjustments alert-circle alert-triangle archive arrow-back-up arrow-down arrow-left arrow-right
    arrow-up arrows-sort ban beach bell bell-off bolt book brand-git briefcase building bug
    building-community calendar calendar-event calendar-plus calendar-time chart-bar chart-dots
    check checklist checks chevron-down chevron-left chevron-right chevron-up circle circle-check
    circle-dashed circle-dot circle-x clipboard-check clipboard-list clipboard-text clock
    clock-exclamation clock-hour-4 code copy device-desktop device-floppy device-laptop
    dots-vertical download edit external-link eye eye-off file file-certificate file-description
    file-export file-import file-text file-upload files filter filter-off flag flame gavel
    git-branch git-merge git-pull-request grip-vertical hand-stop headset help help-circle history
    home hourglass inbox info-circle key language layout-kanban link list list-check list-details
    loader lock lock-open login logout mail mail-forward mail-opened map-pin maximize menu-2
    message message-circle message-question messages minus mood-check moon news note notes package
    paperclip pencil phone pin player-pause player-play player-track-next plug plus point printer
    progress-check question-mark refresh repeat report rocket rotate rotate-2 route scale search
    send server settings shield shield-check shield-lock sparkles square-check star stopwatch
    subtask sun switch-horizontal tag target test-pipe thumb-down thumb-up timeline tool tools
    trash trending-up upload user user-check user-circle user-cog user-plus user-question users
    users-group versions vocabulary wand world writing x zoom-question
    """.split()
)
SPRITE = "vendor/tabler/icons.svg"

_DRAWING = re.compile(r"<svg[^>]*>(.*)</svg>", re.DOTALL)
_FRAME = re.compile(r'<path stroke="none" d="M0 0h24v24H0z" fill="none" />\s*')


def build_sprite(package: Path) -> str:
    """Return the sprite of every named icon in an unpacked @tabler/icons package.

    Raises FileNotFoundError for a name that the package does not have.
    """
    symbols = []
    for name in sorted(ICONS):
        source = (package / "icons" / "outline" / f"{name}.svg").read_text(encoding="utf-8")
        match = _DRAWING.search(source)
        if match is None:
            raise ValueError(f"{name}.svg holds no drawing")
        drawing = " ".join(_FRAME.sub("", match[1]).split())
        symbols.append(
            f'<symbol id="{name}" viewBox="0 0 24 24" fill="none" stroke="currentColor"'
            f' stroke-linecap="round" stroke-linejoin="round">{drawing}</symbol>'
        )
    return '<svg xmlns="http://www.w3.org/2000/svg">\n' + "\n".join(symbols) + "\n</svg>\n"


def main(package: str, target: str) -> None:
    """Write the sprite where the pages look for it."""
    path = Path(target)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(build_sprite(Path(package)), encoding="utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:])
