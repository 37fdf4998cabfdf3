"""Rebuilding an index from the file that `export` wrote: the same papers and vectors, without a model."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from lunacy.errors import SnapshotError
from lunacy.pipeline.exports.export import columnar
from lunacy.pipeline.refresh_derived import drop_words, refresh_caches
from lunacy.progress import Progress, Report, no_report
from lunacy.store import SEGMENT_ROWS, Writer, expanded, require_writable


@dataclass(frozen=True, slots=True)
class RebuildReport:
    """What rebuilding did."""

    folder: Path
    n_papers: int  # in the file
    n_added: int  # that the index lacked, or had otherwise
    wait_s: float


def rebuild(
    file: str | Path,
    *,
    into: str | Path,
    lexical: bool = True,
    progress: Report = no_report,
    note: Callable[[str], None] = lambda _text: None,
) -> RebuildReport:
    """Make the index in the folder `into` from a .parquet file of `export`: the same answers, to the last bit.

    What made the vectors is recorded as it was, so later updates and text queries need the same model. An index that
    is there, with vectors of the same kind, gets the papers that it lacks or has otherwise; so a run that was stopped
    is gone on with. `lexical`, `note`: as of `build_index`. Raises SnapshotError, FingerprintMismatch,
    IndexLocked, DiskFull, MissingExtra.

    >>> report = lunacy.rebuild("sample.parquet", into="indexes/again")  # doctest: +SKIP
    """
    started = time.monotonic()
    path, folder = expanded(file), expanded(into)
    columns = columnar()
    origin = columns.read_origin(path)
    require_writable(folder, new=True)
    n_papers = n_added = 0
    with Writer(folder, origin.fingerprint, origin.arithmetic, origin.scope, new=True) as writer:
        if not lexical:
            writer.leave_out_words()
        for entries, vectors in columns.read_papers(path, origin):
            progress(Progress("storing papers", n_papers, origin.n_papers, "papers"))
            ids = [entry.id for entry in entries]
            if len(set(ids)) < len(ids):
                raise SnapshotError(f"{path}: has a paper twice")
            known = writer.known(ids)
            lacking = [
                place
                for place, entry in enumerate(entries)
                if entry.id not in known or known[entry.id].content_hash != entry.content_hash
            ]
            writer.append(
                [entries[place] for place in lacking],
                vectors[lacking],
                replaced=[ids[place] for place in lacking if ids[place] in known],
            )
            n_papers, n_added = n_papers + len(entries), n_added + len(lacking)
            if writer.n_pending > SEGMENT_ROWS - len(entries):
                writer.commit()
        if not n_papers:
            raise SnapshotError(f"{path}: holds no paper")
        if origin.source[0]:
            writer.record_source(*origin.source)
        writer.commit()
        if not lexical:
            drop_words(folder)
        refresh_caches(folder, writer.changes, progress=progress, note=note)
    return RebuildReport(folder, n_papers, n_added, time.monotonic() - started)
