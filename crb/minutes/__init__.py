"""Minutes as a record (``compose``), as words to read (``reading``) and as a file (``typeset``)."""

from .compose import compose
from .reading import fingerprint, reading
from .typeset import file_name, typeset

__all__ = ["compose", "file_name", "fingerprint", "reading", "typeset"]
