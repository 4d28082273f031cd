"""A start collects styles and scripts where others lie there than it would serve."""

import json
from pathlib import Path
from typing import Any

import pytest
from django.core import management

from expansive_cm.services.prepare import collect
from expansive_cm.settings import STORAGES


@pytest.fixture
def style(tmp_path: Path, settings: Any) -> Path:
    """A style sheet, all that is there to be collected."""
    file = tmp_path / "from" / "own.css"
    file.parent.mkdir()
    file.write_text("a { color: red }")
    settings.STATICFILES_FINDERS = ["django.contrib.staticfiles.finders.FileSystemFinder"]
    settings.STATICFILES_DIRS = [file.parent]
    settings.STATIC_ROOT = tmp_path / "to"
    settings.STORAGES = STORAGES
    return file


def served(root: Path) -> dict[str, str]:
    """What pages that name a file get."""
    paths = json.loads((root / "staticfiles.json").read_text())["paths"]
    return {name: (root / path).read_text() for name, path in paths.items()}


def test_what_has_not_changed_is_not_collected_again(
    style: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    collect()
    assert served(tmp_path / "to") == {"own.css": "a { color: red }"}
    with monkeypatch.context() as idle:
        idle.setattr(management, "call_command", lambda *_given, **_named: pytest.fail("again"))
        collect()
    style.write_text("a { color: tan }")
    collect()
    assert served(tmp_path / "to") == {"own.css": "a { color: tan }"}
    style.rename(style.with_name("other.css"))
    collect()
    assert served(tmp_path / "to") == {"other.css": "a { color: tan }"}


def test_what_an_older_version_or_half_a_start_has_left_is_not_served(
    style: Path, tmp_path: Path
) -> None:
    collect()
    before = style.read_text()
    style.write_text("a { color: tan }")
    management.call_command("collectstatic", interactive=False, verbosity=0)
    style.write_text(before)
    collect()
    assert served(tmp_path / "to") == {"own.css": before}


def test_a_start_that_was_cut_off_in_another_version_leaves_nothing_out(
    style: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = style.with_name("other.css")
    other.write_text("b { color: tan }")
    collect()
    before = served(tmp_path / "to")

    def cut_off(*_given: Any, **_named: Any) -> None:
        """Storing a file begins with deleting what lies there under its name."""
        for file in (tmp_path / "to").glob("other.*"):
            file.write_text("")
        raise KeyboardInterrupt

    style.write_text("a { color: tan }")
    with monkeypatch.context() as short, pytest.raises(KeyboardInterrupt):
        short.setattr(management, "call_command", cut_off)
        collect()
    style.write_text(before["own.css"])
    collect()
    assert served(tmp_path / "to") == before


def test_a_file_that_has_been_lost_is_collected_again(style: Path, tmp_path: Path) -> None:
    collect()
    before = served(tmp_path / "to")
    for file in (tmp_path / "to").glob("own.*"):
        file.unlink()
    collect()
    assert served(tmp_path / "to") == before


def test_what_an_editor_leaves_beside_a_style_is_no_part_of_it(
    style: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    style.with_name(".#own.css").symlink_to("somebody@elsewhere.1")
    collect()
    style.with_name("own.css~").write_text("a { color: blue }")
    with monkeypatch.context() as idle:
        idle.setattr(management, "call_command", lambda *_given, **_named: pytest.fail("again"))
        collect()
    assert served(tmp_path / "to") == {"own.css": "a { color: red }"}
