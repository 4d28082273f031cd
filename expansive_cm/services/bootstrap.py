"""What `make` calls first: install what is locked, then hand over to the product.

It runs on a bare Python, so it uses the standard library alone. Each step that has nothing to
do takes no time and says nothing; each other one is a line with the time it took. A finished
step leaves a stamp with the hash of what it was made from.
"""

import hashlib
import os
import re
import shutil
import stat
import subprocess
import sys
import sysconfig
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent.parent.parent
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
COPIER = ROOT / "expansive_cm" / "services" / "front_end.py"
FRONT_END_STAMP = ROOT / "static" / "vendor" / ".stamp"
OLDEST_PYTHON = (3, 11)
OLDEST_NODE = 20
INSTALLERS = 2
"""So many pips work beside each other."""
ROUNDS = 3
"""So often each Python of a machine is timed before the quickest is chosen."""
WORTH_IT = 0.95
"""Another Python is taken where it needs less than this of the time that this one needs."""
LOOP_SECONDS = 20
"""A Python that needs longer for the loop hangs, or is no choice."""
KIND = [sys.implementation.cache_tag, str(sys.maxsize), str(sysconfig.get_config_var("SOABI"))]
"""What packages are made for: an implementation, its version and the machine's words."""
TIME_A_LOOP = """
import venv, ssl, sys, sysconfig, time
kind = [sys.implementation.cache_tag, str(sys.maxsize), str(sysconfig.get_config_var("SOABI"))]
assert kind == sys.argv[1:]
def loop():
    began = time.process_time()
    last = {}
    for number in range(40_000):
        last[str(number % 1000)] = "%s %s" % (number, [one for one in (1, 2, 3)])
    return time.process_time() - began
print(min(loop() for _ in range(4)))
"""
NO_PYTHON = "Python 3.11 or later is needed. Name one that is: make PYTHON=/path/to/python3"
NO_VENV = """\
A virtual environment could not be created: this Python lacks the module `ensurepip`.
On Debian and Ubuntu, `apt-get install python3-venv` brings it; then run make again."""
NO_CHROMIUM = (
    "Chromium is missing: the browser tests will fail. Install it (on Debian: apt-get install "
    "chromium-headless-shell), name one in CHROMIUM, or leave them out with ALLOW_NO_BROWSER=1."
)

NO_DOVECOT = (
    "Dovecot is missing: the tests of incoming mail will fail. Install it (on Debian: apt-get "
    "install dovecot-imapd), name one in DOVECOT, or leave them out with ALLOW_NO_DOVECOT=1."
)


class Failure(Exception):
    """A step failed; the message says what happened and what to do."""


ASIDE = threading.local()
"""What a part that runs beside others says is kept here until its turn to be shown."""


def say(text, end="\n"):
    """Write to the terminal at once, or, beside others, when they are done."""
    if hasattr(ASIDE, "said"):
        ASIDE.said.append(text + end)
    else:
        print(text, end=end, flush=True)


def beside(work):
    """Begin a part of the set-up beside what follows.

    Returns what waits for its end, shows what it said and raises what it raised: two that write
    to the terminal at once would write into each other's lines.
    """

    def run():
        ASIDE.said = said
        work()

    def finish():
        try:
            running.result()
        finally:
            say("".join(said), end="")

    said = []
    pool = ThreadPoolExecutor(1)
    running = pool.submit(run)
    pool.shutdown(wait=False)
    return finish


def step(title, action):
    """Do one step and show what it was and how long it took."""
    started = time.monotonic()
    say(f"  {title + ' …':<52}", end="")
    try:
        action()
    except BaseException:
        say("failed")
        raise
    say(f"{time.monotonic() - started:5.1f} s")


def command(arguments, **options):
    """Run a program quietly. Raises: Failure with the end of what it said."""
    options.setdefault("cwd", str(ROOT))
    done = subprocess.run(
        [str(argument) for argument in arguments],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        **options,
    )
    output = done.stdout.decode(errors="replace")
    if done.returncode:
        last_lines = "\n".join(output.strip().splitlines()[-15:])
        raise Failure(f"{last_lines}\n({arguments[0]} ended with status {done.returncode})")
    return output


def digest(*paths):
    """One hash for the contents of several files."""
    total = hashlib.sha256()
    for path in paths:
        total.update(path.read_bytes())
    return total.hexdigest()


def is_stamped(stamp, value):
    """Whether this step was finished for exactly these contents."""
    return stamp.exists() and stamp.read_text() == value


# --- Python --------------------------------------------------------------------------------


def use_newer_python():
    """Start again with a newer Python of this machine when this one is too old."""
    if sys.version_info >= OLDEST_PYTHON:
        return
    for minor in range(20, OLDEST_PYTHON[1] - 1, -1):
        found = shutil.which(f"python3.{minor}")
        if found:
            os.execv(found, [found] + sys.argv)
    raise Failure(NO_PYTHON)


