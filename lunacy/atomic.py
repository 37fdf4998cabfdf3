"""Files that are whole and on the disk, or not there: names of what is in the making, and flushing."""

from __future__ import annotations

import os
import re
import secrets
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from hashlib import blake2b
from pathlib import Path

from lunacy.errors import FULL

_PART = re.compile(r"(.+)\.([0-9a-f]{16})([0-9a-f]{16})\.part", re.DOTALL)


def part_name(stem: str) -> str:
    """A new name for a file or folder in the making: one that `is_part` knows, whatever it holds when we are killed."""
    token = secrets.token_hex(8)
    return f"{stem}.{token}{_seal(stem, token)}.part"


def is_part(name: str) -> bool:
    """Whether `part_name` made this name. Nobody else does: it ends in a hash of the rest."""
    found = _PART.fullmatch(name)
    return found is not None and found[3] == _seal(found[1], found[2])


def _seal(stem: str, token: str) -> str:
    return blake2b(f"{stem}.{token}".encode(errors="surrogateescape"), digest_size=8, person=b"lunacy").hexdigest()


def sync_folder(folder: Path) -> None:
    """Flush the names in `folder` to disk: a new file is only safe when its name is."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def replaced(path: Path) -> Iterator[Path]:
    """The name under which to write what takes the place of the file `path` when it is whole, or, if that fails, never.

    Errors name `path`, which people know, also that of a full disk, of which the system does not tell the file.
    """
    unfinished = path.with_name(part_name(path.name))
    try:
        yield unfinished
        with suppress(OSError):  # of the file that it replaces
            shutil.copymode(path, unfinished)
        os.replace(unfinished, path)
    except BaseException as error:
        with suppress(OSError):
            unfinished.unlink(missing_ok=True)
        if isinstance(error, OSError) and (
            str(error.filename) == str(unfinished) or (error.filename is None and error.errno in FULL)
        ):
            error.filename, error.filename2 = str(path), None
        raise


def put_file(path: Path, content: bytes | memoryview) -> None:
    """Write a file whole and flush it to disk, or not at all, whoever else writes one under this name meanwhile.

    When the power fails, its name may be lost: for what can be made again.
    """
    with replaced(path) as unfinished, unfinished.open("xb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def make_folder(folder: Path) -> list[Path]:
    """Make `folder` and those above it, and flush their names to disk; those that were not there, the inmost first."""
    missing = [one for one in (folder, *folder.parents) if not one.exists()]
    try:
        for one in reversed(missing):
            one.mkdir(exist_ok=True)
            sync_folder(one.parent)
    except BaseException:
        remove_folders(missing)
        raise
    return missing


def remove_folders(folders: Iterable[Path]) -> None:
    """Delete those that are empty, the inmost first."""
    for folder in folders:
        with suppress(OSError):
            folder.rmdir()
