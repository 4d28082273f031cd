"""What the guides name is there: files, names, addresses, commands, settings and their defaults."""

import ast
import json
import re
import shlex
import tomllib
from collections.abc import Iterator
from fnmatch import fnmatchcase
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.core.management import get_commands, load_command_class
from django.template import Template, engines
from django.urls import Resolver404, get_resolver, resolve

from audit.sources import OWN_APPS
from changes.export import CUSTOMER_COLUMNS, STAFF_COLUMNS
from changes.importing import mapping
from changes.models import Channel
from changes.risk import RiskLevel, Urgency
from expansive_cm.celery import SCHEDULE
from expansive_cm.logs import SECRET_ADDRESS
from tests.test_setup_deployment import ROOT

GUIDES = sorted(path.stem for path in (ROOT / "docs").glob("*.md"))
PAGES = [f"docs/{name}.md" for name in GUIDES]
PAGES += [f"{name}.md" for name in ("README", "CONTRIBUTING", "CHANGELOG")]
FOLDERS = "accounts audit changes crb expansive_cm templates static tests docs requirements .ci"
MADE_HERE = re.compile(
    r"\.(venv|data|env)\b.*|static/vendor|node_modules|staticfiles|\w+\.tsv|outcome\.txt"
)
"""Files and folders that a start or a run of the tests makes."""
OF_OTHERS = set(
    "SKIP LOCKED proxy_http_version proxy_read_timeout client_max_body_size "
    "ignore_startup_parameters DISABLE_SERVER_SIDE_CURSORS".split()
)
"""Names in other programs."""
NAMED = re.compile(r"`([^`\n]+)`")
PATH = re.compile(r"[\w.<>…*/-]+/[\w.<>…*/-]*|[\w<>…*-]+\.(?:py|html|css|js|toml|txt|yml|json|tsv)")
WORD = re.compile(r"\b(?:[A-Za-z]+_\w+|[A-Z][a-z]+[A-Z]\w*|[A-Z]{2,}[A-Z0-9_]*)\b")
ADDRESS = re.compile(r"/(?:[a-z…-]+/)+")


def text_of(page: str) -> str:
    """A page of the guides, by its path."""
    return (ROOT / page).read_text()


def named_in(page: str) -> list[str]:
    """What stands between back quotes, blocks of code left out."""
    return NAMED.findall(re.sub(r"```.*?```", "", text_of(page), flags=re.DOTALL))


def table_in(page: str, first: str) -> list[list[str]]:
    """The rows of the table whose first column has this heading."""
    lines = text_of(page).splitlines()
    start = next(at for at, line in enumerate(lines) if line.startswith(f"| {first} |"))
    found = []
    for line in lines[start + 2 :]:
        if not line.startswith("|"):
            break
        found.append([cell.strip() for cell in line.strip().split("|")[1:-1]])
    return found


@cache
def files() -> dict[str, Path]:
    """Every file and folder of the project, by its path."""
    found = [path for path in ROOT.iterdir() if path.is_file()]
    for folder in FOLDERS.split():
        found += [ROOT / folder, *(ROOT / folder).rglob("*")]
    return {path.relative_to(ROOT).as_posix(): path for path in found}


@cache
def code(*folders: str) -> str:
    """The text of every file below these folders, all of them by default, that is no guide."""
    kinds = {".py", ".html", ".js", ".css", ".toml", ".yml", ".json", ""}
    texts = [
        path.read_text()
        for name, path in files().items()
        if path.suffix in kinds
        and path.is_file()
        and name.startswith(folders or "")
        and not name.startswith(("docs/", "static/vendor/", "tests/mail_corpus/"))
        and path != Path(__file__)
    ]
    return "\n".join(texts)


@cache
def words_of_the_code() -> frozenset[str]:
    """Every word in it."""
    return frozenset(re.findall(r"\w+", code()))


