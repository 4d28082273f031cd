"""Which tests `make check` runs for a change."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from expansive_cm.services.check import __main__ as check
from expansive_cm.services.check.addresses import Address, answering, segments, table
from expansive_cm.services.check.choose import Touched, plan, touched
from expansive_cm.services.check.source import ANYTHING, read
from expansive_cm.services.check.uses import Graph, build, part_of
from tests.environment import ROOT

USES = {
    "changes.rules": {"changes.states"},
    "changes.views": {"changes.rules", "templates/changes/detail.html"},
    "crb.votes": {"changes.rules"},
    "tests.changes.test_rules": {"changes.rules"},
    "tests.changes.test_detail": {"changes.views"},
    "tests.crb.test_votes": {"crb.votes"},
    "tests.test_alone": set(),
}
TESTS = {name for name in USES if name.startswith("tests.")}
ALIKE = dict.fromkeys(TESTS, 10.0)


def test_what_uses_a_change_is_found_with_its_distance() -> None:
    found = touched(["changes.states"], USES, TESTS)
    assert found.steps == {
        "tests.changes.test_rules": 2,
        "tests.changes.test_detail": 3,
        "tests.crb.test_votes": 3,
    }
    assert found.through["tests.crb.test_votes"] == "crb.votes"
    assert found.unknown == []


def test_a_template_is_found_through_the_view_that_names_it() -> None:
    found = touched(["templates/changes/detail.html"], USES, TESTS)
    assert found.steps == {"tests.changes.test_detail": 2}


def test_the_shortest_way_from_any_change_counts() -> None:
    found = touched(["changes.states", "crb.votes"], USES, TESTS)
    assert found.steps["tests.crb.test_votes"] == 1
    assert found.of["tests.crb.test_votes"] == "crb.votes"


def test_what_no_test_reaches_is_said() -> None:
    assert touched(["a/new/file"], USES, TESTS).unknown == ["a/new/file"]


def test_a_changed_test_is_taken_whatever_it_costs() -> None:
    found = touched(["tests.test_alone"], USES, TESTS)
    assert found.steps == {"tests.test_alone": 0}
    assert plan(found, ALIKE, seconds=1).run == ["tests.test_alone"]


def test_the_nearest_come_first_and_the_rest_is_left() -> None:
    made = plan(touched(["changes.states"], USES, TESTS), ALIKE, seconds=25)
    assert made.run == ["tests.changes.test_rules", "tests.changes.test_detail"]
    assert made.left == ["tests.crb.test_votes"]
    assert made.seconds == 20


def test_a_quick_test_takes_the_place_that_a_long_one_cannot() -> None:
    cost = {**ALIKE, "tests.changes.test_rules": 100.0}
    made = plan(touched(["changes.states"], USES, TESTS), cost, seconds=15)
    assert made.run == ["tests.changes.test_detail"]
    assert made.left == ["tests.changes.test_rules", "tests.crb.test_votes"]


def test_of_those_that_reach_it_the_one_named_like_the_change_comes_first() -> None:
    uses = {
        "tests.crb.test_a": {"changes.urls"},
        "tests.changes.test_b": {"changes.urls"},
        "tests.changes.test_authorise": {"tests.pages"},
        "tests.pages": {"changes.urls"},
        "changes.urls": {"templates/changes/authorise.html"},
    }
    found = touched(["templates/changes/authorise.html"], uses, uses.keys() - {"changes.urls"})
    made = plan(found, dict.fromkeys(uses, 1.0), seconds=9)
    assert made.run[0] == "tests.changes.test_authorise"
    assert made.run.index("tests.changes.test_b") < made.run.index("tests.crb.test_a")


def test_a_file_tells_its_texts_and_what_its_functions_ask_for(tmp_path: Path) -> None:
    path = tmp_path / "test_it.py"
    path.write_text(
        "@pytest.fixture(autouse=True)\n"
        "def ready(client): return f'/board/{client}/vote/'\n"
        "def test_it(new_page, *, cast): 'crb.tasks'\n"
    )
    source = read(path)
    assert source.texts == {f"/board/{ANYTHING}/vote/", "crb.tasks"}
    assert source.asked >= {"client", "new_page", "cast"}
    assert (source.fixtures, source.tests) == ({"ready"}, 1)


ADDRESSES = [
    Address(segments(f"changes/{ANYTHING}/"), "changes:detail", "changes.views.detail"),
    Address(segments(f"changes/{ANYTHING}/rate/"), "changes:rate", "changes.views.rate"),
    Address(segments("board/"), "crb:board", "crb.views.board"),
]


@pytest.mark.parametrize(
    ("text", "modules"),
    [
        ("/changes/C-1/", {"changes.views.detail"}),
        (f"/changes/{ANYTHING}/rate/?next=1#here", {"changes.views.rate"}),
        (f"/changes/{ANYTHING}/{ANYTHING}/", {"changes.views.rate"}),
        ("/board/", {"crb.views.board"}),
        ("/board/nowhere/", set()),
        ("crb:board", {"crb.views.board"}),
        (f"changes:{ANYTHING}", {"changes.views.detail", "changes.views.rate"}),
        ("/admin/crb/meeting/add/", {"crb.admin"}),
        ("admin:changes_change_change", {"changes.admin"}),
        ("A sentence: with a colon", set()),
    ],
)
def test_an_address_leads_to_the_view_that_answers(text: str, modules: set[str]) -> None:
    assert answering(text, ADDRESSES) == modules


def test_a_file_has_its_name_in_the_graph() -> None:
    assert part_of("crb/lifecycle/__init__.py") == "crb.lifecycle"
    assert part_of("tests/crb/test_votes.py") == "tests.crb.test_votes"
    assert part_of("docs/take_screenshots.py") == "docs/take_screenshots.py"


def test_files_may_be_named_in_any_order(tmp_path: Path) -> None:
    """As `make check` names them: one of a folder, one of another, one of the first again.

    In a project of its own, which knows of this one only how it collects.
    """
    inner = tmp_path / "some" / "inner"
    inner.mkdir(parents=True)
    for folder in (inner.parent, inner):
        (folder / "__init__.py").touch()
        (folder / "conftest.py").write_text(
            f"import pytest\n\n@pytest.fixture\ndef of_{folder.name}(): pass\n"
        )
    named = ["some/inner/test_one.py", "some/test_two.py", "some/inner/test_three.py"]
    for name in named:
        fixture = f"of_{Path(name).parent.name}"
        (tmp_path / name).write_text(f"def test_it({fixture}): pass\n")
    alone = ["-c", os.devnull, "--rootdir", str(tmp_path), "-p", "no:randomly", "-p", "no:django"]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", *alone, "-p", "tests.environment", *named],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "3 passed" in done.stdout


# The project as it is

pytestmark = pytest.mark.xdist_group("check")


@pytest.fixture(scope="module")
def graph() -> Graph:
    """Who uses what in this very project."""
    return build(ROOT, table())


@pytest.mark.parametrize(
    ("path", "test"),
    [
        ("changes/views/detail.py", "tests.changes.test_detail"),
        ("changes/states.py", "tests.changes.test_states"),
        ("crb/views/minutes.py", "tests.crb.test_minutes_pages"),
        ("templates/changes/authorise.html", "tests.changes.test_authorise"),
        ("templates/account/login.html", "tests.accounts.test_sign_in"),
        ("templates/email/digest/body.html", "tests.changes.test_letters"),
        ("templates/404.html", "tests.test_errors"),
        ("crb/admin.py", "tests.crb.test_admin"),
        ("expansive_cm/demo/management/commands/load_demo.py", "tests.test_demo"),
        ("expansive_cm/ui/templatetags/ui.py", "tests.components.test_tags"),
        ("changes/migrations/0001_start.py", "tests.changes.test_story"),
        ("tests/mail_corpus/empty_file.eml", "tests.changes.test_mail_corpus"),
        ("tests/crb/conftest.py", "tests.crb.test_agenda_pages"),
        ("tests/dovecot.py", "tests.changes.test_fetch_mail"),
        ("docker-compose.yml", "tests.test_setup_deployment"),
        ("docs/operators-guide.md", "tests.test_setup_deployment"),
        ("docs/board.md", "tests.test_guides"),
        ("CONTRIBUTING.md", "tests.test_guides"),
        ("docs/take_screenshots.py", "tests.test_guides"),
        ("static/js/live/parts.js", "tests.crb.test_live_in_browser"),
    ],
)
def test_a_change_of_this_project_touches_its_test(path: str, test: str, graph: Graph) -> None:
    found = check.reached([path], graph)
    assert test in found.steps
    assert not found.unknown


def test_every_guide_has_a_test(graph: Graph) -> None:
    guides = [*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")]
    names = [path.relative_to(ROOT).as_posix() for path in guides]
    assert len(names) > 10 and not [name for name in names if name.startswith(check.NO_TEST)]
    assert not check.reached(names, graph).unknown


def test_scripts_and_styles_are_seen_by_browsers_alone(graph: Graph) -> None:
    steps = check.reached(["static/css/board.css", "static/js/app.js"], graph).steps
    assert steps.keys() <= graph.browser
    assert "tests.changes.test_new" not in steps


def test_the_other_side_of_the_layers_is_not_touched(graph: Graph) -> None:
    steps = check.reached(["expansive_cm/demo/steps.py"], graph).steps
    assert "tests.test_demo" in steps
    assert not [name for name in steps if name.startswith(("tests.crb.", "tests.changes."))]


@pytest.mark.parametrize("path", ["changes/apps.py", "tests/environment.py", "requirements/x.txt"])
def test_under_all_or_unknown_means_every_test(path: str, graph: Graph) -> None:
    assert len(check.reached([path], graph).unknown) == 1


def test_a_test_that_went_away_needs_none(graph: Graph) -> None:
    assert check.reached(["tests/crb/test_gone.py"], graph) == Touched()


def test_files_of_the_branch_and_of_the_desk_have_changed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(check, "ROOT", tmp_path)

    def git(*arguments: str) -> None:
        who = ("-c", "user.name=A", "-c", "user.email=a@example.org")
        subprocess.run(["git", *who, *arguments], cwd=tmp_path, check=True, capture_output=True)

    def write(name: str, text: str = "") -> None:
        (tmp_path / name).write_text(text)

    git("init", "-b", "main")
    for name in ("kept", "edited", "deleted"):
        write(name)
    git("add", ".")
    git("commit", "-m", "Begin")
    git("checkout", "-b", "branch")
    write("committed with an ö")
    git("add", ".")
    git("commit", "-m", "Go on")
    write("edited", "now")
    (tmp_path / "deleted").unlink()
    write("new")
    changed = ["committed with an ö", "deleted", "edited", "new"]
    assert check.changes_since("main") == (changed, "main")
    git("branch", "-D", "main")
    assert check.changes_since("main")[0] == changed[1:]
