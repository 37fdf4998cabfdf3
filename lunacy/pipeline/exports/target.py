"""A file that is written whole: it takes its name when all of it is on the disk."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from lunacy.atomic import replaced, sync_folder
from lunacy.errors import UsageError


@contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """The name under which to write the file; after a failure what had the name `path` is as it was.

    A file that is there is replaced; raises UsageError for what is no file.
    """
    target = Path(os.path.realpath(path))
    if os.path.lexists(target) and not target.is_file():
        raise UsageError(f"{path.name} is there and is no file", where=path.parent, hint="give another name")
    if not target.parent.is_dir():
        raise UsageError("there is no such folder", where=path.parent, hint="make it first")
    with replaced(target) as part:
        yield part
        with part.open("rb+") as file:
            os.fsync(file.fileno())
    sync_folder(target.parent)
