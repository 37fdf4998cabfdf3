"""Building an index and bringing it up to date."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Generator, Iterable, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from lunacy.embedding import DEFAULT_MODEL, Embedder, canonical_name, load_when_needed
from lunacy.errors import PruneRefused, SnapshotError, UsageError
from lunacy.pipeline.counts import Counts, Progress
from lunacy.pipeline.derive import refresh_caches
from lunacy.pipeline.settings import settle
from lunacy.pipeline.stages import Stages
from lunacy.pipeline.vectors import FileVectors, ModelVectors, VectorSource
from lunacy.snapshot import Quarantine, Snapshot, Window, read_windows
from lunacy.store import Writer, expanded, new_quarantine, own_shards, remove, require_writable

_RAY_ADDRESS = re.compile(r"auto|local|[\w.-]+:\d+|\[[\da-fA-F:.]+\]:\d+")
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
    snapshot: str | Path | Sequence[str | Path] | None = None,
    *,
    into: str | Path,
    category: Iterable[str] | None = None,
    text: str | None = None,
    limit: int | None = None,
    model: str | None = None,
    device: str = "auto",
    batch_size: int | None = None,
    prompt: str | None = None,
    dims: int | None = None,
    long_texts: str | None = None,
    vectors: str | Path | None = None,
    strict: bool = False,
    prune: bool = False,
    prune_limit: float = PRUNE_LIMIT,
    embedder: Embedder | None = None,
    ray: str | None = None,
    progress: Callable[[Progress], None] = lambda _progress: None,
    note: Callable[[str], None] = lambda _text: None,
) -> BuildReport:
    """Build the index in the folder `into` from a snapshot or several, or bring it up to date.

    `snapshot`: JSON Lines in the schema of the Kaggle arXiv dataset (plain or packed, or "-" for standard input),
    or several, read one after another; None is the sample that lunacy ships. `category`: patterns such as "cs.*"; a
    paper is kept if any of its categories matches. `text`: "title+abstract" (the default) or "abstract". `limit`: stop
    after so many papers. `model`: a sentence-transformers model by name or folder. `prompt`: what stands before each
    text, if not as the model has it. `dims`: keep so many leading dimensions (Matryoshka models). `long_texts`: "cut"
    at what the model reads, or "chunk" to average over windows. `vectors`: a .npy file (n_lines, dim), float16 or
    float32, one row a line that is not blank; `model` is then only recorded. `strict`: stop at the first bad line.
    `prune`: remove the papers that the snapshots no longer hold, unless that is more than `prune_limit` of all.
    `embedder`: instead of `model`. `ray`: embed on a Ray cluster, at "host:port", "auto", "local" or, "", where
    `ray.init` finds or starts it; its machines see the snapshots and `into` under the same names.

    An index remembers `category`, `text`, `model`, `prompt`, `dims` and `long_texts`: what is left out is as it was.
    `category` may be changed ("*": all papers). `note` is told what the user should know, as soon as it is known.

    Raises a LunacyError: SnapshotError, ModelError, VectorsError, FingerprintMismatch, IndexLocked, UsageError, ...
    What was committed before stays, and running again goes on from there.
    """
    started = time.monotonic()
    if limit is not None and limit < 1:
        raise UsageError(f"limit is {limit}; take at least one paper, or leave it out")
    if prune and limit is not None:
        raise UsageError("limit and prune contradict each other: what stands behind the limit is not gone")
    if ray and not _RAY_ADDRESS.fullmatch(ray):
        raise UsageError(
            f"--ray takes auto, local or host:port, and {ray!r} is none; if it is a snapshot, write it before --ray"
        )
    into = expanded(into)
    require_writable(into, new=True)
    settings = settle(
        into,
        category=category,
        text=text,
        model=embedder.fingerprint.model if embedder and vectors is None else model,
        prompt=prompt,
        dims=dims,
        long_texts=long_texts,
    )
    told: dict[str, None] = {}

    def tell(notes: Iterable[str]) -> None:
        """Each once, and as soon as it is known."""
        for one in notes:
            if one not in told:
                told[one] = None
                note(one)

    tell(settings.notes)
    recipe, patterns, model_name = settings.recipe, settings.scope.category, settings.model or DEFAULT_MODEL
    options: dict[str, Any] = {
        "batch_size": batch_size,
        "prompt": settings.prompt,
        "dims": settings.dims,
        "long_texts": settings.long_texts,
    }
    counts = Counts()
    with ExitStack() as stack:
        opened = [stack.enter_context(Snapshot(one)) for one in _each(snapshot)]
        for given in opened:
            given.check()
        name = ", ".join(one.name for one in opened)
        if ray is not None:
            from lunacy.pipeline.cluster import ray as on_ray  # seconds

            stack.enter_context(on_ray.cluster(ray, opened))
            there = None if vectors else on_ray.maker(embedder, canonical_name(model_name), device=device, **options)
            device, options["n_texts"] = "cpu", 1  # here: the few that nobody else has embedded
        if vectors is not None:
            source: VectorSource = FileVectors(opened, vectors, settings.model, recipe)
        else:
            embedder = embedder or load_when_needed(
                model_name, settings.recorded, on_load=lambda loaded: tell(loaded.notes), device=device, **options
            )
            source = ModelVectors(embedder, recipe)
        tell(source.notes)
        with (
            Writer(into, source.fingerprint, scope=settings.scope) as writer,
            Quarantine(new_quarantine(into)) as bad,
        ):
            read: Callable[..., Generator[tuple[int, Window]]]
            if ray is None:
                read = partial(_read, opened, patterns, recipe=recipe, size=source.window)
            else:
                source, read = on_ray.spread(source, there, opened, patterns, into, writer.text_keys(), recipe=recipe)
            stages = Stages(writer, source, counts)
            broken: list[SnapshotError] = []

            def store() -> None:
                with closing(read(limit=limit, strict=strict, is_wanted=stages.main_thread.is_open)) as windows:
                    for n, window in windows:
                        _set_aside(window, counts, bad, opened[n].name)
                        stages.process(window, with_filtered=prune)
                        tell(source.notes)  # other machines may have some
                        progress(_progress(counts, opened, n, window))
                        if window.broken is not None:
                            broken.append(window.broken)
                if counts.read > counts.quarantined:  # else the run fails below, and must not change the scope
                    stages.finish()
                remove(own_shards(into))
                if prune and counts.read and not broken:
                    _prune(writer, counts, prune_limit)

            try:
                stages.main_thread.serve(store)
            finally:
                stages.close()
            if writer.n_papers:
                refresh_caches(into, writer.changes)
            if broken:
                raise broken[0]
            if not counts.read:
                raise SnapshotError(f"{name}: holds no line; is it the right file?")
            if counts.quarantined == counts.read:
                raise SnapshotError(f"{name}: not one line is a paper; {bad.first}")
    return BuildReport(
        counts=counts,
        folder=into,
        quarantine=bad.path if counts.quarantined else None,
        wait_s=time.monotonic() - started,
        notes=tuple(source.notes),
    )


def _each(snapshot: str | Path | Sequence[str | Path] | None) -> Sequence[str | Path | None]:
    if snapshot is None or isinstance(snapshot, str | Path):
        return [snapshot]
    if not snapshot:
        raise UsageError("no snapshot is given; leave it out for the sample that lunacy ships")
    return snapshot


def _read(
    snapshots: Sequence[Snapshot], category: Iterable[str], *, limit: int | None, **options: Any
) -> Generator[tuple[int, Window]]:
    """The windows of all snapshots, each with its snapshot's number. `limit` is of all; a broken one ends it."""
    n_left = limit
    for n, snapshot in enumerate(snapshots):
        with closing(read_windows(snapshot, category, limit=n_left, **options)) as windows:
            for window in windows:
                yield n, window
                n_left = None if n_left is None else n_left - len(window.kept)
                if window.broken is not None or n_left == 0:
                    return


def _progress(counts: Counts, snapshots: Sequence[Snapshot], n: int, window: Window) -> Progress:
    sizes = [snapshot.size_bytes for snapshot in snapshots]
    position_bytes = sum(size or 0 for size in sizes[:n]) + window.position_bytes
    return Progress(counts, position_bytes, None if None in sizes else sum(size or 0 for size in sizes))


def _set_aside(window: Window, counts: Counts, quarantine: Quarantine, name: str) -> None:
    """Count the lines that are not taken in, and write the bad ones down."""
    counts.read += window.n_lines
    counts.filtered += len(window.filtered)
    counts.quarantined += len(window.bad)
    for line, reason in window.bad:
        quarantine.add(name, line, reason)


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
