"""How values of the environment are read and what is a well-formed one.

Every reader is used by `settings.py` alone. A value may also be given by file: `NAME_FILE`
names a file whose content is taken for `NAME`, which keeps secrets out of the environment.
"""

import ipaddress
import os
import re
import ssl
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import SplitResult, unquote, urlsplit

import dj_database_url
from environs import EnvValidationError, FileAwareEnv, ValidationError

Networks = list[ipaddress.IPv4Network | ipaddress.IPv6Network]

HOST = re.compile(r"\*|\.?[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*|\[[0-9A-Fa-f:.]+\]")
MISSING = "Environment variable not set."
MINIMUM_KEY_LENGTH = 50


class Environment(FileAwareEnv):
    """Reads every value first and complains about all of them together."""

    def __init__(self) -> None:
        super().__init__(eager=False, strip_whitespace=True)
        self.unreadable: dict[str, list[str]] = defaultdict(list)
        for name, parser in PARSERS.items():
            self.add_parser(name, parser)

    def _get_value(self, env_key: str, default: Any) -> Any:
        try:
            value = super()._get_value(env_key, default)
        except (ValueError, OSError):
            # A file that cannot be read is one more sentence, not a traceback.
            self.unreadable[env_key].append(f"{env_key}_FILE does not name a readable text file.")
            return default
        return default if value == "" else value

    def stop_if_wrong(self) -> None:
        """End the start with one sentence for each missing or malformed value."""
        try:
            self.seal()
            errors: dict[str, list[str]] = {}
        except EnvValidationError as error:
            messages: Any = error.error_messages  # by name: all variables were read together
            errors = dict(messages)
        sentences = [text for texts in self.unreadable.values() for text in texts]
        sentences += [
            sentence(name, str(message))
            for name, messages in errors.items()
            if name not in self.unreadable
            for message in messages
        ]
        if sentences:
            hint = (
                "The start was stopped. docs/operators-guide.md explains every value. To try the "
                "product on one machine use `make run`, or DEMO=true: then none is needed."
            )
            raise SystemExit("\n".join([*sentences, hint]))


def sentence(name: str, message: str) -> str:
    """Say what is wrong with one value, naming it and never showing it."""
    if message == MISSING:
        return f"{name} is missing: set it, or name a file that holds it in {name}_FILE."
    return f"{name} is malformed: {message}"


def split(value: str) -> SplitResult:
    """Split an address and check its port.

    Raises: ValidationError when it is no address at all.
    """
    try:
        parts = urlsplit(value)
        _ = parts.port
    except ValueError as error:
        raise ValidationError("it is not a valid address.") from error
    return parts


def secret_key(value: str) -> str:
    """Take a key that Django's own deployment check accepts."""
    if len(value) < MINIMUM_KEY_LENGTH or len(set(value)) < 5:
        raise ValidationError(f"it needs at least {MINIMUM_KEY_LENGTH} random characters.")
    if value.startswith("django-insecure-"):
        raise ValidationError("it is marked as insecure: create a new one.")
    return value


def database_url(value: str) -> dict[str, Any]:
    """Turn `postgresql://user:password@host:port/name` into Django's form."""
    parts = split(value)
    if parts.scheme not in ("postgresql", "postgres"):
        raise ValidationError("it must begin with postgresql://.")
    if not parts.path.strip("/"):
        raise ValidationError("it must end with the name of a database.")
    if not parts.hostname and "host=" not in parts.query:
        raise ValidationError("it must name a host.")
    return dict(dj_database_url.parse(value))


def redis_url(value: str) -> str:
    """Take the address of a Redis or Valkey server."""
    parts = split(value)
    if parts.scheme not in ("redis", "rediss"):
        raise ValidationError("it must begin with redis:// or rediss://.")
    if not parts.hostname:
        raise ValidationError("it must name a host.")
    if not re.fullmatch(r"/?\d*", parts.path):
        raise ValidationError("it must end with the number of a database.")
    return value


def email_url(value: str) -> dict[str, Any]:
    """Turn `smtp+tls://user:password@host:port` into Django's e-mail settings.

    `smtp` is unencrypted, `smtp+tls` starts TLS on the connection, `smtps` speaks TLS at once.
    """
    parts = split(value)
    ports = {"smtp": 25, "smtp+tls": 587, "smtps": 465}
    if parts.scheme not in ports:
        raise ValidationError("it must begin with smtp://, smtp+tls:// or smtps://.")
    if not parts.hostname:
        raise ValidationError("it must name a host.")
    return {
        "EMAIL_HOST": parts.hostname,
        "EMAIL_PORT": parts.port or ports[parts.scheme],
        "EMAIL_HOST_USER": unquote(parts.username or ""),
        "EMAIL_HOST_PASSWORD": unquote(parts.password or ""),
        "EMAIL_USE_TLS": parts.scheme == "smtp+tls",
        "EMAIL_USE_SSL": parts.scheme == "smtps",
    }


