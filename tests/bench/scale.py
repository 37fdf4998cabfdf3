"""How commands grow with the index: python -m tests.bench.scale [--sizes 30000,300000,3000000] [--folder DIR]

Each command runs in a process of its own on indexes of the sample's papers, repeated under new ids, with vectors near
those of the sample. The exponent is that of CPU time between the two largest indexes, without what a process takes to
start: 1 is proportional to the papers. Memory is what a command and the processes that it starts had of their own at
most (Linux's RssAnon, looked at every 20 ms), without mapped files, which the system takes back when others need them.
"Cold": nothing of the index is in the page cache, if it lies on a disk.
"""

from __future__ import annotations

import argparse
import math
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import orjson

from lunacy.pipeline.sample_vectors import VECTORS
from lunacy.snapshot import Snapshot
from tests.bench.__main__ import MODEL

SIZES = (30_000, 300_000, 3_000_000)
N_NEW = 1000  # papers of an update, in a snapshot of their own
_A_MONTH = 50_000  # ids that are given in one
_NOISE = 0.02  # of a vector's elements, which are 0.05 on average
_BLOCK = 50_000
_LEAST_S = 0.3  # CPU: what takes less is noise, and counts as so much
_START = "import lunacy.cli, lunacy.query, faiss"
_MEASURE = """
import resource, subprocess, sys, time
from pathlib import Path

def own_kb(process):
    try:
        status = Path(f"/proc/{process}/status").read_text()
        children = Path(f"/proc/{process}/task/{process}/children").read_text().split()
    except OSError:  # it has ended
        return 0
    found = [int(line.split()[1]) for line in status.splitlines() if line.startswith("RssAnon:")]
    return sum(found) + sum(map(own_kb, children))

started, most_kb = time.perf_counter(), 0
process = subprocess.Popen(sys.argv[1:], stdout=subprocess.DEVNULL)
while process.poll() is None:
    most_kb = max(most_kb, own_kb(process.pid))
    time.sleep(0.02)
used = resource.getrusage(resource.RUSAGE_CHILDREN)
print(process.returncode, time.perf_counter() - started, used.ru_utime + used.ru_stime, most_kb * 1024 / 1e6)
"""


@dataclass(frozen=True, slots=True)
class Cost:
    """What a command took."""

    wall_s: float
    cpu_s: float
    own_mb: float


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
        print(f"{'':26}" + "".join(f"{n:>27,}" for n in sizes) + "  exponent")
        found: dict[str, list[Cost]] = {}
        for n in sizes:
            for name, taken in costs(folder, n):
                found.setdefault(name, []).append(taken)
                print(f"{n:,} papers, {name}: {taken.wall_s:.1f} s", file=sys.stderr)
        faults = [name for name, taken in found.items() if _told(name, taken, sizes, start_s) > asked.most]
    if faults:
        print(f"these grow faster than the papers to the power of {asked.most}: {', '.join(faults)}")
    return int(bool(faults))


def _told(name: str, taken: list[Cost], sizes: list[int], start_s: float) -> float:
    """Print the line of a command; its exponent."""
    exponent = exponent_of([one.cpu_s - start_s for one in taken], sizes)
    cells = (f"{one.wall_s:.1f} s {one.cpu_s:.1f} s {one.own_mb:,.0f} MB" for one in taken)
    print(f"{name:26}" + "".join(f"{cell:>27}" for cell in cells) + (f"{exponent:10.2f}" if exponent else f"{'-':>10}"))
    return exponent


def exponent_of(seconds: Sequence[float], sizes: Sequence[int]) -> float:
    """To which power of the size the seconds grow, between the last two; 0 where they are too few to tell."""
    less, more = (max(one, _LEAST_S) for one in seconds[-2:])
    return math.log(more / less) / math.log(sizes[-1] / sizes[-2])


