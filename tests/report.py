"""What a run says of itself: its seed, where the time went, and last of all what failed.

An early plugin, as it adds an option. Under xdist the process that was started by hand hears of
every test and writes; the workers take their seed from it, and tell it of each test once it is
over. Durations of every phase lie in `.data/test/durations.tsv` afterwards, the order of each
worker's tests beside them, and in `known.tsv` what every test took when it last ran.
"""

import os
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

import hypothesis
import pytest
from _pytest.runner import runtestprotocol

ROOT = Path(__file__).resolve().parent.parent
PHASES = ("setup", "call", "teardown")
OF_A_RUN = ("durations.tsv", "outcome.txt")
HEADING = ("test", "phase", "seconds", "outcome", "worker", "began")
SLOWEST = 10
LEAST_SECONDS = 1
"""Groups that took less share one line."""


class Phase(NamedTuple):
    """One phase of one test; it began that many seconds after the run."""

    test: str
    name: str
    seconds: float
    outcome: str
    worker: str
    began: float


def plain_name(nodeid: str) -> str:
    """The name of a test without the group that xdist appends to it."""
    return nodeid.rpartition("@")[0] if nodeid.rfind("@") > nodeid.rfind("]") else nodeid


def file_of(nodeid: str) -> str:
    """The file in which a test lies."""
    return plain_name(nodeid).partition("::")[0]


def group_of(nodeid: str) -> str:
    """The folder of a test, or its file where that lies in no folder below `tests`."""
    parts = file_of(nodeid).split("/")
    return "/".join(parts[:2])


def pytest_addoption(parser: pytest.Parser) -> None:
    """Say where the files about a run lie; runs beside this one name another place."""
    parser.addoption(
        "--report-to", type=Path, default=ROOT / ".data" / "test", help="folder of the report"
    )


def pytest_configure(config: pytest.Config) -> None:
    """Write in the process that was started by hand, and let its workers tell it briefly."""
    is_worker = hasattr(config, "workerinput")
    config.pluginmanager.register(Telling() if is_worker else Report(config))


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Let the seed of the run decide what Hypothesis tries as well."""
    seed = getattr(config.option, "randomly_seed", None)
    for item in items:
        test = getattr(item, "obj", None)
        if isinstance(seed, int) and hypothesis.is_hypothesis_test(test):
            hypothesis.seed(seed)(test)


class Telling:
    """Tells the process that was started by hand of a test: as a rule in one report.

    Each phase is a report of its own otherwise, and the beginning and the end of the test are two
    more: with thousands of tests their way takes longer than what they say.
    """

    def pytest_runtest_protocol(self, item: pytest.Item, nextitem: pytest.Item | None) -> bool:
        """Run a test, and tell of it when it is over, how long each phase took included."""
        reports = runtestprotocol(item, log=False, nextitem=nextitem)
        told = worth_telling(reports)
        told[-1].of_all = [(one.when, one.duration, one.outcome, one.start) for one in reports]
        for report in told:
            item.ihook.pytest_runtest_logreport(report=report)
        return True


def worth_telling(reports: list[pytest.TestReport]) -> list[pytest.TestReport]:
    """Choose the reports of a test that say more than that a phase has passed.

    Of one that failed all are told: each may hold a part of what was written meanwhile.
    """
    if any(one.failed for one in reports):
        return reports
    return [one for one in reports if one.when == "call" or one.skipped] or reports[-1:]


class Report:
    """Hears of every phase of every test, and tells at the end."""

    def __init__(self, config: pytest.Config) -> None:
        self.config = config
        self.folder: Path = config.getoption("--report-to")
        self.begun = time.time()
        self.phases: list[Phase] = []
        self.failed: Counter[str] = Counter()
        if not config.option.collectonly:
            # What an earlier run said is no answer about this one.
            for old in (*self.folder.glob("*.order"), *map(self.folder.joinpath, OF_A_RUN)):
                old.unlink(missing_ok=True)

    @pytest.hookimpl(trylast=True)
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Remember a phase or, of a worker's test, all of them with the last report."""
        self.failed[file_of(report.nodeid)] += report.failed
        from_worker = hasattr(report, "worker_id")  # one that crashed is told of without it
        itself = (report.when, report.duration, report.outcome, report.start)
        phases = getattr(report, "of_all", [] if from_worker else [itself])
        test, worker = plain_name(report.nodeid), worker_of(report)
        self.phases += [
            Phase(test, when, seconds, outcome, worker, start - self.begun)
            for when, seconds, outcome, start in phases
        ]
        if from_worker and phases:
            # For the share of the tests that is done, at the end of a line.
            ended = self.config.hook.pytest_runtest_logfinish
            ended(nodeid=report.nodeid, location=report.location)

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """Remember a file that could not even be read."""
        self.failed[file_of(report.nodeid)] += report.failed

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Show where the time went, before pytest's own last line."""
        if self.phases:
            terminalreporter.section("Where the time went")
            for line in [*slowest(self.phases), "", *by_group(self.phases), "", self.load()]:
                terminalreporter.write_line(line)

    def load(self) -> str:
        """How busy the machine was: a figure without it says little."""
        minutes = (time.time() - self.begun) / 60
        average = ", ".join(f"{value:.1f}" for value in os.getloadavg())
        return f"{minutes:.1f} minutes on {os.cpu_count()} cores; load average {average}."

    def pytest_unconfigure(self) -> None:
        """Write the files; say last of all which files failed, and the seed."""
        if not self.phases and not any(self.failed.values()):
            return
        self.folder.mkdir(parents=True, exist_ok=True)
        lines = list(outcome(self.failed, getattr(self.config.option, "randomly_seed", None)))
        write(self.folder / "outcome.txt", lines)
        write(self.folder / "durations.tsv", as_table(self.phases))
        add_known(self.folder / "known.tsv", self.phases)
        for worker, tests in orders(self.phases).items():
            write(self.folder / f"{worker}.order", tests)
        writer = self.config.get_terminal_writer()
        for line in lines:
            writer.line(line)


