"""What the component tags write."""

import datetime as dt
import re
from typing import Any

import pytest
import time_machine
from django import forms
from django.core.files.uploadedfile import SimpleUploadedFile
from django.template import Context, Template
from django.test import RequestFactory
from django.utils import timezone
from django.utils.datastructures import MultiValueDict

from changes.states import LEGAL_MOVES, ChangeType, State
from changes.templatetags.change_ui import (
    LEVEL_LOOKS,
    STATE_LOOKS,
    matrix_rows,
    stages_of,
    state_badge,
)
from expansive_cm.services.front_end import PACKAGES
from expansive_cm.ui.components import StageStatus
from expansive_cm.ui.forms import DateTimeLocalInput, MultipleFileField, RadioCards
from expansive_cm.ui.icons import ICONS, STROKES, build_styles
from expansive_cm.ui.templatetags import ui

NOW = dt.datetime(2026, 3, 2, 9, 30, tzinfo=dt.UTC)
DONE, CURRENT, AHEAD = StageStatus.DONE, StageStatus.CURRENT, StageStatus.AHEAD
STOPPED, SKIPPED = StageStatus.STOPPED, StageStatus.SKIPPED


def render(source: str, **context: Any) -> str:
    return Template("{% load ui change_ui %}" + source).render(Context(context))


# --- Icons, badges, people -------------------------------------------------------------


def test_an_unknown_icon_is_refused() -> None:
    with pytest.raises(ValueError, match="not in expansive_cm.ui.icons"):
        ui.icon("no-such-icon")


def test_an_icon_speaks_only_when_it_has_something_to_say() -> None:
    assert ui.icon("check") == '<i class="icon i-check"></i>'
    assert 'role="img" aria-label="Done"' in ui.icon("check", "Done")


def test_every_icon_has_a_shape_in_each_stroke() -> None:
    styles = build_styles(PACKAGES / "@iconify-json" / "tabler")
    rules = dict(re.findall(r"^\.i-([a-z0-9-]+) \{(.*)\}$", styles, flags=re.MULTILINE))
    assert rules.keys() == ICONS
    for name, rule in rules.items():
        found = re.findall(r'--([a-z-]+): url\("data:image/svg\+xml,([^"#<>]+)"\)', rule)
        assert [shape for shape, _picture in found] == list(STROKES), name
        assert all("%3cpath d='m" in picture.lower() for _shape, picture in found), name


def test_an_unknown_tone_is_refused() -> None:
    with pytest.raises(ValueError, match="not a tone"):
        ui.badge("Late", "pink")


def test_text_is_never_markup() -> None:
    evil = "<script>alert(1)</script>"
    for shown in (ui.badge(evil), ui.person_chip(evil), ui.breadcrumbs(evil, "/", evil)):
        assert "<script" not in shown


@pytest.mark.parametrize(
    ("name", "initials"),
    [("Grace Okafor", "GO"), ("Ana de la Cruz", "AC"), ("Cher", "C"), ("", "?"), ("  ", "?")],
)
def test_initials(name: str, initials: str) -> None:
    assert f">{initials}<" in ui.avatar(name)


def test_nobody_is_a_dash_or_what_the_page_says() -> None:
    assert "–" in ui.person_chip(None)
    assert "The system" in ui.person_chip(None, "The system")


def test_every_state_has_words_colour_and_icon() -> None:
    shown = {state: state_badge({}, state.value) for state in State}
    assert [state for state in State if str(state.label) not in shown[state]] == []
    assert [state for state in State if f" i-{STATE_LOOKS[state][1]}" not in shown[state]] == []
    assert [state for state in State if STATE_LOOKS[state][1] not in ICONS] == []


# --- Time -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("moment", "words"),
    [
        (NOW - dt.timedelta(seconds=20), "just now"),
        (NOW - dt.timedelta(days=3, hours=4), "3\xa0days ago"),
        (NOW + dt.timedelta(days=14, minutes=1), "in 2\xa0weeks"),
        (None, "–"),
    ],
)
def test_age(moment: dt.datetime | None, words: str) -> None:
    with time_machine.travel(NOW, tick=False):
        assert words in ui.age(moment)


