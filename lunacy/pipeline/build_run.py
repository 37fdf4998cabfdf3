"""A build with everything open: from the first line to the last commit."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from functools import partial

from lunacy.errors import SnapshotError
from lunacy.pipeline.build_request import BuildRequest
from lunacy.pipeline.counts import Counts
from lunacy.pipeline.prune import prune_index
from lunacy.pipeline.refresh_derived import drop_words, refresh_caches
from lunacy.pipeline.snapshot_reader import Reader, share_read
from lunacy.pipeline.stages import Stages
from lunacy.pipeline.vector_sources import VectorSource
from lunacy.progress import Progress, Report
from lunacy.scope import Scope
from lunacy.snapshot import Batch, Quarantine, Snapshot, Stopped
from lunacy.store import Writer, own_shards, remove


@dataclass(frozen=True, slots=True)
class Run:
    """A build with everything open."""

    request: BuildRequest
    scope: Scope
    snapshots: Sequence[Snapshot]
    reader: Reader
    source: VectorSource
    writer: Writer
    quarantine: Quarantine
    tell: Callable[[Iterable[str]], None]  # notes for the user
    progress: Report
    counts: Counts = field(default_factory=Counts)

    def to_the_end(self) -> None:
        """Store all papers and refresh derived data; then raise the error that ended the reading early, if any.

        Ctrl-C commits what is embedded by then.
        """
        stages = Stages(self.writer, self.source, self.counts)
        n_before = self.writer.n_papers
        try:
            broken = stages.main_thread.serve(lambda: self._store(stages, n_before))
        finally:
            stages.close()
        if self.writer.n_papers:
            if not self.request.lexical:
                drop_words(self.request.into)
            refresh_caches(
                self.request.into, self.writer.changes, progress=self.progress, note=lambda text: self.tell([text])
            )
        if broken:
            raise broken
        self._require_papers()

    def _store(self, stages: Stages, n_before: int) -> SnapshotError | None:
        """Read, embed and store everything, in the storing thread. Returns the error that ended the reading early."""
        counts = self.counts
        try:
            broken = self._read(stages)
            if self._has_papers:
                stages.finish(is_complete=not broken and self.request.limit is None, up_to=self.request.up_to)
        except Stopped:
            stages.keep()
            raise
        remove(own_shards(self.request.into))
        if self.request.prune and counts.read and not broken:
            self.progress(Progress("removing papers that the snapshot lacks"))
            prune_index(self.writer, counts, self.request.prune_limit, n_before, stages.last_date)
        return broken

    def _read(self, stages: Stages) -> SnapshotError | None:
        """Send all batches through the stages. Returns the error that ended the reading early."""
        broken, position_bytes = None, 0
        with closing(self.reader.batches(stages.main_thread.is_open)) as batches:
            for n, batch in batches:
                self._set_aside(batch, self.snapshots[n].name)
                start_bytes = position_bytes if position_bytes < batch.position_bytes else 0  # 0: another snapshot
                position_bytes = batch.position_bytes
                on_stored = partial(self._report, stages, n, start_bytes, position_bytes, self.counts.read)
                stages.process(batch, with_filtered=self.request.prune, on_stored=on_stored)
                self.tell(self.source.notes)  # workers may have new ones
                broken = broken or batch.broken
        return broken

    def _set_aside(self, batch: Batch, name: str) -> None:
        """Count lines that are filtered or bad, and write the bad ones to quarantine."""
        self.counts.read += batch.n_lines
        self.counts.filtered += len(batch.filtered)
        self.counts.quarantined += len(batch.bad)
        for line, reason in batch.bad:
            self.quarantine.add(name, line, reason)

    def _report(
        self, stages: Stages, n: int, start_bytes: int, end_bytes: int, n_lines: int, share_of_batch: float
    ) -> None:
        """Say how far it is, as a share of a batch of the snapshot `n` is stored; `n_lines`: up to its end."""
        share = share_read(self.snapshots, n, start_bytes + share_of_batch * (end_bytes - start_bytes))
        if stages.is_loaded:
            self.progress(Progress(self.source.doing, stages.n_embedded, unit="papers", share=share))
        else:
            self.progress(Progress("reading the snapshot", n_lines, unit="lines", share=share))

    @property
    def _has_papers(self) -> bool:
        """Whether there is something to commit. A run without fails, and must not change the scope."""
        counts = self.counts
        n_taken = counts.read - counts.quarantined - counts.filtered
        return n_taken > 0 or (counts.filtered > 0 and self.writer.n_papers > 0)

    def _require_papers(self) -> None:
        name = ", ".join(one.name for one in self.snapshots)
        if not self.counts.read:
            raise SnapshotError(f"{name}: holds no line; is it the right file?")
        if self.counts.quarantined == self.counts.read:
            raise SnapshotError(f"{name}: not one line is a paper; {self.quarantine.first}")
        if not self._has_papers:
            raise SnapshotError(
                f"{name}: none of its {self.counts.filtered:,} papers is in {self.scope}",
                hint="give other categories; --category '*' takes in all papers",
            )
