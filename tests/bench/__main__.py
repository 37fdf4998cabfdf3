"""Ingest rate, memory and cold start, as ratios within one run: python -m tests.bench [SNAPSHOT VECTORS.npy]

Without arguments: 120,000 papers made of the sample's lines under new ids, with random vectors.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import median

import numpy as np
import orjson

from lunacy.snapshot import Snapshot

N_PAPERS, N_FEW, DIM = 120_000, 12_000, 384
# A process of its own, because a child's peak starts at the size of the process that forks it.
_MEASURE = """
import resource, subprocess, sys, time
started = time.perf_counter()
subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL, check=True)
print(time.perf_counter() - started, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
"""
_DIGEST = """
import sys
from lunacy.entry import hash_line
from lunacy.snapshot import Snapshot
with Snapshot(sys.argv[1]) as snapshot:
    for line in snapshot.lines():
        hash_line(line.raw)
"""
MODEL = "sentence-transformers/all-MiniLM-L6-v2"


def run(*command: str) -> tuple[float, float]:
    """Wall time in seconds and peak resident memory in MB of a command, which must succeed."""
    measured = subprocess.run([sys.executable, "-S", "-c", _MEASURE, *command], stdout=subprocess.PIPE, check=True)
    wall_s, peak_kb = map(float, measured.stdout.split())
    return wall_s, peak_kb / 1000


def head(source: str, n: int, into: Path) -> str:
    """The first `n` lines of a snapshot, plain."""
    with Snapshot(source) as snapshot, into.open("wb") as file:
        for line, _ in zip(snapshot.lines(), range(n), strict=False):
            file.write(line.raw + b"\n")
    return str(into)


def repeated_sample(into: Path) -> str:
    """N_PAPERS lines: those of the sample again and again, each time under new ids."""
    with Snapshot() as sample:
        records = [orjson.loads(line.raw) for line in sample.lines()]
    with into.open("wb") as file:
        for n in range(N_PAPERS):
            file.write(orjson.dumps(records[n % len(records)] | {"id": f"{n // 90000:04}.{n % 90000:05}"}) + b"\n")
    return str(into)


def main(arguments: list[str]) -> None:
    """Measure and print."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        if arguments:
            snapshot, vectors = arguments
            rows = np.load(vectors, mmap_mode="r")
        else:
            snapshot, vectors = repeated_sample(folder / "all.jsonl"), str(folder / "all.npy")
            rows = np.random.default_rng(0).standard_normal((N_PAPERS, DIM), np.float32).astype(np.float16)
            np.save(vectors, rows)
        few, few_vectors = head(snapshot, N_FEW, folder / "few.jsonl"), str(folder / "few.npy")
        np.save(few_vectors, rows[:N_FEW])
        n_papers = len(rows)
        lunacy = [sys.executable, "-m", "lunacy"]

        _few_s, few_mb = run(
            *lunacy, "index", few, "--into", f"{folder}/few", "--vectors", few_vectors, "--model", MODEL
        )
        new = [*lunacy, "index", snapshot, "--into", f"{folder}/all", "--vectors", vectors, "--model", MODEL]
        all_s, all_mb = run(*new)
        turns = [(run(*new)[0], run(sys.executable, "-c", _DIGEST, snapshot)[0]) for _ in range(3)]
        again_s, digest_s = (median(column) for column in zip(*turns, strict=True))
        print(f"ingest       {n_papers:,} papers in {all_s:.1f} s: {n_papers / all_s:,.0f} papers/s")
        print(
            f"again        nothing new: {again_s:.2f} s, {n_papers / again_s:,.0f} papers/s; "
            f"reading and hashing its lines alone {digest_s:.2f} s: {again_s / digest_s:.2f} times"
        )
        print(
            f"peak memory  {all_mb:.0f} MB at {n_papers:,} papers, {few_mb:.0f} MB at {N_FEW:,}: "
            f"+{all_mb - few_mb:.0f} MB"
        )

        with Snapshot(few) as opened:
            first = orjson.loads(next(opened.lines()).raw)["id"]
        for words, library in (([first], "faiss"), (["--text", "a search for dark matter"], "openvino")):
            query = [*lunacy, "query", *words, "--index", f"{folder}/all"]
            run(*query)  # warms the page cache
            turns = [(run(*query), run(sys.executable, "-c", f"import {library}")) for _ in range(11)]
            query_s, library_s = (median(one[0] for one in column) for column in zip(*turns, strict=True))
            print(
                f"cold start   lunacy query {words[0]} {query_s * 1000:.0f} ms, import {library} "
                f"{library_s * 1000:.0f} ms: {query_s / library_s:.2f} times; "
                f"peak memory {max(asked[1] for asked, _imported in turns):.0f} MB"
            )


if __name__ == "__main__":
    main(sys.argv[1:])
