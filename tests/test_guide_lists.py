"""What the guides list in a sentence is all there is, in the order of the code."""

import re

from audit.sources import OWN_APPS
from changes.export import FORMULA_STARTS
from changes.many.acts import ACTS
from changes.models import BoardDecision
from changes.states import CODE_PATH, CONFIGURATION_PATH
from crb.overtime.figures import PromiseState
from crb.states import Mark
from tests.test_guides import NAMED, files, named_in, table_in, text_of
from tests.test_setup_deployment import ROOT

USER = "docs/user-guide.md"


def listed(page: str, pattern: str) -> str:
    """The one list in a guide's text that a pattern finds."""
    (found,) = re.findall(pattern, " ".join(text_of(page).split()))
    return str(found)


def test_the_stages_of_the_user_guide_are_those_of_both_paths() -> None:
    text = text_of(USER).replace("\n  ", " ")  # a line of a list goes on in the next
    drawn = re.findall(r"^- \*(?:Configuration|Code)\*: (\S+ → .*)$", text, re.MULTILINE)
    for line, path in zip(drawn, (CONFIGURATION_PATH, CODE_PATH), strict=True):
        for word, state in zip(line.split(" → "), path, strict=True):
            assert word.lower() in state.value, word


def test_the_user_guide_has_each_outcome_key_and_act_on_many() -> None:
    outcomes = [outcome for outcome, _promise in table_in(USER, "outcome")]
    assert outcomes == [str(one) for one in BoardDecision.Outcome.labels]
    acts = listed(USER, r"offers what you could ever do: (.*?); at most")
    told = [part.strip() for part in re.sub(r" \([^)]*\)", "", acts).split(",")]
    assert told == [str(act.label).lower() for act in ACTS]
    keys = listed(USER, r"\*\*Keys\*\*: (.*?) They do nothing")
    script = (ROOT / "static" / "js" / "keys.js").read_text().partition("const ACTS")[2]
    assert set(NAMED.findall(keys)) == set(re.findall(r'^    "?(.)"?: ', script, re.MULTILINE))


def test_the_guide_to_the_board_has_each_mark_and_what_becomes_of_a_promise() -> None:
    marks = listed("docs/board.md", r"marks? each of them, with a press: (.*?);")
    assert re.split(r", | or ", marks) == [str(mark).lower() for mark in Mark.labels]
    (promises,) = [cell for name, cell in table_in("docs/board.md", "figure") if name == "Promises"]
    for label in PromiseState.labels:
        assert f"*{str(label).partition(',')[0].lower()}*" in promises, label


def test_the_export_guide_has_each_sign_that_begins_a_formula() -> None:
    named = set(named_in("docs/export.md"))
    signs = {one for one in FORMULA_STARTS if one.isprintable()}
    wide = {one for one in signs if not one.isascii()}
    assert signs - wide <= named
    assert named & wide, "one of those in full width stands for the others"


def test_the_guide_to_growing_names_who_locks_for_a_session() -> None:
    named = set(named_in("docs/scaling.md"))
    for name, path in files().items():
        own = name.partition("/")[0] in {*OWN_APPS, "expansive_cm"}
        if own and path.suffix == ".py" and "pg_try_advisory_lock" in path.read_text():
            assert name in named, name
