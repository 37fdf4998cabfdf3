"""Files of derived data in `DIR/cache/`: they make answers faster, and may be deleted at any time.

`manifest.json` names each with its size, its hash and what it was made from; whatever does not match is not used. It
is written new, flushed and renamed, so that it always names files that are whole. Of what it does not name, ours is
what has a name in the making, or one that ends in the hash of its content; nothing else is deleted or written over.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from lunacy.atomic import is_part, part_name, sync_folder
from lunacy.errors import IndexDamaged, StoreError
from lunacy.store import cache_manifest
from lunacy.store.cache_manifest import FOLDER_NAME, Cache, is_manifest, read, read_or_raise, version
from lunacy.store.files import entries, is_folder, is_regular, remove, require_space
from lunacy.store.segments import Segment

__all__ = [
    "FOLDER_NAME",
    "Cache",
    "add",
    "add_folder",
    "commit",
    "drop",
    "faults",
    "is_whole",
    "own_files",
    "path_of",
    "read",
    "require_folder",
    "version",
]

_NAMED = re.compile(r"[a-z]+(?:-\d+)?-([0-9a-f]{12,64})", re.ASCII)  # a file or folder, by the hash of its content
_STANDS_FOR = "meta.json"  # the file whose hash is in the name of a folder
_INSIDE = re.compile(  # what tantivy makes in a folder
    r"meta\.json|\.managed\.json|\.tantivy-\w+\.lock|\.tmp\w+|[0-9a-f]{32}\.[\w.]+", re.ASCII
)


def path_of(folder: Path, cache: Cache) -> Path | None:
    """The file, when its size and its head are as they were written; else None."""
    path = folder / FOLDER_NAME / cache.name
    try:
        with path.open("rb") as file:
            is_whole = os.fstat(file.fileno()).st_size == cache.size_bytes
            if is_whole and hashlib.sha256(file.read(cache.head_bytes)).hexdigest() == cache.head_sha256:
                return path
    except OSError:
        pass
    return None


def is_whole(folder: Path, cache: Cache, *, by_hash: bool = True) -> bool:
    """Whether each file of a cache that is a folder has its size, and its hash."""
    cache_folder = (folder / FOLDER_NAME / cache.name).parent
    try:
        return all(
            (cache_folder / name).stat().st_size == size and (not by_hash or _hash(cache_folder / name) == sha256)
            for name, size, sha256 in cache.facts["files"]
        )
    except OSError:
        return False


def add(
    folder: Path,
    kind: str,
    stem: str,
    segments: Sequence[Segment],
    *,
    size_bytes: int,
    write: Callable[[Path], tuple[int, Mapping[str, Any]]],
) -> Cache:
    """Make a file of about `size_bytes` and flush it to disk. It does not count before `commit` names it.

    `write` makes it under the path that it is given, and returns the size of its head and its facts.
    """
    cache_folder = folder / FOLDER_NAME
    cache_folder.mkdir(exist_ok=True)
    require_space(folder, size_bytes)
    path = cache_folder / part_name(stem)
    try:
        head_bytes, facts = write(path)
        with path.open("rb+") as file:
            os.fsync(file.fileno())
            head = hashlib.sha256(file.read(head_bytes)).hexdigest()
            file.seek(0)
            whole = hashlib.file_digest(file, "sha256").hexdigest()
            written_bytes = file.seek(0, os.SEEK_END)
        name = _free_name(cache_folder, stem, whole)
        os.rename(path, cache_folder / name)
    except BaseException:
        with suppress(OSError):
            path.unlink(missing_ok=True)
        raise
    made_from = tuple((segment.number, segment.sha256) for segment in segments)
    return Cache(kind, name, made_from, written_bytes, whole, head_bytes, head, facts)


def add_folder(
    folder: Path, kind: str, segments: Sequence[Segment], *, write: Callable[[Path], Mapping[str, Any]]
) -> Cache:
    """As `add`, for a cache that is a folder of tantivy's, which `write` makes. Its `meta.json` stands for it."""
    cache_folder = folder / FOLDER_NAME
    cache_folder.mkdir(exist_ok=True)
    unfinished = cache_folder / part_name(kind)
    try:
        facts = write(unfinished)
    except BaseException:
        with suppress(OSError):
            remove([*entries(unfinished), unfinished])
        raise
    files: list[tuple[str, int, str]] = []
    for path in entries(unfinished):
        if path.suffix == ".lock":
            path.unlink()
            continue
        with path.open("rb+") as file:
            os.fsync(file.fileno())
            files.append((path.name, file.seek(0, os.SEEK_END), _hash(path)))
    sync_folder(unfinished)
    _name, size_bytes, sha256 = next(one for one in files if one[0] == _STANDS_FOR)
    name = _free_name(cache_folder, kind, sha256)
    os.rename(unfinished, cache_folder / name)
    made_from = tuple((segment.number, segment.sha256) for segment in segments)
    facts = {**facts, "files": files}
    return Cache(kind, f"{name}/{_STANDS_FOR}", made_from, size_bytes, sha256, size_bytes, sha256, facts)


