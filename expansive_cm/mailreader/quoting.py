"""New words, quoted words and signature of a text, told apart.

Which words stand before quoted mail in thirteen languages is known to mail-parser-reply; its
patterns go over a line or a few at a time, because over a whole text they can take for ever.
"""

import re
from dataclasses import dataclass
from functools import cached_property

from mailparser_reply.constants import MAIL_LANGUAGES
from mailparser_reply.parser import EmailMessage

from .html_text import ATTRIBUTION, MARKS, OWN_QUOTE, REST_IS_QUOTED

SIGNATURE = re.compile(r"-- ?")
SIGNATURE_LINES = 30
"""A longer end is no signature, whatever stands above it."""
CANDIDATES_LIMIT = 300
LINE_LIMIT = 400
WRAPPED_AT = 60
COLONS = (":", "\uff1a")

Run = tuple[bool, list[str]]

# One entry is for a product and not for a language; it has other keys.
LIBRARY = EmailMessage("", languages=[key for key in MAIL_LANGUAGES if key != "david"]).HEADER_REGEX

WROTE = re.compile(
    r"(?i)\b(wrote|writes|schrieb|a écrit|écrivit|escribió|ha scritto|schreef|skrev|napsal|napisał"
    r"|escreveu|kirjoitti|пишет|написал|írta|a scris|yazdı|κατέγραψε|כתב|كتب|napísal|je napisal)"
    r"\b|写道|のメール|님이 작성"
)
"""What Thunderbird, Gmail and Apple Mail say in the languages of our users and some more."""
MOMENT = re.compile(r"\d{1,2}[:.]\d{2}|\d{4}|\d{1,2}[./-]\d{1,2}[./-]\d{2,4}")

SEPARATOR = re.compile(
    r"(?i)[ \t]*(-{3,} ?"
    r"(original message|ursprüngliche nachricht|urspr\. nachricht|message d'origine"
    r"|message original|mensaje original|messaggio originale|mensagem original"
    r"|oorspronkelijk bericht|oprindelig meddelelse|ursprungligt meddelande"
    r"|opprinnelig melding|wiadomość oryginalna|původní zpráva|исходное сообщение"
    r"|forwarded (message|by .{1,80})|weitergeleitete nachricht|weitergeleitet von .{1,80}"
    r"|message transféré|mensaje reenviado|messaggio inoltrato|doorgestuurd bericht"
    r"|原始邮件|原始メッセージ|转发邮件)"
    r"( from .{1,80})? ?-*"
    r"|begin forwarded message:|anfang der weitergeleiteten nachricht:"
    r"|début du message (transféré|réexpédié) ?:|inizio messaggio inoltrato:"
    r"|inicio del mensaje reenviado:)[ \t]*"
)
HEADER_LINE = re.compile(r"[> ]*\*{0,2}(?=\w)([\w. ()-]{1,25}?) ?[:\uff1a]\*{0,2}(?=\s|$)")
FROM_WORDS = set(
    "from von de da van från fra od lähettäjä remetente od 发件人 差出人 보낸사람 от".split()
)
MORE_WORDS = set(
    """
    sent date to subject cc bcc reply-to importance organization
    gesendet datum an betreff kopie priorität wichtigkeit
    envoyé date à objet enviado fecha para asunto data inviato oggetto a
    verzonden aan onderwerp skickat till ämne sendt til emne kopi
    wysłano do temat dw odesláno komu předmět lähetetty vastaanottaja aihe assunto
    发送时间 收件人 主题 抄送 日期 送信日時 宛先 件名 日時 보낸날짜 받는사람 제목 참조
    отправлено дата кому тема копия
    """.split()
)
LINE_ABOVE = re.compile(r"[ \t]*[_-]{10,}[ \t]*")


@dataclass(slots=True)
class Words:
    """A text told apart."""

    new: str = ""
    quoted: str = ""
    signature: str = ""
    between: bool = False
    """The new words stand between quoted ones, which were left with them."""
    forwarded: bool = False
    """What is quoted was passed on and not answered."""