@dataclass(frozen=True)
class Mailbox:
    """A folder of an IMAP account whose mail is taken."""

    host: str
    port: int
    user: str
    password: str = field(repr=False)
    folder: str = "INBOX"
    starts_tls: bool = False

    @property
    def address(self) -> str:
        """The account as a mail address, as far as can be told."""
        return self.user if "@" in self.user else f"{self.user}@{self.host}"

    @property
    def name(self) -> str:
        """What rows and logs call it."""
        return self.address if self.folder == "INBOX" else f"{self.address}/{self.folder}"


def mailboxes(value: str) -> list[Mailbox]:
    """Take `imaps://user:password@host/folder`, several of them separated by commas or lines.

    `imaps` speaks TLS at once, `imap+tls` starts it on the connection: nothing goes unencrypted.
    """
    found = [_mailbox(part) for part in re.split(r"[,\s]+", value) if part]
    if any(count > 1 for count in Counter(one.name for one in found).values()):
        raise ValidationError("it names the same mailbox twice.")
    return found


def _mailbox(value: str) -> Mailbox:
    parts = split(value)
    ports = {"imaps": 993, "imap+tls": 143}
    if parts.scheme not in ports:
        raise ValidationError("each mailbox must begin with imaps:// or imap+tls://.")
    if not (parts.hostname and parts.username and parts.password):
        raise ValidationError("each mailbox must look like imaps://user:password@host.")
    mailbox = Mailbox(
        host=parts.hostname,
        port=parts.port or ports[parts.scheme],
        user=unquote(parts.username),
        password=unquote(parts.password),
        folder=unquote(parts.path.strip("/")) or "INBOX",
        starts_tls=parts.scheme == "imap+tls",
    )
    if len(mailbox.name) > 200:
        raise ValidationError("the name of a mailbox may have at most 200 characters.")
    return mailbox


def certificates(value: str | None) -> str | None:
    """Take certificates in PEM form, or none."""
    if not value:
        return value  # Without any, all those of the system would be read.
    try:
        ssl.create_default_context(cadata=value)
    except (ssl.SSLError, ValueError) as error:
        raise ValidationError("it must be one or more certificates in PEM form.") from error
    return value


def base_url(value: str) -> str:
    """Take the address under which people open the product, without a path."""
    parts = split(value)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValidationError("it must look like https://changes.example.org.")
    if parts.path.strip("/") or parts.query or parts.fragment or parts.username:
        raise ValidationError("it must be a plain address without path, query or user.")
    return value.rstrip("/")


def hosts(value: str) -> list[str]:
    """Take the host names that may be asked for, separated by commas."""
    names = [name.strip() for name in value.split(",") if name.strip()]
    for name in names:
        if not HOST.fullmatch(name):
            raise ValidationError("it must be a list of host names separated by commas.")
    return names


def networks(value: str) -> Networks:
    """Take IP addresses or networks, separated by commas."""
    try:
        return [ipaddress.ip_network(part.strip()) for part in value.split(",") if part.strip()]
    except ValueError as error:
        text = "it must be a list of IP addresses or networks such as 10.0.0.0/8."
        raise ValidationError(text) from error


def folder(value: str) -> Path:
    """Take a directory; it is created when something is first stored in it."""
    if not os.path.isabs(value):
        raise ValidationError("it must be an absolute path.")
    return Path(value)


def positive(value: str) -> int:
    """Take a whole number above zero."""
    if not re.fullmatch(r"[1-9]\d{0,11}", value):
        raise ValidationError("it must be a whole number above zero.")
    return int(value)


def not_negative(value: str) -> int:
    """Take a whole number; zero means none."""
    if not re.fullmatch(r"\d{1,9}", value):
        raise ValidationError("it must be a whole number, zero or more.")
    return int(value)


def seconds(value: str) -> int:
    """Take a whole number of seconds, an hour at most; zero switches something off."""
    if not re.fullmatch(r"\d{1,4}", value) or int(value) > 3600:
        raise ValidationError("it must be a whole number of seconds from 0 to 3600.")
    return int(value)


def address(value: str) -> str:
    """Take one e-mail address without a name, or nothing."""
    if value and not re.fullmatch(r"[^@\s<>,;]+@[^@\s<>,;]+", value):
        raise ValidationError("it must be one e-mail address such as changes@example.org.")
    return value


def days(value: str) -> list[int]:
    """Take growing numbers of days, separated by commas."""
    numbers = [positive(part.strip()) for part in value.split(",")]
    if numbers != sorted(set(numbers)):
        raise ValidationError("it must be a list of growing numbers of days such as 3,7,14.")
    return numbers


def level(value: str) -> str:
    """Take the least important kind of event that is logged."""
    if value.upper() not in ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"):
        raise ValidationError("it must be DEBUG, INFO, WARNING, ERROR or CRITICAL.")
    return value.upper()


PARSERS = {
    "level": level,
    "secret_key": secret_key,
    "database_url": database_url,
    "redis_url": redis_url,
    "email_url": email_url,
    "mailboxes": mailboxes,
    "certificates": certificates,
    "base_url": base_url,
    "hosts": hosts,
    "networks": networks,
    "folder": folder,
    "positive": positive,
    "not_negative": not_negative,
    "seconds": seconds,
    "address": address,
    "days": days,
}
