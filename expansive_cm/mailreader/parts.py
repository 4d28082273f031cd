"""A message taken apart: headers, and parts within parts, as places in its bytes.

The standard library's parser looks for every enclosing boundary in every line and calls itself
for each level; a message made for it takes minutes or the whole stack. Here each level is
searched once, levels and parts are limited, and a message within the message is not opened.
"""

import binascii
import quopri
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from email.errors import MessageError
from email.message import Message

from .words import header_text, tidy, unbase64

DEPTH_LIMIT = 10
PARTS_LIMIT = 100
HEADER_LIMIT = 2**20
PART_HEADER_LIMIT = 2**16
FIELDS_LIMIT = 2_000
PARAMETERS_LIMIT = 4_000
BOUNDARIES_LIMIT = 5_000
"""How often what looks like a boundary is looked at, per level."""

WORDS_SAMPLE = 2_000
BARE_EQUALS = re.compile(rb"=(?![0-9A-Fa-f]{2}|[ \t]{0,80}\r?\n)")

FIELD = re.compile(rb"([\x21-\x39\x3b-\x7e]{1,200})[ \t]*:")
MEDIA_TYPE = re.compile(r"[a-z0-9_.+-]{1,30}/[a-z0-9_.+-]{1,69}")
BLANK_LINE = re.compile(rb"\n\r?\n")

Fields = list[tuple[str, bytes]]


@dataclass(slots=True)
class Part:
    """One part of a message: its header, and where its content lies."""

    raw: bytes = field(repr=False)
    fields: Fields
    start: int
    end: int
    default_type: str = "text/plain"
    children: list["Part"] = field(default_factory=list)

    def header(self, name: str, limit: int = 64_000) -> str:
        """Return the first header of a name as text; "" if there is none."""
        value = next((value for key, value in self.fields if key == name), b"")
        return header_text(value[:limit])

    def has(self, name: str) -> bool:
        """Whether there is a header of this name."""
        return any(key == name for key, _value in self.fields)

    @property
    def type(self) -> str:
        """The media type in lower case."""
        value = self.header("content-type", PARAMETERS_LIMIT).partition(";")[0].strip().lower()
        return value if MEDIA_TYPE.fullmatch(value) else self.default_type

    @property
    def disposition(self) -> str:
        """``attachment``, ``inline`` or ""."""
        return self.header("content-disposition", 200).partition(";")[0].strip().lower()

    def parameter(self, name: str, header: str = "content-type") -> str:
        """Return a parameter of a header, decoded; "" if there is none that can be read."""
        return parameter(self.header(header, PARAMETERS_LIMIT), name)

    @property
    def file_name(self) -> str:
        """The name that the sender gave, as it is."""
        return self.parameter("filename", "content-disposition") or self.parameter("name")

    @property
    def body(self) -> bytes:
        """The content as it was sent."""
        return self.raw[self.start : self.end]

    @property
    def transfer_encoding(self) -> str:
        """The coding that the sender named, without what some write behind it."""
        value = self.header("content-transfer-encoding", 200).lower()
        return re.split(r"[;,(\s]", value.strip("\"' "), maxsplit=1)[0].strip("\"'")

    @property
    def content(self) -> bytes:
        """The content, decoded; a text that is not in the coding which it names stays as it is."""
        body = self.body
        encoding = self.transfer_encoding
        if encoding == "base64":
            plain = self.type.startswith("text/") and _has_words(body)
            return body if plain else unbase64(body)
        if encoding == "quoted-printable":
            return quopri.decodestring(body)
        if encoding in ("x-uuencode", "uuencode", "x-uue"):
            return _uudecode(body)
        return body

    def walk(self) -> Iterator["Part"]:
        """Yield this part and all within it, in order."""
        yield self
        for child in self.children:
            yield from child.walk()


@dataclass(slots=True)
class Taken:
    """A message taken apart, and what was wrong with it."""

    top: Part
    broken: bool = False
    header_cut: bool = False
    too_many: bool = False
    count: int = 0


def parameter(value: str, name: str) -> str:
    """Return a parameter of a header's value; RFC 2231 and encoded words are understood."""
    message = Message()
    try:
        message["x-header"] = value
        found = message.get_param(name, "", "x-header")
        if isinstance(found, tuple):
            charset, _language, data = found
            raw = data.encode("latin-1", "replace")
            return tidy(raw.decode(charset or "utf-8", "replace"))
        return header_text(str(found).encode("utf-8", "replace"))
    except (MessageError, LookupError, ValueError, TypeError, RecursionError):
        return ""


def take_apart(raw: bytes) -> Taken:
    """Return a message's parts. Never raises."""
    start = len(raw) - len(raw.lstrip(b"\r\n")) if raw[:1] in (b"\r", b"\n") else 0
    if b"\n" not in raw[:HEADER_LIMIT] and b"\r" in raw[:HEADER_LIMIT]:
        raw = raw.replace(b"\r", b"\n")
    if raw.startswith(b"From ", start):  # As a line between messages in a mailbox file.
        start = (raw.find(b"\n", start) + 1) or start
    fields, body, cut = read_fields(raw, start, len(raw), HEADER_LIMIT)
    taken = Taken(Part(raw, fields, body, len(raw)), header_cut=cut)
    taken.broken = not fields and bool(raw.strip())
    _split(taken, taken.top, 0)
    return taken


