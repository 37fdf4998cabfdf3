"""Remove the papers that the snapshots no longer hold."""

from __future__ import annotations

from lunacy.errors import PruneRefused
from lunacy.pipeline.counts import Counts
from lunacy.store import Writer

PRUNE_LIMIT = 0.05  # share of the papers that a prune may remove unless told otherwise


def prune_index(writer: Writer, counts: Counts, limit: float) -> None:
    """Remove and count them, after all lines are read. `limit`: the largest share of all papers to remove.

    Raises PruneRefused if they are more, or if a bad line may be one of them.
    """
    gone = writer.unseen()
    n_papers = writer.n_papers
    if not gone:
        return
    if counts.quarantined:
        raise PruneRefused(
            f"{len(gone):,} papers seem gone, but {counts.quarantined:,} lines could not be read and may hold them; "
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
    counts.pruned = len(gone)
