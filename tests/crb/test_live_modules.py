"""The modules of a live meeting: what they reckon, and that a collected one finds the others."""

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

from django.core import management

from expansive_cm.services.front_end import ROOT, node
from expansive_cm.settings import STORAGES

IMPORTED = re.compile(r"""\bfrom\s*["'](.+?)["']|\bimport\s*\(?["'](.+?)["']""")


def test_what_they_reckon() -> None:
    file = "tests/crb/live_modules.js"
    run = subprocess.run([node(), file], cwd=ROOT, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stdout + run.stderr
    assert "# pass 4" in run.stdout


def test_what_is_imported_is_collected_under_its_name_with_a_hash(
    tmp_path: Path, settings: Any
) -> None:
    settings.STATICFILES_FINDERS = ["django.contrib.staticfiles.finders.FileSystemFinder"]
    settings.STATICFILES_DIRS, settings.STATIC_ROOT = [tmp_path / "from"], tmp_path / "to"
    settings.STORAGES = STORAGES
    shutil.copytree(ROOT / "static" / "js", tmp_path / "from" / "js")
    management.call_command("collectstatic", interactive=False, verbosity=0)
    root = (tmp_path / "to").resolve()
    paths = json.loads((root / "staticfiles.json").read_text())["paths"]
    imported = set()
    for path in paths.values():
        for names in IMPORTED.findall((root / path).read_text()):
            found = ((root / path).parent / "".join(names)).resolve()
            imported.add(found.relative_to(root).as_posix())
    assert {paths["js/live/parts.js"], paths["js/live/state.js"]} <= imported
    assert imported <= set(paths.values())
