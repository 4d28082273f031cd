"""What is in a message: its text, its HTML, and the files it carries."""

import re
from dataclasses import dataclass, field

from .html_text import HTML_LIMIT, text_of
from .incoming import Attachment, Note
from .parts import FIELDS_LIMIT, PARTS_LIMIT, Part, read_fields
from .rich_text import text_of_rtf
from .words import decode, file_name, header_text, tidy, unbase64

TEXT_BYTES_LIMIT = 1_000_000
DECORATION_BYTES = 6_000
"""A picture in the text that is no larger is a logo or a line; no screenshot is so small."""
DATA_URI = re.compile(rb"(?i)data:(image/[a-z0-9.+-]{1,40});base64,([A-Za-z0-9+/=\s]+)")
NO_HTML_HERE = re.compile(r"(?i)\bhtml\b")

EXTENSIONS = {
    "message/rfc822": "eml",
    "message/global": "eml",
    "text/plain": "txt",
    "text/html": "html",
    "text/csv": "csv",
    "text/calendar": "ics",
    "text/rtf": "rtf",
    "application/rtf": "rtf",
    "text/vcard": "vcf",
    "text/x-vcard": "vcf",
    "text/rfc822-headers": "txt",
    "message/delivery-status": "txt",
    "message/disposition-notification": "txt",
    "application/pdf": "pdf",
    "application/zip": "zip",
    "application/msword": "doc",
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document": "docx",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": "xlsx",
    "application/ms-tnef": "dat",
    "application/pkcs7-mime": "p7m",
    "application/x-pkcs7-mime": "p7m",
    "image/png": "png",
    "image/jpeg": "jpg",
    "image/gif": "gif",
    "image/webp": "webp",
    "image/heic": "heic",
    "image/svg+xml": "svg",
    "image/bmp": "bmp",
    "image/tiff": "tif",
}
SIGNATURES = {
    "application/pkcs7-signature",
    "application/x-pkcs7-signature",
    "application/pgp-signature",
}
ENCRYPTED = {"application/pkcs7-mime", "application/x-pkcs7-mime", "application/pgp-encrypted"}
TNEF = {"application/ms-tnef", "application/vnd.ms-tnef"}
SIGNATURE = "-- "
RICH = "text/rtf"
"""Read where there is no other text; beside one it is a file."""
TEXTS = ("text/plain", "text/html", "text/enriched")
MESSAGES = {"message/rfc822", "message/global"}


@dataclass(slots=True)
class Contents:
    """What was found, in the order of the message."""

    texts: list[str] = field(default_factory=list)
    """Plain texts, and the marked text of HTML where there is no plain text to it."""
    html: str = ""
    """The marked text of all HTML, for what pictures are shown where."""
    files: list["File"] = field(default_factory=list)
    notes: set[Note] = field(default_factory=set)


@dataclass(slots=True)
class File:
    """A part that is no text to read: its name, and by what the HTML calls it."""

    part: Part
    name: str
    content_id: str
    shown: bool = False


