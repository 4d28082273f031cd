"""`make check`: lint, then the tests that what changed since main may touch, within minutes."""

import os
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path

from expansive_cm.services import lint
from expansive_cm.services.check.addresses import table
from expansive_cm.services.check.choose import Plan, Touched, plan, touched
from expansive_cm.services.check.uses import Graph, build, part_of

ROOT = lint.ROOT
KNOWN = ROOT / ".data" / "test" / "known.tsv"
WORKERS = 2
SECONDS = 150
"""What the tests may take, by what they took when they last ran, set-up of the run left out."""
SECONDS_OF_A_TEST = 0.5
SECONDS_IN_THE_BROWSER = 3.0
"""What a test is taken for that has never run here."""
NO_TEST = ("docs/images/", ".ci/", ".gitignore", ".gitattributes", ".dockerignore")
EVERY_TEST = (
    "requirements/ pyproject.toml package.json package-lock.json expansive_cm/settings.py "
    "tests/conftest.py tests/database.py tests/environment.py tests/settings.py"
).split()
"""Files under every test, whatever imports them."""


def main() -> int:
    """Run both. Returns 1 when one of them found something."""
    form = lint.main()
    changed, since = changes_since(os.environ.get("BASE", "main"))
    proven = [path for path in changed if not path.startswith(NO_TEST)]
    if not proven:
        print(f"Nothing that tests prove has changed since {since}.")
        return form
    chosen = choose(proven, since)
    command = [sys.executable, "-m", "pytest", "-n", str(WORKERS), *chosen, *sys.argv[1:]]
    return subprocess.call(command, cwd=ROOT) or form


def git(*arguments: str) -> str | None:
    """What git answers, or None when it refuses."""
    done = subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True)
    return done.stdout if done.returncode == 0 else None


def changes_since(base: str) -> tuple[list[str], str]:
    """The files that differ from where this branch left `base`, and in words since when.

    What is not committed and what git does not know yet belong to them.
    """
    for name in (base, f"origin/{base}", "HEAD"):
        if start := git("merge-base", name, "HEAD"):
            break
    else:
        raise SystemExit("`make check` asks git what has changed; this is no copy git knows.")
    different = git("diff", "--name-only", "--no-renames", "-z", start.strip()) or ""
    unknown = git("ls-files", "--others", "--exclude-standard", "-z") or ""
    since = name if name != "HEAD" or base == "HEAD" else f"the last commit, as there is no {base}"
    return sorted(set(filter(None, (different + unknown).split("\0")))), since


def choose(changed: list[str], since: str) -> list[str]:
    """The files of tests to run, after saying which and why; none stands for all."""
    os.environ.update(DJANGO_SETTINGS_MODULE="expansive_cm.settings", DEMO="true")
    graph = build(ROOT, table())
    found = reached(changed, graph)
    print(f"\nChanged since {since}: {len(changed)} file{'s'[: len(changed) > 1]}.")
    if found.unknown:
        print("Every test, as no import or name tells which ones are about:")
        print("".join(f"  {part}\n" for part in found.unknown))
        return []
    made = plan(found, costs(graph), SECONDS * WORKERS)
    for line in told(made, found):
        print(line, flush=True)
    return [file_name(module) for module in made.run]


def reached(changed: Iterable[str], graph: Graph) -> Touched:
    """The tests that reach what changed; styles and scripts are seen by a browser only."""
    found = Touched()
    tests = set(graph.tests)
    for path in changed:
        part = part_of(path)
        if path.startswith(tuple(EVERY_TEST)):
            found.unknown.append(path)
        elif part in tests or (ROOT / path).exists() or not path.startswith("tests/"):
            seen_by = graph.browser if path.startswith("static/") else tests
            found.add(touched([part], graph.uses, seen_by))
    return found


def costs(graph: Graph) -> dict[str, float]:
    """The seconds of every module of tests: what was measured here, else by its number of tests."""
    measured: defaultdict[str, float] = defaultdict(float)
    for row in KNOWN.read_text().splitlines() if KNOWN.exists() else []:
        test, seconds = row.rsplit("\t", 1)
        measured[test.partition("::")[0]] += float(seconds)
    return {
        module: measured.get(file_name(module))
        or source.tests * (SECONDS_IN_THE_BROWSER if module in graph.browser else SECONDS_OF_A_TEST)
        for module, source in graph.tests.items()
    }


def file_name(module: str) -> str:
    """The path of a module of tests."""
    return str(Path(*module.split(".")).with_suffix(".py"))


def told(made: Plan, found: Touched) -> Iterable[str]:
    """What is run, by the distance from the change, and what is not."""
    yield f"Tests in {len(made.run)} files, about {made.seconds / WORKERS:.0f} s:"
    for module in made.run:
        why = f"through {found.through[module]}" if found.steps[module] else "changed itself"
        yield f"  {file_name(module)}  ({found.steps[module]}: {why})"
    if made.left:
        nearest = min(found.steps[module] for module in made.left)
        yield f"Left to `make test`: {len(made.left)} files, {nearest} or more steps away, such as"
        yield "".join(f"  {file_name(module)}\n" for module in made.left[:5])


if __name__ == "__main__":
    sys.exit(main())
