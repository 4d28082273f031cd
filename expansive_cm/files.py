"""Files that people send: kept whole or not at all, and found again when nobody names them."""

import os
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any

from django.apps import apps
from django.core.files.storage import FileSystemStorage, default_storage
from django.db.models import FileField
from django.utils import timezone


class FilesAway(OSError):
    """A file could not be kept: the disk is full, read-only or gone. Nothing of it is left."""


class WholeFiles(FileSystemStorage):
    """Files on disk. What could not be written to its end is removed again."""

    def _save(self, name: str, content: Any) -> str:
        try:
            kept: str = super()._save(name, content)  # type: ignore[misc]  # not in the stubs
            return kept
        except BaseException as error:
            with suppress(OSError):
                os.remove(self.path(name))
            if isinstance(error, OSError):
                raise FilesAway(str(error)) from error
            raise


def named_files() -> set[str]:
    """Return the names of all files that a row of any table names."""
    names: set[str] = set()
    for model in apps.get_models():
        for field in model._meta.concrete_fields:
            if isinstance(field, FileField) and field.storage is default_storage:
                rows = model._base_manager.exclude(**{field.name: ""})
                names.update(rows.values_list(field.name, flat=True).iterator())
    return names


def stored_files(folder: str = "") -> Iterator[str]:
    """Walk the names of all files on disk."""
    try:
        folders, files = default_storage.listdir(folder)
    except FileNotFoundError:
        return
    yield from (os.path.join(folder, name) for name in sorted(files))
    for name in sorted(folders):
        yield from stored_files(os.path.join(folder, name))


def orphans(age: timedelta) -> list[str]:
    """Return the files that no row names and that are older than ``age``.

    A younger one may belong to a row that is being written in this moment. Files are listed
    before the rows are read, so that what is added meanwhile is not taken for an orphan.
    """
    before = timezone.now() - age
    found = [name for name in stored_files() if _written(name) < before]
    named = named_files()
    return [name for name in found if name not in named]


def missing() -> list[str]:
    """Return the files that rows name and that are not there."""
    return sorted(name for name in named_files() if not default_storage.exists(name))


def _written(name: str) -> datetime:
    try:
        return datetime.fromtimestamp(os.path.getmtime(default_storage.path(name)), UTC)
    except FileNotFoundError:
        return timezone.now()
