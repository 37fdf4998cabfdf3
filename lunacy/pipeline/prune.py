"""Remove the papers that the snapshots no longer hold."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from lunacy.advice import command
from lunacy.errors import PruneRefused
from lunacy.pipeline.counts import Counts
from lunacy.pipeline.diff import diff, later_than
from lunacy.pipeline.refresh_derived import refresh_caches
from lunacy.progress import Report, no_report
from lunacy.store import Store, Writer

PRUNE_LIMIT = 0.05  # share of the papers that a prune may remove unless told otherwise


@dataclass(frozen=True, slots=True)
class PruneReport:
    """What was removed."""

    folder: Path
    ids: list[str]


def prune(
    index: str | Path,
    snapshot: str | Path | None = None,
    *,
    limit: float = PRUNE_LIMIT,
    progress: Report = no_report,
) -> PruneReport:
    """Remove the papers that `snapshot` lacks from the index in the folder `index`, and add none.

    They are those that `diff` calls gone. `build_index` with `prune` also adds what is new. `limit`: the largest share
    of all papers to remove. `snapshot`: None is the sample.

    Raises PruneRefused, and removes none, if they are more, or if a bad line of the snapshot may be one of them;
    NoIndex, IndexLocked, DiskFull, SnapshotError.

    >>> len(lunacy.prune("indexes/sample", "snapshot.jsonl", limit=1.0).ids)
    1994
    """
    with Writer(index) as writer:
        found = diff(index, snapshot, progress=progress)
        require_prunable(len(found.gone), writer.n_papers, n_bad=found.n_bad, limit=limit)
        _remove(writer, found.gone)
        refresh_caches(writer.folder, writer.changes, progress=progress)
    return PruneReport(writer.folder, found.gone)


def prune_index(writer: Writer, counts: Counts, limit: float, n_papers: int, last_date: str) -> None:
    """As `prune`, at the end of a build, after all lines are read; counts the papers. `n_papers`: before the build.

    `last_date`: of the last change in the snapshots.
    """
    with Store(writer.folder) as store, store.view() as view:
        is_later = later_than(last_date, view.source)
    known = writer.known(unseen := writer.unseen())
    gone = [one for one in unseen if not is_later(known[one].updated)]
    require_prunable(len(gone), n_papers, n_bad=counts.quarantined, limit=limit)
    _remove(writer, gone)
    counts.pruned = len(gone)


def require_prunable(n_gone: int, n_papers: int, *, n_bad: int, limit: float) -> None:
    """Raises PruneRefused if `n_gone` of `n_papers` are more than `limit`, or if one of `n_bad` lines may be one."""
    if n_gone and n_bad:
        raise PruneRefused(
            f"{n_gone:,} papers seem gone, but {n_bad:,} lines could not be read and may hold them; nothing was pruned",
            hint=f"mend the snapshot, or remove them by hand: {command('remove', 'ID', '--index', 'DIR')}",
        )
    if n_gone > limit * n_papers + 1e-6:  # 0.29 * 100 is less than 29
        raise PruneRefused(
            f"the snapshot lacks {n_gone:,} of {n_papers:,} papers, more than {100 * limit:g}%; nothing was pruned",
            hint="if it is the whole snapshot, raise --prune-limit",
        )


def _remove(writer: Writer, gone: list[str]) -> None:
    if gone:
        writer.remove(gone)
        writer.commit()
