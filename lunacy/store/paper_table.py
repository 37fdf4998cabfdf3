"""The papers in `papers.db`, changed: inside a writer's transaction, with the rows that die and what is counted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import count as count_from

import numpy as np
import numpy.typing as npt

from lunacy.advice import command
from lunacy.arrays import Rows, Vectors
from lunacy.entry import Entry, text_key
from lunacy.errors import IndexDamaged
from lunacy.store.database import Database
from lunacy.store.records import (
    COUNTED,
    INTO_PAPERS,
    KNOWN,
    UPDATE,
    Changes,
    Counted,
    Known,
    add_counts,
    count,
    counted,
    read_rows,
    to_row,
    vector_hashes,
)
from lunacy.store.segments import Segment


class PaperTable:
    """The tables `papers` and `dead`; `counts` follows with `write_counts`.

    It remembers which papers were seen: they were added, or `mark_seen` was told of them. And it remembers lines of
    snapshots that say just what a row holds, by their hashes.
    """

    def __init__(self, database: Database, n_rows: int) -> None:
        """`n_rows`: of all segments."""
        self._database = database
        self._seen = bytearray(n_rows)  # by row
        self._counts: Counted = Counter()  # of all changes since they were written
        self._line_hashes = np.zeros((n_rows, 2), np.uint64)  # by row, in halves; 0: not known, which takes no memory
        self.touched: set[int] = set()  # rows that have another paper since the beginning, other metadata, or none

    def changes_since(self, generation: int, segments: tuple[Segment, ...]) -> Changes:
        """What happened since the beginning, which was this commit."""
        said = np.flatnonzero(self._line_hashes.any(axis=1))
        return Changes(generation, segments, np.array(sorted(self.touched), np.int64), said, self._line_hashes[said])

    @property
    def n_papers(self) -> int:
        """How many papers there are."""
        [n] = self._database.one("SELECT count(*) FROM papers")
        return int(n)

    def known(self, ids: Sequence[str]) -> dict[str, Known]:
        """Those of `ids` that are there."""
        found = self._database.some(f"SELECT id, row, {KNOWN} FROM papers WHERE id IN ({{}})", ids)
        return {
            one: Known(row, text_hash, content_hash, updated, n_versions, self._is_seen(row))
            for one, row, text_hash, content_hash, updated, n_versions in found
        }

    def _is_seen(self, row: int) -> bool:
        if not 0 <= row < len(self._seen):
            hint = f"mend the index with: {command('repair', '--index', self._database.folder)}"
            raise IndexDamaged(f"row {row} is in no segment", where=self._database.folder, hint=hint)
        return bool(self._seen[row])

    def mark_seen(self, rows: Iterable[int]) -> int:
        """Remember that lines of the snapshots are of the papers at `rows`; how many of these were seen before."""
        n_before = 0
        for row in rows:
            n_before += self._seen[row]
            self._seen[row] = True
        return n_before

    def note_lines(self, rows: Sequence[int], line_hashes: Iterable[bytes]) -> None:
        """Remember for each of `rows` a line that says just what it holds."""
        self._line_hashes[rows] = np.frombuffer(b"".join(line_hashes), np.uint64).reshape(-1, 2)

    def unseen(self) -> list[str]:
        """The ids of all other papers, in row order."""
        rows = read_rows(self._database, "SELECT row FROM papers ORDER BY row")
        unseen = rows[~np.frombuffer(self._seen, np.bool_)[rows]].tolist()
        by_row = dict(self._database.some("SELECT row, id FROM papers WHERE row IN ({})", unseen))
        return [by_row[row] for row in unseen]

    def text_keys(self) -> npt.NDArray[np.uint64]:
        """The `text_key` of each paper, ascending: (n,) uint64, in the byte order of this machine."""
        keys = bytearray()
        for identifier, text_hash in self._database.stream("SELECT id, text_hash FROM papers"):
            keys += text_key(identifier, text_hash)
        return np.sort(np.frombuffer(keys, np.uint64))

    def insert(
        self, entries: Sequence[Entry], vectors: Vectors, *, first_row: int, generation: int, replaced: Sequence[str]
    ) -> None:
        """Add papers at the rows from `first_row` on. `replaced`: the ids that are there, and keep their `added`."""
        came = self.take_out(replaced)
        added = [came.get(entry.id, generation) for entry in entries]
        rows = map(to_row, count_from(first_row), vector_hashes(vectors), entries, added)
        self._database.insert(INTO_PAPERS, list(rows))
        self._seen.extend(b"\x01" * len(entries))
        self._line_hashes.resize((first_row + len(entries), 2), refcheck=False)
        self.note_lines(range(first_row, first_row + len(entries)), (entry.line_hash for entry in entries))
        self._counts.update(count(map(counted, entries, added)))

    def amend(self, entries: Sequence[Entry]) -> None:
        """Replace all but the text and the vector of papers that are there."""
        ids = [entry.id for entry in entries]
        before = list(self._database.some(f"SELECT id, row, {COUNTED} FROM papers WHERE id IN ({{}})", ids))
        self._counts.subtract(count(columns for _id, _row, *columns in before))
        rows = {identifier: row for identifier, row, *_ in before}
        self.touched.update(rows.values())
        self.note_lines([rows[entry.id] for entry in entries], (entry.line_hash for entry in entries))
        self._database.run_many(
            UPDATE, [(entry.content_hash, entry.is_withdrawn, *entry.columns, entry.id) for entry in entries]
        )
        added = {identifier: columns[-1] for identifier, *columns in before}
        self._counts.update(count(counted(entry, added[entry.id]) for entry in entries))

    def take_out(self, ids: Sequence[str]) -> dict[str, int]:
        """Remove papers, whose rows are dead from now on; the generation in which each of them first came."""
        gone = list(self._database.some(f"SELECT id, row, {COUNTED} FROM papers WHERE id IN ({{}})", ids))
        self._counts.subtract(count(columns for _id, _row, *columns in gone))
        rows = [row for _id, row, *_ in gone]
        self.touched.update(rows)
        self._line_hashes[rows] = 0
        self._database.run_many("INSERT INTO dead VALUES (?)", [(row,) for row in rows])
        self._database.run_many("DELETE FROM papers WHERE row = ?", [(row,) for row in rows])
        return {identifier: columns[-1] for identifier, *columns in gone}

    def moved(self, first_row: int, rows: Rows, end_row: int) -> None:
        """The papers at `rows` stand from `first_row` on now, and no other from there to `end_row`."""
        self._seen[first_row : first_row + len(rows)] = bytes(np.frombuffer(self._seen, np.uint8)[rows])
        others = np.flatnonzero(rows != first_row + np.arange(len(rows)))
        n_same = int(others[0]) if len(others) else len(rows)
        self.touched.update(range(first_row + n_same, end_row))
        self._line_hashes[first_row : first_row + len(rows)] = self._line_hashes[rows]
        self._line_hashes[first_row + len(rows) : end_row] = 0

    def forget_from(self, end_row: int) -> None:
        """No segment has a row from `end_row` on."""
        del self._seen[end_row:]
        self._line_hashes.resize((end_row, 2), refcheck=False)

    def write_counts(self) -> None:
        """Bring the table `counts` up to date."""
        add_counts(self._database, self._counts)
        self._counts.clear()
