"""Compare a snapshot with an index: what an update would change."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from lunacy.errors import SnapshotError
from lunacy.pipeline.changes import Change, change
from lunacy.progress import Progress, Report, no_report
from lunacy.scope import Scope
from lunacy.snapshot import Batch, Snapshot, read_batches
from lunacy.store import HARVEST, Store, View


def later_than(last_date: str, source: tuple[str, str]) -> Callable[[str], bool]:
    """Whether a paper, by its last change, is too new for a snapshot to know, whose last change is `last_date`.

    Only where the index has harvested (`source` says so): else what a snapshot lacks is gone.
    """
    return lambda updated: source[0] == HARVEST and updated >= last_date


@dataclass(frozen=True, slots=True)
class DiffReport:
    """Ids of papers by what an update would change; unchanged papers are only counted."""

    new: list[str]
    changed: list[str]
    metadata_only: list[str]
    older: list[str]  # the index has a newer record of them
    gone: list[str]  # in the index, not in the snapshot: `prune` would remove them
    n_unchanged: int
    n_filtered: int
    n_bad: int


def diff(
    index: str | Path,
    snapshot: str | Path | None = None,
    *,
    category: Iterable[str] | None = None,
    is_whole: bool = True,
    progress: Report = no_report,
) -> DiffReport:
    """What `build_index` with this `snapshot` would do to the index in the folder `index`; touches nothing.

    `snapshot`: None is the sample. `category`: patterns; None: as recorded in the index. `is_whole`: papers
    that the snapshot lacks are gone.

    If an id comes twice, the later line counts. Raises NoIndex, and SnapshotError if the snapshot breaks off.

    >>> found = lunacy.diff("indexes/sample", "snapshot.jsonl")
    >>> len(found.new), len(found.changed), len(found.gone), found.n_unchanged
    (0, 0, 1994, 6)
    """
    with Snapshot(snapshot) as opened, Store(index) as store, store.view() as view:
        opened.check()
        scope = view.scope if category is None else Scope.of(category)
        comparison = _Comparison(view)
        with closing(read_batches(opened, scope.category, recipe=view.fingerprint.text)) as batches:
            for batch in batches:
                comparison.add(batch)
                if batch.broken:
                    raise batch.broken
                share = batch.position_bytes / opened.size_bytes if opened.size_bytes else None
                progress(Progress("comparing", comparison.n_read, unit="lines", share=share))
        if not comparison.n_read:
            raise SnapshotError(f"{opened.name}: holds no line; is it the right file?")
        return comparison.report(with_gone=is_whole)


class _Comparison:
    """An index, compared with the lines of a snapshot read so far."""

    def __init__(self, view: View) -> None:
        self.n_read = 0
        self._view = view
        self._n_filtered = self._n_bad = 0
        self._last_date = ""
        self._changes: dict[str, Change] = {}  # by id; unchanged papers are not in it
        self._is_kept, self._is_filtered = np.zeros((2, view.end_row), np.bool_)  # by row: is it in the snapshot

    def add(self, batch: Batch) -> None:
        """Compare more lines."""
        self.n_read += batch.n_lines
        self._n_filtered += len(batch.filtered)
        self._n_bad += len(batch.bad)
        self._is_filtered[list(self._view.rows(batch.filtered).values())] = True
        self._last_date = max([self._last_date, *(entry.updated for entry in batch.kept)])
        ids = [entry.id for entry in batch.kept]
        rows, known = self._view.rows(ids), self._view.known(ids)
        self._is_kept[list(rows.values())] = True
        for entry in batch.kept:
            kind = change(known.get(entry.id), entry)
            if kind is Change.OLDER:
                self._changes.setdefault(entry.id, kind)
                continue
            self._changes.pop(entry.id, None)
            if kind is not Change.UNCHANGED:
                self._changes[entry.id] = kind

    def report(self, *, with_gone: bool) -> DiffReport:
        """The result, once the whole snapshot is compared."""
        live = self._view.live_rows() if with_gone else np.empty(0, np.int64)
        gone = live[~(self._is_kept | self._is_filtered)[live]]
        is_later = later_than(self._last_date, self._view.source)
        ids = {kind: [identifier for identifier, one in self._changes.items() if one is kind] for kind in Change}
        return DiffReport(
            new=ids[Change.NEW],
            changed=ids[Change.CHANGED],
            metadata_only=ids[Change.METADATA],
            older=ids[Change.OLDER],
            gone=[paper.id for paper in self._view.papers(gone) if not is_later(paper.updated)],
            n_unchanged=int(self._is_kept.sum()) - sum(len(ids[kind]) for kind in Change if kind is not Change.NEW),
            n_filtered=self._n_filtered,
            n_bad=self._n_bad,
        )
