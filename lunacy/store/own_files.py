"""What in an index folder is lunacy's. Only that may be deleted or written over, and a name alone proves nothing.

A file is ours when papers.db or the manifest of the caches names it, when its content says so, or when its name does
(`part_name`). Links are not: nothing is written or deleted through one.
"""

from __future__ import annotations

import os
import re
import struct
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from itertools import count
from pathlib import Path

import orjson

from lunacy.atomic import is_part
from lunacy.errors import IndexDamaged, NoIndex, StoreError
from lunacy.store import caches
from lunacy.store.database import Database
from lunacy.store.files import (
    LOCK_NAME,
    WriterLock,
    begin_of,
    entries,
    expanded,
    is_folder,
    is_lock,
    is_regular,
    remove,
)
from lunacy.store.meta import read_segments
from lunacy.store.own_database import (
    JOURNAL,
    NAME,
    SHM,
    WAL,
    Origin,
    begins_a_database,
    not_ours,
    origin,
    require_index,
    see_verify,
)
from lunacy.store.segments import mark_of, segment_name
from lunacy.store.spool import FOLDER_NAME as HARVEST_NAME
from lunacy.store.spool import own_harvests

QUARANTINE_NAME = "quarantine.jsonl"
SHARDS_NAME = "shards"  # the folder for what others have embedded until it is committed here
SHARD_KEY = b"lunacy.shard"  # in the metadata of a shard
_FOLDERS = (caches.FOLDER_NAME, SHARDS_NAME, HARVEST_NAME)
_DATABASE = {NAME, WAL, SHM, JOURNAL}
_QUARANTINE = re.compile(r"quarantine(-\d+)?\.jsonl", re.ASCII)
_QUARANTINE_KEYS = {"snapshot", "line", "offset", "reason", "begins"}
_LONGEST_LINE = 2**16
_MARK_BYTES = 8
_SHARD = re.compile(r"[0-9a-f]{16}-\d{5}-\d{7}\.parquet", re.ASCII)
_PARQUET_END = struct.Struct("<I4s")  # bytes of the metadata, which stands before, and the format's mark


@dataclass(frozen=True, slots=True)
class Inventory:
    """What is in an index folder; paths from there on, those of folders with a slash behind them."""

    size_bytes: dict[str, int]  # of lunacy's files
    foreign: tuple[str, ...]


def inventory(folder: str | Path) -> Inventory:
    """Of the index in `folder`. Raises NoIndex when there is none."""
    folder = expanded(folder)
    try:
        named, mark = _recorded(folder)
    except IndexDamaged:
        named, mark = set(), None

    def is_segment(path: Path) -> bool:
        return path.name in named or ((found := mark_of(path)) is not None and mark in (found, None))

    listed = _listed(folder)  # first: what a writer makes from here on is not in it
    own = {folder / NAME, *own_files(folder, is_segment)}
    sizes = {}
    for path in sorted(own):
        with suppress(FileNotFoundError):  # merged away by a writer just now
            if path.is_file():
                sizes[path.relative_to(folder).as_posix()] = path.stat().st_size
    return Inventory(sizes, tuple(_others(folder, listed, own)))


def _recorded(folder: Path) -> tuple[set[str], bytes]:
    """The names of the segments, and their mark."""
    database = Database(folder, to_repair=True)
    try:
        return {segment.name for segment in read_segments(database)}, read_mark(database)
    finally:
        database.close()


def own_files(folder: Path, is_segment: Callable[[Path], bool]) -> Iterator[Path]:
    """What is lunacy's in `folder`: files, and folders behind what is in them."""
    for path in entries(folder):
        if path.name.startswith("segment-"):
            is_own = is_segment(path)
        else:
            is_own = is_regular(path) and (path.name in _DATABASE or _proves_itself(path))
        if is_own:
            yield path
    yield from parts(folder)
    yield from own_shards(folder)
    yield from own_harvests(folder)
    yield from caches.own_files(folder)


def parts(folder: Path) -> Iterator[Path]:
    """What a writer, or a repair, that was stopped left half-made."""
    for path in entries(folder):
        if is_part(path.name):
            if is_folder(path):
                yield from (one for one in entries(path) if one.name in _DATABASE and is_regular(one))
            if is_folder(path) or is_regular(path):
                yield path


def own_shards(folder: Path) -> Iterator[Path]:
    """The shards, whole or half-made, and behind them their folder."""
    place = folder / SHARDS_NAME
    if is_folder(place):
        found = [path for path in entries(place) if is_shard(path) or (is_part(path.name) and is_regular(path))]
        yield from [*found, place] if found else []


def is_shard(path: Path) -> bool:
    """Whether a file has the name of a shard, and the metadata of one."""
    if not (_SHARD.fullmatch(path.name) and is_regular(path)):
        return False
    try:
        with path.open("rb") as file:
            end = file.seek(-_PARQUET_END.size, os.SEEK_END)
            n_bytes, mark = _PARQUET_END.unpack(file.read(_PARQUET_END.size))
            file.seek(max(0, end - n_bytes))
            return mark == b"PAR1" and SHARD_KEY in file.read(end - file.tell())
    except OSError:  # a shorter file, too
        return False


def is_quarantine(path: Path) -> bool:
    """Whether a file has the name of a quarantine, and its first line the keys of one."""
    if not _QUARANTINE.fullmatch(path.name):
        return False
    line, _, _rest = begin_of(path, _LONGEST_LINE).partition(b"\n")
    try:
        record = orjson.loads(line)
    except orjson.JSONDecodeError:
        return False
    return isinstance(record, dict) and record.keys() == _QUARANTINE_KEYS


