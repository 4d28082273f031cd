"""What a line of the log holds, and what it never does."""

import logging
from importlib import import_module

import pytest
from django.conf import settings
from django.test import Client
from django.urls import reverse
from gunicorn.config import Config

from expansive_cm.logs import LINE, OneLineFormatter
from tests.people import Cast


def line(message: str, *arguments: object, **options: object) -> str:
    """The line that an event becomes."""
    record = logging.LogRecord("app", logging.WARNING, "", 0, message, arguments, None)
    for name, value in options.items():
        setattr(record, name, value)
    return OneLineFormatter(LINE).format(record)


def test_an_event_is_one_line_with_its_traceback() -> None:
    try:
        raise ValueError("first\r\nsecond")
    except ValueError as error:
        exc_info = (type(error), error, error.__traceback__)
    text = line("It failed:\n%s", "forged\nline", exc_info=exc_info)
    assert "\n" not in text and "\r" not in text
    assert "ValueError: first | second" in text


@pytest.mark.parametrize(
    "address",
    [
        reverse("changes:confirmation", args=["a-secret-token"]),
        reverse("changes:request_page", args=["a-secret-token"]),
        reverse("crb:feed", args=["a-secret-token"]),
        reverse("account_reset_password_from_key", kwargs={"uidb36": "1", "key": "a-secret-token"}),
    ],
)
def test_a_secret_address_is_not_logged(address: str) -> None:
    text = line("Not Found: %s", address)
    assert "a-secret-token" not in text
    assert "Not Found: /" in text


def test_what_is_refused_is_logged_with_its_path_alone(
    client: Client, cast: Cast, caplog: pytest.LogCaptureFixture
) -> None:
    client.force_login(cast.support, backend="django.contrib.auth.backends.ModelBackend")
    assert client.get("/changes/").status_code == 200
    assert not caplog.records
    for address, status in (("/import/?q=private", 403), ("/nothing/?q=private", 404)):
        assert client.get(address).status_code == status
    told = [OneLineFormatter(LINE).format(record) for record in caplog.records]
    assert len(told) == 2 and all(" WARNING django.request " in one for one in told)
    assert "/import/" in told[0] and "/nothing/" in told[1]
    assert "private" not in "".join(told)


def test_the_web_server_logs_as_the_product_does(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logging.getLogger("gunicorn.error"), "handlers", [])
    config = Config()
    for name, value in vars(import_module("expansive_cm.services.gunicorn")).items():
        if name in config.settings:
            config.set(name, value)
    log = config.logger_class(config)
    try:
        raise ValueError("first\nsecond")
    except ValueError:
        log.exception("Error handling request %s", "/confirm/a-secret-token/")
    log.info("not worth a line")
    written = capfd.readouterr()
    assert written.err == ""
    (only,) = written.out.splitlines()
    assert "ERROR gunicorn.error Error handling request /confirm/…" in only
    assert "ValueError: first | second" in only and "a-secret-token" not in only
    assert not log.access_log_enabled


def test_strangers_with_any_host_name_fill_no_log(
    client: Client, capfd: pytest.CaptureFixture[str]
) -> None:
    assert client.get("/", headers={"host": "evil.example"}).status_code == 400
    written = capfd.readouterr()
    assert "evil.example" not in written.out + written.err
    for name, logger in settings.LOGGING["loggers"].items():
        heard = logger.get("propagate", True) or logger["handlers"]
        assert heard, f"{name} would print tracebacks by itself"
