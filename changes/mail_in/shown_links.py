"""Links that a mail shows to others than their reader: these are worth nothing from then on."""

from collections.abc import Iterator

from accounts.models import User
from expansive_cm.mailreader.addresses import normal, without_tag
from expansive_cm.mailreader.incoming import Incoming, Kind
from expansive_cm.sure import sure

from .. import access_links
from ..models import Change
from .secrets import tokens_in, tokens_in_file
from .sorting import is_own

LARGEST = 1 << 20
"""So large a mail in a file is looked through for the links in it."""


def shown_by(incoming: Incoming, sender: User | None) -> list[tuple[Change, User]]:
    """Return of which changes, and of whom, a message holds links that somebody else knows by it.

    That is whoever sent it, if it is not the reader of the link, who got it besides them and us,
    and everybody behind a mailing list. What no person wrote, as a bounce, shows them to nobody.
    """
    if incoming.kind not in (Kind.ORDINARY, Kind.LIST):
        return []
    seen = {
        (change.pk, reader.pk): (change, reader)
        for change, reader in _about(_tokens(incoming))
        if incoming.kind is Kind.LIST or reader != sender or _went_to_others(incoming, reader)
    }
    return [seen[key] for key in sorted(seen)]


def _went_to_others(incoming: Incoming, reader: User) -> bool:
    """Whether it was addressed to anybody but us and the reader; what is no address counts.

    It has come to us: where none of the addresses is known as ours, one of them is, as an alias.
    """
    own = normal(reader.email)
    others = [one for one in incoming.addressed if own not in (normal(one), without_tag(one))]
    unknown = [one for one in others if not is_own(one)]
    return len(unknown) > (1 if unknown == others else 0)


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
        change = asked.confirmation.change
        yield change, sure(change.requester)
