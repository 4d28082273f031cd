"""Mail that came back: whom it did not reach, whether it ever will, and which mail it was.

Reports after RFC 3464 are read here, with the server's own words; flufl.bounce knows the many
servers that write something else. What a person forwards of a bounce is none.
"""

import email
import re
from collections.abc import Iterable

from flufl.bounce import all_failures

from .incoming import Bounce, Failure
from .parts import Fields, Part, read_fields
from .words import header_text, one_line, tidy

SENDERS = re.compile(
    r"(?i)\b(mailer-daemon|postmaster|mail-daemon|maildaemon|mail delivery (sub)?system"
    r"|mail delivery service|mdaemon|microsoftexchange[0-9a-f]{10,})\b"
)
SUBJECTS = re.compile(
    r"(?i)undeliver|unzustellbar|delivery (status|failure|has failed|report)|mail delivery failed"
    r"|failure notice|returned mail|delayed mail|warning: (message|could not)|non remis"
    r"|no se puede entregar|mancato recapito|onbestelbaar|could not be delivered"
)
FAILURES_LIMIT = 100
SCAN_LIMIT = 200_000
SCAN_LINES_LIMIT = 5_000
SCAN_LINE_LIMIT = 1_000
MULTIPARTS_LIMIT = 40
DETAIL_LIMIT = 500
MESSAGE_ID = re.compile(r"<[^<>\s]{1,498}>")
RETURNED_ID = re.compile(rb"(?im)^[ \t>|]{0,10}Message-ID:\s{0,3}(<[^<>\s]{1,498}>)")
SMTP_REPLY = re.compile(r"\b[45]\d\d[ -](?:#?[45]\.\d{1,3}\.\d{1,3})?[^\n]{0,400}")
STATUS = re.compile(r"\b([245]\.\d{1,3}\.\d{1,3})\b")
ADDRESS = re.compile(r"[^\s<>()\[\],;:\"@]{1,64}@[^\s<>()\[\],;:\"@]{1,189}")


def looks_like_bounce(top: Part, sender: str, sender_name: str, subject: str) -> bool:
    """Whether a mail server wrote a message about another one that it could not deliver."""
    if top.type == "multipart/report":
        report = top.parameter("report-type").lower()
        return report in ("delivery-status", "") or _report(top) is not None
    if top.has("x-failed-recipients"):
        return True
    by_server = SENDERS.search(f"{sender.partition('@')[0]} {sender_name}"[:500]) is not None
    nobody = top.has("return-path") and top.header("return-path", 200) in ("<>", "")
    if _report(top) is not None and (by_server or nobody):
        return True
    return (by_server or nobody) and SUBJECTS.search(subject) is not None


def read_bounce(raw: bytes, top: Part, text: str) -> Bounce | None:
    """Return what a bounce says; None if nothing failed (it was delivered, or relayed)."""
    report = _report(top)
    failures = _from_report(report) if report else None
    if failures is None:
        failures = _guessed(raw, top, text)
    if failures == []:
        return None
    ordered = sorted(failures, key=lambda failure: not failure.permanent)
    return Bounce(tuple(ordered[:FAILURES_LIMIT]), _original(raw, top))


def _report(top: Part) -> Part | None:
    for part in top.walk():
        if part.type in ("message/delivery-status", "message/global-delivery-status"):
            return part
    return None


def _blocks(part: Part) -> list[dict[str, str]]:
    content = part.content[:SCAN_LIMIT]
    blocks: list[dict[str, str]] = []
    position = 0
    while position < len(content) and len(blocks) < FAILURES_LIMIT:
        fields, following, _cut = read_fields(content, position, len(content), SCAN_LIMIT)
        if fields:
            blocks.append({name: header_text(value[:2_000]) for name, value in reversed(fields)})
        if following <= position:  # A line that is no field.
            following = content.find(b"\n", position) + 1 or len(content)
        position = following
    return blocks


