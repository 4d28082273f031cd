"""Bytes of a message as text: character sets, encoded words, and what no text may hold."""

import base64
import binascii
import codecs
import quopri
import re
import unicodedata

ALIASES = {
    "ansi": "cp1252",
    "iso-8859-1": "cp1252",
    "latin1": "cp1252",
    "latin-1": "cp1252",
    "l1": "cp1252",
    "iso8859-1": "cp1252",
    "iso_8859-1": "cp1252",
    "us-ascii": "utf-8",
    "ascii": "utf-8",
    "ansi_x3.4-1968": "utf-8",
    "unicode": "utf-8",
    "utf8mb4": "utf-8",
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "x-gbk": "gb18030",
    "ks_c_5601-1987": "cp949",
    "euc-kr": "cp949",
    "shift_jis": "cp932",
    "iso-8859-8-i": "iso-8859-8",
    "iso-8859-6-i": "iso-8859-6",
    "x-mac-roman": "mac_roman",
    "macintosh": "mac_roman",
    "windows-31j": "cp932",
    "iso-2022-jp": "iso2022_jp_ext",
}
"""What senders mean by a name: what browsers make of it, where Python would be stricter."""

NOT_FOR_MAIL = {"punycode", "idna", "unicode_escape", "raw_unicode_escape", "undefined"}
"""Encodings of Python that no mail is in, and that take time out of proportion."""

BOMS = {
    codecs.BOM_UTF8: "utf-8",
    codecs.BOM_UTF16_LE: "utf-16-le",
    codecs.BOM_UTF16_BE: "utf-16-be",
}
ENCODED_WORD = re.compile(r"=\?([^?\s]{1,60})\?([bBqQ])\?([^?]{0,2000})\?=")
UNREADABLE = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x84\x86-\x9f"  # control characters but tab and newline
    "\u00ad\u200b\u2060\ufeff"  # nothing to see: soft hyphens, zero width spaces
    "\u202a-\u202e\u2066-\u2069"  # they turn the order of letters round, and so what is read
    "\ue000-\uf8ff\ufff0-\ufffb\ufffe\uffff\ud800-\udfff]"  # private use, no character at all
)
NEWLINE = re.compile("\r\n?|[\x0b\x0c\x85\u2028\u2029]")
SPACES = re.compile("[\u00a0\u1680\u2000-\u200a\u202f\u205f\u3000]")


def codec_of(charset: str) -> str:
    """Return Python's name of a character set; "" if it is unknown or none for text."""
    name = charset.strip().strip("\"'").lower()
    name = ALIASES.get(name, name)
    try:
        info = codecs.lookup(name)
    except (LookupError, ValueError):
        return ""
    if not info._is_text_encoding or info.name.replace("-", "_") in NOT_FOR_MAIL:
        return ""
    return info.name


def decode(data: bytes, charset: str = "") -> tuple[str, bool]:
    """Return bytes as text, and whether all of it could be read as the sender said.

    Whatever is valid UTF-8 and more than ASCII is UTF-8, whatever an 8-bit name beside it says:
    in real text it is never so by chance.
    """
    for bom, codec in BOMS.items():
        if data.startswith(bom):
            return data[len(bom) :].decode(codec, "replace"), True
    codec = codec_of(charset) if charset else "utf-8"
    eight_bit = codec in ("utf-8", "") or codec.startswith(("cp125", "iso8859", "mac", "koi8"))
    candidates = (["utf-8"] if eight_bit else []) + [codec] * bool(codec)
    for candidate in candidates:
        try:
            text = data.decode(candidate)
        except (UnicodeError, ValueError):
            continue
        odd = not data.isascii() and candidate != codec
        return text, not odd
    if codec in ("", "utf-8") or eight_bit:
        return data.decode("cp1252", "replace"), False
    return data.decode(codec, "replace"), False


def header_text(value: bytes) -> str:
    """Return a header's value as text, its encoded words decoded."""
    raw = decode(value)[0]
    words: list[str] = []
    waiting = (b"", "")  # Neighbours of one charset may share a character between them.
    end = 0
    for match in ENCODED_WORD.finditer(raw):
        between = raw[end : match.start()]
        charset = match[1].partition("*")[0]
        data = _word_bytes(match[2], match[3])
        if waiting[1] and not between.strip() and charset.lower() == waiting[1].lower():
            waiting = (waiting[0] + data, waiting[1])
        else:
            words.append(decode(*waiting)[0])
            words.append(between if between.strip() or not end else "")
            waiting = (data, charset)
        end = match.end()
    words.append(decode(*waiting)[0])
    words.append(raw[end:])
    return one_line("".join(words))


def _word_bytes(encoding: str, text: str) -> bytes:
    data = text.encode("utf-8", "replace")
    if encoding in "bB":
        return unbase64(data)
    return quopri.decodestring(data, header=True)


def unbase64(data: bytes) -> bytes:
    """Decode base64, whatever is missing at its end or strewn into it."""
    try:
        return base64.b64decode(data + b"==")
    except (binascii.Error, ValueError):
        letters = re.sub(rb"[^A-Za-z0-9+/]", b"", data)
        letters = letters[: len(letters) - (len(letters) % 4 == 1)]
        return base64.b64decode(letters + b"=" * (-len(letters) % 4))


def tidy(text: str) -> str:
    """Return text with nothing that a database or a reader would stumble over."""
    return SPACES.sub(" ", UNREADABLE.sub("", NEWLINE.sub("\n", text)))


def one_line(text: str) -> str:
    """Return text on one line, tidied."""
    return " ".join(tidy(text).split())


def file_name(text: str, extension: str = "", limit: int = 120) -> str:
    """Return a name that is safe to store and to show; ``extension`` is for one that has none."""
    name = one_line(unicodedata.normalize("NFC", text)).replace("\\", "/").rpartition("/")[2]
    name = re.sub(r'[<>:"|?*]', "_", name).strip(" .")
    stem, dot, suffix = name.rpartition(".")
    if not dot or not re.fullmatch(r"\w{1,10}", suffix):
        stem, suffix = name, extension
    stem = (stem.rstrip(" .") or "file")[: limit - len(suffix) - 1]
    return f"{stem}.{suffix}" if suffix else stem