def _free_name(cache_folder: Path, stem: str, sha256: str) -> str:
    """A name that ends in as much of the hash as it takes for it to be free."""
    names = (f"{stem}-{sha256[:n]}" for n in range(12, len(sha256) + 1))
    return next(name for name in names if not os.path.lexists(cache_folder / name))


def _hash(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def require_folder(folder: Path) -> None:
    """Raises StoreError where something that is not ours stands in the way of caches: then there can be none."""
    cache_folder = folder / FOLDER_NAME
    if os.path.lexists(cache_folder) and not is_folder(cache_folder):
        raise StoreError(
            f"{FOLDER_NAME} is no folder, and caches go into one; move it away and run again", where=folder
        )
    path = cache_folder / cache_manifest.NAME
    if os.path.lexists(path) and not is_manifest(path):
        raise StoreError(
            f"{path.name} is not lunacy's, or damaged, so it is not written over; move it away and run again",
            where=cache_folder,
        )


def commit(folder: Path, kind: str, caches: Sequence[Cache]) -> None:
    """From now on these are the caches of `kind`; others of it go.

    A folder goes with the commit after: a question that has just begun may be about to open it.
    """
    require_folder(folder)
    cache_folder = folder / FOLDER_NAME
    cache_folder.mkdir(exist_ok=True)
    before = read(folder)
    now = [*(one for one in before if one.kind != kind), *caches]
    cache_manifest.write(folder, now)
    kept = {cache_manifest.NAME, *_tops(now), *_tops(cache for cache in before if "/" in cache.name)}
    ours = _own(cache_folder, _tops([*before, *now]))
    remove(path for path in ours if path.relative_to(cache_folder).parts[0] not in kept)


def drop(folder: Path) -> None:
    """Delete all caches."""
    remove(own_files(folder))


def own_files(folder: Path) -> Iterator[Path]:
    """What is ours in the folder of caches, and the folder: files, and folders behind what is in them."""
    cache_folder = folder / FOLDER_NAME
    if is_folder(cache_folder):
        found = list(_own(cache_folder, _tops(read(folder))))
        yield from [*found, cache_folder] if found else []


def _own(cache_folder: Path, named: set[str]) -> Iterator[Path]:
    for path in entries(cache_folder):
        if is_folder(path):
            if path.name in named or is_part(path.name) or _is_proved(path.name, path / _STANDS_FOR):
                yield from (one for one in entries(path) if _INSIDE.fullmatch(one.name) and is_regular(one))
                yield path
        elif path.name == cache_manifest.NAME:
            if is_manifest(path):
                yield path
        elif is_regular(path) and (path.name in named or is_part(path.name) or _is_proved(path.name, path)):
            yield path


def _tops(caches: Iterable[Cache]) -> set[str]:
    """The names of their files or folders."""
    return {cache.name.partition("/")[0] for cache in caches}


def _is_proved(name: str, path: Path) -> bool:
    """Whether `name` ends in the hash of the content of the file."""
    found = _NAMED.fullmatch(name)
    try:
        return found is not None and is_regular(path) and _hash(path).startswith(found[1])
    except OSError:
        return False


def faults(folder: Path) -> Iterator[str]:
    """Every cache that is not as it was written. One that is gone, or older than the papers, is not used: no fault."""
    if not is_manifest(folder / FOLDER_NAME / cache_manifest.NAME):
        return
    try:
        caches = read_or_raise(folder)
    except (OSError, IndexDamaged) as error:
        yield f"{FOLDER_NAME}/{cache_manifest.NAME}: {error}"
        return
    for cache in caches:
        for path, sha256 in _files(folder / FOLDER_NAME, cache):
            try:
                if _hash(path) != sha256:
                    name = path.relative_to(folder)
                    yield f"{name}: its content has changed since it was written (sha256 differs)"
            except FileNotFoundError:
                continue


def _files(cache_folder: Path, cache: Cache) -> Iterator[tuple[Path, str]]:
    """Each file of a cache, and its hash."""
    path = cache_folder / cache.name
    if "files" not in cache.facts:
        yield path, cache.sha256
    for name, _size, sha256 in cache.facts.get("files", []):
        yield path.parent / name, sha256