class Lines(list[str]):
    """The lines of a text, which remembers which of them say who wrote what follows."""

    def __init__(self, lines: list[str], known: "Lines | None" = None) -> None:
        """Take the lines, and what is ``known`` already of the text that they are a part of."""
        super().__init__(lines)
        self._known: dict[str, bool] = {} if known is None else known._known
        self._tries = CANDIDATES_LIMIT

    @cached_property
    def _colons(self) -> bytes:
        """Of each line, whether it ends as what comes before somebody's words does."""
        return bytes(line.endswith(COLONS) for line in self)

    def attribution(self, number: int) -> int:
        """Return over how many lines it is said here who wrote what follows; 0 if it is not."""
        line = self[number]
        if not line or line.startswith(">"):
            return 0
        if ATTRIBUTION in line:
            return self._to_quote(number)
        if 1 not in self._colons[number : number + 3]:
            return 0  # which is so of most lines, and quicker to know than what they say
        block = ""
        for length, row in enumerate(self[number : number + 3], 1):
            block += ("\n" if block else "") + row
            if not row or len(block) > LINE_LIMIT or row.startswith(">"):
                return 0
            if row.endswith(COLONS):
                return length if self._begins_here(block) else 0
        return 0

    def _begins_here(self, block: str) -> bool:
        """Whether these lines say who wrote, and not only those below the first."""
        below = block.partition("\n")[2]
        while below:
            if MOMENT.search(below) and self._says_who_wrote(below):
                return False
            below = below.partition("\n")[2]
        return self._says_who_wrote(block)

    def _to_quote(self, number: int) -> int:
        """Return how many lines from a marked one on belong to it."""
        for length in (1, 2, 3):
            below = self[number + length] if number + length < len(self) else ""
            if self[number + length - 1].endswith(":") or not below or below.startswith(">"):
                return length
        return 1

    def _says_who_wrote(self, block: str) -> bool:
        if not (MOMENT.search(block) or "@" in block):
            return False
        if WROTE.search(block):
            return True
        if self._tries <= 0:
            return False
        self._tries -= 1
        if block not in self._known:
            self._known[block] = LIBRARY.match(block) is not None
        return self._known[block]

    def names_moment(self, number: int, length: int) -> bool:
        """Whether it is said so precisely when something was written that only programs do it."""
        block = "\n".join(self[number : number + length])
        return ATTRIBUTION in block or bool(
            MOMENT.search(block) and ("@" in block or re.search(r"\d[:.]\d\d", block))
        )

    def is_quoted(self, number: int) -> bool:
        """Whether the first line with words from here on is marked as quoted."""
        below = next((line for line in self[number : number + 3] if line), "")
        return below.startswith(">")


def tell_apart(text: str, *, answers: bool) -> Words:
    """Split a text; ``answers`` says whether its headers make it a reply to something."""
    lines = Lines([line if line == "-- " else line.rstrip() for line in text.split("\n")])
    rest = _start_of_rest(lines)
    head, tail = Lines(lines[:rest], lines), lines[rest:]
    words = Words(forwarded=bool(tail) and _is_forward(tail))
    signature = _signature_at_end(head)
    if signature is not None:
        words.signature = _joined(head[signature + 1 :])
        head = Lines(head[:signature], lines)
    new, quoted = _without_quotes(head, words, answers or bool(tail))
    if words.signature == "":
        signature = _signature_at_end(new)
        if signature is not None:
            words.signature = _joined(new[signature + 1 :])
            new = Lines(new[:signature])
    # Markdown takes a line right below a quoted one for quoted.
    words.new = re.sub(r"(?m)^(>.*)\n(?=[^>\n])", r"\1\n\n", _joined(new))
    words.quoted = "\n\n".join(part for part in (_joined(quoted), _joined(tail)) if part)
    return words


def _joined(lines: list[str]) -> str:
    text = "\n".join(line.rstrip() for line in lines).replace(OWN_QUOTE, ">")
    return re.sub(r"\n{3,}", "\n\n", MARKS.sub("", text)).strip("\n").rstrip()


# --- Where everything below is earlier mail ---------------------------------------------------


def _start_of_rest(lines: Lines) -> int:
    """Return the line from which on everything is earlier mail, without marks on each line."""
    tried = 0
    for number, line in enumerate(lines):
        if line.startswith(">"):
            continue
        # No pattern need be tried on a line that has not the sign which each of them asks for.
        has_colon = ":" in line or "\uff1a" in line
        if REST_IS_QUOTED in line or (
            (has_colon or "---" in line) and SEPARATOR.fullmatch(line[:LINE_LIMIT])
        ):
            return _above(lines, number)
        if tried >= CANDIDATES_LIMIT:
            continue
        if has_colon and HEADER_LINE.match(line[:LINE_LIMIT]):
            tried += 1
            if _is_header_block(lines, number):
                return _above(lines, number)
        elif length := lines.attribution(number):
            quoted = lines.is_quoted(number + length)
            if not quoted and lines.names_moment(number, length):
                return _above(lines, number)
    return len(lines)