def read_fields(raw: bytes, start: int, end: int, limit: int) -> tuple[Fields, int, bool]:
    """Return header fields, where what follows begins, and whether the header was cut."""
    fields: list[tuple[str, list[bytes]]] = []
    position = start
    while position < end:
        newline = raw.find(b"\n", position, min(end, start + limit))
        if newline < 0 and end > start + limit:
            return _unfolded(fields), _after_blank_line(raw, position, end), True
        following = end if newline < 0 else newline + 1
        line = raw[position:following].rstrip(b"\r\n")
        if not line:
            return _unfolded(fields), following, False
        if line[:1] in b" \t":
            if fields:
                fields[-1][1].append(line)
        elif match := FIELD.match(line):
            if len(fields) >= FIELDS_LIMIT:
                return _unfolded(fields), _after_blank_line(raw, position, end), True
            fields.append((match[1].decode("ascii").lower(), [line[match.end() :]]))
        else:
            return _unfolded(fields), position, False
        position = following
    return _unfolded(fields), end, False


def _unfolded(fields: list[tuple[str, list[bytes]]]) -> Fields:
    return [(name, b"".join(lines).strip()) for name, lines in fields]


def _after_blank_line(raw: bytes, position: int, end: int) -> int:
    match = BLANK_LINE.search(raw, position, end)
    return match.end() if match else end


def _split(taken: Taken, part: Part, depth: int) -> None:
    """Find the parts of a multipart, and theirs."""
    if not part.type.startswith("multipart/"):
        return
    boundary = part.parameter("boundary").encode("utf-8", "replace")
    places = list(_between_boundaries(part, boundary)) if boundary else []
    if boundary and _is_coded_as_one(part, bool(places)):
        # No standard allows it and some systems do it: the parts are coded as one.
        part.raw = b"\n" + part.content
        part.start, part.end = 1, len(part.raw)
        part.fields = [item for item in part.fields if item[0] != "content-transfer-encoding"]
        places = list(_between_boundaries(part, boundary))
    if not places:
        taken.broken = True
        part.default_type = "text/plain"
        part.fields = [item for item in part.fields if item[0] != "content-type"]
        return
    if depth >= DEPTH_LIMIT:
        taken.too_many = True
        return
    default = "message/rfc822" if part.type == "multipart/digest" else "text/plain"
    for start, end, closed in places:
        taken.broken |= not closed
        if taken.count >= PARTS_LIMIT:
            taken.too_many = True
            return
        taken.count += 1
        fields, body, _cut = read_fields(part.raw, start, end, PART_HEADER_LIMIT)
        child = Part(part.raw, fields, min(body, end), end, default)
        part.children.append(child)
        _split(taken, child, depth + 1)


def _between_boundaries(part: Part, boundary: bytes) -> Iterator[tuple[int, int, bool]]:
    """Yield where each part lies, and whether a boundary closes it."""
    raw, mark = part.raw, b"--" + boundary
    begun = -1
    position = part.start
    for _ in range(BOUNDARIES_LIMIT):
        found = raw.find(mark, position, part.end)
        if found < 0:
            break
        position = found + len(mark)
        if found > part.start and raw[found - 1 : found] != b"\n":
            continue
        newline = raw.find(b"\n", position, part.end)
        rest_end = part.end if newline < 0 else newline
        rest = raw[position : min(rest_end, position + 100)].strip()
        if rest not in (b"", b"--"):
            continue
        if begun >= 0:
            yield begun, _line_end_before(raw, begun, found), True
        if rest == b"--":
            return
        begun = position = min(rest_end + 1, part.end)
    if begun >= 0:
        yield begun, part.end, False


def _line_end_before(raw: bytes, start: int, position: int) -> int:
    """Return where content ends: the line break before a boundary belongs to the boundary."""
    for line_end in (b"\r\n", b"\n"):
        if raw.endswith(line_end, start, position):
            return position - len(line_end)
    return position


def _is_coded_as_one(part: Part, boundary_found: bool) -> bool:
    """Whether the coding that a multipart names was put over its parts and boundaries.

    Quoted-printable leaves boundaries as they are; then an equals sign that codes nothing, as in
    the header of a part, tells that it was only named.
    """
    if part.transfer_encoding == "base64":
        return not boundary_found
    return part.transfer_encoding == "quoted-printable" and not BARE_EQUALS.search(part.body)


def _has_words(body: bytes) -> bool:
    """Whether what is said to be base64 is words: those have spaces between them."""
    sample = body[:WORDS_SAMPLE].strip()
    return sample.count(b" ") > len(sample) // 20


def _uudecode(body: bytes) -> bytes:
    lines: list[bytes] = []
    for line in body.splitlines():
        if line.startswith(b"begin ") or not line.strip():
            continue
        if line.strip() == b"end":
            break
        try:
            lines.append(binascii.a2b_uu(line))
        except binascii.Error:
            continue
    return b"".join(lines)
