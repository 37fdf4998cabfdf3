"""Freeing the space of replaced and removed papers."""

from __future__ import annotations

from pathlib import Path

from lunacy.pipeline.refresh_derived import refresh_caches
from lunacy.progress import Report, no_report
from lunacy.store import Writer


def compact_index(index: str | Path, *, progress: Report = no_report) -> int:
    """Rewrite what has dead rows in the index in the folder `index`; how many dead rows that freed.

    `progress`: rows, of those that are rewritten.
    """
    with Writer(index) as writer:
        n_freed = writer.compact(progress=progress)
        refresh_caches(writer.folder, writer.changes)
    return n_freed
