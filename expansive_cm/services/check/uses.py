"""What every part of the product and of its tests uses: by import, and by name.

Imports alone do not tell: Django finds views by addresses, templates by their names, and pytest
fixtures by the names of arguments. Each of these is a use as well, read from the files.
"""

import logging
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import grimp

from expansive_cm.services.check.addresses import Address, answering
from expansive_cm.services.check.source import ANYTHING, Source, read

APPS = ("accounts", "changes", "crb", "audit")
PACKAGES = (*APPS, "expansive_cm", "tests")
WEB = {"client", "admin_client", "Client", "live_server", "new_page", "page"}
BROWSER = {"new_page", "page", "browser"}
HANDS_OVER = "expansive_cm.services.bootstrap"
"""Names what it starts after it has ended."""
DOTTED = re.compile(r"[a-z_]+(\.\w+)+")
IN_A_TEMPLATE = re.compile(r"""["']([\w./-]+\.\w+)["']""")
LOADED = re.compile(r"{%\s*load ([^%]*)%}")
PLACES = ("templates/", "tests/components/templates/", "static/", "")
"""Where a name of a template or of a file of a page is looked for."""
FOUND_BY_DJANGO = {
    "templates/account/": "accounts.urls",
    "templates/allauth/": "accounts.urls",
    "templates/admin/": "accounts.admin",
    "templates/django/": "expansive_cm.ui.forms",
}
"""Templates that no file of ours names, as a library asks for them, and what stands for it."""


@dataclass
class Graph:
    """Who uses what; which parts are modules of tests, and which of those open a browser."""

    uses: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    tests: dict[str, Source] = field(default_factory=dict)
    browser: set[str] = field(default_factory=set)


def build(root: Path, addresses: Iterable[Address]) -> Graph:
    """Read the whole project under this directory, which is also where modules are imported."""
    logging.getLogger("grimp").setLevel(logging.WARNING)
    graph = Graph()
    imports = grimp.build_graph(*PACKAGES, cache_dir=str(root / ".cache" / "grimp"))
    for module in imports.modules:
        graph.uses[module] |= imports.find_modules_directly_imported_by(module)
    written = [name for name in imports.modules if ".migrations" not in name]
    sources = {name: read(path) for name in written if (path := file_of(root, name))}
    files = {str(path.relative_to(root)) for path in files_of(root)}
    folders: defaultdict[str, set[str]] = defaultdict(set)
    for name in files:
        if name.startswith("tests/"):
            folders[name.split("/")[-2]].add(name)
    for module, source in sources.items():
        if module != HANDS_OVER:
            graph.uses[module] |= named_modules(source, imports.modules)
        graph.uses[module] |= named_files(source, files, folders)
    for user, parts in between_files(root, files, imports.modules).items():
        graph.uses[user] |= parts
    for app in APPS:
        graph.uses[f"{app}.models"] |= {
            name for name in imports.modules if name.startswith(f"{app}.migrations.")
        }
    graph.uses["expansive_cm.urls"].add("expansive_cm.settings")
    add_tests(graph, {n: s for n, s in sources.items() if n.startswith("tests.")}, addresses)
    return graph


def add_tests(graph: Graph, sources: Mapping[str, Source], addresses: Iterable[Address]) -> None:
    """Add what tests use through fixtures and addresses."""
    known = list(addresses)
    graph.tests = {name: source for name, source in sources.items() if is_test(name)}
    for module, source in sources.items():
        for text in source.texts:
            graph.uses[module] |= answering(text, known)
        graph.uses[module] |= set(fixture_modules(module, source, sources))
    for module, source in graph.tests.items():
        if (source.asked | source.called) & WEB:
            app = module.split(".")[1]
            graph.uses[module] |= {f"{app}.urls" if app in APPS else "expansive_cm.urls"}
            graph.uses[module].add("expansive_cm.settings")
        if source.asked & BROWSER:
            graph.browser.add(module)


