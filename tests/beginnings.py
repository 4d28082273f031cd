"""What one process of a run has made to begin tests with, for the others of the same run.

Each process works on a database of its own, and all of them begin alike. So what a maker wrote in
one is what it would write in another: it is made once, and the others read it from a file.
"""

import fcntl
import hashlib
import io
import os
import pickle
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

One = TypeVar("One")


def shared(key: str, make: Callable[[], One], is_for_others: Callable[[One], bool]) -> One:
    """Return what another process has made for this key, or make it and let the others have it.

    Who comes while it is being made waits for it. What no file can hold stays with its maker.
    """
    place = _place(key)
    if place is None:
        return make()
    with _held(place.with_suffix(".lock")):
        if (there := _read(place)) is not None:
            return there
        made = make()
        if is_for_others(made):
            _write(place, made)
    return made


def found(key: str) -> Any | None:
    """Return what some process has made for this key, if one has."""
    place = _place(key)
    return None if place is None else _read(place)


def _place(key: str) -> Path | None:
    folder = os.environ.get("TEST_BEGINNINGS")
    return Path(folder) / hashlib.sha256(key.encode()).hexdigest() if folder else None


@contextmanager
def _held(place: Path) -> Iterator[None]:
    with place.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _read(place: Path) -> Any | None:
    try:
        return pickle.loads(place.read_bytes())
    except FileNotFoundError:
        return None


def _write(place: Path, made: Any) -> None:
    written = io.BytesIO()
    try:
        pickle.Pickler(written).dump(made)
    except (pickle.PicklingError, AttributeError, TypeError):
        return
    new = place.with_suffix(".new")
    new.write_bytes(written.getvalue())
    new.replace(place)
