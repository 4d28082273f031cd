"""Change requests from another tool: what is read, what is refused and in which words."""

import csv
import io
import threading
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import time_machine
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import CommandError, call_command
from django.db import connection, transaction
from django.test import Client
from django.utils import timezone
from post_office.models import Email

from changes import lifecycle, tasks
from changes.importing import runs
from changes.importing.mapping import BadImport, bundled_maps, read_map
from changes.models import Change, Event, ImportProblem, ImportRun
from changes.states import State
from expansive_cm.workflow.errors import StepForbidden
from tests.components.browsing import choose, sign_in
from tests.components.looks import faults, fits
from tests.people import Cast
from tests.worker import Worker, wait_until

KEPS = Path(__file__).resolve().parent.parent.parent / "shared" / "data" / "keps.csv"
HEADER = "number,title,text,status,opened,changed,mail"
MAP = """
source = "desk"
identity = ["number"]
date_formats = ["%Y-%m-%d", "%d.%m.%Y"]
no_date = ["n/a"]
keep = ["status"]

[columns]
title = "title"
state = "status"
created = "opened"
updated = "changed"
requester = "mail"

[[description]]
column = "text"
heading = "Request"

[defaults]
organisation = "Harbour Hospitals"
requester = "grace.requester@harbour.example"
raised_by = "sam.support@expansive.example"

[values.state]
new = "submitted"
board = "board"
done = "closed"
dropped = "withdrawn"
"""


def row(count: int, **cells: str) -> str:
    """A good line with some cells replaced."""
    values = {
        "number": str(count),
        "title": f"Request {count}",
        "text": "Please.",
        "status": "new",
        "opened": "2024-02-03",
        "changed": "",
        "mail": "",
        **cells,
    }
    line = io.StringIO()
    csv.writer(line, lineterminator="\n").writerow(values.values())
    return line.getvalue().rstrip("\n")


def file_of(*rows: str, header: str = HEADER) -> bytes:
    return "\n".join([header, *rows, ""]).encode()


def imported(content: bytes, mode: str = "good_rows", map_text: str = MAP) -> ImportRun:
    """Import a file's content as the command does."""
    run = runs.begin(
        started_by=None, name="file.csv", map_name="desk.toml", map_text=map_text, mode=mode
    )
    return runs.go(run, io.BytesIO(content))


def reasons(run: ImportRun) -> list[tuple[int, str, str]]:
    return list(run.problems.values_list("line", "column", "reason"))


# --- What other tools export ----------------------------------------------------------------

JIRA = """Summary,Key,Status,Labels,Labels,Sprint,Sprint,Description,Comment,Comment
Doors open early,EST-1,new,doors,north,Sprint 7,,They open at five.,Seen.,Thanks
Lift shows wrong floor,EST-2,new,lift,,,,Shows ground as 1.,,
"""
GLPI = """\ufeff"ID";"Title";"Status";"Description";
"1 204";"Rooms &#62; floor 3";"new";"&lt;p&gt;Sorted &quot;by letters&quot;.&lt;/p&gt;
&lt;ul&gt;&lt;li&gt;By number&lt;/li&gt;&lt;li&gt;a &amp;lt; b&lt;/li&gt;&lt;/ul&gt;";
"1 205";"Keys & badges, a < b";"new";"<div>Badge of ward&nbsp;2</div><div>and <b>3</b></div>";
"""


def map_of(identity: str, keep: str, title: str, *told: str, html: str = "") -> str:
    sections = "".join(f'[[description]]\ncolumn = "{name}"\n' for name in told)
    return f"""
source = "tool"
identity = ["{identity}"]
keep = [{keep}]
{html}
[columns]
title = "{title}"
state = "Status"
{sections}
""" + MAP[MAP.index("[defaults]") :]


