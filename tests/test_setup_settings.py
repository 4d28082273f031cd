"""Production says everything that has no safe default, or does not start."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
from environs import ValidationError

from expansive_cm.environment import mailboxes
from tests.environment import DEFAULTS, SETTINGS_READ
from tests.test_setup_deployment import settings_read

ROOT = Path(__file__).resolve().parent.parent
GOOD = {
    "SECRET_KEY": "3b8f0c1d9e7a64528a1f" * 3,
    "DATABASE_URL": "postgresql://user:a-secret@db.example.org:5432/changes",
    "REDIS_URL": "redis://cache.example.org:6379/0",
    "EMAIL_URL": "smtp+tls://user:p%40ss@mail.example.org:587",
    "BASE_URL": "https://changes.example.org",
    "ALLOWED_HOSTS": "changes.example.org,.example.net",
    "DEFAULT_FROM_EMAIL": "Changes <changes@example.org>",
}
MALFORMED = {
    "DEMO": "perhaps",
    "SECRET_KEY": "too-short",
    "DATABASE_URL": "mysql://db/changes",
    "REDIS_URL": "http://cache.example.org",
    "EMAIL_URL": "mail.example.org",
    "BASE_URL": "ftp://files.example.net",
    "ALLOWED_HOSTS": "not a host",
    "TRUSTED_PROXIES": "the-proxy",
    "ATTACHMENT_MAX_BYTES": "-1",
    "REMINDER_DAYS": "14,3",
    "CONFIRMATION_LINK_DAYS": "soon",
    "ACCESS_LINK_DAYS": "for-ever",
    "PROMISE_WARN_DAYS": "for-ever",
    "REPLY_ADDRESS": "Changes <here>",
    "MAILBOXES": "imap://changes:secret@imap.example.org",
    "MAILBOX_CA": "not a certificate",
    "MAIL_LARGEST": "large",
    "MAIL_BURST_SECONDS": "two-minutes",
    "OUTCOME_UNDO_SECONDS": "a-moment",
    "STATEMENT_TIMEOUT_SECONDS": "long",
    "LOG_LEVEL": "LOUD",
    "MEDIA_ROOT": "media",
    "STATIC_ROOT": "assets",
    "DEBUG": "sometimes",
    "HSTS_SECONDS": "-7",
    "CHANGE_FILES_MAX_BYTES": "plenty",
    "LINK_FILES_MAX_BYTES": "1e9",
    "WEB_PROCESSES": "several",
    "WEB_THREADS": "dozens",
    "WEB_QUEUE": "endless",
    "WEB_STREAMS": "hundreds",
    "WEB_STREAMS_PERSON": "unbounded",
}
"""Values that are wrong, of every setting but those below."""
ANY_TEXT = {"SECRET_KEY_FALLBACKS", "DEFAULT_FROM_EMAIL"}


# The interpreter below serves all tests of this file: they belong into one process.
pytestmark = pytest.mark.xdist_group("settings")

# It has read libraries, which take long, and nothing of the product, and lends itself out: each
# command has a process, an environment and an end of its own.
INTERPRETER = """
import json, os, runpy, sys
import celery.app, csp.constants, dj_database_url, django.core.management, environs, kombu

for line in sys.stdin:
    arguments, environment, said = json.loads(line)
    if copy := os.fork():
        print(os.waitstatus_to_exitcode(os.waitpid(copy, 0)[1]), flush=True)
        continue
    for number, path in enumerate(said, 1):
        os.dup2(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC), number)
    os.environ.clear()
    os.environ.update(environment)
    sys.argv = arguments
    if arguments[0] == "-c":
        exec(arguments[1])
    else:
        runpy.run_path(arguments[0], run_name="__main__")
    sys.exit()
