"""A pass over the snapshots before a model is loaded, for what `--strict` and `--prune` refuse."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack, closing

import numpy as np

from lunacy.pipeline.build_request import BuildRequest
from lunacy.pipeline.build_settings import Settings
from lunacy.pipeline.diff import later_than
from lunacy.pipeline.prune import require_prunable
from lunacy.pipeline.snapshot_reader import Reader, share_read
from lunacy.progress import Progress, Report
from lunacy.snapshot import Snapshot
from lunacy.store import Store


def check_snapshots(
    request: BuildRequest, settings: Settings, snapshots: Sequence[Snapshot], reader: Reader, progress: Report
) -> None:
    """Read all lines where the run may be refused for what is in them: a stream is not, as it can be read only once.

    Raises SnapshotError for the first bad line, if the run is strict; PruneRefused. What else is wrong, the run tells
    when it comes there.
    """
    is_pruned = request.prune and settings.recorded is not None
    if not (request.strict or is_pruned) or any(one.is_stream for one in snapshots):
        return
    n_lines = n_bad = 0
    last_date = ""
    with ExitStack() as stack:
        view = stack.enter_context(stack.enter_context(Store(request.into)).view()) if is_pruned else None
        is_there = np.zeros(view.end_row if view else 0, np.bool_)  # by row: in the snapshots
        for n, batch in stack.enter_context(closing(reader.batches(lambda: True))):
            if batch.broken and request.strict:
                raise batch.broken
            if batch.broken:
                return
            n_lines += batch.n_lines
            n_bad += len(batch.bad)
            if view:
                last_date = max(last_date, batch.last_date)
                is_there[[row for row, _place, _raw in batch.same]] = True
                ids = [*batch.filtered, *(entry.id for entry in batch.kept)]
                is_there[list(view.rows(ids).values())] = True
            share = share_read(snapshots, n, batch.position_bytes)
            progress(Progress("checking the snapshot", n_lines, unit="lines", share=share))
        if view and n_lines:
            live, is_later = view.live_rows(), later_than(last_date, view.source)
            n_gone = sum(not is_later(updated) for _row, updated in view.stream("updated", live[~is_there[live]]))
            require_prunable(n_gone, len(live), n_bad=n_bad, limit=request.prune_limit)
