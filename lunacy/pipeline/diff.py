"""What an update would do."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from lunacy.errors import SnapshotError
from lunacy.pipeline.changes import Change, change
from lunacy.scope import Scope
from lunacy.snapshot import Snapshot, read_windows
from lunacy.store import Store


@dataclass(frozen=True, slots=True)
class DiffReport:
    """The papers by what an update would do to them; the unchanged ones are only counted."""

    new: list[str]
    changed: list[str]
    metadata_only: list[str]
    gone: list[str]  # in the index, not in the snapshot: `--prune` would remove them
    n_unchanged: int
    n_filtered: int
    n_bad: int


def diff_index(
    snapshot: str | Path | None,
    *,
    index: str | Path,
    category: Iterable[str] | None = None,
    progress: Callable[[int, int | None, int], None] = lambda _position_bytes, _size_bytes, _n_lines: None,
) -> DiffReport:
    """What `build_index` with this snapshot would do to the index in the folder `index`; touches nothing.

    `snapshot`: None is the sample. `category`: patterns; None: as recorded in the index. `progress`:
    bytes read, of how many (None: unknown), and lines.

    Of an id that comes twice the later line decides. Raises SnapshotError where the snapshot breaks off, NoIndex.
    """
    kinds: dict[str, Change] = {}  # of all but the unchanged papers
    n_read = n_filtered = n_bad = 0
    with Snapshot(snapshot) as opened, Store(index) as store, store.view() as view:
        opened.check()
        is_kept, is_filtered = np.zeros((2, view.end_row), np.bool_)  # by row: what the snapshot has
        scope = view.scope if category is None else Scope.of(category)
        with closing(read_windows(opened, scope.category, recipe=view.fingerprint.text)) as windows:
            for window in windows:
                n_read += window.n_lines
                n_filtered += len(window.filtered)
                n_bad += len(window.bad)
                is_filtered[list(view.rows(window.filtered).values())] = True
                ids = [entry.id for entry in window.kept]
                rows, known = view.rows(ids), view.known(ids)
                is_kept[list(rows.values())] = True
                for entry in window.kept:
                    kind = change(known.get(entry.id), entry)
                    kinds.pop(entry.id, None)
                    if kind is not Change.UNCHANGED:
                        kinds[entry.id] = kind
                if window.broken:
                    raise window.broken
                progress(window.position_bytes, opened.size_bytes, n_read)
        if not n_read:
            raise SnapshotError(f"{opened.name}: holds no line; is it the right file?")
        live = view.live_rows()
        gone = live[~(is_kept | is_filtered)[live]]
        of_kind = {kind: [identifier for identifier, one in kinds.items() if one is kind] for kind in Change}
        changed, metadata_only = of_kind[Change.CHANGED], of_kind[Change.METADATA]
        return DiffReport(
            new=of_kind[Change.NEW],
            changed=changed,
            metadata_only=metadata_only,
            gone=[paper.id for paper in view.papers(gone)],
            n_unchanged=int(is_kept.sum()) - len(changed) - len(metadata_only),
            n_filtered=n_filtered,
            n_bad=n_bad,
        )