"""


class Done(NamedTuple):
    """How a command ended, and what it said."""

    returncode: int
    stdout: str
    stderr: str


Run = Callable[..., Done]
KEPT = ("PATH", "HOME", "LANG")


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Run]:
    """Run Python with these arguments and exactly this environment."""
    folder = tmp_path_factory.mktemp("said")
    said = [folder / "stdout", folder / "stderr"]
    kept = {name: os.environ[name] for name in KEPT if name in os.environ}
    with subprocess.Popen(
        [sys.executable, "-c", INTERPRETER],
        cwd=ROOT,
        env=kept,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as interpreter:
        assert interpreter.stdin and interpreter.stdout
        asked, answers = interpreter.stdin, interpreter.stdout

        def ask(*arguments: str, **environment: str) -> Done:
            words = [arguments, {**kept, **environment}, [str(path) for path in said]]
            print(json.dumps(words), file=asked, flush=True)
            return Done(int(answers.readline()), *(path.read_text() for path in said))

        yield ask


@pytest.fixture
def manage(run: Run) -> Run:
    """Run a management command with exactly this environment."""
    return lambda *arguments, **environment: run("manage.py", *arguments, **environment)


@pytest.fixture
def setting(run: Run) -> Callable[..., str]:
    """What a setting becomes in production with this environment on top of a good one."""

    def ask(name: str, **environment: str) -> str:
        code = f"from expansive_cm import settings; print(repr(settings.{name}))"
        done = run("-c", code, **{**GOOD, **environment})
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    return ask


def test_production_without_values_names_every_missing_one(manage: Run) -> None:
    done = manage("check")
    assert done.returncode == 1
    for name in GOOD:
        assert f"{name} is missing:" in done.stderr
    assert "Traceback" not in done.stderr


def test_every_setting_that_can_be_malformed_is_here() -> None:
    assert MALFORMED.keys() | ANY_TEXT == settings_read()


def test_no_setting_of_the_shell_reaches_the_tests() -> None:
    set_for_each_run = {"DATABASE_URL", "REDIS_URL", "MEDIA_ROOT"}
    assert settings_read() - DEFAULTS.keys() == {*SETTINGS_READ, *set_for_each_run}


def test_production_names_every_malformed_value_and_shows_none(manage: Run) -> None:
    done = manage("check", **{**GOOD, **MALFORMED})
    assert done.returncode == 1
    for name, value in MALFORMED.items():
        assert f"{name} is malformed:" in done.stderr
        assert value not in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    "wrong",
    [
        {
            "DATABASE_URL": ("postgresql://db.example.org", "the name of a database"),
            "REDIS_URL": ("redis:///0", "must name a host"),
            "EMAIL_URL": ("smtp://", "must name a host"),
            "BASE_URL": ("https://changes.example.org/cm", "without path"),
            "SECRET_KEY": ("a" * 80, "random characters"),
        },
        {
            "DATABASE_URL": ("postgresql:///changes", "must name a host"),
            "REDIS_URL": ("redis://cache.example.org/first", "the number of a database"),
            "SECRET_KEY": ("django-insecure-" + "0123456789" * 5, "insecure"),
        },
        {"DATABASE_URL": ("postgresql://db.example.org:port/changes", "not a valid address")},
    ],
)
def test_the_sentence_says_what_is_wrong(manage: Run, wrong: dict[str, tuple[str, str]]) -> None:
    done = manage("check", **{**GOOD, **{name: value for name, (value, _) in wrong.items()}})
    assert done.returncode == 1
    for name, (_value, sentence) in wrong.items():
        assert re.search(f"^{name} is malformed:.*{sentence}", done.stderr, re.M), done.stderr
    assert done.stderr.count(" is malformed:") == len(wrong)


def test_an_empty_value_is_a_missing_one(manage: Run) -> None:
    done = manage("check", **{**GOOD, "SECRET_KEY": ""})
    assert "SECRET_KEY is missing:" in done.stderr


def test_a_secret_can_come_from_a_file(setting: Callable[..., str], tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("ab0cd1ef2gh3" * 6 + "\n")
    value = setting("SECRET_KEY", SECRET_KEY="", SECRET_KEY_FILE=str(secret))
    assert value == repr("ab0cd1ef2gh3" * 6)


def test_a_secret_file_that_cannot_be_read_is_named(manage: Run, tmp_path: Path) -> None:
    without = {name: value for name, value in GOOD.items() if name != "SECRET_KEY"}
    done = manage("check", **without, SECRET_KEY_FILE=str(tmp_path / "nowhere"))
    assert done.returncode == 1
    assert done.stderr.startswith("SECRET_KEY_FILE does not name a readable text file.")
    assert "Traceback" not in done.stderr


def test_the_deployment_check_is_clean_in_production(manage: Run) -> None:
    done = manage("check", "--deploy", "--fail-level", "WARNING", **GOOD)
    assert done.returncode == 0, done.stderr
    assert "no issues (0 silenced)" in done.stdout


def test_demo_mode_needs_no_value(manage: Run) -> None:
    done = manage("check", DEMO="true")
    assert done.returncode == 0, done.stderr


def test_demo_mode_sends_no_mail_and_production_does(setting: Callable[..., str]) -> None:
    assert "smtp.EmailBackend" in setting("DELIVERY_BACKEND")
    assert "dummy.EmailBackend" in setting("DELIVERY_BACKEND", DEMO="true")


def test_the_mail_address_is_taken_apart(setting: Callable[..., str]) -> None:
    assert setting("EMAIL_HOST_PASSWORD") == "'p@ss'"
    assert setting("EMAIL_USE_TLS") == "True"
    assert setting("EMAIL_PORT", EMAIL_URL="smtps://mail.example.org") == "465"


def test_statements_are_limited_and_need_not_be(setting: Callable[..., str]) -> None:
    assert "statement_timeout=30000" in setting("DATABASES")
    assert "statement_timeout=0" in setting("DATABASES", STATEMENT_TIMEOUT_SECONDS="0")


SAY_EVERYTHING = """
import logging.config
from gunicorn.config import Config
from expansive_cm.settings import LOGGING
from expansive_cm.web.log import ServerLog
logging.config.dictConfig(LOGGING)
ServerLog(Config())
for name in ("gunicorn.error", "changes", *LOGGING["loggers"]):
    for level in ("warning", "error"):
        getattr(logging.getLogger(name), level)(level)