def new_quarantine(folder: Path) -> Path:
    """Where the bad lines of a run go; those of the run before are deleted."""
    for n in count(1):
        path = folder / (QUARANTINE_NAME if n == 1 else f"quarantine-{n}.jsonl")
        if is_quarantine(path):
            path.unlink()
        if not os.path.lexists(path):
            return path
    raise AssertionError("there is no end of names")


def require_writable(folder: Path, *, new: bool) -> None:
    """Raises NoIndex unless `folder` is an index or, when it may be `new`, is missing, empty, or as a first run leaves
    it that is stopped; StoreError for links, through which we do not write. Touches nothing.
    """
    for name, what_to_do in ((LOCK_NAME, "remove it"), (NAME, "put a copy of what it points to in its place")):
        if (folder / name).is_symlink():
            raise StoreError(f"{name} is a symbolic link, and lunacy writes through none; {what_to_do}", where=folder)
    if not new:
        require_index(folder, or_begun=is_regular(folder / LOCK_NAME))  # perhaps just now: the lock tells
    elif folder.is_symlink() and not folder.exists():
        raise NoIndex("this is a link to nothing; give a folder for the index", where=folder)
    elif folder.exists() and not folder.is_dir():
        raise NoIndex("this is a file; give a folder for the index", where=folder)
    elif folder.is_dir() and not _is_index(folder):
        names = {path for path in entries(folder) if _QUARANTINE.fullmatch(path.name) and is_regular(path)}
        empty = {path for path in names if not path.stat().st_size}  # ours, if we were killed in that moment
        if other := next(_others(folder, _listed(folder), {*_remains(folder), *empty}), None):
            raise NoIndex(f"the folder is not empty and holds no index ({other}, ...); give a new folder", where=folder)


def forget_first_run(folder: Path) -> None:
    """Delete what a first run made that fails before its first commit; not where there are shards to go on with."""
    with suppress(OSError, StoreError):
        if not _is_index(folder) and not any(map(is_shard, own_shards(folder))):
            remains = list(_remains(folder))
            remove(sorted(remains, key=lambda path: path.name == LOCK_NAME))  # which keeps others out until then


def read_mark(database: Database) -> bytes:
    """What the index's segments are marked with: 8 bytes."""
    [value] = database.one("SELECT value FROM meta WHERE key = 'mark'")
    try:
        mark = bytes.fromhex(value)
    except (ValueError, TypeError):
        mark = b""
    if len(mark) != _MARK_BYTES:
        raise IndexDamaged(
            f"the mark in papers.db is {str(value)[:40]!r}", where=database.folder, hint=see_verify(database.folder)
        )
    return mark


def _is_index(folder: Path) -> bool:
    """Whether there is a commit. Raises NoIndex for a `papers.db` of somebody else."""
    if not (folder / NAME).exists():
        return False
    found = origin(folder)
    if found is Origin.FOREIGN:
        raise not_ours(folder)
    return found is Origin.OURS


def _remains(folder: Path) -> Iterator[Path]:
    """What is a first run's own, in a folder without a commit."""
    is_begun = (folder / NAME).exists() and (folder / NAME).stat().st_size > 0
    # after a loss of power SQLite's log may be there and what it belongs to not; our lock tells that it was ours
    is_locked = is_lock(begin_of(folder / LOCK_NAME, _LONGEST_LINE)) if is_regular(folder / LOCK_NAME) else False
    for path in own_files(folder, lambda path: path == folder / segment_name(1) and mark_of(path) is not None):
        needs_database = (path.name in (WAL, SHM) and not is_locked) or path.name.startswith("segment-")
        is_another = path.name == JOURNAL and not begins_a_database(path)
        is_another |= path.name != QUARANTINE_NAME and is_quarantine(path)
        is_inside = any(path.is_relative_to(folder / name) for name in (caches.FOLDER_NAME, HARVEST_NAME))
        if is_inside or is_another or (needs_database and not is_begun):
            continue  # of an index that has lost its papers.db
        yield path


def _listed(folder: Path) -> list[Path]:
    """What is in a folder, and in those of its folders where something of ours may be."""
    found: list[Path] = []
    for top, folders, files in os.walk(folder):
        found += (Path(top, name) for name in (*folders, *files))
        if Path(top) == folder:
            folders[:] = (name for name in folders if name in _FOLDERS or is_part(name))
    return sorted(found)


def _others(folder: Path, listed: Iterable[Path], own: Collection[Path]) -> Iterator[str]:
    """What of `listed` is still there and not `own`; of a folder with nothing of ours in it only its name."""
    known = {folder, *own, *filter(is_folder, (folder / name for name in _FOLDERS))}
    for path in listed:
        if path not in known and path.parent in known and os.path.lexists(path):
            name = os.fsencode(path.relative_to(folder)).decode(errors="replace")
            yield f"{name}/" if is_folder(path) else name


def _proves_itself(path: Path) -> bool:
    return is_quarantine(path) or (path.name == LOCK_NAME and is_lock(begin_of(path, _LONGEST_LINE)))


@contextmanager
def writer_lock(folder: str | Path) -> Iterator[Path]:
    """The right to write to the index in `folder`, for a block: for those who change it without a `Writer`."""
    folder = expanded(folder)
    require_writable(folder, new=False)
    lock = WriterLock(folder)
    try:
        yield folder
    finally:
        lock.release()
