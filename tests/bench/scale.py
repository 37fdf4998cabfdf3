"""How commands grow with the index: python -m tests.bench.scale [--sizes 10000,100000,1000000] [--folder DIR]

Each command runs in a process of its own on indexes of the sample's papers, repeated under new ids, with vectors near
those of the sample. The exponent is that of CPU time between the two largest indexes, without what a process takes to
start: 1 is proportional to the papers. Memory is what a process had resident at most, mapped files among it.
"""

from __future__ import annotations

import argparse
import math
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import orjson

from lunacy.pipeline.sample_vectors import VECTORS
from lunacy.snapshot import Snapshot
from tests.bench.__main__ import MODEL

SIZES = (10_000, 100_000, 1_000_000)
N_NEW = 1000  # papers of an update
_A_MONTH = 50_000  # ids that are given in one
_NOISE = 0.02  # of a vector's elements, which are 0.05 on average
_BLOCK = 50_000
_LEAST_S = 0.05  # CPU: what takes less has no exponent that means anything
_START = "import lunacy.cli, lunacy.query, faiss"
_MEASURE = """
import resource, subprocess, sys, time
started = time.perf_counter()
code = subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE).returncode
used = resource.getrusage(resource.RUSAGE_CHILDREN)
print(code, time.perf_counter() - started, used.ru_utime + used.ru_stime, used.ru_maxrss / 1000)
"""


@dataclass(frozen=True, slots=True)
class Cost:
    """What a command took."""

    wall_s: float
    cpu_s: float
    peak_mb: float


def main() -> int:
    """Print a line a command; the exit code is 1 where an exponent is above `--most`."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.scale")
    parser.add_argument("--sizes", type=lambda text: [int(one) for one in text.split(",")], default=list(SIZES))
    parser.add_argument("--folder", type=Path, help="where the indexes are made, and left")
    parser.add_argument("--most", type=float, default=math.inf, help="the largest exponent that is no fault")
    asked = parser.parse_args()
    sizes = sorted(asked.sizes)
    with tempfile.TemporaryDirectory() as temporary:
        folder = asked.folder or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        start_s = min(cost(sys.executable, "-c", _START).cpu_s for _ in range(3))
        print(f"{'':24}" + "".join(f"{n:>27,}" for n in sizes) + "  exponent")
        found: dict[str, list[Cost]] = {}
        for n in sizes:
            for name, taken in costs(folder, n):
                found.setdefault(name, []).append(taken)
        faults = [name for name, taken in found.items() if _told(name, taken, sizes, start_s) > asked.most]
    if faults:
        print(f"these grow faster than the papers to the power of {asked.most}: {', '.join(faults)}")
    return int(bool(faults))


def _told(name: str, taken: list[Cost], sizes: list[int], start_s: float) -> float:
    """Print the line of a command; its exponent, or 0 where it takes too little to have one."""
    less, more = (max(one.cpu_s - start_s, 0.0) for one in taken[-2:])
    exponent = math.log(more / less) / math.log(sizes[-1] / sizes[-2]) if less > _LEAST_S and more > _LEAST_S else 0.0
    cells = (f"{one.wall_s:.1f} s {one.cpu_s:.1f} s {one.peak_mb:,.0f} MB" for one in taken)
    print(f"{name:24}" + "".join(f"{cell:>27}" for cell in cells) + (f"{exponent:10.2f}" if exponent else f"{'-':>10}"))
    return exponent


def costs(folder: Path, n: int) -> Iterator[tuple[str, Cost]]:
    """What each command took on an index of `n` papers, which is left in `folder`."""
    index, snapshot, vectors = folder / f"index-{n}", folder / f"{n}.jsonl", folder / f"{n}.npy"
    shutil.rmtree(index, ignore_errors=True)
    paper = write_papers(snapshot, vectors, n + N_NEW)
    first = folder / f"{n}-first"
    _cut(snapshot, vectors, first, n)

    def build(papers: Path) -> Cost:
        given = ["--vectors", f"{papers}.npy", "--model", MODEL]
        return lunacy("index", f"{papers}.jsonl", "--into", str(index), *given)

    yield "index", build(first)
    yield "index, nothing new", build(first)
    yield f"index, {N_NEW:,} new", build(folder / str(n))
    where = ["--index", str(index)]
    yield "query", lunacy("query", paper, *where)
    yield "query --rank hybrid", lunacy("query", paper, "--rank", "hybrid", *where)
    yield "query --author Zhang", lunacy("query", paper, "--author", "Zhang", *where)
    yield "query --category cs.*", lunacy("query", paper, "--category", "cs.*", *where)
    yield "query --since 2015", lunacy("query", paper, "--since", "2015", *where)
    yield "info", lunacy("info", *where)
    yield "ivf", lunacy("ivf", *where)
    yield "query --ivf", lunacy("query", paper, "--ivf", *where)
    yield "lexical", lunacy("lexical", *where)
    yield "remove, one paper", lunacy("remove", paper, *where)
    yield "verify", lunacy("verify", *where)
    yield "compact", lunacy("compact", *where)


def lunacy(*words: str) -> Cost:
    """What a command of lunacy took."""
    return cost(sys.executable, "-m", "lunacy", *words)


def cost(*command: str) -> Cost:
    """What a command took, which must succeed."""
    measured = subprocess.run([sys.executable, "-S", "-c", _MEASURE, *command], stdout=subprocess.PIPE, check=True)
    code, wall_s, cpu_s, peak_mb = map(float, measured.stdout.split())
    if code:
        raise SystemExit(f"exit code {code:.0f}: {' '.join(command)}")
    return Cost(wall_s, cpu_s, peak_mb)


def write_papers(snapshot: Path, vectors: Path, n: int) -> str:
    """Write `n` lines of a snapshot and their vectors; the id of the first."""
    with Snapshot() as sample:
        records = [orjson.loads(line.raw) for line in sample.lines()]
    with snapshot.open("wb") as file:
        for number in range(n):
            file.write(orjson.dumps(records[number % len(records)] | {"id": _id(number)}) + b"\n")
    with VECTORS.open("rb") as packed, np.load(packed, allow_pickle=False) as found:
        known = found["vectors"].astype(np.float32)
    rows = np.lib.format.open_memmap(vectors, mode="w+", dtype=np.float16, shape=(n, known.shape[1]))
    random = np.random.default_rng(0)
    for start in range(0, n, _BLOCK):
        some = known[np.arange(start, min(start + _BLOCK, n)) % len(known)]
        rows[start : start + len(some)] = some + _NOISE * random.standard_normal(some.shape, np.float32)
    return _id(0)


def _id(number: int) -> str:
    month, place = divmod(number, _A_MONTH)
    return f"{15 + month // 12 % 85:02}{1 + month % 12:02}.{place + 1:05}"


def _cut(snapshot: Path, vectors: Path, into: Path, n: int) -> None:
    """The first `n` papers alone."""
    with snapshot.open("rb") as whole, Path(f"{into}.jsonl").open("wb") as file:
        for _ in range(n):
            file.write(whole.readline())
    np.save(f"{into}.npy", np.load(vectors, mmap_mode="r")[:n])


if __name__ == "__main__":
    os.environ.pop("LUNACY_INDEX", None)
    sys.exit(main())
