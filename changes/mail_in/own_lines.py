"""Lines that look quoted and are the sender's own: what was typed at a prompt, or cited."""

from dataclasses import replace

from post_office.models import Email

from expansive_cm.mailreader.incoming import Incoming
from expansive_cm.mailreader.reading import TEXT_LIMIT


def with_own_lines(incoming: Incoming, answered: Email | None) -> Incoming:
    """Return a mail whose quoted lines belong to its words where nobody can have written them.

    That is where no line says who wrote them, and none of them is in the mail that is answered.
    """
    lines = [line for line in incoming.quoted.splitlines() if line.strip()]
    if not (answered and lines and incoming.text) or not all(one[:1] == ">" for one in lines):
        return incoming
    ours = " ".join(answered.message.split())
    said = (" ".join(line.lstrip("> ").split()) for line in lines)
    if any(words and words in ours for words in said):
        return incoming
    whole = f"{incoming.text}\n\n{incoming.quoted}"[:TEXT_LIMIT]
    return replace(incoming, text=whole, quoted="")