def test_when_names_the_zone() -> None:
    with timezone.override("America/New_York"):
        shown = ui.when(NOW)
    assert "2 Mar 2026, 04:30" in shown
    assert "America/New_York (EST)" in shown
    assert f'datetime="{NOW.isoformat()}"' in shown


# --- Stages ---------------------------------------------------------------------------


def marks(change_type: str, state: State, last_stage: str = "") -> list[StageStatus]:
    return [stage.status for stage in stages_of(change_type, state, last_stage)]


def test_stages_of_a_configuration_change_under_way() -> None:
    assert marks(ChangeType.CONFIGURATION, State.EXECUTION) == [DONE] * 3 + [CURRENT] + [AHEAD] * 3


def test_a_side_state_is_shown_under_its_stage() -> None:
    stages = stages_of(ChangeType.CODE, State.INFORMATION_REQUIRED)
    assert stages[1].status == CURRENT
    assert stages[1].note == "Information required"


@pytest.mark.parametrize(
    ("change_type", "state", "last_stage", "position"),
    [
        (ChangeType.CODE, State.REJECTED, "", 1),
        (ChangeType.CONFIGURATION, State.REFUSED, State.REVIEW, 1),
        (ChangeType.CODE, State.WITHDRAWN, State.DEVELOPMENT, 4),
        ("", State.WITHDRAWN, State.DRAFT, 0),
    ],
)
def test_a_path_that_ended_early_says_where(
    change_type: str, state: State, last_stage: str, position: int
) -> None:
    found = marks(change_type, state, last_stage)
    rest = len(found) - position - 1
    assert found == [DONE] * position + [STOPPED] + [SKIPPED] * rest


def test_a_closed_change_has_done_everything() -> None:
    assert set(marks(ChangeType.CODE, State.CLOSED)) == {DONE}


def test_every_state_can_be_drawn() -> None:
    drawn = {
        (change_type, state): render("{% stage_bar stages %}", stages=stages_of(change_type, state))
        for change_type in ("", *ChangeType.values)
        for state in LEGAL_MOVES
    }
    assert [which for which, bar in drawn.items() if '<ol class="stages">' not in bar] == []


# --- Risk -----------------------------------------------------------------------------


def test_the_matrix_marks_one_cell() -> None:
    rows = matrix_rows(3, 4)
    assert len(rows) == 5
    chosen = [cell for row in rows for cell in row["cells"] if cell["selected"]]
    assert [(cell["score"], cell["tone"]) for cell in chosen] == [(12, "orange")]
    assert len({tone for tone, _icon in LEVEL_LOOKS.values()}) == 4
    assert "(this change)" in render("{% risk_matrix 3 4 %}")
    assert "(this change)" not in render("{% risk_matrix None None %}")


# --- Things to press --------------------------------------------------------------------


def test_an_open_step_is_a_link_and_a_closed_one_says_why() -> None:
    assert '<a class="btn btn-primary" href="/x/">' in render(
        "{% action 'Review' '/x/' style='primary' %}"
    )
    closed = render("{% action 'Review' '/x/' False 'You raised it.' %}")
    assert "<a " not in closed
    assert "You raised it." in closed
    assert 'aria-disabled="true"' in closed


def test_two_closed_steps_have_reasons_of_their_own() -> None:
    page = render("{% action 'Go' '/' False 'a' %}{% action 'Go' '/' False 'b' %}")
    ids = set(re.findall(r'<p[^>]* id="([^"]+)"', page))
    assert len(ids) == 2


def test_query_keeps_the_rest(rf: RequestFactory) -> None:
    request = rf.get("/", {"q": "a b", "page": "3", "state": "draft"})
    found = render("{% query page=None sort='age' %}", request=request)
    assert found == "?q=a+b&amp;state=draft&amp;sort=age"