def costs(folder: Path, n: int) -> Iterator[tuple[str, Cost]]:
    """What each command took on an index of `n` papers, which is left in `folder`."""
    index, snapshot, vectors = folder / f"index-{n}", folder / f"{n}.jsonl", folder / f"{n}.npy"
    shutil.rmtree(index, ignore_errors=True)
    where = ["--index", str(index)]

    def build() -> Cost:
        given = ["--vectors", str(vectors), "--model", MODEL]
        return lunacy("index", str(snapshot), "--into", str(index), *given)

    def cold(*words: str) -> Cost:
        _out_of_page_cache(index)
        return lunacy(*words, *where)

    write_papers(snapshot, vectors, range(n))
    yield "index", build()
    yield "index, nothing new", build()
    write_papers(snapshot, vectors, range(n, n + N_NEW))
    yield f"index, {N_NEW:,} new", build()
    paper = _id(0)
    snapshot.unlink()
    vectors.unlink()
    yield "ivf", lunacy("ivf", *where)
    yield "query, cold", cold("query", paper)
    yield "query", lunacy("query", paper, *where)
    yield "query --ivf, cold", cold("query", paper, "--ivf")
    yield "query --ivf", lunacy("query", paper, "--ivf", *where)
    yield "query --rank hybrid, cold", cold("query", paper, "--rank", "hybrid")
    yield "query --rank hybrid", lunacy("query", paper, "--rank", "hybrid", *where)
    yield "query --author Zhang", lunacy("query", paper, "--author", "Zhang", *where)
    yield "query --category cs.*", lunacy("query", paper, "--category", "cs.*", *where)
    yield "query --since 2015", lunacy("query", paper, "--since", "2015", *where)
    yield "show", lunacy("show", paper, *where)
    yield "info", lunacy("info", *where)
    exported = folder / f"{n}.parquet"
    yield "export, Parquet", lunacy("export", str(exported), *where)
    exported.unlink()
    yield "lexical", lunacy("lexical", *where)
    yield "remove, one paper", lunacy("remove", paper, *where)
    yield "verify", lunacy("verify", *where)
    yield "compact", lunacy("compact", *where)


def _out_of_page_cache(index: Path) -> None:
    """Have the system forget what it keeps in memory of the index; it writes first what is not on the disk yet."""
    for path in index.rglob("*"):
        if path.is_file():
            with path.open("rb") as file:
                os.fsync(file.fileno())
                os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def lunacy(*words: str) -> Cost:
    """What a command of lunacy took."""
    return cost(sys.executable, "-m", "lunacy", *words)


def cost(*command: str) -> Cost:
    """What a command took, which must succeed."""
    measured = subprocess.run([sys.executable, "-S", "-c", _MEASURE, *command], stdout=subprocess.PIPE, check=True)
    code, wall_s, cpu_s, own_mb = map(float, measured.stdout.split())
    if code:
        raise SystemExit(f"exit code {code:.0f}: {' '.join(command)}")
    return Cost(wall_s, cpu_s, own_mb)


def write_papers(snapshot: Path, vectors: Path, numbers: range) -> None:
    """Write a snapshot of the papers with these `numbers`, and their vectors."""
    with Snapshot() as sample:
        records = [orjson.loads(line.raw) for line in sample.lines()]
    with snapshot.open("wb") as file:
        for number in numbers:
            file.write(orjson.dumps(records[number % len(records)] | {"id": _id(number)}) + b"\n")
    with VECTORS.open("rb") as packed, np.load(packed, allow_pickle=False) as found:
        known = found["vectors"].astype(np.float32)
    rows = np.lib.format.open_memmap(vectors, mode="w+", dtype=np.float16, shape=(len(numbers), known.shape[1]))
    random = np.random.default_rng(numbers.start)
    for start in range(0, len(numbers), _BLOCK):
        some = known[np.array(numbers[start : start + _BLOCK]) % len(known)]
        rows[start : start + len(some)] = some + _NOISE * random.standard_normal(some.shape, np.float32)


def _id(number: int) -> str:
    month, place = divmod(number, _A_MONTH)
    return f"{15 + month // 12 % 85:02}{1 + month % 12:02}.{place + 1:05}"


if __name__ == "__main__":
    os.environ.pop("LUNACY_INDEX", None)
    sys.exit(main())