class Reader:
    """Walks a message once for files and once for text, which names the files it shows."""

    def __init__(self, top: Part, *, is_report: bool) -> None:
        self.found = Contents()
        self._is_report = is_report
        self._is_rich = not any(part.type in TEXTS for part in top.walk())
        self._names: set[str] = set()
        self._texts: dict[int, bytes] = {}
        self._left = TEXT_BYTES_LIMIT
        self._body = set() if is_report else _named_body(top)
        self._collect_files(top)
        self._pictures = {
            file.content_id: file.name for file in self.found.files if file.content_id
        }
        self.found.texts = [text for text in self._read(top) if text.strip()]

    # --- Files --------------------------------------------------------------------------------

    def _collect_files(self, part: Part) -> None:
        if part.type == "multipart/encrypted":
            self.found.notes.add(Note.ENCRYPTED)
        if part.type == "multipart/signed":
            self.found.notes.add(Note.SIGNED)
        if part.children:
            for child in part.children:
                self._collect_files(child)
        elif part.type.startswith("multipart/") or part.type in SIGNATURES:
            return
        elif self._is_text(part):
            self._texts[id(part)] = self._without_pictures(part)
        elif not (self._is_report and self._belongs_to_report(part)):
            self._add_file(part)

    def _without_pictures(self, part: Part) -> bytes:
        """Return a text; pictures that stand within its HTML become files that it refers to."""
        if part.type != "text/html":
            return part.content

        def refer(match: re.Match[bytes]) -> bytes:
            if len(self.found.files) >= PARTS_LIMIT:
                self.found.notes.add(Note.TOO_MANY_PARTS)
                return b""
            content = unbase64(match[2])
            content_id = b"picture-%d@html" % len(self.found.files)
            fields = [("content-type", match[1]), ("content-id", content_id)]
            self._add_file(Part(content, fields, 0, len(content)))
            return b"cid:" + content_id

        return DATA_URI.sub(refer, part.content)

    def _is_text(self, part: Part) -> bool:
        readable = (*TEXTS, "text/x-amp-html", *((RICH,) if self._is_rich else ()))
        if part.type not in readable or part.disposition == "attachment":
            return False
        return not part.file_name or id(part) in self._body

    @staticmethod
    def _belongs_to_report(part: Part) -> bool:
        return part.type.startswith("message/") or part.type == "text/rfc822-headers"

    def _add_file(self, part: Part) -> None:
        given = part.file_name
        if not given and part.type in MESSAGES:
            given = _subject_within(part)
        if not given and part.type == "text/calendar":
            given = "invitation"
        name = file_name(given, EXTENSIONS.get(part.type, ""))
        if part.type in MESSAGES and not name.lower().endswith(".eml"):
            name = file_name(f"{given}.eml")
        if part.type in TNEF or name.lower() == "winmail.dat":
            self.found.notes.add(Note.WINMAIL)
        if part.type in ENCRYPTED:
            signed = part.parameter("smime-type").lower() == "signed-data"
            self.found.notes.add(Note.SIGNED if signed else Note.ENCRYPTED)
        content_id = part.header("content-id", 1_000).strip().strip("<>").lower()
        self.found.files.append(File(part, self._unused(name), content_id))

    def _unused(self, name: str) -> str:
        stem, dot, suffix = name.rpartition(".")
        candidate, number = name, 1
        while candidate.lower() in self._names:
            number += 1
            candidate = f"{stem} ({number}).{suffix}" if dot else f"{name} ({number})"
        self._names.add(candidate.lower())
        return candidate

    # --- Text ---------------------------------------------------------------------------------

    def _read(self, part: Part) -> list[str]:
        if part.type == "multipart/alternative":
            return self._best([(child, self._read(child)) for child in part.children])
        if part.children:
            return [text for child in part.children for text in self._read(child)]
        if id(part) not in self._texts or part.type == "text/x-amp-html":
            return []
        text = self._decoded(part)
        if part.type == "text/html":
            return [self._of_html(text)]
        if part.type == RICH:
            return [tidy(text_of_rtf(text))]
        if part.type == "text/enriched":
            text = re.sub(r"<[^<>\n]{1,60}>", "", re.sub(r"<param>[^<]{0,200}</param>", "", text))
        if part.parameter("format").lower() == "flowed":
            text = _unflowed(text, part.parameter("delsp").lower() == "yes")
        return [self._with_pictures(text)]

    @staticmethod
    def _best(choices: list[tuple[Part, list[str]]]) -> list[str]:
        """Return the plain version unless it says only that the mail is in HTML."""
        with_text = [
            (part, texts) for part, texts in choices if any(text.strip() for text in texts)
        ]
        plain = [texts for part, texts in with_text if part.type == "text/plain"]
        other = [texts for part, texts in with_text if part.type != "text/plain"]
        if plain and other and len(plain[0][0]) < 300 and NO_HTML_HERE.search(plain[0][0]):
            return other[-1]
        return (plain or other or [[]])[0]

    def _decoded(self, part: Part) -> str:
        data = self._texts[id(part)]
        if len(data) > self._left:
            self.found.notes.add(Note.TEXT_CUT)
            data = data[: self._left]
        self._left -= len(data)
        charset = part.parameter("charset")
        if part.type == "text/html" and not charset:
            declared = re.search(rb"(?i)charset=[\"']?([\w.:-]{1,40})", data[:2_000])
            charset = declared[1].decode("ascii", "replace") if declared else ""
        text, as_said = decode(data, charset)
        if not as_said:
            self.found.notes.add(Note.CHARSET)
        return tidy(text)

    def _of_html(self, html: str) -> str:
        if len(html) > HTML_LIMIT:
            self.found.notes.add(Note.TEXT_CUT)
        text = text_of(html, self._pictures)
        for file in self.found.files:
            if file.content_id and f"cid:{file.content_id}" in html.lower():
                file.shown = True
        self.found.html += text + "\n"
        return text

    def _with_pictures(self, text: str) -> str:
        """Write pictures as the HTML does: Outlook writes ``[cid:…]``, Gmail ``[image: …]``."""

        def named(match: re.Match[str]) -> str:
            name = self._pictures.get(match[1].lower())
            return f"[{name}]" if name else ""

        text = re.sub(r"\[cid:([^\[\]\s]{1,300})\]", named, text)
        return re.sub(r"\[image: ([^\[\]\n]{1,200})\]", r"[\1]", text)

    # --- Both ---------------------------------------------------------------------------------

    @property
    def shows_pictures(self) -> bool:
        """Whether a file is shown within the HTML."""
        return any(file.shown for file in self.found.files)

    def attachments(self, new_html: str) -> list[Attachment]:
        """Return the files; ``new_html`` is what of the HTML is not quoted."""
        return [
            Attachment(
                name=file.name,
                content_type=file.part.type,
                content=(content := file.part.content),
                inline=file.shown,
                quoted=file.shown and f"[{file.name}]" not in new_html,
                decoration=file.shown and len(content) <= DECORATION_BYTES,
            )
            for file in self.found.files
        ]