"""


def test_what_is_less_important_than_asked_for_is_not_logged(run: Run) -> None:
    done = run("-c", SAY_EVERYTHING, **GOOD, LOG_LEVEL="ERROR")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.count(" ERROR ") > 5 and " WARNING " not in done.stdout
    assert " WARNING " in run("-c", SAY_EVERYTHING, **GOOD).stdout


def test_cookies_are_only_sent_encrypted_where_the_product_is_reached_by_https(
    setting: Callable[..., str],
) -> None:
    assert setting("SESSION_COOKIE_SECURE") == "True"
    assert setting("SESSION_COOKIE_SECURE", BASE_URL="http://changes.example.org") == "False"


@pytest.mark.parametrize(
    ("value", "complaint"),
    [
        ("imap://u:p@host", "must begin with imaps:// or imap+tls://"),
        ("imaps://host", "must look like imaps://user:password@host"),
        ("imaps://u:p@a,imaps://u:p@a", "names the same mailbox twice"),
        ("imaps://u:p@host:port", "not a valid address"),
    ],
)
def test_a_mailbox_that_cannot_be_meant_stops_the_start(value: str, complaint: str) -> None:
    with pytest.raises(ValidationError, match=re.escape(complaint)):
        mailboxes(value)


def test_mailboxes_are_read_with_everything_that_their_addresses_say() -> None:
    first, second = mailboxes(
        "imaps://changes%40example.org:p%3Aw%2Cd@imap.example.org\n"
        " imap+tls://help:secret@mail.example.org:1143/Requests/New"
    )
    assert (first.host, first.port, first.user) == ("imap.example.org", 993, "changes@example.org")
    assert (first.password, first.folder, first.starts_tls) == ("p:w,d", "INBOX", False)
    assert first.name == "changes@example.org"
    assert (second.port, second.folder, second.starts_tls) == (1143, "Requests/New", True)
    assert second.name == "help@mail.example.org/Requests/New"
    assert "secret" not in repr(second)
