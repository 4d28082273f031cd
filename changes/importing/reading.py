"""Reads a CSV file of unknown origin, line by line, so that its size does not matter.

Everything that concerns the file as a whole is found by ``open_source`` and ``Source.survey``
before a single row is imported, and is one sentence.
"""

import csv
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO

from django.utils.translation import gettext as _

from .mapping import BadImport, ImportMap

MAX_BYTES = 100 * 2**20
MAX_FIELD = 1_000_000
"""Characters of one field. A quote that is never closed swallows the rest of the file."""
DELIMITERS = ",;\t|"
MARKS = {b"\xef\xbb\xbf": "utf-8-sig", b"\xff\xfe": "utf-16", b"\xfe\xff": "utf-16"}
BINARY_BEGINNINGS = {
    b"PK\x03\x04": "xlsx",
    b"\xd0\xcf\x11\xe0": "xls",
    b"%PDF": "pdf",
    b"\x1f\x8b": "gz",
}
FALLBACK = "cp1252"
SEPARATOR_LINE = re.compile(r'(?i)\ufeff?"?sep=([^"\r\n])"?[,;\t|]*[\r\n]*')
"""A first line for Excel, which names the delimiter and is no row."""

csv.field_size_limit(MAX_FIELD)


@dataclass(frozen=True)
class Line:
    """One row: the line that it begins on, and its fields by column, if it has all of them."""

    number: int
    fields: list[str]


class Source:
    """An open file whose encoding, delimiter and header are known."""

    def __init__(
        self,
        file: IO[bytes],
        encoding: str,
        delimiter: str,
        header: list[str],
        *,
        lines_above: int = 0,
    ) -> None:
        self.file = file
        self.encoding = encoding
        self.delimiter = delimiter
        self.header = header
        self.lines_above = lines_above

    def lines(self) -> Iterator[Line]:
        """Yield every row after the header. Raises BadImport where the file breaks off."""
        self.file.seek(0)
        text = io.TextIOWrapper(_Unclosed(self.file), encoding=self.encoding, newline="")
        for _number in range(self.lines_above):
            text.readline()
        reader = csv.reader(text, delimiter=self.delimiter, strict=True)
        begins = 1 + self.lines_above
        try:
            next(reader)
            begins = self.lines_above + reader.line_num + 1
            for row in reader:
                if any(cell.strip() for cell in row):
                    yield Line(begins, row)
                begins = self.lines_above + reader.line_num + 1
        except csv.Error as error:
            raise BadImport(_broken(begins, str(error))) from error
        except UnicodeDecodeError as error:
            raise BadImport(_wrong_encoding(self.encoding, begins)) from error

    def survey(self) -> int:
        """Read the whole file once and return how many rows it has."""
        total = sum(1 for _line in self.lines())
        if not total:
            raise BadImport(_("The file has a header but no rows."))
        return total


class _Unclosed(io.BufferedReader):
    """Reads from a file that somebody else closes."""

    def __init__(self, file: IO[bytes]) -> None:
        super().__init__(_Raw(file), buffer_size=256 * 1024)


class _Raw(io.RawIOBase):
    def __init__(self, file: IO[bytes]) -> None:
        self.file = file

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        data = self.file.read(len(buffer))
        buffer[: len(data)] = data
        return len(data)


