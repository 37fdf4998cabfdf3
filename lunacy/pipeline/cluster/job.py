"""What workers are told: the job, and how to come by the embedder."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from lunacy.embedding import WINDOWS, Embedder, load
from lunacy.fingerprint import Fingerprint
from lunacy.pipeline.cluster.connection import n_of
from lunacy.snapshot import Snapshot
from lunacy.store import SHARDS_NAME

Keys = npt.NDArray[np.uint64]
VERSION = version("lunacy")


@dataclass(frozen=True, slots=True)
class EmbedderMaker:
    """How a worker gets its embedder, and on what."""

    load: Callable[[], Embedder]
    on_gpus: bool
    window: int  # texts that suit it


@dataclass(frozen=True, slots=True)
class Job:
    """What a worker must know."""

    name: str  # with which the names of the shards begin
    shards: Path
    snapshots: tuple[tuple[str | None, int], ...]  # name and bytes
    category: tuple[str, ...]
    fingerprint: Fingerprint
    window: int  # lines of a piece, about
    maker: EmbedderMaker | None  # None: the vectors are not made there
    lunacy: str

    def path(self, snapshot: int, piece: int) -> Path:
        """Where the shard of a piece is."""
        return self.shards / f"{self.name}-{snapshot:05}-{piece:07}.parquet"


def already_loaded(embedder: Embedder) -> Embedder:
    """An embedder that is given is loaded already."""
    return embedder


def make_job(
    snapshots: Sequence[Snapshot],
    category: Sequence[str],
    into: Path,
    *,
    fingerprint: Fingerprint,
    window: int,
    maker: EmbedderMaker | None,
) -> Job:
    """The job, with another name for other snapshots, papers or vectors. `window`: about how many lines a piece has."""
    sources = [None if one.source is None else str(Path(one.source).resolve()) for one in snapshots]
    stamps = [(source, one.size_bytes, one.changed_ns) for source, one in zip(sources, snapshots, strict=True)]
    made_by = asdict(fingerprint), maker is None, VERSION
    described = json.dumps([stamps, list(category), made_by, window])
    return Job(
        name=sha256(described.encode()).hexdigest()[:16],
        shards=into.resolve() / SHARDS_NAME,
        snapshots=tuple((source, size_bytes or 0) for source, size_bytes, _changed_ns in stamps),
        category=tuple(category),
        fingerprint=fingerprint,
        window=window,
        maker=maker,
        lunacy=VERSION,
    )


def embedder_maker(embedder: Embedder | None, model: str, *, device: str, **options: Any) -> EmbedderMaker:
    """How a worker gets its embedder: it loads the model, on a GPU where the cluster has some, or is given this one."""
    if embedder is not None:
        return EmbedderMaker(partial(already_loaded, embedder), on_gpus=_has_gpus(device), window=embedder.window)
    on_gpus = _has_gpus(device)
    return EmbedderMaker(partial(load, model, device=device, **options), on_gpus, WINDOWS["cuda" if on_gpus else "cpu"])


def _has_gpus(device: str) -> bool:
    return device in ("auto", "cuda") and n_of("GPU") > 0
