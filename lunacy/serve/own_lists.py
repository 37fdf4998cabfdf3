"""The reading lists of the person whose server this is; a server for others shows none."""

from __future__ import annotations

from asyncio import to_thread
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from lunacy import library
from lunacy.digest import Digest
from lunacy.errors import UsageError
from lunacy.library import ReadingList
from lunacy.query import Index
from lunacy.query.digest import make_digests
from lunacy.query.lists import PREFIX, with_lists
from lunacy.query.reading_lists import look_up
from lunacy.query.service import Service
from lunacy.serve import bounds
from lunacy.serve.waiting import in_time

_State = tuple[int, int, int]  # of a file: inode, size, and when it changed


@dataclass(frozen=True, slots=True)
class Added:
    """What became of papers for a list."""

    ids: list[str]  # those that were not on it
    notes: tuple[str, ...]


@dataclass(slots=True)
class OwnLists:
    """The lists of a file, which is read again when it changed: the command line and editors write it too."""

    path: Path
    _read: tuple[_State | None, Mapping[str, ReadingList]] | None = field(default=None, init=False)

    def read(self) -> Mapping[str, ReadingList]:
        """The lists by name. Raises ListError for a file that is none."""
        state = _state_of(self.path)
        if self._read is None or self._read[0] != state:
            self._read = state, library.read_lists(self.path)
        return self._read[1]

    def require(self, name: str) -> ReadingList:
        """The list of that name. Raises UsageError where there is none, ListError as `read`."""
        return library.require_list(name, self.read())

    async def expand(
        self, service: Service, papers: Sequence[str], note: Callable[[str], None], index: str = ""
    ) -> list[str]:
        """As `with_lists`, of these lists. Raises UsageError where that are too many papers, Busy, and as it does."""
        if not any(one.startswith(PREFIX) for one in papers):
            return list(papers)
        found = await in_time(service.call(lambda ix: with_lists(papers, ix, note, self.read), index))
        if len(found) > bounds.LISTED:
            raise UsageError(f"there are {len(found):,} papers; ask for at most {bounds.LISTED:,} together")
        return found

    async def add(self, service: Service, name: str, papers: Sequence[str], index: str = "") -> Added:
        """Put papers, given by ids in any form, links, DOIs or titles, on a list; all of them, or none.

        Raises NotAnId for the first that is none, Busy, and what `library.add` raises.
        """
        if not papers:
            raise UsageError("there is no paper to put on the list; give an id, a link or a title")
        if len(papers) > bounds.LISTED:
            raise UsageError(f"{len(papers):,} papers are too many at once; give at most {bounds.LISTED:,}")
        looked = await in_time(service.call(lambda ix: look_up(ix, papers), index))
        if looked.errors:
            raise looked.errors[0]
        added = await to_thread(library.add, name, list(looked.titles), titles=looked.titles, path=self.path)
        return Added(added, looked.notes)

    async def digest(self, service: Service, name: str) -> Digest:
        """What is new for a list since its last digest, of the first index; it is not remembered as shown.

        Raises as `require` and `make_digests`.
        """
        listed, path = self.require(name), self.path
        known = {identifier for one in self.read().values() for identifier in one.ids}

        def work(ix: Index) -> Digest:
            [digest] = make_digests(ix, [listed], {listed.name: library.seen(listed.name, path=path)}, known=known)
            return digest

        return await in_time(service.call(work))

    async def remove(self, name: str, papers: Sequence[str]) -> list[str]:
        """Take papers off a list; those that were on it. Raises as `library.remove`."""
        return await to_thread(library.remove, name, papers, path=self.path)


def _state_of(path: Path) -> _State | None:
    try:
        found = path.stat()
    except FileNotFoundError:
        return None
    return found.st_ino, found.st_size, found.st_mtime_ns
