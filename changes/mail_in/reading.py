"""Reads a message: bytes in, what they say out; nothing else is touched.

Whatever the bytes are, reading ends, in time and memory that grow with their number, and never
raises: what cannot be read is left out and noted.
"""

from .incoming import Attachment, Bounce, Failure, Incoming, Kind, Note

__all__ = ["Attachment", "Bounce", "Failure", "Incoming", "Kind", "Note", "read"]


def read(raw: bytes, *, our_domain: str = "") -> Incoming:
    """Return what a message says.

    ``our_domain`` is the domain of our own Message-IDs (``POST_OFFICE["MESSAGE_ID_FQDN"]``): by
    it our own mail is known when it comes back to us.
    """
    raise NotImplementedError