def _above(lines: list[str], number: int) -> int:
    """Return where a line drawn above belongs to what is below."""
    above = number
    while above and not lines[above - 1]:
        above -= 1
    if above and LINE_ABOVE.fullmatch(lines[above - 1][:LINE_LIMIT]):
        return above - 1
    return number


def _is_header_block(lines: Lines, number: int) -> bool:
    """Whether lines as of a mail's header begin here: From and two more, with address or time."""
    names: list[str] = []
    block = ""
    for row in lines[number : number + 12]:
        block += row[:LINE_LIMIT] + "\n"
        match = HEADER_LINE.match(row[:LINE_LIMIT])
        if match:
            names.append("".join(match[1].lower().split()))
        elif not row and len(names) > 1:
            break
    to_the_minute = re.search(r"\b\d{4}\b", block) and re.search(r"\d[:.]\d\d", block)
    if names[0] not in FROM_WORDS or not ("@" in block or to_the_minute):
        return False
    return len(MORE_WORDS.intersection(names[1:])) >= 2


def _is_forward(tail: list[str]) -> bool:
    words = ("forward", "weitergeleitet", "transféré", "réexpédié", "reenviado", "inoltrato")
    start = " ".join(tail[:3])[:LINE_LIMIT].lower()
    return any(word in start for word in (*words, "doorgestuurd", "转发"))


# --- Lines marked as quoted -------------------------------------------------------------------


def _without_quotes(lines: Lines, words: Words, answers: bool) -> tuple[Lines, list[str]]:
    """Return new and quoted lines of a text whose quoted lines are marked one by one."""
    runs = _runs(lines)
    quotes = [number for number, (quoted, _run) in enumerate(runs) if quoted]
    attributed = any(not runs[number][1][0].startswith(">") for number in quotes)
    if not quotes or not (answers or attributed):
        return lines, []
    said = [number for number, (quoted, run) in enumerate(runs) if not quoted and any(run)]
    after = [number for number in said if number > quotes[0]]
    if not after:
        return Lines(runs[0][1] if said else []), _quoted(runs)
    if len(quotes) == 1 and said == after:
        return Lines(runs[after[0]][1]), _quoted(runs)
    words.between = True
    kept: list[str] = []
    for quoted, run in runs[: after[-1] + 1]:
        kept += [*([line for line in run if line.startswith(">")] if quoted else run), ""]
    return Lines(kept), _quoted(runs[after[-1] + 1 :])


def _runs(lines: Lines) -> list[Run]:
    """Return runs of quoted and of other lines; who wrote it belongs to what is quoted."""
    if not any(line.startswith(">") for line in lines):  # nor need be known who wrote what
        return [(False, [*lines])] if lines else []
    runs: list[Run] = []
    number = 0
    while number < len(lines):
        length, quoted = 1, lines[number].startswith(">")
        if not quoted and (found := lines.attribution(number)) and lines.is_quoted(number + found):
            length, quoted = found, True
        if runs and runs[-1][0] and (not lines[number] or _is_wrapped(lines, number)):
            quoted = True
        if runs and runs[-1][0] == quoted:
            runs[-1][1].extend(lines[number : number + length])
        else:
            runs.append((quoted, lines[number : number + length]))
        number += length
    return runs


def _is_wrapped(lines: Lines, number: int) -> bool:
    """Whether a line is the end of a quoted one that was too long for the sender's program."""
    above, below = lines[number - 1], lines[number + 1 : number + 2]
    return (
        above.startswith(">")
        and len(above) > WRAPPED_AT
        and len(lines[number]) < WRAPPED_AT / 2
        and below[:1] != []
        and below[0].startswith(">")
    )


def _quoted(runs: list[Run]) -> list[str]:
    return [line for quoted, run in runs if quoted for line in run]


def _signature_at_end(lines: Lines) -> int | None:
    """Return the line "-- " with which a signature begins that goes on to the end, or None."""
    for number in range(len(lines) - 1, max(-1, len(lines) - SIGNATURE_LINES - 2), -1):
        if lines[number].startswith(">"):
            return None
        if SIGNATURE.fullmatch(lines[number]):
            return number
    return None
