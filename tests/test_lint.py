"""Each check of `make lint` finds what it is there for. Costs about 7 s."""

import subprocess
from pathlib import Path

import pytest

from expansive_cm.services import lint
from expansive_cm.services.lint import CHECKS, ROOT

CONTRACT = """
[tool.importlinter]
root_packages = ["above", "below"]
[[tool.importlinter.contracts]]
name = "Downwards only"
type = "layers"
layers = ["above", "below"]
"""
RULES = {"biome.json": (ROOT / "biome.json").read_text()}
WRONG: dict[str, dict[str, str]] = {
    "Types": {"one.py": "one: int = None\n", "pyproject.toml": '[tool.mypy]\nfiles = ["one.py"]\n'},
    "Python style": {"one.py": "import os\n"},
    "Python form": {"one.py": "a=1\n"},
    "Scripts": {"static/js/one.js": "let a;\nif (a = 1) a = 2;\n", **RULES},
    "Templates": {"templates/one.html": '<div class="a" class="b"></div>\n'},
    "Import directions": {
        "pyproject.toml": CONTRACT,
        "above/__init__.py": "",
        "below/__init__.py": "import above\n",
    },
}
"""By the check a tree that it must not pass. Django proves its own check of migrations."""
SAID = ("pyproject.toml", "biome.json")
"""Where a tree says its rules."""


@pytest.mark.parametrize("name", sorted(set(CHECKS) - {"Migrations"}))
def test_it_finds_what_is_wrong_and_nothing_else(name: str, tmp_path: Path) -> None:
    found = []
    for tree in (WRONG[name], {path: "" for path in WRONG[name] if path not in SAID}):
        for path, text in tree.items():
            (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / path).write_text(text)
        run = subprocess.run(CHECKS[name], cwd=tmp_path, capture_output=True, check=False)
        found.append(run.returncode)
    assert found[0] != 0 == found[1]


def test_the_others_are_shown_where_the_program_of_one_is_missing(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(
        lint, "CHECKS", {"Scripts": ["no-such-node", "lint"], "Python form": ["echo", "All well."]}
    )
    assert lint.main() == 1
    said = capsys.readouterr().out
    assert "no-such-node" in said and "All well." in said and "Found something: Scripts." in said
