"""The whole pipeline with a model that costs nothing, the same snapshot again, and its stages alone.

`python -m tests.bench.pipeline [SNAPSHOT] [N]`

N lines (3,000,000) are those of the snapshot (the sample) again and again, under new ids.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from statistics import median

import numpy as np
import orjson

from lunacy import build_index
from lunacy.embedding import Embedded, Prepared
from lunacy.entry import hash_line
from lunacy.fingerprint import Fingerprint
from lunacy.snapshot import Batch, Snapshot, read_batches
from lunacy.store import SEGMENT_ROWS, Writer
from tests.bench.__main__ import run

N_LINES, N_ALONE, DIM = 3_000_000, 200_000, 384
_RUN = "import sys; from tests.bench.pipeline import whole; whole(*sys.argv[1:])"


class NoCost:
    """An embedder whose vectors are ready."""

    fingerprint = Fingerprint(model="no/model", text="", dim=DIM, weights="0" * 64)
    arithmetic = "none"
    notes: Sequence[str] = ()
    window = 512

    def __init__(self) -> None:
        rows = np.random.default_rng(0).standard_normal((self.window, DIM), np.float32)
        self._rows = rows / np.linalg.norm(rows, axis=1, keepdims=True)

    def prepare(self, texts: Sequence[str]) -> Prepared:
        """Nothing to do."""
        return Prepared(texts)

    def run(self, prepared: Prepared) -> Embedded:
        """Some unit vectors."""
        return Embedded(self._rows[: len(prepared.texts)], 0)

    def embed(self, texts: Sequence[str]) -> Embedded:
        """Prepare and run."""
        return self.run(self.prepare(texts))

    def embed_queries(self, texts: Sequence[str]) -> Embedded:
        """The same as for papers."""
        return self.embed(texts)


def write_lines(source: str | None, n: int, into: Path) -> None:
    """`n` lines: those of `source` again and again, each time under new ids in ascending order."""
    with Snapshot(source) as snapshot:
        records = [orjson.loads(line.raw) for line in islice(snapshot.lines(), 120_000)]
    with into.open("wb") as file:
        for at in range(n):
            file.write(orjson.dumps(records[at % len(records)] | {"id": f"{at // 90000:04}.{at % 90000:05}"}) + b"\n")


def whole(snapshot: str, into: str) -> None:
    """The pipeline, from the file to the store."""
    build_index(snapshot, into=into, embedder=NoCost())


def read_alone(snapshot: Path) -> float:
    """Papers a second that come out of the reader."""
    started = time.perf_counter()
    with Snapshot(snapshot) as opened:
        n = sum(len(batch.kept) for batch in _first(read_batches(opened, recipe="title+abstract")))
    return n / (time.perf_counter() - started)


def store_alone(snapshot: Path, into: Path) -> float:
    """Papers a second that the store takes, with its commits."""
    with Snapshot(snapshot) as opened:
        batches = list(_first(read_batches(opened, recipe="title+abstract")))
    embedder, n = NoCost(), 0
    started = time.perf_counter()
    with Writer(into, embedder.fingerprint) as writer:
        for batch in batches:
            ids = [entry.id for entry in batch.kept]
            writer.mark_seen(known.row for known in writer.known(ids).values())
            writer.append(batch.kept, embedder.embed([""] * len(batch.kept)).vectors)
            n += len(batch.kept)
            if writer.n_pending > SEGMENT_ROWS - NoCost.window:
                writer.commit()
        writer.commit()
    return n / (time.perf_counter() - started)


def again(snapshot: Path, into: Path) -> tuple[float, float]:
    """Seconds of CPU for the same snapshot again, nothing new, and for reading it and hashing its lines."""
    started_s = time.process_time()
    build_index(snapshot, into=into, embedder=NoCost())
    built_s = time.process_time()
    with Snapshot(snapshot) as opened:
        for line in opened.lines():
            hash_line(line.raw)
    return built_s - started_s, time.process_time() - built_s


def _first(batches: Iterator[Batch]) -> Iterator[Batch]:
    """The first N_ALONE papers."""
    return islice(batches, N_ALONE // NoCost.window)


def main(source: str | None = None, n: str = str(N_LINES)) -> None:
    """Measure and print."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        snapshot, n_papers = folder / "all.jsonl", int(n)
        write_lines(source, n_papers, snapshot)
        wall_s, peak_mb = run(sys.executable, "-c", _RUN, str(snapshot), f"{folder}/whole")
        turns = [again(snapshot, folder / "whole") for _ in range(3)]
        stages = {"reading": read_alone(snapshot), "storing": store_alone(snapshot, folder / "alone")}
    again_s, hash_s = (median(column) for column in zip(*turns, strict=True))
    rate, slowest = n_papers / wall_s, min(stages, key=lambda stage: stages[stage])
    print(f"pipeline     {n_papers:,} papers in {wall_s:.1f} s: {rate:,.0f} papers/s, peak memory {peak_mb:.0f} MB")
    print(
        f"again        nothing new: {again_s:.1f} s of CPU; reading and hashing its lines alone {hash_s:.1f} s: "
        f"{again_s / hash_s:.2f} times"
    )
    print(
        "alone        "
        + ", ".join(f"{stage} {of_stage:,.0f} papers/s" for stage, of_stage in stages.items())
        + f": {rate / stages[slowest]:.2f} of {slowest}"
    )


if __name__ == "__main__":
    main(*sys.argv[1:])
