"""What workers need to know: the job, and how to get the embedder."""

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
from lunacy.pipeline.on_ray.connection import n_of
from lunacy.snapshot import Snapshot
from lunacy.store import SHARDS_NAME

Keys = npt.NDArray[np.uint64]
VERSION = version("lunacy")


@dataclass(frozen=True, slots=True)
class EmbedderMaker:
    """How a worker gets its embedder."""

    load: Callable[[], Embedder]
    on_gpus: bool
    window: int  # preferred number of texts per call


@dataclass(frozen=True, slots=True)
class Job:
    """What to read and embed, and where the shards go."""

    name: str  # a hash of all that decides the shards; their file names begin with it
    shards: Path
    snapshots: tuple[tuple[str | None, int], ...]  # name and bytes
    category: tuple[str, ...]
    fingerprint: Fingerprint
    window: int  # lines per piece, approximately
    maker: EmbedderMaker | None  # None: workers only read, as the vectors are given
    lunacy: str

    def path(self, snapshot: int, piece: int) -> Path:
        """The file of a piece's shard."""
        return self.shards / f"{self.name}-{snapshot:05}-{piece:07}.parquet"


def already_loaded(embedder: Embedder) -> Embedder:
    """`EmbedderMaker.load` for an embedder that is given: return it."""
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
    """A job; its name differs if snapshots, papers or vectors do. `window`: lines per piece, approximately."""
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
    """Workers load the model, on a GPU if the cluster has any, unless `embedder` is given."""
    if embedder is not None:
        return EmbedderMaker(partial(already_loaded, embedder), on_gpus=_has_gpus(device), window=embedder.window)
    on_gpus = _has_gpus(device)
    return EmbedderMaker(partial(load, model, device=device, **options), on_gpus, WINDOWS["cuda" if on_gpus else "cpu"])


def _has_gpus(device: str) -> bool:
    return device in ("auto", "cuda") and n_of("GPU") > 0
