"""Building an index and bringing it up to date."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

from lunacy.categories import matching_categories
from lunacy.embedding import DEFAULT_MODEL, Embedder, load_when_needed
from lunacy.errors import PruneRefused, SnapshotError, UsageError
from lunacy.paper import TEXTS
from lunacy.pipeline.caches import refresh_caches
from lunacy.pipeline.counts import Counts, Progress
from lunacy.pipeline.run import Run
from lunacy.pipeline.source import from_file, from_model
from lunacy.snapshot import Quarantine, Snapshot, Window, read_windows
from lunacy.store import QUARANTINE_NAME, Writer, recorded_fingerprint

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
            source = from_file(opened, vectors, model, text)
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
            source = from_model(embedder, text)
        with Writer(into, source.fingerprint) as writer, Quarantine(into / QUARANTINE_NAME, opened.name) as bad:
            run = Run(writer, source, counts)
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


def _set_aside(window: Window, counts: Counts, quarantine: Quarantine) -> None:
    """Count the lines that are not taken in, and write the bad ones down."""
    counts.read += window.n_lines
    counts.filtered += len(window.filtered)
    counts.quarantined += len(window.bad)
    for line, reason in window.bad:
        quarantine.add(line, reason)


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
