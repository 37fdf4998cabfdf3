"""Building an index and bringing it up to date."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from lunacy.categories import matching_categories
from lunacy.embedding import DEFAULT_MODEL, Embedded, Embedder, GivenVectors, canonical_name, load_when_needed
from lunacy.entry import Entry
from lunacy.errors import PruneRefused, SnapshotError, UsageError, VectorsError
from lunacy.fingerprint import Fingerprint
from lunacy.paper import TEXTS, embedded_text
from lunacy.pipeline.caches import refresh_caches
from lunacy.pipeline.counts import Counts, Progress
from lunacy.pipeline.plan import Change, Plan, make_plan
from lunacy.pipeline.threads import Here
from lunacy.snapshot import Quarantine, Snapshot, Window, read_windows
from lunacy.store import QUARANTINE_NAME, SEGMENT_ROWS, Writer, recorded_fingerprint

COMMIT_S = 60.0  # at most so much embedding is lost when a run is killed
_GIVEN_WINDOW = 512  # papers at a time when their vectors are brought along
_DEPTH = 3  # windows between the plan and the store: one tokenised, one in the model, one ready
PRUNE_LIMIT = 0.05  # share of the papers that a prune may remove unless told otherwise


@dataclass(frozen=True, slots=True)
class BuildReport:
    """What a run did."""

    counts: Counts
    folder: Path
    quarantine: Path | None  # where the bad lines are, if there were any
    wait_s: float = field(compare=False)  # wall time
    notes: tuple[str, ...] = ()  # how the model was run, where that may surprise


def build_index(
    snapshot: str | Path | None = None,
    *,
    into: str | Path,
    category: Iterable[str] = (),
    text: str = TEXTS[0],
    limit: int | None = None,
    model: str | None = None,
    device: str = "auto",
    batch_size: int | None = None,
    prompt: str | None = None,
    dims: int | None = None,
    long_texts: str = "cut",
    vectors: str | Path | None = None,
    strict: bool = False,
    prune: bool = False,
    prune_limit: float = PRUNE_LIMIT,
    embedder: Embedder | None = None,
    progress: Callable[[Progress], None] = lambda _progress: None,
) -> BuildReport:
    """Build the index in the folder `into` from a snapshot, or bring it up to date.

    `snapshot`: JSON Lines in the schema of the Kaggle arXiv dataset (plain, .gz, .zst, .zip, "-" for standard input);
    None is the sample that lunacy ships. `category`: patterns such as "cs.*"; a paper is kept if any of its
    categories matches. `text`: "title+abstract" or "abstract". `limit`: stop after so many papers. `model`: a
    sentence-transformers model by name or folder. `prompt`: what stands before each text, if not as the model has it.
    `dims`: keep so many leading dimensions (Matryoshka models). `long_texts`: "cut" at what the model reads, or "chunk"
    to average over windows. `vectors`: a .npy file (n_lines, dim), float16 or float32, one row
    a line that is not blank; `model` is then only recorded. `strict`: stop at the first bad line. `prune`: remove the
    papers that the snapshot no longer holds, unless that is more than `prune_limit` of all. `embedder`: instead of
    `model`.

    Raises a LunacyError: SnapshotError, ModelError, VectorsError, FingerprintMismatch, IndexLocked, UsageError, ...
    What was committed before stays, and running again goes on from there.
    """
    started = time.monotonic()
    if text not in TEXTS:
        raise UsageError(f"text {text!r} is unknown; choose one of {', '.join(TEXTS)}")
    if limit is not None and limit < 1:
        raise UsageError(f"limit is {limit}; take at least one paper, or leave it out")
    if prune and limit is not None:
        raise UsageError("limit and prune contradict each other: what stands behind the limit is not gone")
    category = list(category)
    matching_categories(category)  # refused before anything is opened
    into = Path(into)
    counts = Counts()
    with Snapshot(snapshot) as opened:
        if vectors is not None:
            source = _from_file(opened, vectors, model, text)
        else:
            recorded = None if embedder else recorded_fingerprint(into)
            embedder = embedder or load_when_needed(
                model or DEFAULT_MODEL,
                recorded,
                device=device,
                batch_size=batch_size,
                prompt=prompt,
                dims=dims,
                long_texts=long_texts,
            )
            source = _from_model(embedder, text)
        with Writer(into, source.fingerprint) as writer, Quarantine(into / QUARANTINE_NAME, opened.name) as bad:
            run = _Run(writer, source, counts)
            broken: list[SnapshotError] = []

            def store() -> None:
                windows = read_windows(
                    opened,
                    category,
                    text=text,
                    limit=limit,
                    strict=strict,
                    size=source.window,
                    is_wanted=run.here.is_open,
                )
                with closing(windows):
                    for window in windows:
                        _set_aside(window, counts, bad)
                        run.take_in(window, with_filtered=prune)
                        progress(Progress(counts, window.position_bytes, opened.size_bytes))
                        if window.broken is not None:
                            broken.append(window.broken)
                run.finish()
                if prune and counts.read and not broken:
                    _prune(writer, counts, prune_limit)

            try:
                run.here.serve(store)
            finally:
                run.close()
            if writer.n_papers:
                refresh_caches(into, writer.changes)
    if broken:
        raise broken[0]
    if not counts.read:
        raise SnapshotError(f"{opened.name}: holds no line; is it the right file?")
    if counts.quarantined == counts.read:
        raise SnapshotError(f"{opened.name}: not one line is a paper; the reasons are in {bad.path}")
    return BuildReport(
        counts=counts,
        folder=into,
        quarantine=bad.path if counts.quarantined else None,
        wait_s=time.monotonic() - started,
        notes=tuple(embedder.notes) if embedder else (),
    )


@dataclass(frozen=True, slots=True)
class _Source:
    """Where vectors come from: in two halves, the first of which may run ahead in another thread."""

    fingerprint: Fingerprint
    prepare: Callable[[Sequence[tuple[Entry, int]]], Any]
    run: Callable[[Any], Embedded]
    arithmetic: Callable[[], str]
    window: int  # how many papers at a time


def _from_model(embedder: Embedder, text: str) -> _Source:
    return _Source(
        fingerprint=replace(embedder.fingerprint, text=text),
        prepare=lambda fresh: embedder.prepare([embedded_text(entry.paper, text) for entry, _place in fresh]),
        run=embedder.run,
        arithmetic=lambda: embedder.arithmetic,
        window=embedder.window,
    )


def _from_file(snapshot: Snapshot, path: str | Path, model: str | None, text: str) -> _Source:
    """Vectors that the user brings, checked against the snapshot before anything is written."""
    if model is None:
        raise UsageError("vectors need the name of the model that made them, for later text queries: --model NAME")
    if snapshot.is_stream:
        raise UsageError("vectors need a snapshot that is a file: its lines are counted before anything is written")
    given = GivenVectors(path)
    n_lines = sum(1 for _ in snapshot.lines())
    if n_lines != given.n_rows:
        raise VectorsError(
            f"{path} has {given.n_rows:,} rows, but {snapshot.name} has {n_lines:,} lines; nothing was written"
        )
    return _Source(
        fingerprint=Fingerprint(model=canonical_name(model), text=text, dim=given.dim),
        prepare=lambda fresh: given.unit_rows([place for _entry, place in fresh]),
        run=lambda rows: Embedded(rows, 0),
        arithmetic=lambda: "given vectors",
        window=_GIVEN_WINDOW,
    )


def _set_aside(window: Window, counts: Counts, quarantine: Quarantine) -> None:
    """Count the lines that are not taken in, and write the bad ones down."""
    counts.read += window.n_lines
    counts.filtered += len(window.filtered)
    counts.quarantined += len(window.bad)
    for line, reason in window.bad:
        quarantine.add(line, reason)


class _Run:
    """The windows on their way from the plan to the store, in order, with the model in between.

    A window is planned before those ahead of it are stored, so what these do is counted as known.
    """

    def __init__(self, writer: Writer, source: _Source, counts: Counts) -> None:
        self.here = Here()
        self._writer = writer
        self._source = source
        self._counts = counts
        self._tokeniser = ThreadPoolExecutor(1, "lunacy-tokenise")
        self._on_the_way: deque[tuple[Plan, Future[Embedded] | None]] = deque()
        self._committed_s = time.monotonic()

    def take_in(self, window: Window, *, with_filtered: bool) -> None:
        """Skip what the index has, have the rest embedded, and store what is ready."""
        if with_filtered:
            self._writer.known(window.filtered)  # they are met: a paper that the snapshot holds is not gone
        ids = [entry.id for entry in window.kept]
        known = self._writer.known(ids)
        for plan, _ in self._on_the_way:
            known.update(plan.known_after(ids))
        plan = make_plan(window, known)
        _count(plan, self._counts)
        self._on_the_way.append((plan, self._embed(plan) if plan.embed else None))
        while self._on_the_way and (len(self._on_the_way) > _DEPTH or _is_ready(self._on_the_way[0][1])):
            self._store_next()

    def _embed(self, plan: Plan) -> Future[Embedded]:
        prepared = self._tokeniser.submit(self._source.prepare, list(plan.embed.values()))
        return self.here.submit(lambda: self._source.run(prepared.result()))

    def _store_next(self) -> None:
        plan, future = self._on_the_way.popleft()
        embedded = self.here.result(future) if future is not None else None
        self._writer.amend(plan.amend)
        if embedded is not None:
            self._counts.cut += embedded.n_cut
            self._writer.arithmetic = self._source.arithmetic()
            self._writer.remove(plan.replaced)
            self._writer.append([entry for entry, _place in plan.embed.values()], embedded.vectors)
        is_due = time.monotonic() - self._committed_s >= COMMIT_S
        if is_due or self._writer.n_pending > SEGMENT_ROWS - self._source.window:
            self._writer.commit()
            self._committed_s = time.monotonic()

    def finish(self) -> None:
        """Store and commit all that is on the way."""
        while self._on_the_way:
            self._store_next()
        self._writer.commit()

    def close(self) -> None:
        """Give up what is on the way: nobody waits for it."""
        self._tokeniser.shutdown(wait=False, cancel_futures=True)


def _is_ready(future: Future[Embedded] | None) -> bool:
    return future is None or future.done()


def _count(plan: Plan, counts: Counts) -> None:
    counts.added += plan.n_lines[Change.NEW]
    counts.updated += plan.n_lines[Change.CHANGED] + plan.n_lines[Change.METADATA]
    counts.metadata_only += plan.n_lines[Change.METADATA]
    counts.unchanged += plan.n_lines[Change.UNCHANGED]
    counts.repeated += plan.n_repeated


def _prune(writer: Writer, counts: Counts, limit: float) -> None:
    """Remove the papers that the snapshot no longer holds, or raise PruneRefused."""
    gone = writer.unmet()
    n_papers = writer.n_papers
    if not gone:
        return
    if counts.quarantined:
        raise PruneRefused(
            f"{len(gone):,} papers seem gone, but {counts.quarantined:,} lines could not be read and may hold them; "
            "nothing was pruned: mend the snapshot, or use: lunacy remove ID..."
        )
    if len(gone) > limit * n_papers + 1e-6:  # 0.29 * 100 is less than 29
        raise PruneRefused(
            f"the snapshot lacks {len(gone):,} of {n_papers:,} papers, more than {100 * limit:g}%; nothing was pruned: "
            "is it the whole snapshot? If so, raise --prune-limit"
        )
    writer.remove(gone)
    writer.commit()
    counts.pruned = len(gone)
