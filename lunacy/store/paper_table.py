"""The papers in `papers.db`, changed: inside a writer's transaction, with the rows that die and what is counted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
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
    Counted,
    Known,
    add_counts,
    count,
    counted,
    read_rows,
    to_row,
    vector_hashes,
)


class PaperTable:
    """The tables `papers` and `dead`; `counts` follows with `write_counts`.

    It remembers which papers were seen: they were added, or `mark_seen` was told of them.
    """

    def __init__(self, database: Database, n_rows: int) -> None:
        """`n_rows`: of all segments."""
        self._database = database
        self._seen = bytearray(n_rows)  # by row
        self._counts: Counted = Counter()  # of all changes since they were written
        self._touched: set[int] = set()

    @property
    def touched(self) -> Rows:
        """The rows that have another paper since the beginning, other metadata, or none: (n,) int64, ascending."""
        return np.array(sorted(self._touched), np.int64)

    @property
    def n_papers(self) -> int:
        """How many papers there are."""
        [n] = self._database.one("SELECT count(*) FROM papers")
        return int(n)

    def known(self, ids: Sequence[str]) -> dict[str, Known]:
        """Those of `ids` that are there."""
        found = self._database.some(f"SELECT id, row, {KNOWN} FROM papers WHERE id IN ({{}})", ids)
        return {
            one: Known(text_hash, content_hash, updated, n_versions, self._is_seen(row))
            for one, row, text_hash, content_hash, updated, n_versions in found
        }

    def _is_seen(self, row: int) -> bool:
        if not 0 <= row < len(self._seen):
            hint = f"mend the index with: {command('repair', '--index', self._database.folder)}"
            raise IndexDamaged(f"row {row} is in no segment", where=self._database.folder, hint=hint)
        return bool(self._seen[row])

    def mark_seen(self, ids: Sequence[str]) -> None:
        """Remember that the snapshots hold these papers; ids that are not there are passed over."""
        for [row] in self._database.some("SELECT row FROM papers WHERE id IN ({})", ids):
            if not self._is_seen(row):
                self._seen[row] = True

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
        self._counts.update(count(map(counted, entries, added)))

    def amend(self, entries: Sequence[Entry]) -> None:
        """Replace all but the text and the vector of papers that are there."""
        ids = [entry.id for entry in entries]
        before = list(self._database.some(f"SELECT id, row, {COUNTED} FROM papers WHERE id IN ({{}})", ids))
        self._counts.subtract(count(columns for _id, _row, *columns in before))
        self._touched.update(row for _id, row, *_ in before)
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
        self._touched.update(rows)
        self._database.run_many("INSERT INTO dead VALUES (?)", [(row,) for row in rows])
        self._database.run_many("DELETE FROM papers WHERE row = ?", [(row,) for row in rows])
        return {identifier: columns[-1] for identifier, *columns in gone}

    def moved(self, first_row: int, rows: Rows, end_row: int) -> None:
        """The papers at `rows` stand from `first_row` on now, and no other from there to `end_row`."""
        self._seen[first_row : first_row + len(rows)] = bytes(np.frombuffer(self._seen, np.uint8)[rows])
        others = np.flatnonzero(rows != first_row + np.arange(len(rows)))
        n_same = int(others[0]) if len(others) else len(rows)
        self._touched.update(range(first_row + n_same, end_row))

    def forget_from(self, end_row: int) -> None:
        """No segment has a row from `end_row` on."""
        del self._seen[end_row:]

    def write_counts(self) -> None:
        """Bring the table `counts` up to date."""
        add_counts(self._database, self._counts)
        self._counts.clear()
