"""The vectors of a build on Ray: from the shards; this machine makes the few that they lack."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

import numpy as np

from lunacy.arrays import Rows
from lunacy.embedding import Embedded
from lunacy.entry import Entry
from lunacy.fingerprint import Fingerprint
from lunacy.pipeline.on_ray.shards import Shard
from lunacy.pipeline.vector_sources import VectorSource
from lunacy.snapshot import Batch


class ShardVectors:
    """Takes the vectors from the batches, which are shards."""

    def __init__(self, own: VectorSource, window: int) -> None:
        """`own`: makes what the shards lack. `window`: lines per shard, approximately."""
        self.doing = own.doing
        self.window = window
        self._own = own
        self._arithmetic = ""
        self._notes: dict[str, None] = {}  # of all shards, each once

    @property
    def fingerprint(self) -> Fingerprint:
        """As of this machine; the workers compare theirs with it."""
        return self._own.fingerprint

    @property
    def arithmetic(self) -> str:
        """As of the last shard with vectors, else of this machine."""
        return self._arithmetic or self._own.arithmetic

    @property
    def notes(self) -> Sequence[str]:
        """As of all machines."""
        return [*self._notes, *self._own.notes]

    def load(self) -> None:
        """The workers load the model; this machine does when it has something to embed."""

    def prepare(self, batch: Batch, papers: Sequence[tuple[Entry, int]]) -> Callable[[], Embedded]:
        """Find the papers' rows in the shard; then gather these, and run the model for the other papers."""
        assert isinstance(batch, Shard)
        rows = np.array([batch.rows.get(place, -1) for _entry, place in papers], np.int64)
        lacking = [paper for paper, row in zip(papers, rows.tolist(), strict=True) if row < 0]
        return partial(self._gather, batch, rows, self._own.prepare(batch, lacking) if lacking else None)

    def _gather(self, shard: Shard, rows: Rows, embed_rest: Callable[[], Embedded] | None) -> Embedded:
        self._arithmetic = shard.arithmetic
        self._notes.update(dict.fromkeys(shard.notes))
        is_here = rows >= 0  # (n,) bool
        vectors = np.empty((len(rows), self.fingerprint.dim), np.float32)
        if shard.vectors is not None:
            vectors[is_here] = shard.vectors[rows[is_here]]
        n_cut, shard.n_cut = shard.n_cut, 0  # told with the first of the shard's papers
        if embed_rest is None:
            return Embedded(vectors, n_cut)
        rest = embed_rest()
        vectors[~is_here] = rest.vectors
        return Embedded(vectors, n_cut + rest.n_cut)