def is_test(module: str) -> bool:
    """Whether pytest takes tests from this module."""
    return module.startswith("tests.") and module.rpartition(".")[2].startswith("test_")


def fixture_modules(module: str, source: Source, sources: Mapping[str, Source]) -> Iterator[str]:
    """The modules whose fixtures a module asks for by the names of arguments, or in a text."""
    for other, offered in sources.items():
        package = other.rpartition(".")[0]
        reaches = not is_test(other) and module.startswith(f"{package}.") and other != module
        if reaches and offered.fixtures & (source.asked | source.texts):
            yield other


def named_modules(source: Source, modules: set[str]) -> set[str]:
    """The modules that a file names in its texts: settings, included addresses, commands."""
    commands = {name.rpartition(".")[2]: name for name in modules if ".commands." in name}
    found = {commands[text] for text in source.texts & commands.keys()}
    for text in source.texts:
        if DOTTED.fullmatch(text):
            parts = text.split(".")
            ends = range(len(parts), 1, -1)
            found |= {".".join(parts[:end]) for end in ends if ".".join(parts[:end]) in modules}
    return {name for name in found if not is_test(name)}


def named_files(source: Source, files: set[str], folders: Mapping[str, set[str]]) -> set[str]:
    """The templates and other files that a file names, with all that a place in it may mean.

    Of files that tests read, it names the folder alone.
    """
    found = {name for folder in source.texts & folders.keys() for name in folders[folder]}
    for text in source.texts:
        if not re.search(r"\.\w+$", text) or "\n" in text or " " in text:
            continue
        pattern = re.escape(text).replace(re.escape(ANYTHING), "[^/]+")
        if ANYTHING not in text:
            found |= {name for place in PLACES if (name := place + text) in files}
        elif text.strip(ANYTHING + "./"):
            whole = re.compile(rf"(?:{'|'.join(PLACES)}){pattern}")
            found |= {name for name in files if whole.fullmatch(name)}
    return found


def files_of(root: Path) -> Iterator[Path]:
    """The files beside the code that the product or its tests read."""
    for folder in ("templates", "tests", "static/js", "static/css", "static/img"):
        for path in (root / folder).rglob("*"):
            if path.is_file() and path.suffix not in {".py", ".pyc"}:
                yield path
    yield from (path for path in (root / "docs").glob("*.*") if path.is_file())
    yield from (path for path in root.iterdir() if path.is_file())


def between_files(root: Path, files: set[str], modules: set[str]) -> dict[str, set[str]]:
    """What templates, styles and scripts use of each other and of the template tags."""
    uses: defaultdict[str, set[str]] = defaultdict(set)
    for name in files:
        if name.startswith(("templates/", "static/", "tests/components/")):
            text = (root / name).read_text(errors="replace")
            beside = name.rpartition("/")[0] + "/"
            for found in IN_A_TEMPLATE.findall(text):
                known = tuple(place + found for place in PLACES)
                if found.startswith("./"):
                    known = (beside + found.removeprefix("./"),)
                uses[name] |= {one for one in known if one in files}
            for tags in LOADED.findall(text):
                ends = tuple(f".templatetags.{tag}" for tag in tags.split())
                uses[name] |= {module for module in modules if module.endswith(ends)}
        for start, module in FOUND_BY_DJANGO.items():
            if name.startswith(start):
                uses[module].add(name)
        if re.fullmatch(r"templates/[^/]+\.html", name):
            uses["expansive_cm.errors"].add(name)
    return uses


def file_of(root: Path, module: str) -> Path | None:
    """The file of a module."""
    path = root / Path(*module.split("."))
    for candidate in (path.with_suffix(".py"), path / "__init__.py"):
        if candidate.exists():
            return candidate
    return None


def part_of(path: str) -> str:
    """The name under which a file of the project stands in the graph."""
    if path.endswith(".py") and path.split("/")[0] in PACKAGES:
        return ".".join(path.removesuffix(".py").removesuffix("/__init__").split("/"))
    return path
