"""What runs on each machine of a cluster: read a piece of a snapshot, embed it, write a shard."""

from __future__ import annotations

import marshal
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import numpy as np

from lunacy.categories import category_filter
from lunacy.embedding import Embedder
from lunacy.entry import Entry, text_key
from lunacy.errors import LunacyError, StoreError
from lunacy.paper import embedded_text
from lunacy.pipeline.on_ray.failure import encode_error
from lunacy.pipeline.on_ray.job import VERSION, Job, Keys
from lunacy.pipeline.on_ray.shards import Damaged, Shard, read_shard, write_shard
from lunacy.snapshot import Batch, Line, Piece, Snapshot, read_piece
from lunacy.store import is_shard


class Worker:
    """Makes shards of pieces, in two threads: one reads and tokenises while the other runs the model."""

    def __init__(self, job: Job, known: Callable[[], Keys]) -> None:
        """`known`: the `text_key` of each paper that needs no vector, (n,) ascending."""
        self._job = job
        self._known = known()
        self._keep = category_filter(job.category)
        self._embedder: Embedder | None = None
        self._reading, self._running = threading.Lock(), threading.Lock()

    def __call__(self, batch: dict[str, Any]) -> Iterator[dict[str, Any]]:
        """Make the shards of a group of pieces; a row for each, with the error if it failed."""
        [n], [group], [failure] = (batch[name].tolist() for name in ("snapshot", "pieces", "failure"))
        for piece in unpack_pieces(group):
            try:
                self._make(n, piece)
            except Exception as error:  # noqa: BLE001 (raised again in the program that started the build)
                failure = encode_error(error)
            yield {"snapshot": [n], "piece": [piece.number], "failure": [failure]}
            if failure:
                return
        if failure:
            yield {"snapshot": [n], "piece": [0], "failure": [failure]}

    def _make(self, n: int, piece: Piece) -> None:
        """Write the shard of a piece unless it exists. The second lock is held until it is on disk."""
        path = self._job.path(n, piece.number)
        with self._reading:
            if self._is_there(path):
                return
            shard = self._read(n, piece)
            embedder = self._load()
            latest = {entry.id: at for at, entry in enumerate(shard.kept)}  # of lines with one id the later wins
            fresh = self._unknown(shard.kept, list(latest.values())) if embedder else []
            texts = [embedded_text(shard.kept[at].paper, self._job.fingerprint.text) for at in fresh]
            firsts = range(0, len(texts), self._job.window)
            prepared = [embedder.prepare(texts[at : at + self._job.window]) for at in firsts] if embedder else []
        with self._running:
            if embedder and prepared:
                embedded = [embedder.run(one) for one in prepared]
                shard.vectors = np.concatenate([one.vectors for one in embedded])
                shard.n_cut = sum(one.n_cut for one in embedded)
                shard.rows = {shard.places[at]: row for row, at in enumerate(fresh)}
                shard.arithmetic, shard.notes = embedder.arithmetic, tuple(embedder.notes)
            write_shard(path, shard, self._job.fingerprint)

    def _is_there(self, path: Path) -> bool:
        if not path.parent.is_dir():
            raise StoreError(
                "the folder is not there; the index must be in one that all machines share", where=path.parent
            )
        if not path.exists():
            return False
        try:
            read_shard(path)
        except Damaged as error:
            if not is_shard(path):
                raise StoreError(f"{error}; a shard goes there: move it away and run again") from None
            path.unlink()
        return path.exists()

    def _read(self, n: int, piece: Piece) -> Shard:
        with Snapshot(self._job.snapshots[n][0]) as snapshot:
            batch, n_met = read_piece(snapshot, piece, self._keep, recipe=self._job.fingerprint.text)
        if batch.broken and not piece.broken:
            raise batch.broken
        return Shard(
            **{field.name: getattr(batch, field.name) for field in fields(Batch)},
            n_met=n_met,
            is_last=piece.is_last,
        )

    def _unknown(self, kept: Sequence[Entry], places: Sequence[int]) -> list[int]:
        """Those of `places` whose papers need a vector."""
        if not len(self._known):
            return list(places)
        keys = np.frombuffer(b"".join(text_key(kept[at].id, kept[at].text_hash) for at in places), np.uint64)
        nearest = self._known.take(np.searchsorted(self._known, keys), mode="clip")
        return [at for at, is_known in zip(places, (nearest == keys).tolist(), strict=True) if not is_known]

    def _load(self) -> Embedder | None:
        """The embedder, loaded with the first piece. Raises FingerprintMismatch if it differs from this build's."""
        job = self._job
        if self._embedder is None and job.maker is not None:
            if job.lunacy != VERSION:
                raise LunacyError(f"lunacy is {VERSION} there, and {job.lunacy} here; install the same")
            embedder = job.maker.load()
            job.fingerprint.require_same(replace(embedder.fingerprint, text=job.fingerprint.text))
            self._embedder = embedder
        return self._embedder


def pack_pieces(pieces: Sequence[Piece]) -> bytes:
    """Pieces as bytes, for a row of a Ray dataset."""
    fields_of = [{field.name: getattr(piece, field.name) for field in fields(Piece)} for piece in pieces]
    return marshal.dumps([values | {"lines": list(map(tuple, values["lines"]))} for values in fields_of])


def unpack_pieces(packed: bytes) -> list[Piece]:
    """Undo `pack_pieces`."""
    found = marshal.loads(packed)  # noqa: S302 (our own program packed it)
    return [Piece(**values | {"lines": tuple(Line(*line) for line in values["lines"])}) for values in found]
