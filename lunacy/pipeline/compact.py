"""Freeing the space of replaced and removed papers."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from lunacy.pipeline.refresh_derived import refresh_caches
from lunacy.progress import Report, no_report
from lunacy.store import Writer


@dataclass(frozen=True, slots=True)
class CompactReport:
    """What compacting freed."""

    folder: Path
    n_freed: int  # replaced and removed papers, whose space it was


def compact(index: str | Path, *, progress: Report = no_report) -> CompactReport:
    """Free the space of replaced and removed papers of the index in the folder `index`.

    This happens by itself when a quarter of a segment's rows belong to such papers.

    Raises NoIndex, IndexLocked, DiskFull.

    >>> lunacy.compact("indexes/sample").n_freed
    0
    """
    with Writer(index) as writer:
        n_freed = writer.compact(progress=progress)
        refresh_caches(writer.folder, writer.changes, progress=progress)
    return CompactReport(writer.folder, n_freed)
