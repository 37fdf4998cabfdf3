"""The stages of a build: skip known papers, tokenise, embed, store, commit."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

from lunacy.embedding import Embedded
from lunacy.entry import Entry
from lunacy.pipeline.changes import Change, Plan, make_plan
from lunacy.pipeline.counts import Counts
from lunacy.pipeline.main_thread import MainThreadExecutor
from lunacy.pipeline.vector_sources import VectorSource
from lunacy.snapshot import Batch
from lunacy.store import HARVEST, SEGMENT_ROWS, SNAPSHOT, Known, Writer

# At most a minute of embedding is lost when a build is killed: what came after the last commit, and the call in which
# the next one came due; also when a machine takes six times as long all at once, as another program begins.
COMMIT_S = 30.0
_CALL_S = 5.0  # that the model should take for the texts of one call; with fewer texts a call, it pads more
_FIRST_TEXTS, _GROWTH = 8, 4  # texts of the first call, when nobody knows how long it takes; most growth to the next
_DEPTH = 3  # parts in between: one is tokenised, one is in the model, one is ready to store


@dataclass(frozen=True, slots=True)
class _Part:
    """A part of a batch, in work."""

    plan: Plan
    papers: list[tuple[Entry, int]]  # those that are embedded, with their places
    embedded: Future[Embedded] | None  # None: none are
    on_stored: Callable[[float], None]
    end_share: float  # of the batch, up to the end of this part; 1: it is the last

    @property
    def is_done(self) -> bool:
        """Whether there is nothing to wait for."""
        return self.embedded is None or self.embedded.done()

    @property
    def is_embedded(self) -> bool:
        """Whether it can be stored."""
        return self.embedded is None or (self.embedded.done() and self.embedded.exception() is None)


class Stages:
    """Takes batches through the stages, in order, in parts: several at a time.

    A batch is compared with the index before those ahead of it are stored, so their changes are taken into account.
    """

    def __init__(self, writer: Writer, source: VectorSource, counts: Counts) -> None:
        self.main_thread = MainThreadExecutor()
        self.n_embedded = 0  # papers whose vectors are stored
        self._writer = writer
        self._source = source
        self._counts = counts
        self._tokeniser = ThreadPoolExecutor(1, "lunacy-tokenise")
        self._in_work: deque[_Part] = deque()
        self._n_texts = _FIRST_TEXTS  # of a call
        self._is_loaded = False
        self._has_news = False  # something was stored since the last commit
        self._committed_s = time.monotonic()
        self.last_date = ""

    @property
    def is_loaded(self) -> bool:
        """Whether what makes the vectors is loaded, so that papers are being embedded."""
        return self._is_loaded

    def process(self, batch: Batch, *, with_filtered: bool, on_stored: Callable[[float], None]) -> None:
        """Skip what the index has, start embedding the rest, and store what is ready.

        `on_stored` is called with the share of this batch that is stored, whenever it grows.
        """
        if with_filtered:  # a paper that the snapshot holds is not gone
            self._writer.mark_seen(one.row for one in self._writer.known(batch.filtered).values())
        self.last_date = max(self.last_date, batch.last_date)
        batch, known = self._compared(batch)
        self._writer.mark_seen(one.row for one in known.values())
        for part in self._in_work:
            known.update(part.plan.known_after(entry.id for entry in batch.kept))
        plan = make_plan(batch, known)
        self._writer.note_lines(list(plan.same), plan.same.values())
        _count(plan, self._counts)
        self._counts.unchanged += len(batch.same)
        self._counts.repeated += self._writer.mark_seen(row for row, _place, _raw in batch.same)
        if plan.embed and not self._is_loaded:
            self.main_thread.result(self.main_thread.submit(self._source.load))
            self._is_loaded = True
            on_stored(0)
        for part in self._parts(batch, plan, on_stored):
            self._in_work.append(part)
            while self._in_work and (len(self._in_work) > _DEPTH or self._in_work[0].is_done):
                self._store_next()

    def _compared(self, batch: Batch) -> tuple[Batch, dict[str, Known]]:
        """The batch, and what the index holds for its papers.

        A known line says what a row held when this run began. It is parsed after all where that row has changed since,
        is about to, or where another line of the batch is of the same paper.
        """
        known = self._writer.known([entry.id for entry in batch.kept])
        in_doubt = {one.row for one in known.values()}.union(*(part.plan.touched for part in self._in_work))
        rows = {row for row, _place, _raw in batch.same}
        if again := (rows & in_doubt) | (rows & self._writer.touched):
            batch = batch.parsed(again, self._source.fingerprint.text)
            known = self._writer.known([entry.id for entry in batch.kept])
        return batch, known

    def _parts(self, batch: Batch, plan: Plan, on_stored: Callable[[float], None]) -> Iterator[_Part]:
        """The parts of a batch, each as large as seems right when it is asked for."""
        papers = list(plan.embed.values())
        if not papers:
            yield _Part(plan, [], None, on_stored, 1)
        start = 0
        while start < len(papers):
            n_left = len(papers) - start
            n_calls = -(-n_left // min(self._n_texts, self._source.window))
            some = papers[start : start + -(-n_left // n_calls)]
            start += len(some)
            yield _Part(plan, some, self._embed(batch, some), on_stored, start / len(papers))

    def _embed(self, batch: Batch, papers: list[tuple[Entry, int]]) -> Future[Embedded]:
        prepared = self._tokeniser.submit(self._source.prepare, batch, papers)

        def run() -> Embedded:
            call = prepared.result()
            started = time.monotonic()
            embedded = call()
            self._settle_pace(len(papers), time.monotonic() - started)
            return embedded

        return self.main_thread.submit(run)

    def _settle_pace(self, n_texts: int, passed_s: float) -> None:
        """Take as many texts for the next call as should take `_CALL_S`."""
        wanted = n_texts * _CALL_S / passed_s if passed_s > 0 else float("inf")
        self._n_texts = int(max(1, min(wanted, _GROWTH * self._n_texts, self._source.window)))

    def _store_next(self) -> None:
        part = self._in_work[0]
        embedded = self.main_thread.result(part.embedded) if part.embedded else None
        self._in_work.popleft()
        if embedded is not None:
            self._counts.cut += embedded.n_cut
            self._writer.begin(self._source.fingerprint)
            self._writer.arithmetic = self._source.arithmetic
            entries = [entry for entry, _place in part.papers]
            replaced = [entry.id for entry in entries if entry.id in part.plan.replaced]
            self._writer.append(entries, embedded.vectors, replaced=replaced)
            self.n_embedded += len(entries)
        if part.end_share == 1:
            self._writer.amend(part.plan.amend)
        self._has_news = True
        is_due = time.monotonic() - self._committed_s >= COMMIT_S
        if is_due or self._writer.n_pending > SEGMENT_ROWS - self._source.window:
            self._commit()
        part.on_stored(part.end_share)

    def _commit(self) -> None:
        self._writer.commit()
        self._has_news = False
        self._committed_s = time.monotonic()

    def finish(self, *, is_complete: bool, up_to: str | None) -> None:
        """Store and commit the batches in work. `is_complete`: all that the snapshots hold was read; `up_to`: as of
        `build_index`.
        """
        while self._in_work:
            self._store_next()
        if is_complete and up_to != "":
            self._writer.record_source(HARVEST if up_to else SNAPSHOT, up_to or self.last_date)
        self._commit()

    def keep(self) -> None:
        """Store and commit what is embedded, when a run is stopped; the rest is given up."""
        while self._in_work and self._in_work[0].is_embedded:
            self._store_next()
        if self._has_news:
            self._commit()

    def close(self) -> None:
        """Give up the batches in work, without waiting."""
        self._tokeniser.shutdown(wait=False, cancel_futures=True)


def _count(plan: Plan, counts: Counts) -> None:
    counts.added += plan.n_lines[Change.NEW]
    counts.updated += plan.n_lines[Change.CHANGED] + plan.n_lines[Change.METADATA]
    counts.metadata_only += plan.n_lines[Change.METADATA]
    counts.unchanged += plan.n_lines[Change.UNCHANGED]
    counts.older += plan.n_lines[Change.OLDER]
    counts.repeated += plan.n_repeated
