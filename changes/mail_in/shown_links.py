"""Links that a mail shows to others than their reader: these are worth nothing from then on."""

from collections.abc import Iterator

from accounts.models import User
from expansive_cm.mailreader.incoming import Incoming, Kind

from .. import access_links, lifecycle
from ..models import Change
from .secrets import tokens_in, tokens_in_file

LARGEST = 1 << 20
"""So large a mail in a file is looked through for the links in it."""


def replace_shown(incoming: Incoming, sender: User | None) -> None:
    """Let others be mailed for those links in a message that somebody else knows by it.

    That is whoever sent it, if it is not the reader of the link, and who got it besides us. What
    no person wrote, as a bounce, shows them to nobody.
    Effects: those of ``lifecycle.replace_links``, once for each change and reader.
    """
    if incoming.kind is not Kind.ORDINARY:
        return
    seen = {
        (change.pk, reader.pk): (change, reader)
        for change, reader in _about(_tokens(incoming))
        if reader != sender or incoming.recipients > 1
    }
    for change, reader in seen.values():
        lifecycle.replace_links(change, reader)


def _tokens(incoming: Incoming) -> set[str]:
    words = (incoming.subject, incoming.text, incoming.quoted, incoming.signature)
    found = set(tokens_in("\n".join(words)) or ())
    for file in incoming.attachments:
        is_mail = file.content_type.startswith("message/") or file.name.lower().endswith(".eml")
        if is_mail and len(file.content) <= LARGEST:
            found |= tokens_in_file(file.content)
    return found


def _about(tokens: set[str]) -> Iterator[tuple[Change, User]]:
    """Yield the change and the reader of each link that still works."""
    hashes = [access_links.hash_token(token) for token in tokens]
    if not hashes:
        return
    links = access_links.working().filter(token_hash__in=hashes)
    for link in links.select_related("change", "person"):
        yield link.change, link.person
    asking = access_links.working_confirmations().filter(token_hash__in=hashes, used_at=None)
    for asked in asking.select_related("confirmation__change__requester"):
        yield asked.confirmation.change, asked.confirmation.change.requester
