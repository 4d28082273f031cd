"""Mail addresses in the one form in which they are stored and compared.

Databases and ``str.lower`` take letters for equal that are not (the dotless i, the Kelvin sign):
a domain that only looks like a customer's would become the customer's.
"""

import inspect
import re
import string
import unicodedata
from email.utils import parseaddr

import idna

DOMAIN_LIMIT = 253
OTHER_DOTS = frozenset("\u3002\uff0e\uff61")
"""What IDNA takes for a full stop as well."""
LOWER = str.maketrans(string.ascii_uppercase, string.ascii_lowercase)


LENIENT = {"strict": False} if "strict" in inspect.signature(parseaddr).parameters else {}
"""Newer Pythons, and older ones of distributions, read nothing where a name is an address."""


FIELD_LIMIT = 2_000
"""A field with more signs holds no address: strangers nest their comments deeper than Python."""
ADDRESS = re.compile(r"[^\s<>()\[\],;:\"@\\]{1,64}@[^\s<>()\[\],;:\"@\\]{1,253}")


def name_and_address(text: str) -> tuple[str, str]:
    """Return name and normal address in a field of a mail that holds one address, else blanks.

    Many programs write the address as the name as well, without quotes. Never raises.
    """
    if len(text) > FIELD_LIMIT:
        return "", ""
    try:
        name, address = parseaddr(text, **LENIENT)
    except (ValueError, IndexError, RecursionError):
        return "", ""
    unquoted = re.sub(r'"[^"]*"', "", text)
    bracketed = re.findall(r"<([^<>]*)>", unquoted)
    bare = re.sub(r"\([^()]*\)", "", unquoted)
    given = bracketed[0] if bracketed else bare
    address = normal(address)
    only = {normal(one) for one in ADDRESS.findall(bare)} == {address}
    is_it = only and ADDRESS.fullmatch(address) and normal(given) == address
    return (name, address) if is_it else ("", "")


def normal(address: str) -> str:
    """Return an address as it is stored and compared; "" for what is none, or looks like another.

    Only A to Z lose their case. A domain with other letters is written as the DNS has it
    (``xn--…``), and is none if Unicode's compatibility forms would make another one of it.
    """
    local, at, domain = address.strip(string.whitespace).rpartition("@")
    domain = normal_domain(domain)
    return f"{local.translate(LOWER)}@{domain}" if at and local and domain else ""


def without_tag(address: str) -> str:
    """Return the address that a sub-address (``name+tag@``) belongs to, as ``normal`` does."""
    local, _at, domain = normal(address).rpartition("@")
    name = local.partition("+")[0]
    return f"{name}@{domain}" if name and domain else normal(address)


def normal_domain(domain: str) -> str:
    """Return a domain as ``normal`` does; "" for what is none, or looks like another."""
    domain = domain.translate(LOWER)
    if domain.isascii():
        return domain
    if len(domain) > DOMAIN_LIMIT or OTHER_DOTS.intersection(domain):
        return ""
    if unicodedata.normalize("NFKC", domain) != domain:
        return ""
    try:
        return idna.encode(domain).decode("ascii")
    except UnicodeError:
        return ""