def open_source(file: IO[bytes], import_map: ImportMap) -> Source:
    """Find out how to read the file. Raises BadImport when it is not what the map describes."""
    file.seek(0, io.SEEK_END)
    size = file.tell()
    if size == 0:
        raise BadImport(_("The file is empty."))
    if size > MAX_BYTES:
        raise BadImport(
            _("The file has %(size)d MB; %(limit)d MB are allowed. Please split it.")
            % {"size": size / 2**20 + 1, "limit": MAX_BYTES // 2**20}
        )
    _refuse_binary(file)
    encoding = _encoding_of(file, import_map.encoding)
    header_line = _first_record(file, encoding)
    named = SEPARATOR_LINE.fullmatch(header_line)
    if named:
        header_line = _first_record(file, encoding, lines_above=1)
    told = import_map.delimiter or (named[1] if named else "")
    delimiter = told or _delimiter_of(header_line, import_map)
    header = _split(header_line, delimiter)
    _check_header(header, import_map)
    return Source(file, encoding, delimiter, header, lines_above=1 if named else 0)


def _refuse_binary(file: IO[bytes]) -> None:
    file.seek(0)
    sample = file.read(64 * 1024)
    for beginning, kind in BINARY_BEGINNINGS.items():
        if sample.startswith(beginning):
            raise BadImport(
                _("This is a file of the kind %s and not CSV. Save the table as CSV first.") % kind
            )
    has_mark = any(sample.startswith(mark) for mark in MARKS)
    controls = sum(byte < 32 and byte not in b"\t\n\r" for byte in sample)
    if not has_mark and controls > len(sample) // 50:
        raise BadImport(_("This file is not text, so it cannot be CSV."))


def _encoding_of(file: IO[bytes], named: str) -> str:
    if named:
        try:
            "".encode(named)
        except LookupError as error:
            raise BadImport(_("The map names an unknown encoding: %s.") % named) from error
        return named
    file.seek(0)
    beginning = file.read(4)
    for mark, encoding in MARKS.items():
        if beginning.startswith(mark):
            return encoding
    return _utf8_or_older(file)


def _utf8_or_older(file: IO[bytes]) -> str:
    """Tell UTF-8 from Windows-1252; a mixture of the two is refused instead of garbled."""
    file.seek(0)
    accents = False
    for number, line in enumerate(file, start=1):
        if line.isascii():
            continue
        try:
            line.decode("utf-8")
            accents = True
        except UnicodeDecodeError as error:
            if accents or not _decodes(file, FALLBACK):
                raise BadImport(_wrong_encoding("UTF-8", number)) from error
            return FALLBACK
    return "utf-8"


def _decodes(file: IO[bytes], encoding: str) -> bool:
    file.seek(0)
    try:
        for line in file:
            line.decode(encoding)
    except UnicodeDecodeError:
        return False
    return True


def _first_record(file: IO[bytes], encoding: str, lines_above: int = 0) -> str:
    file.seek(0)
    text = io.TextIOWrapper(_Unclosed(file), encoding=encoding, newline="")
    try:
        for _number in range(lines_above):
            text.readline(MAX_FIELD)
        line = text.readline(MAX_FIELD)
        while line.count('"') % 2 and (more := text.readline(MAX_FIELD)):
            line += more
            if len(line) > MAX_FIELD:
                break
    except UnicodeError as error:
        raise BadImport(_wrong_encoding(encoding, 1)) from error
    if not line.strip():
        raise BadImport(_("The first line is empty; it must name the columns."))
    return line


def _delimiter_of(line: str, import_map: ImportMap) -> str:
    """Return the delimiter with which the header has most of the columns that the map names."""
    wanted = set(import_map.wanted_columns)

    def fit(delimiter: str) -> tuple[int, int]:
        try:
            names = _split(line, delimiter)
        except BadImport:
            return (0, 0)
        return (len(wanted & set(names)), len(names))

    return max(DELIMITERS, key=fit)


def _split(line: str, delimiter: str) -> list[str]:
    try:
        return [name.strip() for name in next(csv.reader([line], delimiter=delimiter, strict=True))]
    except csv.Error as error:
        raise BadImport(_broken(1, str(error))) from error


def _check_header(header: list[str], import_map: ImportMap) -> None:
    doubled = sorted(name for name in import_map.single_columns if header.count(name) > 1)
    if doubled:
        raise BadImport(_("The header names these columns twice: %s.") % ", ".join(doubled))
    missing = [name for name in import_map.wanted_columns if name not in header]
    if missing:
        found = ", ".join(name[:40] for name in header[:30])
        raise BadImport(
            _("These columns are missing: %(missing)s. The file has: %(found)s.")
            % {"missing": ", ".join(missing), "found": found}
        )


def _broken(number: int, error: str) -> str:
    if "field larger" in error or "unexpected end" in error:
        return _("The row that begins on line %d has a quotation mark that is never closed.") % (
            number
        )
    return _("The row that begins on line %(line)d is not valid CSV: %(error)s.") % {
        "line": number,
        "error": error,
    }


def _wrong_encoding(encoding: str, number: int) -> str:
    return _(
        "The file is not readable as %(encoding)s near line %(line)d. "
        "Save it as UTF-8, or name its encoding in the map."
    ) % {"encoding": encoding, "line": number}