def ensure_venv():
    """Create the virtual environment unless it is there and works."""
    if PYTHON.exists() and can_run("pass", PYTHON):
        return
    base = sys.executable if os.environ.get("PYTHON_IS_CHOSEN") else quickest_python()
    other = "" if base == sys.executable else f" of {base}"
    step("Creating the virtual environment" + other, partial(create_venv, base))


def quickest_python():
    """Return this Python, or a quicker build of the same version on this machine.

    One that was compiled without optimisations needs a sixth more for all that the product and
    its tests do. Another version is no choice: what is installed, offline too, is made for this
    one.
    """
    if "--enable-optimizations" in (sysconfig.get_config_var("CONFIG_ARGS") or ""):
        return sys.executable
    times = {build: float("inf") for build in [sys.executable, *others_of_this_version()]}
    for _ in range(ROUNDS):
        # In turns, and the best counts: a machine that is busy slows now this one, now that one.
        times = {build: min(best, time_of_loop(build)) for build, best in times.items()}
    best = min(times, key=times.__getitem__)
    return best if times[best] < WORTH_IT * times[sys.executable] else sys.executable


def others_of_this_version():
    """Return the other Pythons of this version on the path and where a distribution has its own."""
    name = "python{}.{}".format(*sys.version_info)
    places = os.environ.get("PATH", "").split(os.pathsep) + ["/usr/local/bin", "/usr/bin"]
    paths = [os.path.join(at, name) for at in places if os.path.isabs(at)]
    found = {os.path.realpath(one): one for one in paths}
    found.pop(os.path.realpath(sys.executable), None)
    return [one for real, one in found.items() if is_program(one) and is_program(real)]


def is_program(path):
    """Whether this is a program, not a script that starts another one, and nobody else's to write.

    A path may hold a folder in which any account can put a Python; nothing but trying one out
    would have started it.
    """
    try:
        file, place = os.stat(path), os.stat(os.path.dirname(path))
        if not stat.S_ISREG(file.st_mode) or not os.access(path, os.X_OK):
            return False
        if any(one.st_mode & stat.S_IWOTH or not is_trusted(one.st_uid) for one in (file, place)):
            return False
        with open(path, "rb") as opened:
            return opened.read(2) != b"#!"
    except OSError:
        return False


def is_trusted(account):
    """Whether what belongs to an account may be started: our own, and the machine's."""
    return account in (0, os.geteuid())


def time_of_loop(python):
    """Return the seconds that a short loop takes it; endless where it can make no environment."""
    try:
        tried = subprocess.run(
            [python, "-c", TIME_A_LOOP, *KIND],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            check=False,
            timeout=LOOP_SECONDS,
        )
        return float("inf" if tried.returncode else tried.stdout)
    except (OSError, ValueError, subprocess.TimeoutExpired):
        return float("inf")


def create_venv(base=sys.executable):
    """Create it with the standard library, or with uv or virtualenv where that cannot."""
    shutil.rmtree(str(VENV), ignore_errors=True)
    ways = []
    if can_import("venv") and own_pip_will_do():
        ways.append([base, "-m", "venv", "--without-pip", VENV])
    if can_import("ensurepip") and can_import("venv"):
        ways.append([sys.executable, "-m", "venv", VENV])
    if shutil.which("uv"):
        ways.append(["uv", "venv", "--seed", "--python", sys.executable, VENV])
    if can_import("virtualenv"):
        ways.append([sys.executable, "-m", "virtualenv", VENV])
    if not ways:
        raise Failure(NO_VENV)
    command(ways[0])


def can_import(module, python=sys.executable):
    """Whether this Python, or another one, has the module."""
    return can_run("import " + module, python)


def can_run(script, python=sys.executable):
    """Whether a Python runs this to its end."""
    tried = subprocess.run([str(python), "-c", script], stderr=subprocess.DEVNULL, check=False)
    return tried.returncode == 0


def own_pip_will_do():
    """Whether the pip of this Python can work on another: putting one there takes seconds."""
    oldest = "import pip; assert [int(part) for part in pip.__version__.split('.')[:2]] >= [22, 3]"
    return can_run(oldest)


def pip_command():
    """The pip of the virtual environment, or this Python's, which works on it."""
    if not can_import("pip", PYTHON):
        if own_pip_will_do():
            return [sys.executable, "-m", "pip", "--python", PYTHON]
        command([PYTHON, "-m", "ensurepip"])
    return [PYTHON, "-m", "pip"]