def test_a_column_that_is_repeated_is_joined_where_it_is_taken_whole(cast: Cast) -> None:
    told = map_of("Key", '"Labels"', "Summary", "Description", "Comment")
    assert imported(JIRA.encode(), map_text=told).status == "finished", "Sprint is not asked for"
    first, second = Change.objects.order_by("pk")
    assert first.description == "They open at five.\n\nSeen.\n\nThanks"
    assert first.events.get(verb="import").data["row"] == {"Labels": "doors, north"}
    assert second.events.get(verb="import").data["row"] == {"Labels": "lift"}
    doubled = JIRA.replace("Summary", "Status", 1).encode()
    run = imported(doubled, map_text=map_of("Key", "", "Status", "Description"))
    assert (run.status, run.message) == (
        "failed",
        "The header names these columns twice: Status.",
    )


def test_what_is_kept_is_kept_whole_and_shown_to_our_own_people(client: Client, cast: Cast) -> None:
    told = map_of("Key", '"Labels", "Comment"', "Summary", "Description")
    long = "They open at five. " * 200
    imported(JIRA.replace("Seen.", long).encode(), map_text=told)
    change = Change.objects.get(external_id="EST-1")
    kept = change.events.get(verb="import").data["row"]
    assert kept == {"Labels": "doors, north", "Comment": f"{long}, Thanks"}
    for person, shown in ((cast.support, True), (cast.requester, False)):
        client.force_login(person, backend="django.contrib.auth.backends.ModelBackend")
        page = client.get(change.get_absolute_url()).content.decode()
        assert ("Labels: doors, north" in page) is shown
        assert ("Comment: They open at five. They open" in page) is shown
        assert long not in page
    too_long = "x" * (Change._meta.get_field("description").max_length + 1)
    run = imported(JIRA.replace("EST", "NEW").replace("Thanks", too_long).encode(), map_text=told)
    assert [(line, column) for line, column, _why in reasons(run)] == [(2, "Comment")]


def test_cells_that_a_tool_exports_as_html_become_text(cast: Cast) -> None:
    told = map_of("ID", "", "Title", "Description", html='html = ["Title", "Description"]')
    imported(GLPI.encode(), map_text=told)
    first, second = Change.objects.order_by("pk")
    assert first.title == "Rooms > floor 3"
    assert first.description == 'Sorted "by letters".\n- By number\n- a < b'
    assert second.title == "Keys & badges, a < b", "what is no tag stays"
    assert second.description == "Badge of ward 2\nand 3"


# --- What comes in --------------------------------------------------------------------------


def test_good_rows_become_changes_in_the_state_they_had(cast: Cast) -> None:
    content = file_of(
        row(1),
        row(2, status="Board", opened="03.02.2024", mail="COLIN.colleague@harbour.example"),
        row(3, status="done", changed="2024-03-01"),
        row(4, status="dropped", text="", opened="n/a"),
    )
    run = imported(content)

    assert (run.status, run.total, run.good, run.bad) == ("finished", 4, 4, 0)
    first, board, closed, dropped = Change.objects.order_by("pk")
    assert (first.state, first.type, first.title) == (State.SUBMITTED, "", "Request 1")
    assert first.description == "## Request\n\nPlease."
    assert (first.requester, first.raised_by) == (cast.requester, cast.support)
    assert first.created_at.date().isoformat() == "2024-02-03"
    assert (first.external_source, first.external_id) == ("desk", "1")
    assert timezone.now() - first.state_since < timezone.timedelta(minutes=1)
    assert (board.state, board.type, board.requester) == (State.BOARD, "code", cast.colleague)
    assert closed.closed_at.date().isoformat() == "2024-03-01"
    assert dropped.state == State.WITHDRAWN


def test_each_change_says_where_it_is_from_and_nobody_is_told(cast: Cast) -> None:
    run = imported(file_of(row(7, status="done")))
    change = Change.objects.get()
    event = change.events.get()
    assert (event.verb, event.from_state, event.to_state) == ("import", "", State.CLOSED)
    assert event.data == {
        "source": "desk",
        "number": "7",
        "line": 2,
        "row": {"status": "done"},
        "run": run.pk,
        "confirmed": False,
    }
    assert "from desk, number 7" in event.reason
    assert "a confirmation by the requester is not on record" in event.reason
    history = change.history.get()
    assert (history.history_type, history.history_change_reason) == ("+", event.reason)
    assert history.created_at == change.created_at
    assert not Email.objects.exists()