def test_an_unknown_chart_is_refused() -> None:
    with pytest.raises(ValueError, match="kind of chart"):
        ui.chart("c", "Title", [], [], "pie-in-the-sky")


def test_chart_data_cannot_break_out_of_its_script() -> None:
    shown = render("{% chart 'c' 'Title' labels series %}", labels=["</script><b>"], series=[])
    assert "</script><b>" not in shown


# --- Fields ---------------------------------------------------------------------------


class TypeForm(forms.Form):
    """One group of cards and one moment."""

    kind = forms.ChoiceField(
        choices=[("a", "A"), ("b", "B")],
        widget=RadioCards(descriptions={"a": "About A"}),
        help_text="Choose one.",
    )
    start = forms.DateTimeField(widget=DateTimeLocalInput, required=False)


def test_a_group_is_a_fieldset_with_its_help_and_error() -> None:
    page = TypeForm({}).render()
    assert '<fieldset class="mb-3 field" aria-describedby="id_kind_helptext id_kind_error">' in page
    assert "About A" in page
    assert 'href="#id_kind"' in page


def test_a_moment_is_read_and_shown_in_the_zone_of_the_viewer() -> None:
    with timezone.override("Europe/Berlin"):
        form = TypeForm({"kind": "a", "start": "2026-07-01T14:00"})
        assert form.is_valid()
        assert form.cleaned_data["start"] == dt.datetime(2026, 7, 1, 12, tzinfo=dt.UTC)
        page = TypeForm(initial={"start": form.cleaned_data["start"]})["start"].as_field_group()
    assert 'value="2026-07-01T14:00"' in page
    assert "Europe/Berlin" in page


def test_a_moment_that_does_not_exist_is_refused() -> None:
    with timezone.override("Europe/London"):
        assert not TypeForm({"kind": "a", "start": "2026-03-29T01:30"}).is_valid()


class FilesForm(forms.Form):
    """Several files."""

    files = MultipleFileField(required=False)


def test_several_files_are_each_checked() -> None:
    def sent(*contents: bytes) -> FilesForm:
        files = [SimpleUploadedFile(f"{n}.txt", text) for n, text in enumerate(contents)]
        return FilesForm({}, MultiValueDict({"files": files}))

    assert [file.name for file in _cleaned(sent(b"a", b"b"))] == ["0.txt", "1.txt"]
    assert _cleaned(sent()) == []
    assert "empty" in str(sent(b"a", b"").errors)


def _cleaned(form: FilesForm) -> list[Any]:
    assert form.is_valid(), form.errors
    return form.cleaned_data["files"]


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Kind of you", "Kind of you"),
        ("Two words here", "Two words…"),
        ("A Kingfisher", "A…"),
        ("Kingfishers everywhere", "Kingfishers…"),
        ("Donaudampfschifffahrt", "Donaudampfs…"),
    ],
)
def test_an_excerpt_is_cut_between_words(text: str, shown: str) -> None:
    assert ui.excerpt(text, 11) == shown


def test_a_select_is_drawn_as_django_draws_it() -> None:
    """Attributes and options are not drawn by a template each, but with the same words."""

    class SelectForm(forms.Form):
        few = forms.ChoiceField(
            choices=[("", "–"), ("Group <b>", [("a", "A & b"), (2, "<i>")]), (True, "Yes")],
            required=False,
            widget=forms.Select(attrs={"data-x": 'quoted "', "disabled": True, "hidden": False}),
        )

    drawn = str(SelectForm(initial={"few": 2})["few"])
    assert (
        drawn.split()
        == (
            '<select name="few" data-x="quoted &quot;" disabled class="form-select" id="id_few">'
            ' <option value="">–</option> <optgroup label="Group &lt;b&gt;">'
            ' <option value="a">A &amp; b</option> <option value="2" selected>&lt;i&gt;</option>'
            ' </optgroup> <option value="True">Yes</option> </select>'
        ).split()
    )