def ensure_packages(name, title):
    """Install one locked list, every file checked against its hash."""
    lock = ROOT / "requirements" / (name + ".txt")
    stamp = VENV / ("stamp-" + name)
    if is_stamped(stamp, digest(lock)):
        return
    entries = re.split(r"^(?=[A-Za-z0-9])", lock.read_text(), flags=re.MULTILINE)[1:]
    step(f"{title} ({len(entries)} packages)", lambda: install_packages(name, entries))
    stamp.write_text(digest(lock))


def install_packages(name, entries):
    """Install the packages of a whole lock, which is why nothing is looked for beside them.

    One pip works on one core and waits for each file that it fetches, so several share the list.
    What is imported is compiled then, or here where Python may not write it down then.
    Raises: Failure when one of them fails; what was installed is not installed again.
    """
    arguments = [*pip_command(), "install", "--quiet", "--disable-pip-version-check"]
    arguments += ["--require-hashes", "--no-input", "--no-deps"]
    arguments += [] if sys.dont_write_bytecode else ["--no-compile"]
    number = min(INSTALLERS, len(entries))
    parts = [VENV / f"part-{name}-{index}.txt" for index in range(number)]
    for index, part in enumerate(parts):
        part.write_text("".join(entries[index::number]))
    with ThreadPoolExecutor(number) as pool:
        running = [pool.submit(command, [*arguments, "-r", part]) for part in parts]
    for one in running:
        one.result()
    for part in parts:
        part.unlink()


# --- The front end -------------------------------------------------------------------------


def ensure_front_end(for_tests):
    """Fetch the pinned front-end packages and copy what pages load to static/vendor."""
    fetch_front_end(for_tests)
    if not is_front_end_here():
        step("Copying styles, scripts and icons", lambda: command([PYTHON, COPIER]))
        FRONT_END_STAMP.write_text(front_end_wanted())


def fetch_front_end(for_tests):
    """Fetch the pinned front-end packages, where something is to be made of them."""
    if for_tests or not is_front_end_here():
        ensure_node_modules(ROOT / "package-lock.json", for_tests)


def is_front_end_here():
    """Whether static/vendor holds what this version's pages load."""
    return is_stamped(FRONT_END_STAMP, front_end_wanted())


def front_end_wanted():
    """What static/vendor is made from."""
    return digest(ROOT / "package-lock.json", COPIER, ROOT / "expansive_cm" / "ui" / "icons.py")


def ensure_node_modules(lock, for_tests):
    """Install what is locked; what only tests need, their fonts, for tests alone."""
    stamp = ROOT / "node_modules" / ".stamp"
    product, everything = digest(lock), digest(lock) + " with what tests need"
    if is_stamped(stamp, everything) or (not for_tests and is_stamped(stamp, product)):
        return
    arguments = npm_command() + ["ci", "--ignore-scripts", "--no-audit", "--no-fund"]
    arguments += ["--loglevel=error"] + ([] if for_tests else ["--omit=dev"])
    path = str(VENV / "bin") + os.pathsep + os.environ.get("PATH", "")
    environment = dict(os.environ, PATH=path)
    step("Fetching the front-end packages", lambda: command(arguments, env=environment))
    stamp.write_text(everything if for_tests else product)


def npm_command():
    """The machine's npm when its Node is new enough, else the one of a Python package."""
    if is_npm_new_enough():
        return ["npm"]
    ensure_packages("node", "Installing Node.js")
    return [VENV / "bin" / "npm"]


def is_npm_new_enough():
    """Whether the machine has a Node that will do."""
    if not (shutil.which("npm") and shutil.which("node")):
        return False
    try:
        version = re.match(r"v(\d+)\.", command(["node", "--version"]))
    except Failure:
        return False
    return version is not None and int(version.group(1)) >= OLDEST_NODE


# --- What tests need of Debian -------------------------------------------------------------


class Needed(NamedTuple):
    """A program of Debian's packages, and what may stand in its place.

    Of packages and of programs the first is the best one, and each other will do.
    """

    packages: tuple
    names: tuple
    named_in: str
    left_out_with: str
    missing: str
    is_whole: Callable = bool

    def found(self):
        """Return where the program is, as named or installed with all it needs, else None."""
        if os.environ.get(self.named_in):
            return os.environ[self.named_in]
        return next(filter(None, map(self._place, self.names)), None)

    def is_left_out(self):
        """Whether its tests are left out on purpose."""
        return os.environ.get(self.left_out_with) == "1"

    def is_here(self):
        """Whether its tests have what they need, or are left out."""
        return bool(self.found()) or self.is_left_out()

    def is_best(self):
        """Whether nothing better can be installed: it is the best, or somebody has chosen."""
        if os.environ.get(self.named_in) or self.is_left_out():
            return True
        return bool(self._place(self.names[0]))

    def _place(self, name):
        places = os.environ.get("PATH", "") + os.pathsep + "/usr/sbin"
        program = shutil.which(name, path=places)
        return program if program and self.is_whole(program) else None


