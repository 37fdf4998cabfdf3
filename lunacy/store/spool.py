"""What was harvested, in `DIR/harvest/`: snapshots of what changed, a file for each harvest, kept as they came.

`state.json` names each file with the bytes of it that count, and says how far the last harvest has come. Lines are
appended as a gzip member of their own and flushed to disk before the state counts them, so whatever is killed, the next
run cuts off what does not count, and goes on from there.
"""

from __future__ import annotations

import gzip
import os
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field, replace
from itertools import count
from pathlib import Path
from types import TracebackType

import orjson

from lunacy.atomic import is_part, make_folder, put_file, sync_folder
from lunacy.errors import StoreError
from lunacy.store.files import LOCK_NAME, WriterLock, begin_of, entries, is_folder, is_lock, is_regular, require_space

FOLDER_NAME = "harvest"
_STATE_NAME = "state.json"
_BEGIN = b'{"lunacy":"harvest"'
_VERSION = 1
_MOST_BYTES = 2**24  # of the state
_LONGEST_LOCK = 200


@dataclass(frozen=True, slots=True)
class Harvest:
    """How far the last harvest has come."""

    asked: Mapping[str, str]  # what the server was asked for, by the protocol's words, and where it is
    name: str = ""  # of the file; "" before the first page
    day: str = ""  # the server's, on the first page: all changes before it are in the list
    newest: str = ""  # the latest day of a change
    token: str = ""  # with which to ask for the next page
    expires: str = ""  # until when that is good: as ISO 8601, in UTC
    is_complete: bool = False  # the list has come to its end; its papers may not be in the index yet


@dataclass(frozen=True, slots=True)
class _State:
    files: dict[str, int] = field(default_factory=dict)  # by name, the bytes that count
    last: Harvest | None = None


class Spool:
    """The folder of harvests in an index folder, open for one process."""

    def __init__(self, folder: Path) -> None:
        """Raises IndexLocked when another process harvests, StoreError for a folder that is not lunacy's."""
        self.folder = folder / FOLDER_NAME
        if os.path.lexists(self.folder) and not is_folder(self.folder):
            raise StoreError(f"{self.folder} is no folder, and lunacy keeps there what it harvests; move it away")
        make_folder(self.folder)
        self._lock = WriterLock(self.folder)
        try:
            self._state = _read(self.folder)
            self._cut()
        except BaseException:
            self._lock.release()
            raise

    @property
    def last(self) -> Harvest | None:
        """The last harvest, if its papers may not all be in the index."""
        return self._state.last

    @property
    def path(self) -> Path | None:
        """The snapshot of the last harvest; None when it brought no paper."""
        name = self._state.last.name if self._state.last else ""
        return self.folder / name if name and self._state.files[name] else None

    def begin(self, asked: Mapping[str, str]) -> None:
        """A new harvest, in the place of the last. It is on disk with its first page."""
        self.done(keep=False)
        self._state = replace(self._state, last=Harvest(dict(asked)))

    def add(self, lines: bytes, day: str, *, newest: str = "", token: str = "", expires: str = "") -> None:
        """A page: JSON Lines, the server's day, the latest day of a change in it, the token of the next page ("": there
        is none) and until when it is good.
        """
        assert self._state.last is not None
        member = gzip.compress(lines, mtime=0) if lines else b""
        require_space(self.folder, len(member))
        before = self._state.last
        last = replace(
            before,
            name=before.name or (self._new_name(day) if lines else ""),
            day=before.day or day,
            newest=max(before.newest, newest),
            token=token,
            expires=expires,
            is_complete=not token,
        )
        sizes = dict(self._state.files)
        if last.name:
            if last.name not in sizes:  # the state knows a file before there is one
                sizes[last.name] = 0
                self._put(_State(dict(sizes), replace(before, name=last.name)))
            with (self.folder / last.name).open("ab") as file:
                file.write(member)
                file.flush()
                os.fsync(file.fileno())
            sync_folder(self.folder)
            sizes[last.name] += len(member)
        self._put(_State(sizes, last))

    def done(self, *, keep: bool) -> None:
        """The last harvest is in the index. `keep`: its file, so that the index can be built again."""
        last, files = self._state.last, dict(self._state.files)
        if last is not None and last.name and not keep:
            (self.folder / last.name).unlink(missing_ok=True)
            del files[last.name]
        self._put(_State(files))

    def _new_name(self, day: str) -> str:
        for n in count(1):
            name = f"{day}.jsonl.gz" if n == 1 else f"{day}-{n}.jsonl.gz"
            if name not in self._state.files and not os.path.lexists(self.folder / name):
                return name
        raise AssertionError("there is no end of names")

    def _cut(self) -> None:
        """Cut off what a process that was killed wrote last; give up a file that was taken away."""
        sizes = dict(self._state.files)
        for name, size in self._state.files.items():
            path = self.folder / name
            size_bytes = path.stat().st_size if is_regular(path) else -1
            if size_bytes > size:
                os.truncate(path, size)
            elif size_bytes < size:
                del sizes[name]
        last = self._state.last
        self._state = _State(sizes, last if last is None or not last.name or last.name in sizes else None)

    def _put(self, state: _State) -> None:
        self._state = state
        record = {"lunacy": "harvest", "version": _VERSION, "files": state.files}
        record["last"] = state.last and asdict(state.last)
        put_file(self.folder / _STATE_NAME, orjson.dumps(record))
        sync_folder(self.folder)

    def close(self) -> None:
        """Let others harvest."""
        self._lock.release()

    def __enter__(self) -> Spool:
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self.close()


def own_harvests(folder: Path) -> Iterator[Path]:
    """What is lunacy's in the folder of harvests of the index in `folder`, and the folder behind it."""
    place = folder / FOLDER_NAME
    if not is_folder(place):
        return
    state = place / _STATE_NAME
    try:
        named = set(_read(place).files)
    except StoreError:
        named = set()
    own = [
        path
        for path in entries(place)
        if is_regular(path)
        and (
            path.name in named
            or is_part(path.name)
            or (path == state and begin_of(path, len(_BEGIN)) == _BEGIN)
            or (path.name == LOCK_NAME and is_lock(begin_of(path, _LONGEST_LOCK)))
        )
    ]
    yield from [*own, place] if own else []


def _read(place: Path) -> _State:
    """Raises StoreError for a file in the state's place that is somebody else's, or broken."""
    path = place / _STATE_NAME
    if not os.path.lexists(path):
        return _State()
    begin = begin_of(path, _MOST_BYTES)
    try:
        record = orjson.loads(begin)
        files, last = record["files"], record["last"]
        if not begin.startswith(_BEGIN) or record["version"] != _VERSION:
            raise ValueError("another file, or version")
        if not all(isinstance(name, str) and Path(name).name == name and size >= 0 for name, size in files.items()):
            raise ValueError("names of files")
        if last is not None:
            last = Harvest(**last)
            if last.name and last.name not in files:
                raise ValueError("a harvest without its file")
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise StoreError(f"{path} does not say what was harvested ({error}); move it away and run again") from None
    return _State(files, last)
