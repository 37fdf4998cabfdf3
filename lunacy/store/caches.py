"""Caches: files in `DIR/cache/` that make answers quicker, are made from the store, and may be deleted at any time.

`manifest.json` names each with its size, its hash and what it was made from; whatever does not match is not used. It
is written new, flushed and renamed, so that it always names files that are whole.
"""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import orjson

from lunacy.errors import IndexDamaged
from lunacy.store.files import require_space, sync_folder
from lunacy.store.segments import Segment

FOLDER_NAME = "cache"
_MANIFEST = "manifest.json"
_UNFINISHED = "unfinished"
_VERSION = 2


@dataclass(frozen=True, slots=True)
class Cache:
    """What the manifest says of a file."""

    kind: str  # "codes", "ivf", "columns"
    name: str  # in the folder
    segments: tuple[tuple[int, str], ...]  # number and sha256 of what it was made from
    size_bytes: int
    sha256: str
    head_bytes: int  # what a reader must trust before it may map the rest
    head_sha256: str
    facts: Mapping[str, Any] = field(default_factory=dict)  # what its kind needs to know: indexes/README.md

    def is_current(self, segments: Sequence[Segment], generation: int) -> bool:
        """Whether it is of use to a commit: made from just that one, where it says of which, else from some segment."""
        if "generation" in self.facts:
            return bool(self.facts["generation"] == generation) and self.is_made_from(segments)
        return not {(segment.number, segment.sha256) for segment in segments}.isdisjoint(self.segments)

    def is_made_from(self, segments: Sequence[Segment]) -> bool:
        """Whether it was made from just these segments."""
        return self.segments == tuple((segment.number, segment.sha256) for segment in segments)


def version(folder: Path) -> tuple[int, int] | None:
    """Changes when the manifest does; None when there is none."""
    try:
        found = (folder / FOLDER_NAME / _MANIFEST).stat()
    except OSError:
        return None
    return found.st_ino, found.st_mtime_ns


