"""Embedding on Ray against the embedded pipeline: the same machine, the same model, which sleeps.

`python -m tests.bench.ray [N]`

N papers (100,000); a window of 512 takes the model 20 ms. Rounds alternate; the median of each counts. A run of a
few papers is what the start of actors takes, in a cluster that runs; the start of Ray itself comes on top.
"""

from __future__ import annotations

import logging
import shutil
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

import ray

from lunacy import build_index
from lunacy.embedding import Embedded, Prepared
from tests.bench.pipeline import NoCost, write_lines

N_PAPERS, N_ROUNDS, WINDOW_S = 100_000, 3, 0.02


class Sleeping(NoCost):
    """An embedder that takes its time, and no core."""

    def run(self, prepared: Prepared) -> Embedded:
        """Some unit vectors, after a while."""
        time.sleep(WINDOW_S * len(prepared.texts) / self.window)
        return super().run(prepared)

    def __reduce__(self) -> tuple[type[Sleeping], tuple[()]]:
        return Sleeping, ()  # it is made anew where it goes


def timed(snapshot: Path, into: Path, address: str | None) -> float:
    """Seconds for one build."""
    started = time.perf_counter()
    build_index(snapshot, into=into, embedder=Sleeping(), ray=address)
    passed_s = time.perf_counter() - started
    shutil.rmtree(into)
    return passed_s


def main(n: str = str(N_PAPERS)) -> None:
    """Measure and print."""
    n_papers = int(n)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        snapshot = folder / "all.jsonl"
        write_lines(None, n_papers, snapshot)
        few = folder / "few.jsonl"
        write_lines(None, Sleeping.window, few)
        cold_s = timed(snapshot, folder / "cold", "local")
        ray.init("local", log_to_driver=False, logging_level=logging.CRITICAL, include_dashboard=False)
        rounds = [
            (
                timed(snapshot, folder / "embedded", None),
                timed(snapshot, folder / "ray", ""),
                timed(few, folder / "few", ""),
            )
            for _ in range(N_ROUNDS)
        ]
        ray.shutdown()
    embedded_s, ray_s, start_s = (median(column) for column in zip(*rounds, strict=True))
    for what, seconds in (
        ("embedded", embedded_s),
        ("ray", ray_s),
        ("ray, without the start of actors", ray_s - start_s),
        ("ray, with its own start", cold_s),
    ):
        print(
            f"{what:34} {n_papers:,} papers in {seconds:.1f} s: {n_papers / seconds:,.0f} papers/s, "
            f"{embedded_s / seconds:.2f} of embedded"
        )


if __name__ == "__main__":
    main(*sys.argv[1:])
