"""Build an index, or bring it up to date."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from lunacy.embedding import DEFAULT_MODEL, Embedder, canonical_name, load_when_needed
from lunacy.errors import SnapshotError, UsageError
from lunacy.pipeline.build_request import BuildRequest
from lunacy.pipeline.build_settings import Settings
from lunacy.pipeline.counts import Counts
from lunacy.pipeline.prune import PRUNE_LIMIT, prune_index
from lunacy.pipeline.refresh_derived import refresh_caches
from lunacy.pipeline.snapshot_reader import LocalReader, Reader
from lunacy.pipeline.stages import Stages
from lunacy.pipeline.vector_sources import FileVectors, ModelVectors, VectorSource
from lunacy.progress import Progress, Report, no_report
from lunacy.scope import Scope
from lunacy.snapshot import Batch, Quarantine, Snapshot
from lunacy.store import Writer, expanded, new_quarantine, own_shards, remove

if TYPE_CHECKING:
    from lunacy.pipeline.on_ray import Cluster


@dataclass(frozen=True, slots=True)
class BuildReport:
    """What a build did."""

    counts: Counts
    folder: Path
    quarantine: Path | None  # where the bad lines are, if there were any
    wait_s: float = field(compare=False)  # seconds
    notes: tuple[str, ...] = ()  # what may surprise about how the model ran


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
    progress: Report = no_report,
    note: Callable[[str], None] = lambda _text: None,
) -> BuildReport:
    """Build the index in the folder `into` from a snapshot or several, or bring it up to date.

    An index remembers `category`, `text`, `model`, `prompt`, `dims` and `long_texts`: what is left out is as it was.
    Of these only `category` may be changed.

    - `snapshot`: JSON Lines in the schema of the Kaggle arXiv dataset, plain or packed, or "-" for standard input; or
      several, read one after another. None: the sample that lunacy ships.
    - `into`: the folder of the index, made if it is not there.
    - `category`: patterns such as "cs.*". A paper is kept if any of its categories matches. "*": all papers.
    - `text`: what is embedded of a paper, "title+abstract" (the default) or "abstract".
    - `limit`: stop after so many papers.
    - `model`: a sentence-transformers model, by name or folder.
    - `device`: "auto", "cpu", "cuda", "cuda:1", "mps", ...
    - `batch_size`: texts in a batch. None: depends on the device.
    - `prompt`: put before each text. None: the model's own.
    - `dims`: keep so many leading dimensions (Matryoshka models).
    - `long_texts`: "cut" at what the model reads, or "chunk" to average over windows.
    - `vectors`: a .npy file (n_lines, dim), float16 or float32, one row for each line that is not blank, instead of
      those of a model; `model` is then only recorded.
    - `strict`: stop at the first bad line.
    - `prune`: remove the papers that the snapshots no longer hold, ...
    - `prune_limit`: ... unless that is more than this share of all.
    - `embedder`: instead of `model`.
    - `ray`: embed on a Ray cluster at "host:port", "auto", "local" or, "", where `ray.init` finds or starts it. Its
      machines see the snapshots and `into` under the same names.
    - `progress`: called with how far the run is.
    - `note`: called with what the user should know, once for each thing, as soon as it is known.

    Raises a LunacyError: SnapshotError, ModelError, VectorsError, FingerprintMismatch, IndexLocked, UsageError, ...
    What was committed before stays, and running again goes on from there.
    """
    started = time.monotonic()
    request = BuildRequest(
        snapshot=snapshot,
        into=expanded(into),
        category=category,
        text=text,
        limit=limit,
        model=model,
        device=device,
        batch_size=batch_size,
        prompt=prompt,
        dims=dims,
        long_texts=long_texts,
        vectors=vectors,
        strict=strict,
        prune=prune,
        prune_limit=prune_limit,
        embedder=embedder,
        ray=ray,
    )
    settings = request.settings()
    notes = _Notes(note)
    notes.tell(settings.notes)
    with _open_snapshots(request.snapshot) as snapshots, _open_cluster(request, settings, snapshots) as cluster:
        source = _open_source(request, settings, snapshots, cluster, notes)
        with (
            Writer(request.into, source.fingerprint, scope=settings.scope) as writer,
            Quarantine(new_quarantine(request.into)) as quarantine,
        ):
            reader = _open_reader(request, settings, snapshots, cluster, source, writer)
            run = _Run(request, settings.scope, snapshots, reader, source, writer, quarantine, notes, progress)
            run.to_the_end()
    return BuildReport(
        counts=run.counts,
        folder=request.into,
        quarantine=quarantine.path if run.counts.quarantined else None,
        wait_s=time.monotonic() - started,
        notes=tuple(source.notes),
    )


class _Notes:
    """Passes on what the user should know, each note once."""

    def __init__(self, note: Callable[[str], None]) -> None:
        self._note = note
        self._told: set[str] = set()

    def tell(self, notes: Iterable[str]) -> None:
        for one in notes:
            if one not in self._told:
                self._told.add(one)
                self._note(one)


@contextmanager
def _open_snapshots(snapshot: str | Path | Sequence[str | Path] | None) -> Iterator[list[Snapshot]]:
    """The snapshots, opened in order, each checked to look like one."""
    sources = [snapshot] if snapshot is None or isinstance(snapshot, str | Path) else snapshot
    if not sources:
        raise UsageError("no snapshot is given; leave it out for the sample that lunacy ships")
    with ExitStack() as stack:
        snapshots = [stack.enter_context(Snapshot(source)) for source in sources]
        for one in snapshots:
            one.check()
        yield snapshots


@contextmanager
def _open_cluster(request: BuildRequest, settings: Settings, snapshots: Sequence[Snapshot]) -> Iterator[Cluster | None]:
    """The Ray cluster that reads and embeds; None if this machine does."""
    if request.ray is None:
        yield None
        return
    from lunacy.pipeline.on_ray import Cluster, connected, embedder_maker  # importing ray takes seconds

    with connected(request.ray, snapshots):
        if request.vectors is not None:
            yield Cluster(None)
            return
        name, options = canonical_name(settings.model or DEFAULT_MODEL), request.model_options(settings)
        yield Cluster(embedder_maker(request.embedder, name, device=request.device, **options))


def _open_source(
    request: BuildRequest, settings: Settings, snapshots: Sequence[Snapshot], cluster: Cluster | None, notes: _Notes
) -> VectorSource:
    """Where the vectors come from: the user's file, or a model, here or on a cluster."""
    source: VectorSource
    if request.vectors is not None:
        source = FileVectors(snapshots, request.vectors, settings.model, settings.recipe)
    else:
        embedder = request.embedder or load_when_needed(
            settings.model or DEFAULT_MODEL,
            settings.recorded,
            on_load=lambda loaded: notes.tell(loaded.notes),
            device="cpu" if cluster else request.device,
            n_texts=1 if cluster else None,  # only the few that no worker has embedded
            **request.model_options(settings),
        )
        source = ModelVectors(embedder, settings.recipe)
    notes.tell(source.notes)
    return cluster.vectors(source) if cluster else source


