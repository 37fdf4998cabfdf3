"""The source of vectors and the reader of a build on Ray, in place of the local ones."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from lunacy.embedding import WINDOWS
from lunacy.fingerprint import Fingerprint
from lunacy.pipeline.on_ray.job import EmbedderMaker, Keys, make_job
from lunacy.pipeline.on_ray.shard_reader import ShardReader
from lunacy.pipeline.on_ray.shard_vectors import ShardVectors
from lunacy.pipeline.vector_sources import VectorSource
from lunacy.snapshot import Snapshot


@dataclass(frozen=True, slots=True)
class Cluster:
    """A Ray cluster that this program is connected to."""

    maker: EmbedderMaker | None  # how workers get their embedder; None: the vectors are given

    @property
    def _window(self) -> int:
        return self.maker.window if self.maker else WINDOWS["cpu"]

    def vectors(self, own: VectorSource) -> ShardVectors:
        """The vectors that workers make; `own` makes those of the few papers that no worker has embedded."""
        return ShardVectors(own, self._window)

    def reader(
        self,
        snapshots: Sequence[Snapshot],
        category: Sequence[str],
        into: Path,
        known: Keys,
        *,
        fingerprint: Fingerprint,
        limit: int | None,
        strict: bool,
    ) -> ShardReader:
        """Reads the snapshots on the cluster, for the index in `into`. `known`: see ShardReader."""
        job = make_job(snapshots, category, into, fingerprint=fingerprint, window=self._window, maker=self.maker)
        return ShardReader(job, snapshots, known, limit=limit, strict=strict)