@cache
def words_of_pages() -> str:
    """What pages may say, in small letters: one text where the code has pieces, 0 for a value."""
    found = code("accounts/", "audit/", "changes/", "crb/", "templates/", "static/js/")
    whole = re.sub(r'"\s*\n\s*"', "", found).replace("’", "'")
    return " ".join(re.sub(r"{{.*?}}|%\(\w+\)[sd]|%[sd]", "0", whole).lower().split())


def is_a_file(name: str) -> bool:
    """Whether a path, or the end of one, is there; `…`, `*` and `<verb>` stand for anything."""
    pattern = re.sub(r"…|<\w+>", "*", name.rstrip("/"))
    return any(fnmatchcase(one, pattern) or fnmatchcase(one, f"*/{pattern}") for one in files())


def is_importable(name: str) -> bool:
    """Whether a dotted name leads to something."""
    parts = name.split(".")
    for end in range(len(parts), 0, -1):
        try:
            found: Any = import_module(".".join(parts[:end]))
        except ImportError:
            continue
        for part in parts[end:]:
            if not hasattr(found, part):
                return False
            found = getattr(found, part)
        return True
    return False


def is_answered(address: str) -> bool:
    """Whether a page answers here, or at a secret address that begins so."""
    path = address.replace("…", "1")
    for more in ("", "1-abcdefghijklmnopqrst/", "abcdefghijklmnopqrst.ics"):
        try:
            resolve(path + more)
        except Resolver404:
            continue
        return True
    return False


