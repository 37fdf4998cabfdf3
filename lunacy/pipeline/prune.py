"""Remove the papers that the snapshots no longer hold."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from lunacy.errors import PruneRefused
from lunacy.pipeline.counts import Counts
from lunacy.pipeline.diff import diff
from lunacy.pipeline.refresh_derived import refresh_caches
from lunacy.store import Writer

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
) -> PruneReport:
    """Remove the papers that `snapshot` lacks from the index in the folder `index`, and add none.

    They are those that `diff` calls gone. `build_index` with `prune` also adds what is new. `limit`: the largest share
    of all papers to remove. `snapshot`: None is the sample.

    Raises PruneRefused, and removes none, if they are more, or if a bad line of the snapshot may be one of them;
    NoIndex, IndexLocked, DiskFull, SnapshotError.
    """
    with Writer(index) as writer:
        found = diff(index, snapshot)
        _remove(writer, found.gone, n_bad=found.n_bad, limit=limit)
        refresh_caches(writer.folder, writer.changes)
    return PruneReport(writer.folder, found.gone)


def prune_index(writer: Writer, counts: Counts, limit: float) -> None:
    """As `prune`, at the end of a build, after all lines are read; counts the papers."""
    gone = writer.unseen()
    _remove(writer, gone, n_bad=counts.quarantined, limit=limit)
    counts.pruned = len(gone)


def _remove(writer: Writer, gone: list[str], *, n_bad: int, limit: float) -> None:
    n_papers = writer.n_papers
    if not gone:
        return
    if n_bad:
        raise PruneRefused(
            f"{len(gone):,} papers seem gone, but {n_bad:,} lines could not be read and may hold them; "
            "nothing was pruned",
            hint="mend the snapshot, or use: lunacy remove ID...",
        )
    if len(gone) > limit * n_papers + 1e-6:  # 0.29 * 100 is less than 29
        raise PruneRefused(
            f"the snapshot lacks {len(gone):,} of {n_papers:,} papers, more than {100 * limit:g}%; nothing was pruned",
            hint="if it is the whole snapshot, raise --prune-limit",
        )
    writer.remove(gone)
    writer.commit()
