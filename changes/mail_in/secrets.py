"""Finds the tokens of mailed links in whatever repeats them, by what they are.

Filters rewrite links and programs encode them, so neither address nor place tells a token; that its
hash is among those that were issued does.
"""

import html
import re
from collections.abc import Iterator
from functools import cache
from itertools import islice
from typing import Any
from urllib.parse import unquote

from django.apps import apps
from django.core.exceptions import FieldDoesNotExist
from django.db.models import Model

from expansive_cm.mailreader.parts import take_apart
from expansive_cm.mailreader.words import unbase64

from ..access_links import hash_token

LENGTH = 43
"""What ``secrets.token_urlsafe(32)`` has; every token that we mail is made so."""
RUN = re.compile(r"[A-Za-z0-9_-]{43,}")
WHOLE_RUN = 500
"""In a longer run a token is looked for where something ends, not at every letter."""
MOST = 200_000
"""So many candidates are compared; a text with more cannot be said to be free of tokens."""
CHUNK = 5_000
CODINGS = 3
"""So often a link may have been rewritten, one filter after the other."""
LEVELS = 3
LINE_BREAK = re.compile(r"=?\r?\n[> \t]*")
BASE64 = re.compile(r"[A-Za-z0-9+/_\r\n-]{60,}")
LONG_WORD = re.compile(r"\S{43,}")
SPELT = re.compile(r"[\t\n\r -~]{43,}")
"""Whatever coding a token is in, it is spelt in these, and what is not of them parts it."""


def tokens_in(text: str) -> set[str] | None:
    """Return the issued tokens that a text holds in any coding; None if it is too much to look."""
    found = list(islice(_candidates(text), MOST + 1))
    if len(found) > MOST:
        return None
    return _issued(set(found))


def without_tokens(text: str) -> str:
    """Return a text with every issued token blanked out, however it is written there."""
    tokens = tokens_in(text)
    if tokens == set():
        return text
    for token in tokens or ():
        text = _as_written(token).sub("…", text)
    # What is coded twice or more: the word that holds it, or, broken in an odd place, everything.
    if tokens_in(text) != set():
        text = LONG_WORD.sub("…", text)
    return text if tokens_in(text) == set() else "…"


def file_holds_token(content: bytes) -> bool:
    """Whether a file holds an issued token: as it is, or in the parts of a message in it."""
    return any(tokens_in(text) != set() for text in _texts_of(content))


def tokens_in_file(content: bytes) -> set[str]:
    """Return the issued tokens that a file holds, as far as they can be told."""
    return {token for text in _texts_of(content) for token in tokens_in(text) or ()}


def _texts_of(content: bytes, levels: int = LEVELS) -> Iterator[str]:
    """Yield what can be read of a file, and of the messages in it."""
    pieces = [content]
    for part in take_apart(content).top.walk():
        if not part.children:
            inner = part.content
            pieces += [inner, part.file_name.encode("utf-8", "replace")]
            if levels and part.type.startswith("message/"):
                yield from _texts_of(inner, levels - 1)
    # Without NUL, what Outlook keeps in UTF-16 can be read as well.
    for piece in dict.fromkeys(pieces):
        yield piece.replace(b"\0", b"").decode("latin-1")


# --- What might be one ------------------------------------------------------------------------


def _candidates(text: str) -> Iterator[str]:
    for view in _views("\0".join(SPELT.findall(text))):
        for match in RUN.finditer(view):
            run = match[0]
            for start in range(len(run) - LENGTH + 1):
                at_end = start in (0, len(run) - LENGTH) or run[start - 1] in "_-"
                if at_end or len(run) <= WHOLE_RUN:
                    yield run[start : start + LENGTH]


def _views(text: str) -> Iterator[str]:
    """Yield a text as it is and as it was before programs coded it."""
    yield text
    joined = LINE_BREAK.sub("", text)
    for plain in dict.fromkeys((text, joined)):
        decoded = plain
        for _ in range(CODINGS):
            # Proofpoint writes "-3A" for "%3A" and "_" for "/".
            yield re.sub(r"-([0-9A-Fa-f]{2})", _letter, decoded.replace("_", "/"))
            before, decoded = decoded, html.unescape(unquote(decoded))
            decoded = re.sub(r"=([0-9A-F]{2})", _letter, decoded)
            if decoded == before:
                break
            yield decoded
    yield joined
    for match in BASE64.finditer(text):
        run = re.sub(r"\s", "", match[0]).replace("-", "+").replace("_", "/")
        for start in range(4):
            yield unbase64(run[start:].encode()).decode("latin-1")


def _letter(match: re.Match[str]) -> str:
    return chr(int(match[1], 16))


def _as_written(token: str) -> re.Pattern[str]:
    """Return a pattern of a token whose letters may be coded, and broken over lines."""
    letters = (
        rf"(?:{re.escape(one)}|[%=-]{ord(one):02x}|&\#{ord(one)};|&\#x{ord(one):x};)"
        for one in token
    )
    return re.compile(rf"(?:{LINE_BREAK.pattern})?".join(letters), re.IGNORECASE)


# --- What is one ------------------------------------------------------------------------------


@cache
def token_models() -> tuple[type[Model], ...]:
    """Return every model that keeps the hash of a token."""
    found = []
    for model in apps.get_models():
        try:
            model._meta.get_field("token_hash")
        except FieldDoesNotExist:
            continue
        found.append(model)
    return tuple(found)


def _issued(candidates: set[str]) -> set[str]:
    hashes = {hash_token(candidate): candidate for candidate in candidates}
    wanted = sorted(hashes)
    issued: set[str] = set()
    for start in range(0, len(wanted), CHUNK):
        for model in token_models():
            rows: Any = model._default_manager.filter(token_hash__in=wanted[start : start + CHUNK])
            issued |= {hashes[one] for one in rows.values_list("token_hash", flat=True)}
    return issued