def has_imap(dovecot):
    """Whether this Dovecot serves IMAP: Debian's dovecot-core alone has the server, not that."""
    try:
        parts = command(["doveconf", "-c", os.devnull, "-dh", "libexec_dir"])
        return (Path(parts.strip()) / "imap").exists()
    except (Failure, OSError):
        # Another version, which is asked in another way: starting it will show.
        return True


CHROMIUM = Needed(
    # Without the parts of a browser that nobody sees it takes a fifth less of the processor.
    ("chromium-headless-shell", "chromium"),
    ("chromium-headless-shell", "chromium", "chrome"),
    named_in="CHROMIUM",
    left_out_with="ALLOW_NO_BROWSER",
    missing=NO_CHROMIUM,
)
DOVECOT = Needed(
    ("dovecot-imapd",),
    ("dovecot",),
    named_in="DOVECOT",
    left_out_with="ALLOW_NO_DOVECOT",
    missing=NO_DOVECOT,
    is_whole=has_imap,
)
NEEDED = (CHROMIUM, DOVECOT)

RUNS_TESTS = {"pytest", *("expansive_cm.services." + name for name in ("check", "days", "hard"))}


def ensure_programs():
    """Install Debian's Chromium and Dovecot where that is possible, else say what is missing.

    Where what is there will do, something better is looked for once.
    """
    tried = VENV / "stamp-programs"
    wanted = [one for one in NEEDED if not one.is_best()]
    if all(one.is_here() for one in wanted) and tried.exists():
        return
    if wanted and os.geteuid() == 0 and shutil.which("apt-get"):
        update = partial(command, ["apt-get", "update"])
        if goes_well(partial(step, "Looking up Debian's packages", update)):
            for one in wanted:
                goes_well(partial(install_program, one))
        tried.touch()
    for one in wanted:
        if not one.is_here():
            say(one.missing)


def goes_well(act):
    """Do it; say why it fails and return False if it does."""
    try:
        act()
    except Failure as failure:
        say(str(failure))
        return False
    return True


def install_program(one):
    """Install the best package of a program that this Debian has, where none will do already.

    Raises: Failure when there is none.
    """
    install = ["apt-get", "install", "-y", "--no-install-recommends"]
    environment = dict(os.environ, DEBIAN_FRONTEND="noninteractive")
    for package in one.packages:
        try:
            title = f"Installing {package}"
            step(title, lambda: command([*install, package], env=environment))  # noqa: B023
            return
        except Failure:
            if one.is_here():
                return
            if package == one.packages[-1]:
                raise


# --- Handing over --------------------------------------------------------------------------


def prepare(for_tests, with_front_end=True, with_programs=False):
    """Install everything for running, and for testing where that is asked for.

    Python's packages, the front end's and Debian's come from different places, each at its own
    pace: they are fetched beside each other.
    """
    use_newer_python()
    ensure_venv()
    others = [beside(ensure_programs)] if with_programs else []
    if with_front_end and is_npm_new_enough():
        others.append(beside(lambda: fetch_front_end(for_tests)))
    ensure_python(for_tests)
    for finish in others:
        finish()
    if with_front_end:
        ensure_front_end(for_tests)
    elif not is_front_end_here():
        npm_command()


def ensure_python(for_tests):
    """Install the packages of the product, or of its tests as well."""
    if for_tests:
        ensure_packages("test", "Installing the product and its tests")
    elif not (VENV / "stamp-test").exists():
        ensure_packages("local", "Installing the product")
    else:
        # The test list contains the product's own: installing less would change nothing.
        ensure_packages("test", "Installing the product and its tests")


def main(arguments):
    """`bootstrap.py run|setup|tests|tool COMMAND…`: install, then become the named command."""
    what, rest = arguments[0], arguments[1:]
    for_tests = what in ("tool", "tests")
    with_programs = what == "tests" or (for_tests and bool(RUNS_TESTS.intersection(rest)))
    # `make run` fetches the front end while the database is prepared (prepare.py).
    with_front_end = what != "run" or bool(rest)
    try:
        prepare(for_tests, with_front_end, with_programs)
    except Failure as failure:
        say(f"\n{failure}")
        return 1
    except PermissionError as error:
        say(f"\n{error.filename} belongs to another account: run make as that one.")
        return 1
    except KeyboardInterrupt:
        say("\nStopped. The next start goes on from here.")
        return 130
    if what == "run":
        rest = ["-m", "expansive_cm.services.run"] + rest
    if what in ("setup", "tests"):
        say("Everything is installed.")
        return 0
    os.chdir(str(ROOT))
    os.execv(str(PYTHON), [str(PYTHON)] + rest)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