def _from_report(part: Part) -> list[Failure] | None:
    """Return the failures of a report; empty if it tells of none, None if it cannot be read."""
    told = [block for block in _blocks(part) if "action" in block]
    if not told:
        return None
    failures: dict[str, Failure] = {}
    for block in told:
        action = block["action"].lower()
        if not action.startswith(("fail", "error", "delay")):
            continue
        recipient = block.get("original-recipient") or block.get("final-recipient", "")
        if not ADDRESS.search(recipient):
            recipient = block.get("final-recipient", "")
        found = ADDRESS.search(recipient.partition(";")[2] or recipient)
        address = found[0].lower() if found else ""
        diagnostic = block.get("diagnostic-code", "")
        status = STATUS.search(block.get("status", "")) or STATUS.search(diagnostic)
        failures.setdefault(
            address,
            Failure(
                address=address,
                permanent=not action.startswith("delay"),
                status=status[1] if status else "",
                detail=_short(diagnostic.partition(";")[2] or diagnostic),
            ),
        )
    return list(failures.values())


def _guessed(raw: bytes, top: Part, text: str) -> list[Failure]:
    """Return the failures of a bounce in a server's own form."""
    delayed, failed = _known_forms(raw)
    if not delayed and not failed:
        told = top.header("x-failed-recipients", 8_000)
        failed = {address.lower() for address in ADDRESS.findall(told)}
    reply = SMTP_REPLY.search(text[:SCAN_LIMIT])
    detail = _short(reply[0]) if reply else ""
    status = STATUS.search(detail)
    code = status[1] if status else ""
    if not delayed and not failed:
        delayed_words = re.search(r"(?i)delay|warning|still trying|not yet", text[:2_000])
        return [Failure("", not delayed_words, code, detail or _short(text))]
    return [Failure(address, True, code, detail) for address in sorted(failed)] + [
        Failure(address, False, code, detail) for address in sorted(delayed - failed)
    ]


def _known_forms(raw: bytes) -> tuple[set[str], set[str]]:
    """Ask flufl.bounce, with no more than it can take: it tries many patterns on every line."""
    head = raw[:SCAN_LIMIT]
    if head.lower().count(b"multipart/") > MULTIPARTS_LIMIT:
        return set(), set()
    lines = (line[:SCAN_LINE_LIMIT] for line in head.splitlines()[:SCAN_LINES_LIMIT])
    try:
        delayed, failed = all_failures(email.message_from_bytes(b"\n".join(lines)))
    except Exception:  # It knows many forms, and promises nothing for others.
        return set(), set()
    return _addresses(delayed), _addresses(failed)


def _addresses(found: Iterable[bytes]) -> set[str]:
    texts = (item.decode("ascii", "replace").lower() for item in found)
    return {text for text in texts if ADDRESS.fullmatch(text)}


def _original(raw: bytes, top: Part) -> str:
    """Return the Message-ID of the mail that came back."""
    for part in top.walk():
        if part.type in (
            "message/rfc822",
            "text/rfc822-headers",
            "message/global-headers",
            "message/global",
            "message/rfc822-headers",
        ):
            content = part.content[:SCAN_LIMIT]
            start = len(content) - len(content.lstrip(b"\r\n"))
            fields, _body, _cut = read_fields(content, start, len(content), SCAN_LIMIT)
            if found := _message_id(fields):
                return found
    if returned := RETURNED_ID.search(raw, top.start, top.start + SCAN_LIMIT):
        return returned[1].decode("ascii", "replace")
    for name in ("in-reply-to", "references"):
        if named := MESSAGE_ID.findall(top.header(name)):
            return str(named[-1])
    return ""


def _message_id(fields: Fields) -> str:
    value = next((value for name, value in fields if name == "message-id"), b"")
    found = MESSAGE_ID.search(header_text(value[:2_000]))
    return found[0] if found else ""


def _short(text: str) -> str:
    return one_line(tidy(text[: 4 * DETAIL_LIMIT]))[:DETAIL_LIMIT]
