"""What a build opens: the snapshots, the cluster, the source of the vectors, the reader."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from lunacy.derived.lines import open_lines
from lunacy.embedding import DEFAULT_MODEL, canonical_name, load_when_needed
from lunacy.errors import UsageError
from lunacy.pipeline.build_request import BuildRequest
from lunacy.pipeline.build_settings import Settings
from lunacy.pipeline.sample_vectors import sample_vectors
from lunacy.pipeline.snapshot_reader import LocalReader, Reader
from lunacy.pipeline.vector_sources import FileVectors, ModelVectors, VectorSource
from lunacy.progress import Report
from lunacy.snapshot import PROCESS_FROM_BYTES, KnownLines, Snapshot
from lunacy.store import Store, Writer

if TYPE_CHECKING:
    from lunacy.pipeline.on_ray import Cluster


@contextmanager
def open_snapshots(snapshot: str | Path | Sequence[str | Path] | None) -> Iterator[list[Snapshot]]:
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
def open_cluster(request: BuildRequest, settings: Settings, snapshots: Sequence[Snapshot]) -> Iterator[Cluster | None]:
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


def open_source(
    request: BuildRequest,
    settings: Settings,
    snapshots: Sequence[Snapshot],
    cluster: Cluster | None,
    tell: Callable[[Iterable[str]], None],
    progress: Report,
) -> VectorSource:
    """Where the vectors come from: the user's file, or a model, here or on a cluster; it is loaded when needed.

    `tell`: told what the user should know about the model, when it is loaded.
    """
    source: VectorSource
    if request.vectors is not None:
        source = FileVectors(snapshots, request.vectors, settings.model, settings.recipe)
    else:
        embedder = request.embedder or load_when_needed(
            settings.model or DEFAULT_MODEL,
            settings.recorded,
            on_load=lambda loaded: tell(loaded.notes),
            device="cpu" if cluster else request.device,
            n_texts=1 if cluster else None,  # only the few that no worker has embedded
            progress=progress,
            **request.model_options(settings),
        )
        model = ModelVectors(embedder, settings.recipe)
        source = sample_vectors(request, settings, model) or model
    return cluster.vectors(source) if cluster else source


def local_reader(
    request: BuildRequest, settings: Settings, snapshots: Sequence[Snapshot], source: VectorSource
) -> LocalReader:
    """What reads the snapshots on this machine."""
    known = _known_lines(request, settings, snapshots)
    category = settings.scope.category
    return LocalReader(snapshots, category, settings.recipe, source.window, request.limit, request.strict, known)


def _known_lines(request: BuildRequest, settings: Settings, snapshots: Sequence[Snapshot]) -> KnownLines | None:
    """The lines that say just what the index holds, where looking them up is worth it."""
    is_large = any(one.size_bytes is None or one.size_bytes >= PROCESS_FROM_BYTES for one in snapshots)
    if settings.recorded is None or request.limit is not None or not is_large:
        return None
    with Store(request.into) as store, store.view() as view:
        return open_lines(view, settings.scope)


def cluster_reader(
    request: BuildRequest,
    settings: Settings,
    snapshots: Sequence[Snapshot],
    cluster: Cluster,
    source: VectorSource,
    writer: Writer,
) -> Reader:
    """What reads and embeds them on a cluster."""
    return cluster.reader(
        snapshots,
        settings.scope.category,
        request.into,
        writer.text_keys(),
        fingerprint=source.fingerprint,
        limit=request.limit,
        strict=request.strict,
    )