def _open_reader(
    request: BuildRequest,
    settings: Settings,
    snapshots: Sequence[Snapshot],
    cluster: Cluster | None,
    source: VectorSource,
    writer: Writer,
) -> Reader:
    """What reads the snapshots, here or on a cluster."""
    category, limit, strict = settings.scope.category, request.limit, request.strict
    if cluster is None:
        return LocalReader(snapshots, category, settings.recipe, source.window, limit, strict)
    known = writer.text_keys()
    fingerprint = source.fingerprint
    return cluster.reader(snapshots, category, request.into, known, fingerprint=fingerprint, limit=limit, strict=strict)


@dataclass(frozen=True, slots=True)
class _Run:
    """A build with everything open."""

    request: BuildRequest
    scope: Scope
    snapshots: Sequence[Snapshot]
    reader: Reader
    source: VectorSource
    writer: Writer
    quarantine: Quarantine
    notes: _Notes
    progress: Report
    counts: Counts = field(default_factory=Counts)

    def to_the_end(self) -> None:
        """Store all papers and refresh derived data; then raise the error that ended the reading early, if any."""
        stages = Stages(self.writer, self.source, self.counts)
        try:
            broken = stages.main_thread.serve(lambda: self._store(stages))
        finally:
            stages.close()
        if self.writer.n_papers:
            refresh_caches(self.request.into, self.writer.changes, progress=self.progress)
        if broken:
            raise broken
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

    @property
    def _has_papers(self) -> bool:
        """Whether there is something to commit. A run without fails, and must not change the scope."""
        counts = self.counts
        n_taken = counts.read - counts.quarantined - counts.filtered
        return n_taken > 0 or (counts.filtered > 0 and self.writer.n_papers > 0)

    def _store(self, stages: Stages) -> SnapshotError | None:
        """Read, embed and store everything, in the storing thread. Returns the error that ended the reading early."""
        counts, broken = self.counts, None
        with closing(self.reader.batches(stages.main_thread.is_open)) as batches:
            for n, batch in batches:
                self._set_aside(batch, self.snapshots[n].name)
                on_stored = partial(self.progress, self._progress(n, batch))
                stages.process(batch, with_filtered=self.request.prune, on_stored=on_stored)
                self.notes.tell(self.source.notes)  # workers may have new ones
                broken = broken or batch.broken
        if self._has_papers:
            stages.finish(is_complete=not broken and self.request.limit is None)
        remove(own_shards(self.request.into))
        if self.request.prune and counts.read and not broken:
            prune_index(self.writer, counts, self.request.prune_limit)
        return broken

    def _set_aside(self, batch: Batch, name: str) -> None:
        """Count lines that are filtered or bad, and write the bad ones to quarantine."""
        self.counts.read += batch.n_lines
        self.counts.filtered += len(batch.filtered)
        self.counts.quarantined += len(batch.bad)
        for line, reason in batch.bad:
            self.quarantine.add(name, line, reason)

    def _progress(self, n: int, batch: Batch) -> Progress:
        sizes = [snapshot.size_bytes for snapshot in self.snapshots]
        position_bytes = sum(size or 0 for size in sizes[:n]) + batch.position_bytes
        size_bytes = None if None in sizes else sum(size or 0 for size in sizes)
        share = position_bytes / size_bytes if size_bytes else None
        return Progress("indexing", self.counts.read, unit="lines", share=share)
