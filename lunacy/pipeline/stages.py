"""The stages of a build: skip known papers, tokenise, embed, store, commit."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor

from lunacy.embedding import Embedded
from lunacy.pipeline.changes import Change, Plan, make_plan
from lunacy.pipeline.counts import Counts
from lunacy.pipeline.main_thread import MainThreadExecutor
from lunacy.pipeline.vector_sources import VectorSource
from lunacy.snapshot import Batch
from lunacy.store import SEGMENT_ROWS, Writer

COMMIT_S = 60.0  # at most so much work is lost when a build is killed
_SOURCE = "snapshot"  # as the index records what it was made from
_DEPTH = 3  # batches in between: one is tokenised, one is in the model, one is ready to store


class Stages:
    """Takes batches through the stages, in order, several at a time.

    A batch is compared with the index before those ahead of it are stored, so their changes are taken into account.
    """

    def __init__(self, writer: Writer, source: VectorSource, counts: Counts) -> None:
        self.main_thread = MainThreadExecutor()
        self._writer = writer
        self._source = source
        self._counts = counts
        self._tokeniser = ThreadPoolExecutor(1, "lunacy-tokenise")
        self._in_work: deque[tuple[Plan, Future[Embedded] | None, Callable[[], None]]] = deque()
        self._committed_s = time.monotonic()
        self._last_date = ""

    def process(self, batch: Batch, *, with_filtered: bool, on_stored: Callable[[], None]) -> None:
        """Skip what the index has, start embedding the rest, and store what is ready.

        `on_stored` is called once this batch is stored.
        """
        if with_filtered:
            self._writer.mark_seen(batch.filtered)  # a paper that the snapshot holds is not gone
        self._last_date = max([self._last_date, *(entry.updated for entry in batch.kept)])
        ids = [entry.id for entry in batch.kept]
        known = self._writer.known(ids)
        self._writer.mark_seen(list(known))
        for plan, *_ in self._in_work:
            known.update(plan.known_after(ids))
        plan = make_plan(batch, known)
        _count(plan, self._counts)
        self._in_work.append((plan, self._embed(batch, plan) if plan.embed else None, on_stored))
        while self._in_work and (len(self._in_work) > _DEPTH or _is_ready(self._in_work[0][1])):
            self._store_next()

    def _embed(self, batch: Batch, plan: Plan) -> Future[Embedded]:
        prepared = self._tokeniser.submit(self._source.prepare, batch, list(plan.embed.values()))
        return self.main_thread.submit(lambda: prepared.result()())

    def _store_next(self) -> None:
        plan, future, on_stored = self._in_work.popleft()
        embedded = self.main_thread.result(future) if future is not None else None
        self._writer.amend(plan.amend)
        if embedded is not None:
            self._counts.cut += embedded.n_cut
            self._writer.arithmetic = self._source.arithmetic
            entries = [entry for entry, _place in plan.embed.values()]
            self._writer.append(entries, embedded.vectors, replaced=plan.replaced)
        is_due = time.monotonic() - self._committed_s >= COMMIT_S
        if is_due or self._writer.n_pending > SEGMENT_ROWS - self._source.window:
            self._writer.commit()
            self._committed_s = time.monotonic()
        on_stored()

    def finish(self, *, is_complete: bool) -> None:
        """Store and commit the batches in work. `is_complete`: all that the snapshots hold was read."""
        while self._in_work:
            self._store_next()
        if is_complete:
            self._writer.record_source(_SOURCE, self._last_date)
        self._writer.commit()

    def close(self) -> None:
        """Give up the batches in work, without waiting."""
        self._tokeniser.shutdown(wait=False, cancel_futures=True)


def _is_ready(future: Future[Embedded] | None) -> bool:
    return future is None or future.done()


def _count(plan: Plan, counts: Counts) -> None:
    counts.added += plan.n_lines[Change.NEW]
    counts.updated += plan.n_lines[Change.CHANGED] + plan.n_lines[Change.METADATA]
    counts.metadata_only += plan.n_lines[Change.METADATA]
    counts.unchanged += plan.n_lines[Change.UNCHANGED]
    counts.repeated += plan.n_repeated
