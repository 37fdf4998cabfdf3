"""`cache/manifest.json`: what says which caches there are, of what they were made, and how they must look."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import orjson

from lunacy.atomic import part_name, sync_folder
from lunacy.errors import IndexDamaged
from lunacy.store.files import begin_of
from lunacy.store.segments import Segment

FOLDER_NAME = "cache"
NAME = "manifest.json"
_BEGINS = b'{"lunacy":"caches",'
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

    def is_made_from(self, segments: Sequence[Segment]) -> bool:
        """Whether it was made from just these segments."""
        return self.segments == tuple((segment.number, segment.sha256) for segment in segments)


def version(folder: Path) -> tuple[int, int] | None:
    """Changes when the manifest does; None when there is none."""
    try:
        found = (folder / FOLDER_NAME / NAME).stat()
    except OSError:
        return None
    return found.st_ino, found.st_mtime_ns


def read(folder: Path) -> list[Cache]:
    """The caches of the index in `folder`; none when the manifest is missing or not as it was written."""
    try:
        return read_or_raise(folder)
    except (OSError, IndexDamaged):
        return []


def is_manifest(path: Path) -> bool:
    """Whether it is one of ours, though it may have been harmed."""
    return begin_of(path, len(_BEGINS)) == _BEGINS


def write(folder: Path, caches: Sequence[Cache]) -> None:
    """Have it name just these caches. What is there must be ours."""
    cache_folder = folder / FOLDER_NAME
    content = orjson.dumps({"lunacy": "caches", "version": _VERSION, "caches": [asdict(cache) for cache in caches]})
    check = hashlib.sha256(content).hexdigest()
    path = cache_folder / part_name("manifest")
    with path.open("xb") as file:
        file.write(content + b"\n" + check.encode() + b"\n")
        file.flush()
        os.fsync(file.fileno())
    sync_folder(cache_folder)
    os.replace(path, cache_folder / NAME)
    sync_folder(cache_folder)


def read_or_raise(folder: Path) -> list[Cache]:
    """As `read`. Raises OSError when there is none, IndexDamaged when it is not as it was written."""
    path = folder / FOLDER_NAME / NAME
    if path.exists() and not path.is_file():
        raise IndexDamaged("it is no file")
    content, _, check = path.read_bytes().partition(b"\n")
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
    if "/" in cache.name:  # a folder, of which one of the files stands for all
        is_right = is_right and cache.name.partition("/")[2] in names[2:]
    if not is_right:
        raise ValueError(f"{cache.name!r} is described as no writer does")
