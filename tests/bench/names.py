"""Whether authors are found in every spelling, and how fast: python -m tests.bench.names SNAPSHOT

Of the authors with accents or special letters some are drawn, those whom the snapshot writes in TeX apart. Each is
asked for in Unicode, in four styles of TeX and in plain letters. All must find the paper of the draw, and the same
papers but for one thing: who asks for Müller finds Mueller too, and who asks for Muller does not.
"""

from __future__ import annotations

import random
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import orjson

from lunacy import build_index
from lunacy.derived.columns import admitted
from lunacy.filter import Filter
from lunacy.pipeline import refresh_derived
from lunacy.snapshot import Snapshot
from lunacy.store import Store
from tests.bench.__main__ import MODEL
from tests.spellings import STYLES, from_tex, in_plain, in_second, in_tex

N, DIM = 200, 8
NAMES = (
    "Zhang",
    "Li",
    "Wei Zhang",
    "Y. Wang",
    "Müller",
    "Hinton",
    "Geoffrey Hinton",
    "van der Waals",
    "CMS Collaboration",
)


def people(snapshot: str) -> dict[str, list[tuple[str, str]]]:
    """(id, name in Unicode) of the authors whose names are more than plain letters, by how the snapshot writes them."""
    found: dict[str, list[tuple[str, str]]] = {"Unicode": [], "TeX": []}
    with Snapshot(snapshot) as opened:
        for line in opened.lines():
            record = orjson.loads(line.raw)
            written = " ".join((record["authors"] or "").split())
            for name in from_tex(written).replace(" and ", ", ").split(", "):
                is_whole = name.replace(" ", "").replace(".", "").replace("-", "").isalpha() and " " in name
                if is_whole and in_plain(name) != name and in_plain(name).isascii():
                    found["Unicode" if name in written else "TeX"].append((record["id"], name))
    return found


def styles(name: str) -> list[str]:
    """The name in each style of TeX."""
    return [in_tex(name, style) for style in range(STYLES)]


def main(snapshot: str) -> None:
    """Build an index, ask, and print."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with Snapshot(snapshot) as opened:
            n_lines = sum(1 for _ in opened.lines())
        np.save(folder / "rows.npy", np.random.default_rng(0).standard_normal((n_lines, DIM), np.float32))
        build_index(snapshot, into=folder / "index", vectors=folder / "rows.npy", model=MODEL)
        refresh_derived.refresh_caches(folder / "index", least_rows=1)
        with Store(folder / "index") as store, store.view() as view:
            for kind, everybody in people(snapshot).items():
                drawn = random.Random(0).sample(everybody, min(N, len(everybody)))
                rows = view.rows([paper for paper, _name in drawn])
                same = second = found = 0
                for paper, person in drawn:
                    masks = [admitted(view, Filter(author=(one,))) for one in (person, *styles(person))]
                    plain = admitted(view, Filter(author=(in_plain(person),)))
                    found += all(mask[rows[paper]] for mask in (plain, *masks))
                    if all(np.array_equal(mask, masks[0]) for mask in masks):
                        more = admitted(view, Filter(author=(in_second(person),)))
                        same += np.array_equal(plain, masks[0])
                        second += not np.array_equal(plain, masks[0]) and np.array_equal(plain | more, masks[0])
                print(
                    f"{kind:8} {len(everybody):,} authors, {len(drawn)} drawn: {found} with their paper, "
                    f"{same} alike, {second} alike but for ue, oe, ae, aa"
                )
            for author in NAMES:
                started = time.perf_counter()
                n_papers = np.count_nonzero(admitted(view, Filter(author=(author,))))
                print(f"{author:18} {n_papers:6,} papers in {(time.perf_counter() - started) * 1000:.0f} ms")


if __name__ == "__main__":
    main(*sys.argv[1:])