def worker_of(report: pytest.TestReport) -> str:
    """The worker that had the test, or `main` where it ran in this process."""
    node = getattr(report, "node", None)
    return str(node.gateway.id) if node else "main"


def outcome(failed: Counter[str], seed: int | None) -> Iterator[str]:
    """The last lines of a run."""
    files = [f"{file} ({count})" for file, count in sorted(failed.items()) if count]
    if files:
        yield f"Failed in {len(files)} file{'s'[: len(files) > 1]}: {', '.join(files)}"
    if isinstance(seed, int):
        yield f"Seed {seed}: SEED={seed} gives the same order and the same examples again."


def slowest(phases: Iterable[Phase]) -> Iterator[str]:
    """The tests that took longest, all their phases together."""
    seconds = sums(phases, lambda phase: phase.test)
    longest = sorted(seconds.items(), key=lambda item: -sum(item[1].values()))[:SLOWEST]
    for test, parts in longest:
        yield f"{sum(parts.values()):8.1f} s  {test}"


def by_group(phases: list[Phase]) -> Iterator[str]:
    """The sums by folder, the longest first; what is short shares a line."""
    tests = {phase.test for phase in phases}
    numbers = Counter(group_of(test) for test in tests)
    seconds = sums(phases, lambda phase: group_of(phase.test))
    yield f"{'total':>10}  {'set-up':>8}  {'test':>8}  {'tearing':>8}  {'tests':>6}"
    short: Counter[str] = Counter()
    short_tests = 0
    for group, parts in sorted(seconds.items(), key=lambda item: -sum(item[1].values())):
        if sum(parts.values()) < LEAST_SECONDS:
            short, short_tests = short + parts, short_tests + numbers[group]
        else:
            yield group_line(group, parts, numbers[group])
    if short_tests:
        yield group_line("others", short, short_tests)
    yield group_line("all", sum(seconds.values(), Counter()), len(tests))


def group_line(name: str, parts: Counter[str], tests: int) -> str:
    """A row of the sums."""
    columns = "".join(f"  {parts[phase]:8.1f}" for phase in PHASES)
    return f"{sum(parts.values()):8.1f} s{columns}  {tests:6}  {name}"


def sums(phases: Iterable[Phase], key: Callable[[Phase], str]) -> dict[str, Counter[str]]:
    """Seconds by phase for each value of the key."""
    seconds: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for phase in phases:
        seconds[key(phase)][phase.name] += phase.seconds  # type: ignore[assignment]
    return seconds


def as_table(phases: Iterable[Phase]) -> Iterator[str]:
    """Every phase as a row of columns between tabs."""
    yield "\t".join(HEADING)
    for phase in phases:
        yield (
            f"{phase.test}\t{phase.name}\t{phase.seconds:.4f}\t{phase.outcome}\t{phase.worker}"
            f"\t{phase.began:.3f}"
        )


def add_known(path: Path, phases: Iterable[Phase]) -> None:
    """Keep what each test took when it last ran, for whoever has to choose among them."""
    rows = path.read_text().splitlines() if path.exists() else []
    known = dict(row.split("\t") for row in rows)
    for test, parts in sums(phases, lambda phase: phase.test).items():
        known[test] = f"{sum(parts.values()):.3f}"
    write(path, (f"{test}\t{seconds}" for test, seconds in known.items()))


def orders(phases: Iterable[Phase]) -> dict[str, list[str]]:
    """The tests of each worker in the order in which it took them."""
    found: dict[str, dict[str, None]] = {}
    for phase in phases:
        found.setdefault(phase.worker, {})[phase.test] = None
    return {worker: list(tests) for worker, tests in found.items()}


def write(path: Path, lines: Iterable[str]) -> None:
    """Put a file in its place whole: another run may read it."""
    draft = path.with_name(f"{path.name}.{os.getpid()}")
    draft.write_text("".join(f"{line}\n" for line in lines))
    draft.replace(path)
