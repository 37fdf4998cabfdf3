"""CPU time of one question after the other, beside FAISS' flat scan: python -m tests.bench.one_query INDEX [N]

N questions (60) go to both in turns; the flat scan has one thread. `FAISS_SIMD_LEVEL=AVX2` has FAISS do without
AVX-512. CPU time is that of all threads, and tells more than the clock on a machine that others use too.
"""

from __future__ import annotations

import sys
import time

import faiss
import numpy as np

from lunacy.bench.engines import peers
from lunacy.bench.search import TOP
from lunacy.search import search
from lunacy.search.recall import draw
from lunacy.store import Store


def main(folder: str, n: int = 60) -> None:
    """Print the median of each in milliseconds, CPU and clock, and the ratio."""
    with Store(folder) as store, store.view() as view:
        flat = next(iter(peers(graphs=False))).build(view.vectors(np.arange(view.end_row)))
        ways = {
            "IndexFlatIP": lambda query, _row: flat(query, TOP + 1),
            "lunacy": lambda query, row: search(view, query, TOP, without=[row]),
        }
        took: dict[str, list[tuple[float, float]]] = {name: [] for name in ways}
        for row in draw(view, n).tolist():
            query = view.vectors(np.array([row]))
            for name, ask in ways.items():
                cpu, clock = time.process_time(), time.perf_counter()
                ask(query, row)
                took[name].append((1000 * (time.process_time() - cpu), 1000 * (time.perf_counter() - clock)))
    print(f"{view.end_row:,} vectors, {faiss.SIMDConfig.get_level_name()}")
    medians = {name: np.median(times, axis=0) for name, times in took.items()}
    for name, (cpu, clock) in medians.items():
        of_flat = cpu / medians["IndexFlatIP"][0]
        print(f"{name:12} CPU {cpu:6.1f} ms, {of_flat:.2f} of flat; by the clock {clock:6.1f} ms")


if __name__ == "__main__":
    main(sys.argv[1], *map(int, sys.argv[2:]))
