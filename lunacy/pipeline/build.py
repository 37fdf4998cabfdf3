"""Building an index and bringing it up to date."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from lunacy.categories import category_filter
from lunacy.embedding import DEFAULT_MODEL, Embedded, Embedder, GivenVectors, canonical_name, load_when_needed
from lunacy.errors import PruneRefused, SnapshotError, UsageError, VectorsError
from lunacy.fingerprint import Fingerprint
from lunacy.paper import TEXTS, embedded_text
from lunacy.pipeline.caches import refresh_caches
from lunacy.pipeline.plan import Change, Plan, make_plan
from lunacy.pipeline.reading import WINDOW, Counts, Progress, Window, read_ahead, read_windows
from lunacy.snapshot import Quarantine, Snapshot
from lunacy.store import QUARANTINE_NAME, SEGMENT_ROWS, Entry, Writer, recorded_fingerprint

COMMIT_S = 60.0  # at most so much embedding is lost when a run is killed
PRUNE_LIMIT = 0.05  # share of the papers that a prune may remove unless told otherwise


@dataclass(frozen=True, slots=True)
class BuildReport:
    """What a run did."""

    counts: Counts
    folder: Path
    quarantine: Path | None  # where the bad lines are, if there were any
    wait_s: float = field(compare=False)  # wall time


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
    sentence-transformers model by name or folder. `vectors`: a .npy file (n_lines, dim), float16 or float32, one row
    a line that is not blank; `model` is then only recorded. `strict`: stop at the first bad line. `prune`: remove the
    papers that the snapshot no longer holds, unless that is more than `prune_limit` of all. `embedder`: instead of
    `model`.

    Raises a LunacyError: SnapshotError, ModelError, VectorsError, FingerprintMismatch, IndexLocked, UsageError, ...
    What was committed before stays, and running again goes on from there.
    """
    started = time.monotonic()
    if text not in TEXTS:
        raise UsageError(f"text {text!r} is unknown; choose one of {', '.join(TEXTS)}")
    if prune and limit is not None:
        raise UsageError("limit and prune contradict each other: what stands behind the limit is not gone")
    keep = category_filter(category)
    into = Path(into)
    counts = Counts()
    with Snapshot(snapshot) as opened:
        if vectors is not None:
            source = _from_file(opened, vectors, model, text)
        else:
            recorded = None if embedder else recorded_fingerprint(into)
            embedder = embedder or load_when_needed(
                model or DEFAULT_MODEL, recorded, device=device, batch_size=batch_size
            )
            source = _from_model(embedder, text)
        with Writer(into, source.fingerprint) as writer, Quarantine(into / QUARANTINE_NAME, opened.name) as bad:
            committed = time.monotonic()
            windows = read_windows(opened, keep, limit=limit, strict=strict)
            broken: SnapshotError | None = None
            for window in windows if opened.is_stream else read_ahead(windows):
                _set_aside(window, counts, bad)
                _take_in(window, text, writer, counts, source, with_filtered=prune)
                if writer.n_pending > SEGMENT_ROWS - WINDOW or time.monotonic() - committed >= COMMIT_S:
                    writer.commit()
                    committed = time.monotonic()
                broken = window.broken
                progress(Progress(counts, window.position_bytes, opened.size_bytes))
            writer.commit()
            if prune and broken is None:
                _prune(writer, counts, prune_limit)
            if writer.n_papers:
                refresh_caches(into)
    if broken is not None:
        raise broken
    if not counts.read:
        raise SnapshotError(f"{opened.name}: holds no line; is it the right file?")
    if counts.quarantined == counts.read:
        raise SnapshotError(f"{opened.name}: not one line is a paper; the reasons are in {bad.path}")
    return BuildReport(counts, into, bad.path if counts.quarantined else None, time.monotonic() - started)


@dataclass(frozen=True, slots=True)
class _Source:
    """Where vectors come from."""

    fingerprint: Fingerprint
    embed: Callable[[Sequence[tuple[Entry, int]]], Embedded]
    arithmetic: Callable[[], str]


def _from_model(embedder: Embedder, text: str) -> _Source:
    return _Source(
        replace(embedder.fingerprint, text=text),
        lambda fresh: embedder.embed([embedded_text(entry.paper, text) for entry, _place in fresh]),
        lambda: embedder.arithmetic,
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
        Fingerprint(model=canonical_name(model), text=text, dim=given.dim),
        lambda fresh: Embedded(given.unit_rows([place for _entry, place in fresh]), 0),
        lambda: "given vectors",
    )


def _set_aside(window: Window, counts: Counts, quarantine: Quarantine) -> None:
    """Count the lines that are not taken in, and write the bad ones down."""
    counts.read += window.n_lines
    counts.filtered += len(window.filtered)
    counts.quarantined += len(window.bad)
    for line, reason in window.bad:
        quarantine.add(line, reason)


def _take_in(
    window: Window, text: str, writer: Writer, counts: Counts, source: _Source, *, with_filtered: bool
) -> None:
    """Skip what the index has, embed the rest, and hand it to the writer."""
    if with_filtered:
        writer.known(window.filtered)  # they are met: a paper that the snapshot holds is not gone
    known = writer.known([candidate.paper.id for candidate in window.kept])
    plan = make_plan(window.kept, known, text)
    _count(plan, counts)
    writer.amend(list(plan.amend.values()))
    if plan.embed:
        fresh = list(plan.embed.values())
        embedded = source.embed(fresh)
        counts.cut += embedded.n_cut
        writer.arithmetic = source.arithmetic()
        writer.remove([identifier for identifier in plan.embed if identifier in known])
        writer.append([entry for entry, _place in fresh], embedded.vectors)


def _count(plan: Plan, counts: Counts) -> None:
    for _identifier, kind in plan.changes:
        counts.added += kind is Change.NEW
        counts.updated += kind in (Change.CHANGED, Change.METADATA)
        counts.metadata_only += kind is Change.METADATA
        counts.unchanged += kind is Change.UNCHANGED
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
    if len(gone) > limit * n_papers:
        raise PruneRefused(
            f"the snapshot lacks {len(gone):,} of {n_papers:,} papers, more than {limit:.0%}; nothing was pruned: "
            "is it the whole snapshot? If so, raise --prune-limit"
        )
    writer.remove(gone)
    writer.commit()
    counts.pruned = len(gone)