def read(folder: Path) -> list[Cache]:
    """The caches of the index in `folder`; none when the manifest is missing or not as it was written."""
    try:
        return _read(folder)
    except (OSError, IndexDamaged):
        return []


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
    place = (folder / FOLDER_NAME / cache.name).parent
    try:
        return all(
            (place / name).stat().st_size == size and (not by_hash or _hash(place / name) == sha256)
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
    place = folder / FOLDER_NAME
    place.mkdir(exist_ok=True)
    require_space(folder, size_bytes)
    path = place / f"{_UNFINISHED}-{stem}"
    path.unlink(missing_ok=True)
    head_bytes, facts = write(path)
    with path.open("rb+") as file:
        os.fsync(file.fileno())
        head = hashlib.sha256(file.read(head_bytes)).hexdigest()
        file.seek(0)
        whole = hashlib.file_digest(file, "sha256").hexdigest()
        written_bytes = file.seek(0, os.SEEK_END)
    name = f"{stem}-{whole[:12]}"
    os.replace(path, place / name)
    made_from = tuple((segment.number, segment.sha256) for segment in segments)
    return Cache(kind, name, made_from, written_bytes, whole, head_bytes, head, facts)


def add_folder(
    folder: Path, kind: str, segments: Sequence[Segment], *, main: str, write: Callable[[Path], Mapping[str, Any]]
) -> Cache:
    """As `add`, for a cache that is a folder; `write` makes it. The file `main` in it stands for it."""
    place = folder / FOLDER_NAME
    place.mkdir(exist_ok=True)
    unfinished = place / f"{_UNFINISHED}-{kind}"
    shutil.rmtree(unfinished, ignore_errors=True)
    facts = write(unfinished)
    files: list[tuple[str, int, str]] = []
    for path in sorted(unfinished.iterdir()):
        if path.suffix == ".lock":
            path.unlink()
            continue
        with path.open("rb+") as file:
            os.fsync(file.fileno())
            files.append((path.name, file.seek(0, os.SEEK_END), _hash(path)))
    sync_folder(unfinished)
    _name, size_bytes, sha256 = next(one for one in files if one[0] == main)
    final = f"{kind}-{sha256[:12]}"
    shutil.rmtree(place / final, ignore_errors=True)
    os.replace(unfinished, place / final)
    made_from = tuple((segment.number, segment.sha256) for segment in segments)
    return Cache(kind, f"{final}/{main}", made_from, size_bytes, sha256, size_bytes, sha256, {**facts, "files": files})


def _hash(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def commit(folder: Path, caches: Sequence[Cache]) -> None:
    """From now on these are the caches; any other file in their folder goes.

    A folder goes with the commit after: a question that has just begun may be about to open it.
    """
    place = folder / FOLDER_NAME
    place.mkdir(exist_ok=True)
    before = [cache for cache in read(folder) if "/" in cache.name]
    content = orjson.dumps({"version": _VERSION, "caches": [asdict(cache) for cache in caches]})
    check = hashlib.sha256(content).hexdigest()
    path = place / _UNFINISHED
    with path.open("wb") as file:
        file.write(content + b"\n" + check.encode() + b"\n")
        file.flush()
        os.fsync(file.fileno())
    sync_folder(place)
    os.replace(path, place / _MANIFEST)
    sync_folder(place)
    named = {_MANIFEST, *(Path(cache.name).parts[0] for cache in (*caches, *before))}
    for path in place.iterdir():
        if path.name not in named:
            shutil.rmtree(path) if path.is_dir() else path.unlink()


def drop(folder: Path) -> None:
    """Delete all caches."""
    shutil.rmtree(folder / FOLDER_NAME, ignore_errors=True)


def faults(folder: Path, segments: Sequence[Segment], generation: int) -> Iterator[str]:
    """Every cache that is not as it was written, or not of the commit that is given. One that is gone is no fault."""
    if version(folder) is None:
        return
    try:
        caches = _read(folder)
    except (OSError, IndexDamaged) as error:
        yield f"{FOLDER_NAME}/{_MANIFEST}: {error}"
        return
    for cache in caches:
        for path, sha256 in _files(folder / FOLDER_NAME, cache):
            try:
                if _hash(path) != sha256:
                    name = path.relative_to(folder)
                    yield f"{name}: its content has changed since it was written (sha256 differs)"
            except FileNotFoundError:
                continue
        if not cache.is_current(segments, generation):
            yield f"{FOLDER_NAME}/{cache.name}: it is older than the papers, so it is not used"


def _files(place: Path, cache: Cache) -> Iterator[tuple[Path, str]]:
    """Each file of a cache, and its hash."""
    path = place / cache.name
    if "files" not in cache.facts:
        yield path, cache.sha256
    for name, _size, sha256 in cache.facts.get("files", []):
        yield path.parent / name, sha256


def _read(folder: Path) -> list[Cache]:
    content, _, check = (folder / FOLDER_NAME / _MANIFEST).read_bytes().partition(b"\n")
    if hashlib.sha256(content).hexdigest().encode() != check.strip():
        raise IndexDamaged("its content has changed since it was written (sha256 differs)")
    try:
        manifest = orjson.loads(content)
        if manifest["version"] != _VERSION:
            return []  # of another lunacy
        found = [
            Cache(**{**one, "segments": tuple((number, sha256) for number, sha256 in one["segments"])})
            for one in manifest["caches"]
        ]
        for cache in found:
            _check(cache)
        return found
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise IndexDamaged(f"it is not one: {error}") from None


def _check(cache: Cache) -> None:
    """Raises ValueError for what no writer wrote: paths out of the folder, and facts of other kinds."""
    facts = cache.facts
    files = facts["files"] if "/" in cache.name else []
    names = [*cache.name.split("/"), *(name for name, _size, _sha256 in files)]
    numbers = [cache.size_bytes, cache.head_bytes, *(size for _name, size, _sha256 in files)]
    is_right = (
        isinstance(facts, dict)
        and all(isinstance(name, str) and name and "/" not in name and name not in (".", "..") for name in names)
        and cache.name.count("/") <= 1
        and all(isinstance(number, int) and number >= 0 for number in numbers)
    )
    if "/" in cache.name:
        pairs = facts["pairs"]
        is_right = is_right and isinstance(facts["end_row"], int) and isinstance(pairs, list) and len(pairs) > 1
        is_right = is_right and all(isinstance(one, int | float) for one in pairs)
    if not is_right:
        raise ValueError(f"{cache.name!r} is described as no writer does")