def _named_body(top: Part) -> set[int]:
    """Return the parts that are the text though they are named like a file.

    Only where nothing else says anything: then it is the first one, with its other versions.
    """
    texts = [
        part
        for part in top.walk()
        if not part.children and part.type in TEXTS and part.disposition != "attachment"
    ]
    said = [part for part in texts if part.content.strip()]
    if not said or any(not part.file_name for part in said):
        return set()
    first = said[0]
    for part in top.walk():
        if part.type == "multipart/alternative" and any(one is first for one in part.children):
            return {id(one) for one in part.children}
    return {id(first)}


def _subject_within(part: Part) -> str:
    head = part.content[:100_000].lstrip(b"\r\n")
    fields, _body, _cut = read_fields(head, 0, len(head), len(head))
    value = next((value for name, value in fields[:FIELDS_LIMIT] if name == "subject"), b"")
    return header_text(value[:2_000]).replace("/", "-").replace("\\", "-") or "message"


def _unflowed(text: str, delete_space: bool) -> str:
    """Return the paragraphs of a text whose lines were broken for sending (RFC 3676)."""
    lines: list[list[str]] = []
    flowing, depth_before = False, 0
    for line in text.split("\n"):
        words = line.lstrip(">")
        depth = len(line) - len(words)
        words = words.removeprefix(" ")
        continues = words.endswith(" ") and words != SIGNATURE
        shown = words[:-1] if continues and delete_space else words
        if flowing and depth == depth_before and words != SIGNATURE:
            lines[-1].append(shown)
        else:
            lines.append([">" * depth + " " if depth else "", shown])
        flowing, depth_before = continues, depth
    joined = ("".join(line) for line in lines)
    return "\n".join(line if line == SIGNATURE else line.rstrip() for line in joined)