def parts_of(guide: Path) -> set[str]:
    """What can stand behind `#` in a link to a guide: its headings, as they are named there."""
    headings = re.findall(r"^#+ (.*)$", guide.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", one).lower().replace(" ", "-") for one in headings}


def is_a_page(name: str) -> bool:
    """Whether a page has this name, whatever its address needs."""
    space, _colon, page = name.partition(":")
    return page in get_resolver().namespace_dict[space][1].reverse_dict


# --- What is named ---------------------------------------------------------------------------


@pytest.mark.parametrize("page", PAGES)
def test_what_a_guide_names_is_there(page: str) -> None:
    missing = []
    for name in named_in(page):
        if ADDRESS.fullmatch(name):
            there = is_answered(name)
        elif PATH.fullmatch(name) and not name.startswith("/"):
            there = (
                bool(MADE_HERE.fullmatch(name)) or name == "text/event-stream" or is_a_file(name)
            )
        elif name.partition(":")[0] in ("changes", "crb", "audit", "accounts") and ":" in name:
            there = is_a_page(name)
        elif re.fullmatch(r"(?:accounts|audit|changes|crb|expansive_cm)(?:\.\w+)+", name):
            there = is_importable(name)
        else:
            there = set(WORD.findall(name)) - OF_OTHERS <= words_of_the_code()
        if not there:
            missing.append(name)
    assert not missing


@pytest.mark.parametrize("page", PAGES)
def test_what_a_guide_says_to_press_or_read_is_on_a_page(page: str) -> None:
    text = re.sub(r"```.*?```|`[^`]*`|<[^>]*>", "", text_of(page), flags=re.DOTALL)
    labels = re.findall(r"(?<![*\w])\*([^*\n]+)\*(?!\*)", text)
    for label in labels + re.findall(r'"([A-Z][^"\n]+)"', text):
        for part in re.split(r" → |, ", re.sub(r"\d+", "0", label).strip(".").lower()):
            assert part in words_of_pages() or part in SCHEDULE, label


@pytest.mark.parametrize("page", PAGES)
def test_the_links_of_a_guide_lead_somewhere(page: str) -> None:
    links = re.findall(r'\]\(([^)\s]+)\)|\b(?:src|href)="([^"]+)"', text_of(page))
    for link in (one or other for one, other in links):
        if not link.startswith(("http:", "https:")):
            name, _sign, part = link.partition("#")
            there = (ROOT / page).parent / name if name else ROOT / page
            assert there.exists(), link
            assert not part or part in parts_of(there), link


def test_the_readme_leads_to_every_guide_and_each_picture_is_shown_and_can_be_taken() -> None:
    readme = text_of("README.md")
    for name in GUIDES:
        assert f"(docs/{name}.md)" in readme, name
    taken = (ROOT / "docs/take_screenshots.py").read_text()
    everything = "".join(text_of(page) for page in PAGES)
    for picture in (ROOT / "docs" / "images").iterdir():
        assert f'("{picture.stem}",' in taken and f"images/{picture.name}" in everything, picture


# --- Commands --------------------------------------------------------------------------------


def targets() -> set[str]:
    """What `make` can be asked for, as `make help` lists it."""
    return set(re.findall(r"^([a-z-]+):.*## ", (ROOT / "Makefile").read_text(), re.MULTILINE))


def test_every_target_is_listed_and_those_named_are_targets() -> None:
    makefile = (ROOT / "Makefile").read_text()
    (phony,) = re.findall(r"^\.PHONY: (.*)$", makefile, re.MULTILINE)
    assert set(phony.split()) == targets()
    for page in PAGES:
        text = text_of(page)
        asked = re.findall(r"`(?:\w+=\S+ )*make ([a-z-]+)|^make ([a-z-]+)", text, re.MULTILINE)
        named = {one or other for one, other in asked}
        assert named <= targets(), page


def asked_commands(text: str) -> Iterator[list[str]]:
    """The management commands in a page with what is asked of them."""
    for found in re.findall(r"(?:manage\.py |make manage ARGS=\")([a-z_]+[^`\n\"]*)", text):
        yield shlex.split(re.sub(r"[<>|\[\]…]", " ", found))
    for target, found in re.findall(r"make (bench[a-z-]*) ARGS=\"([^\"]*)\"", text):
        yield [target.replace("-", "_"), *found.split()]


@cache
def options_of(command: str) -> frozenset[str]:
    """What a management command can be asked for."""
    parser = load_command_class(get_commands()[command], command).create_parser("", command)
    return frozenset(one for action in parser._actions for one in action.option_strings)


@pytest.mark.parametrize("page", PAGES)
def test_management_commands_and_their_options_exist(page: str) -> None:
    for name, *arguments in asked_commands(text_of(page)):
        assert name in get_commands() | {"shell": ""}, name
        known = options_of(name)
        assert {one for one in arguments if one.startswith("--")} <= known, (name, arguments)


@pytest.mark.parametrize("page", PAGES)
def test_options_named_alone_exist_as_well(page: str) -> None:
    ours = [
        one
        for one, app in get_commands().items()
        if app in {*OWN_APPS, "expansive_cm.bench", "expansive_cm.demo"}
    ]
    known = frozenset().union(*map(options_of, ours))
    assert {name.split()[0] for name in named_in(page) if name.startswith("--")} <= known


# --- Settings --------------------------------------------------------------------------------


def defaults() -> dict[str, Any]:
    """What settings.py takes for each value where production does not say; `...`: it must."""
    found: dict[str, Any] = {}
    known = {"str": str, "BASE_DIR": Path(), "demo_default": lambda value: ...}
    known["get_random_secret_key"] = str
    for node in ast.walk(ast.parse((ROOT / "expansive_cm" / "settings.py").read_text())):
        if not isinstance(node, ast.Call) or not ast.unparse(node.func).startswith("env."):
            continue
        if node.args:  # not the call that ends the start
            name, default = (ast.unparse(argument) for argument in node.args)
            found[ast.literal_eval(name)] = eval(default, {}, known)
    return found


def test_the_operators_guide_has_every_setting_and_its_default() -> None:
    nothing = {"none", "nobody", "the system's", "the success team's"}
    rows = table_in("docs/operators-guide.md", "name | in production")
    told = {name.strip("`"): cell for name, cell, _means in rows}
    assert told.keys() == defaults().keys()
    for name, default in defaults().items():
        cell = told[name].strip("`")
        if default is ...:
            assert cell == "required", name
        elif cell in nothing:
            assert not default, name
        else:
            assert cell == (str(default).lower() if isinstance(default, bool) else str(default)), (
                name
            )


def test_every_secret_address_is_named_for_whoever_runs_a_proxy() -> None:
    (begins,) = re.findall(r"^\((/.*?)\)", SECRET_ADDRESS.pattern)
    named = named_in("docs/operators-guide.md")
    for address in begins.split("|"):
        assert any(name.endswith(address) for name in named), address


# --- Tables ----------------------------------------------------------------------------------


def test_every_package_has_a_line_that_says_why_it_is_there() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    wanted = list(project["project"]["dependencies"])
    for group in project["dependency-groups"].values():
        wanted += [one for one in group if isinstance(one, str)]
    split = {part for one in wanted for part in re.findall(r"^[\w.-]+|(?<=\[)\w+(?=\])", one)}
    front = json.loads((ROOT / "package.json").read_text())
    told = [row[0] for row in table_in("docs/architecture.md", "library")]
    names = {name.split()[0] for cell in told for name in cell.split(", ")}
    assert names == split | front["dependencies"].keys() | front["devDependencies"].keys()


def test_the_export_guide_has_the_columns_of_the_file_in_their_order() -> None:
    rows = [
        (heading, reader, means)
        for headings, reader, means in table_in("docs/export.md", "column")
        for heading in headings.split(", ")
    ]
    for columns, other in ((STAFF_COLUMNS, "customers"), (CUSTOMER_COLUMNS, "staff")):
        told = [heading for heading, reader, _means in rows if reader != other]
        assert told == [str(column.heading) for column in columns]
    holds = {heading: means for heading, _reader, means in rows}
    assert holds["Risk"].split(", ") == [str(one) for one in RiskLevel.labels]
    assert holds["Urgency"].split(", ") == [str(one) for one in Urgency.labels]
    assert holds["Channel"].split(", ") == list(Channel.values)


def test_the_import_guide_shows_a_map_that_works_with_every_key() -> None:
    page = text_of("docs/import.md")
    (example,) = re.findall(r"```toml\n(.*?)```", page, re.DOTALL)
    shown = mapping.read_map(example)
    assert tomllib.loads(example).keys() == mapping.ImportMap.__dataclass_fields__.keys()
    assert shown.columns.keys() == mapping.FIELDS
    assert shown.defaults.keys() == mapping.DEFAULTS
    (states,) = re.findall(r"^States to choose from: (.*?)\. ", page, re.MULTILINE)
    assert set(NAMED.findall(states)) == mapping.IMPORTABLE_STATES


# --- The interface -----------------------------------------------------------------------------


def test_the_tags_of_the_interface_guide_can_be_written_so() -> None:
    engine = engines["django"].engine
    loaded = "{% load ui change_ui widgets %}"
    shown = [name for name in named_in("docs/interface.md") if name.startswith("{% ")]
    assert len(shown) > 20 and engine.template_libraries
    for tag in shown:
        if "NAME" not in tag:
            Template(loaded + tag.replace("…", ""))


def test_the_interface_guide_lists_what_pages_include() -> None:
    (line,) = re.findall(r"begins with what it takes: (.*?)\.", text_of("docs/interface.md"))
    folder = Path(settings.BASE_DIR) / "templates" / "components"
    described = {
        path.stem
        for path in folder.glob("*.html")
        if "{% comment %}" in path.read_text().partition("\n")[0]
    }
    assert set(NAMED.findall(line)) == described


def test_the_blocks_of_the_interface_guide_are_those_of_the_templates() -> None:
    filled = re.findall(
        r"`([a-z]+)\.html` and fill[^:`]*[: ]*((?:`\w+`[, ]*)+)", text_of("docs/interface.md")
    )
    assert {name for name, _blocks in filled} == {"base", "entrance"}
    for name, blocks in filled:
        template = (ROOT / "templates" / f"{name}.html").read_text()
        base = (ROOT / "templates" / "base.html").read_text()
        there = set(re.findall(r"{% block (\w+) %}", template + base))
        assert set(NAMED.findall(blocks)) <= there, name