def test_imported_changes_work_onwards(cast: Cast) -> None:
    imported(file_of(row(1), row(2, status="board")))
    submitted, on_board = Change.objects.order_by("pk")
    lifecycle.withdraw(submitted, actor=cast.requester, reason="No longer needed.")
    lifecycle.record_board_outcome(on_board, actor=cast.chair, outcome="accepted")
    assert Change.objects.get(pk=on_board.pk).state == State.REQUIREMENTS


def test_a_second_import_passes_over_what_is_there(cast: Cast) -> None:
    imported(file_of(row(1), row(2)))
    again = imported(file_of(row(1), row(2), row(3)))
    assert (again.good, again.skipped, again.bad) == (1, 2, 0)
    assert Change.objects.count() == 3


def test_only_administrators_import(cast: Cast) -> None:
    origin = lifecycle.Origin("desk", cast.harbour, cast.support)
    arrival = lifecycle.ImportedChange(2, "1", "A", "B", State.SUBMITTED, "", cast.requester, "api")
    with pytest.raises(StepForbidden, match="Administrator|administrator"):
        lifecycle.import_change(arrival, origin, actor=cast.support)
    assert lifecycle.import_change(arrival, origin, actor=cast.administrator)
    assert Event.objects.get().actor == cast.administrator


@pytest.mark.django_db(transaction=True)
def test_two_imports_of_one_file_at_once_import_each_row_once(cast: Cast) -> None:
    content = file_of(*(row(number) for number in range(400)))
    results: list[ImportRun] = []

    def work() -> None:
        try:
            results.append(imported(content))
        finally:
            connection.close()

    threads = [threading.Thread(target=work) for _each in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert Change.objects.count() == 400
    assert sum(run.good for run in results) == 400
    assert sum(run.skipped for run in results) == 400
    assert sum(run.bad for run in results) == 0


@pytest.mark.django_db(transaction=True)
def test_an_import_waits_for_one_of_the_same_source_however_long_it_takes(cast: Cast) -> None:
    content = file_of(row(1))
    results: list[Any] = []

    def work() -> None:
        try:
            with connection.cursor() as cursor:
                cursor.execute("SET lock_timeout = '50ms'; SET statement_timeout = '5s'")
            results.append(imported(content))
        finally:
            connection.close()

    thread = threading.Thread(target=work)
    with transaction.atomic(), connection.cursor() as cursor:
        source = "SELECT pg_advisory_xact_lock(hashtext('import'), hashtext(%s))"
        cursor.execute(source, ["desk"])
        thread.start()
        wait_until(lambda: has_waited_long() or not thread.is_alive())
    thread.join()
    assert results[0].good == 1


def has_waited_long() -> bool:
    """Whether another connection has waited for an advisory lock, ten times the limit."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"
            " AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
            " AND clock_timestamp() - waitstart > interval '500 ms'"
        )
        return bool(cursor.fetchone()[0])


# --- Bad rows -------------------------------------------------------------------------------


BAD_CELLS = [
    ({"title": ""}, "title", "A title is needed."),
    ({"title": "x" * 201}, "title", "The text has 201 characters; 200 are allowed."),
    ({"text": ""}, "text", "An open change needs a description."),
    ({"text": "x" * 60_000}, "text", "The text has 60012 characters; 50000 are allowed."),
    ({"text": "a\0b"}, "text", "The text holds a NUL character, which cannot be stored."),
    ({"status": "parked"}, "status", "The map does not say what this means."),
    ({"status": ""}, "status", "A value is needed here."),
    ({"opened": "yyyy-mm-dd"}, "opened", "This is not a date like 2024-12-31 or 31.12.2024."),
    ({"opened": "2024-02-30"}, "opened", "This is not a date like 2024-12-31 or 31.12.2024."),
    ({"opened": "0024-02-03"}, "opened", "This date cannot be right."),
    ({"opened": "2999-01-01"}, "opened", "This date cannot be right."),
    ({"changed": "2023-01-01"}, "changed", "This is before the row was created."),
    ({"number": ""}, "number", "A number that tells rows apart is needed."),
    (
        {"mail": "mia.meridian@harbour.example"},
        "mail",
        "Nobody at Harbour Hospitals has this address.",
    ),
]


@pytest.mark.parametrize(("cells", "column", "reason"), BAD_CELLS)
def test_a_bad_row_is_reported_and_the_others_come_in(
    cast: Cast, cells: dict[str, str], column: str, reason: str
) -> None:
    run = imported(file_of(row(1), row(2, **cells), row(3)))
    assert reasons(run) == [(3, column, reason)]
    assert (run.good, run.bad) == (2, 1)
    assert Change.objects.count() == 2


def test_todays_rows_of_the_first_to_have_a_day_come_in(cast: Cast) -> None:
    with time_machine.travel(datetime(2026, 9, 28, 13, tzinfo=UTC)):
        ahead = {"opened": "2026-09-29", "changed": "2026-09-29"}
        run = imported(file_of(row(1, **ahead), row(2, opened="2026-09-30", changed="2026-09-30")))
    assert {(line, why) for line, _column, why in reasons(run)} == {
        (3, "This date cannot be right.")
    }
    assert (run.good, run.bad) == (1, 1)


def test_lines_are_counted_as_an_editor_counts_them(cast: Cast) -> None:
    run = imported(file_of(row(1, text="three\nlines\nlong"), "", row(2, title="")))
    assert reasons(run) == [(6, "title", "A title is needed.")]


def test_a_row_with_too_few_or_too_many_fields_is_bad(cast: Cast) -> None:
    run = imported(file_of("1,short", row(2) + ",more"))
    assert reasons(run) == [
        (2, "", "The row has 2 fields, the header 7."),
        (3, "", "The row has 8 fields, the header 7."),
    ]


def test_a_number_that_occurs_twice_in_the_file_is_imported_once(cast: Cast) -> None:
    run = imported(file_of(row(1), row(2), row(1, title="Other")))
    assert reasons(run) == [(4, "number", "Line 2 has the same number.")]
    assert Change.objects.count() == 2


def test_all_problems_of_a_row_are_named(cast: Cast) -> None:
    run = imported(file_of(row(1, title="", status="parked", opened="soon")))
    assert {column for _line, column, _reason in reasons(run)} == {"title", "status", "opened"}
    assert run.bad == 1


def test_strict_imports_nothing_unless_every_row_is_good(cast: Cast) -> None:
    run = imported(file_of(row(1), row(2, title="")), mode="strict")
    assert run.message == "Nothing was imported, because not every row is good."
    assert not Change.objects.exists()
    assert imported(file_of(row(1), row(2)), mode="strict").good == 2
    assert Change.objects.count() == 2


def test_checking_imports_nothing(cast: Cast) -> None:
    run = imported(file_of(row(1), row(2, title="")), mode="check")
    assert (run.good, run.bad) == (1, 1)
    assert not Change.objects.exists()


def test_long_numbers_keep_apart(cast: Cast) -> None:
    long = "a" * 150
    imported(file_of(row(1, number=long + "1"), row(2, number=long + "2")))
    first, second = Change.objects.values_list("external_id", flat=True)
    assert first != second
    assert len(first) == len(second) == 100


# --- Bad files ------------------------------------------------------------------------------


BAD_FILES = {
    "empty": (b"", "The file is empty."),
    "no rows": (file_of(), "The file has a header but no rows."),
    "no header": (b"\n\n", "The first line is empty; it must name the columns."),
    "wrong header": (
        b"id,titel\n1,2\n",
        "These columns are missing: number, title, status, opened, changed, mail, text. "
        "The file has: id, titel.",
    ),
    "doubled header": (
        file_of(header=HEADER + ",title"),
        "The header names these columns twice: title.",
    ),
    "spreadsheet": (
        b"PK\x03\x04rest",
        "This is a file of the kind xlsx and not CSV. Save the table as CSV first.",
    ),
    "binary": (bytes(range(256)) * 20, "This file is not text, so it cannot be CSV."),
    "open quote": (
        file_of(row(1), '2,"never closed,x', row(3)),
        "The row that begins on line 3 has a quotation mark that is never closed.",
    ),
    "endless quote": (
        file_of(row(1), '2,"never closed' + "x" * 1_000_100),
        "The row that begins on line 3 has a quotation mark that is never closed.",
    ),
    "stray quote": (
        file_of(row(1), '2,"a"b,c,new,,,'),
        "The row that begins on line 3 is not valid CSV",
    ),
    "mixed encodings": (
        file_of(row(1, title="Zürich")) + row(2, title="Zürich").encode("cp1252"),
        "The file is not readable as UTF-8 near line 3.",
    ),
}


@pytest.mark.parametrize("name", BAD_FILES)
def test_a_bad_file_is_one_sentence_and_changes_nothing(cast: Cast, name: str) -> None:
    content, sentence = BAD_FILES[name]
    run = imported(content)
    assert run.status == "failed"
    assert run.message.startswith(sentence)
    assert not Change.objects.exists()
    assert not ImportProblem.objects.exists()


def test_a_file_that_is_too_large_is_refused(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("changes.importing.reading.MAX_BYTES", 2**20)
    run = imported(b"x" * (2**20 + 1))
    assert run.message == "The file has 2 MB; 1 MB are allowed. Please split it."


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_encoding_and_delimiter_are_found_out(cast: Cast, encoding: str, delimiter: str) -> None:
    plain = file_of(row(1, title="Zürich – Gebäude")).decode()
    text = "\r\n".join(delimiter.join(line) for line in csv.reader(io.StringIO(plain)))
    run = imported(text.encode(encoding))
    assert (run.message, run.good) == ("", 1)
    assert Change.objects.get().title == "Zürich – Gebäude"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
@pytest.mark.parametrize("first", ["sep={}", "SEP={}", '"sep={}"'])
@pytest.mark.parametrize("delimiter", [";", "\t", "^"])
def test_a_line_for_excel_names_the_delimiter(
    cast: Cast, encoding: str, first: str, delimiter: str
) -> None:
    plain = file_of(row(1), row(2, title="")).decode()
    lines = [delimiter.join(line) for line in csv.reader(io.StringIO(plain))]
    text = "\r\n".join([first.format(delimiter), *lines])
    run = imported(text.encode(encoding))
    assert (run.message, run.good, run.bad) == ("", 1, 1)
    assert ImportProblem.objects.get().line == 4, "as an editor counts"


# --- Maps -----------------------------------------------------------------------------------


BAD_MAPS = [
    ("source = ", "The map is not valid TOML"),
    ('sauce = "x"', "Unknown in the map: sauce. Known are"),
    ('identity = ["number"]', "The map must name its “source”"),
    ('source = "x"', "The map must name the columns of “identity”"),
    ('source = "x"\nidentity = ["n"]', "The map must say which column is the “title”."),
    ('source = "x"\nidentity = "n"', "“identity” in the map must be a list of texts."),
    (
        'source = "x"\nidentity = ["n"]\n[columns]\ntitle = "t"\nstate = "s"\n'
        '[values.state]\nopen = "development"',
        "The state “development” cannot be imported. Possible are board, closed, draft",
    ),
    (
        'source = "x"\nidentity = ["n"]\n[columns]\ntitle = "t"\n[defaults]\nchannel = "fax"',
        "“fax” is not a known channel. Possible are",
    ),
]


@pytest.mark.parametrize(("text", "sentence"), BAD_MAPS)
def test_a_bad_map_is_one_sentence(text: str, sentence: str) -> None:
    with pytest.raises(BadImport) as raised:
        read_map(text)
    assert str(raised.value).startswith(sentence)


@pytest.mark.parametrize("name", sorted(bundled_maps()))
def test_the_maps_that_come_along_are_good(name: str) -> None:
    assert read_map(bundled_maps()[name].read_text(encoding="utf-8")).source


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        ("Harbour Hospitals", "Nowhere", "There is no active organisation “Nowhere”."),
        ("grace.requester@", "ghost@", "There is nobody active with the address “ghost@"),
        ("grace.requester@", "mia.meridian@", "There is nobody active with the address “mia"),
        (
            "grace.requester@harbour",
            "sam.support@expansive",
            "Sam Support is not somebody of Harbour Hospitals, and cannot be the requester.",
        ),
    ],
)
def test_people_whom_the_map_names_must_exist(
    cast: Cast, old: str, new: str, sentence: str
) -> None:
    run = imported(file_of(row(1)), map_text=MAP.replace(old, new))
    assert run.status == "failed"
    assert run.message.startswith(sentence)


# --- The command ----------------------------------------------------------------------------


@pytest.fixture
def on_disk(tmp_path: Path) -> tuple[Path, Path]:
    (tmp_path / "map.toml").write_text(MAP)
    (tmp_path / "rows.csv").write_bytes(file_of(row(1), row(2, title="", status='=HYPERLINK("x")')))
    return tmp_path / "rows.csv", tmp_path / "map.toml"


def test_the_command_imports_and_reports(cast: Cast, on_disk: tuple[Path, Path]) -> None:
    file, map_file = on_disk
    out, err, report = io.StringIO(), io.StringIO(), file.with_name("report.csv")
    call_command("import_changes", file, map=str(map_file), report=report, stdout=out, stderr=err)
    assert out.getvalue() == "2 rows: 1 imported, 0 already imported, 1 bad.\n"
    assert "line 3, title: A title is needed." in err.getvalue()
    lines = list(csv.reader(report.open(encoding="utf-8")))
    assert lines[0] == ["line", "column", "value", "reason"]
    assert ["3", "status", '\'=HYPERLINK("x")', "The map does not say what this means."] in lines


def test_the_command_checks_only_or_is_strict(cast: Cast, on_disk: tuple[Path, Path]) -> None:
    file, map_file = on_disk
    out, err = io.StringIO(), io.StringIO()
    call_command("import_changes", file, map=str(map_file), dry_run=True, stdout=out, stderr=err)
    assert out.getvalue() == "2 rows: 1 would be imported, 0 already imported, 1 bad.\n"
    with pytest.raises(CommandError, match=r"Nothing was imported.* Bad rows: 1 of 2\."):
        call_command("import_changes", file, map=str(map_file), strict=True, stderr=err)
    assert not Change.objects.exists()


def test_the_command_names_a_file_that_is_not_there(cast: Cast, tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="No such file"):
        call_command("import_changes", tmp_path / "none.csv", map="keps")
    with pytest.raises(CommandError, match="No such file"):
        call_command("import_changes", tmp_path / "none.csv", map="none.toml")


# --- The page -------------------------------------------------------------------------------


@pytest.fixture
def page(cast: Cast, client: Client) -> Client:
    client.force_login(cast.administrator)
    return client


def upload(content: bytes, **fields: Any) -> dict[str, Any]:
    return {
        "file": SimpleUploadedFile("rows.csv", content, "text/csv"),
        "map": "",
        "map_file": SimpleUploadedFile("desk.toml", MAP.encode()),
        "mode": "good_rows",
        **fields,
    }


def test_an_upload_is_imported_by_the_worker(
    page: Client, cast: Cast, django_capture_on_commit_callbacks: Any
) -> None:
    answer = page.post("/import/", upload(file_of(row(1), row(2, title=""))))
    run = ImportRun.objects.get()
    assert (answer.status_code, answer["Location"]) == (302, f"/import/{run.pk}/")
    assert run.status == "queued"
    waiting = page.get(f"/import/{run.pk}/")
    assert f'hx-get="/import/{run.pk}/progress/"' in waiting.content.decode()
    assert "HX-Refresh" not in page.get(f"/import/{run.pk}/progress/")

    tasks.carry_on_imports()

    assert page.get(f"/import/{run.pk}/progress/")["HX-Refresh"] == "true"
    over = page.get(f"/import/{run.pk}/").content.decode()
    assert "A title is needed." in over
    assert Change.objects.get().events.get().actor == cast.administrator
    report = b"".join(page.get(f"/import/{run.pk}/problems/").streaming_content).decode()
    assert report == "\ufeffLine,Column,Value,Reason\r\n3,title,,A title is needed.\r\n"
    assert [entry.history_change_reason for entry in run.history.order_by("history_id")] == [
        "began the import",
        "finished the import",
    ]
    assert "rows.csv" not in run.file.name


@pytest.mark.parametrize(
    ("content", "fields", "sentence"),
    [
        (b"", {}, "The file is empty."),
        (b"id\n1\n", {}, "These columns are missing: number, title"),
        (b"PK\x03\x04", {}, "Save the table as CSV first."),
        (file_of(row(1)), {"map_file": ""}, "Choose a map, or upload one of your own."),
        (file_of(row(1)), {"map": "other"}, "other is not one of the available choices"),
        (file_of(row(1)), {"mode": "all"}, "all is not one of the available choices"),
        (file_of(row(1)), {"requester": "ghost@x.example"}, "There is nobody active"),
        (file_of(row(1)), {"organisation": "999999"}, "Select a valid choice."),
    ],
)
def test_a_bad_upload_is_told_beside_the_field(
    page: Client, content: bytes, fields: dict[str, Any], sentence: str
) -> None:
    answer = page.post("/import/", upload(content, **fields))
    assert answer.status_code == 400
    assert sentence in answer.content.decode()
    assert not ImportRun.objects.exists()


def test_the_page_is_for_administrators_and_its_methods(cast: Cast, client: Client) -> None:
    run = imported(file_of(row(1)))
    paths = [f"/import/{part}" for part in ("", f"{run.pk}/", f"{run.pk}/problems/")]
    for path in paths:
        assert client.get(path)["Location"] == f"/account/login/?next={path}"
    for part in ("requester", "support", "auditor", "nobody"):
        client.force_login(cast.people[part])
        assert {client.get(path).status_code for path in paths} == {403}
        assert client.post("/import/").status_code == 403
    client.force_login(cast.administrator)
    assert {client.get(path).status_code for path in paths} == {200}
    assert client.delete("/import/").status_code == 405
    assert client.post(f"/import/{run.pk}/").status_code == 405
    assert client.get("/import/999999/").status_code == 404


def test_an_import_that_was_cut_off_goes_on_where_it_stopped(
    page: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = [row(number) for number in range(600)] + [row(3)]
    page.post("/import/", upload(file_of(*rows)))
    run = ImportRun.objects.get()
    real, calls = lifecycle.import_changes, []

    def die_in_third_batch(*args: Any, **kwargs: Any) -> set[str]:
        calls.append(1)
        if len(calls) == 3:
            raise MemoryError
        return real(*args, **kwargs)

    monkeypatch.setattr(lifecycle, "import_changes", die_in_third_batch)
    with pytest.raises(MemoryError):
        runs.carry_on(run.pk)
    run.refresh_from_db()
    assert (run.status, run.done, Change.objects.count()) == ("running", 500, 500)
    assert runs.unfinished() == [run.pk]

    runs.carry_on(run.pk)
    run.refresh_from_db()
    assert (run.status, run.done, run.good, run.skipped) == ("finished", 601, 600, 0)
    assert reasons(run) == [(602, "number", "Line 5 has the same number.")]
    assert runs.unfinished() == []


def test_an_import_that_always_fails_is_given_up(
    page: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    page.post("/import/", upload(file_of(row(1))))
    run = ImportRun.objects.get()

    def fail(*args: Any, **kwargs: Any) -> None:
        raise RuntimeError("a fault")

    monkeypatch.setattr("changes.importing.runs.run", fail)
    for _each in range(runs.MAX_ATTEMPTS + 1):
        tasks.carry_on_imports()
    run.refresh_from_db()
    assert run.status == "failed"
    assert run.message.startswith("A fault stopped the import after 0 rows")


@pytest.mark.django_db(transaction=True)
def test_an_administrator_imports_a_file_in_the_browser(
    celery_worker_process: Worker, cast: Cast, new_page: Any, live_server: Any, tmp_path: Path
) -> None:
    """From upload to report, with a real worker; the pages are good for everybody."""
    (tmp_path / "rows.csv").write_bytes(many(130, bad=2))
    (tmp_path / "desk.toml").write_text(MAP)
    browser_page = new_page(width=360)
    sign_in(browser_page, cast.administrator, live_server)
    browser_page.goto("/import/")
    assert faults(browser_page) == ""
    browser_page.set_input_files("[name=file]", tmp_path / "rows.csv")
    browser_page.set_input_files("[name=map_file]", tmp_path / "desk.toml")
    choose(browser_page.locator("[name=mode][value=good_rows]"))
    browser_page.get_by_role("button", name="Upload").click()
    browser_page.get_by_role("heading", name="What is wrong with the bad rows").wait_for(
        timeout=120_000
    )
    assert faults(browser_page) == ""
    assert fits(browser_page)
    with browser_page.expect_download() as download:
        browser_page.get_by_role("link", name="All as CSV").click()
    lines = download.value.path().read_text(encoding="utf-8-sig").splitlines()
    assert len(lines) == 1 + 65, "more than the page shows"
    assert Change.objects.count() == 65


# --- Real input -----------------------------------------------------------------------------


def many(count: int, bad: int = 50) -> bytes:
    """A file like those of other tools: quotes, line breaks, accents, every so manyth row bad."""
    text = 'Line one, "quoted"\nline two – with an accent: é\n' + "x" * 500
    return file_of(
        *(row(number, text=text, title="" if number % bad == 0 else "T") for number in range(count))
    )


def test_thousands_of_rows_take_few_queries(cast: Cast, django_assert_max_num_queries: Any) -> None:
    content = many(2_000)
    with django_assert_max_num_queries(8 * 12 + 20):
        run = imported(content)
    assert (run.total, run.good, run.bad) == (2_000, 1_960, 40)


@pytest.mark.skipif(not KEPS.exists(), reason=f"The real file is not here: {KEPS}")
def test_675_real_change_requests(cast: Cast) -> None:
    """Dirty dates, states and texts up to 20,000 characters, as another project has them."""
    out, err = io.StringIO(), io.StringIO()
    people = {
        "organisation": cast.harbour.name,
        "requester": cast.requester.email,
        "raised_by": cast.support.email,
    }
    call_command("import_changes", KEPS, map="keps", stdout=out, stderr=err, **people)
    assert out.getvalue() == "675 rows: 641 imported, 0 already imported, 34 bad.\n"
    states = Change.objects.values_list("state", flat=True)
    counts = {state: list(states).count(state) for state in set(states)}
    assert counts == {"board": 275, "closed": 291, "submitted": 56, "withdrawn": 17, "rejected": 2}
    run = ImportRun.objects.get()
    assert (3673, "updated", "This is not a date like 2024-12-31.") in reasons(run)
    assert (5261, "status", "The map does not say what this means.") in reasons(run)
    assert (2450, "updated", "This is before the row was created.") in reasons(run)
    longest = max(Change.objects.values_list("description", flat=True), key=len)
    assert len(longest) > 25_000
    call_command("import_changes", KEPS, map="keps", stdout=out, stderr=err, **people)
    assert "675 rows: 0 imported, 641 already imported, 34 bad." in out.getvalue()
