"""What is done on each machine of a cluster: a piece of a snapshot is read and embedded, and becomes a shard."""

from __future__ import annotations

import json
import marshal
import socket
import threading
import traceback
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, fields, replace
from hashlib import sha256
from importlib.metadata import version
from itertools import islice
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
import numpy.typing as npt

from lunacy import errors
from lunacy.categories import category_filter
from lunacy.embedding import WINDOWS, Embedder
from lunacy.entry import Entry, text_key
from lunacy.errors import FingerprintMismatch, LunacyError, SnapshotError, StoreError
from lunacy.fingerprint import Fingerprint
from lunacy.paper import embedded_text
from lunacy.pipeline.cluster.shards import Damaged, Shard, read_shard, write_shard
from lunacy.snapshot import Line, Piece, Snapshot, Window, cut, read_piece
from lunacy.store import SHARDS_NAME, is_shard

Keys = npt.NDArray[np.uint64]
_LUNACY = version("lunacy")


@dataclass(frozen=True, slots=True)
class Maker:
    """How an actor gets its embedder, and on what."""

    load: Callable[[], Embedder]
    on_gpus: bool
    window: int  # texts that suit it


@dataclass(frozen=True, slots=True)
class Job:
    """What an actor must know."""

    name: str  # with which the names of the shards begin
    shards: Path
    snapshots: tuple[tuple[str | None, int], ...]  # name and bytes
    category: tuple[str, ...]
    recipe: str
    fingerprint: Fingerprint
    window: int  # lines of a piece, about
    maker: Maker | None  # None: the vectors are not made there
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
    recipe: str,
    fingerprint: Fingerprint,
    maker: Maker | None,
) -> Job:
    """The job, with another name for other snapshots, papers or vectors."""
    window = maker.window if maker else WINDOWS["cpu"]
    sources = [None if one.source is None else str(Path(one.source).resolve()) for one in snapshots]
    stamps = [(source, one.size_bytes, one.changed_ns) for source, one in zip(sources, snapshots, strict=True)]
    made_by = asdict(fingerprint), maker is None, _LUNACY
    described = json.dumps([stamps, list(category), recipe, made_by, window])
    return Job(
        name=sha256(described.encode()).hexdigest()[:16],
        shards=into.resolve() / SHARDS_NAME,
        snapshots=tuple((source, size_bytes or 0) for source, size_bytes, _changed_ns in stamps),
        category=tuple(category),
        recipe=recipe,
        fingerprint=fingerprint,
        window=window,
        maker=maker,
        lunacy=_LUNACY,
    )


def grouped_pieces(order: dict[str, Any], job: Job) -> Iterator[dict[str, Any]]:
    """The pieces of a snapshot, a row a group. `order`: which snapshot, and the size of a group."""
    n = order["snapshot"]
    source, size_bytes = job.snapshots[n]
    try:
        with Snapshot(source) as snapshot:
            if snapshot.size_bytes != size_bytes:
                raise SnapshotError(f"{snapshot.name} has {snapshot.size_bytes} bytes there, and {size_bytes} here")
            pieces = cut(snapshot, job.window)
            while group := list(islice(pieces, order["size"])):
                yield {"snapshot": n, "pieces": marshal.dumps(list(map(_packed, group))), "failure": ""}
    except Exception as error:  # noqa: BLE001 (it is raised again where the run began)
        yield {"snapshot": n, "pieces": marshal.dumps([]), "failure": encode_error(error)}


class Actor:
    """Makes shards of pieces. Of its two threads one reads and tokenises while the other has the model."""

    def __init__(self, job: Job, known: Callable[[], Keys]) -> None:
        """`known`: the `text_key` of each paper that needs no vector, (n,) ascending."""
        self._job = job
        self._known = known()
        self._keep = category_filter(job.category)
        self._embedder: Embedder | None = None
        self._reading, self._running = threading.Lock(), threading.Lock()

    def __call__(self, batch: dict[str, Any]) -> Iterator[dict[str, Any]]:
        """Of a group of pieces: which shards are there now, or why one is not."""
        [n], [group], [failure] = (batch[name].tolist() for name in ("snapshot", "pieces", "failure"))
        for packed in marshal.loads(group):  # noqa: S302 (our own program packed it)
            piece = _unpacked(packed)
            try:
                self._make(n, piece)
            except Exception as error:  # noqa: BLE001 (it is raised again where the run began)
                failure = encode_error(error)
            yield {"snapshot": [n], "piece": [piece.number], "failure": [failure]}
            if failure:
                return
        if failure:
            yield {"snapshot": [n], "piece": [0], "failure": [failure]}

    def _make(self, n: int, piece: Piece) -> None:
        """Write the shard of a piece, unless it is there. The second lock is held until it is on disk."""
        path = self._job.path(n, piece.number)
        with self._reading:
            if self._is_there(path):
                return
            shard = self._read(n, piece)
            embedder = self._load()
            latest = {entry.id: at for at, entry in enumerate(shard.kept)}  # of lines with one id the later wins
            fresh = self._unknown(shard.kept, list(latest.values())) if embedder else []
            texts = [embedded_text(shard.kept[at].paper, self._job.recipe) for at in fresh]
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
            raise StoreError(f"{path.parent} is not there; the index must be in a folder that all machines share")
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
            window, n_met = read_piece(snapshot, piece, self._keep, recipe=self._job.recipe)
        if window.broken and not piece.broken:
            raise window.broken
        return Shard(
            **{field.name: getattr(window, field.name) for field in fields(Window)},
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
        """The embedder, loaded with the first piece. Raises FingerprintMismatch when it is not that of the run."""
        job = self._job
        if self._embedder is None and job.maker is not None:
            if job.lunacy != _LUNACY:
                raise LunacyError(f"lunacy is {_LUNACY} there, and {job.lunacy} here; install the same")
            embedder = job.maker.load()
            if different := job.fingerprint.differences(replace(embedder.fingerprint, text=job.recipe)):
                raise FingerprintMismatch(f"the model there differs in {', '.join(different)}; install the same")
            self._embedder = embedder
        return self._embedder


def _packed(piece: Piece) -> dict[str, Any]:
    values = {field.name: getattr(piece, field.name) for field in fields(Piece)}
    return values | {"lines": list(map(tuple, piece.lines))}


def _unpacked(values: dict[str, Any]) -> Piece:
    return Piece(**values | {"lines": tuple(Line(*line) for line in values["lines"])})


def encode_error(error: Exception) -> str:
    """An error as text, with the machine that it comes from."""
    name = type(error).__name__
    known = isinstance(error, LunacyError | OSError)
    message = f"{socket.gethostname()}: {error if known else f'{name}: {error}'}"
    return json.dumps([name, " ".join(message.split()), traceback.format_exc()])


def raise_encoded(failure: str) -> NoReturn:
    """Raise what `encode_error` encoded."""
    name, message, trace = json.loads(failure)
    kind = getattr(errors, name, LunacyError)
    raise kind(message) from _There(trace)


class _There(Exception):
    """The traceback of an error in an actor."""

    def __str__(self) -> str:
        return f"\n{self.args[0]}"
