"""How well layouts keep neighbours together: python -m tests.bench.layouts INDEX [--papers N] [--others]

Each layout is made in a process of its own, from the vectors of the first N papers of INDEX: lunacy's (its graph of
neighbours, exact or by IVF lists, then the layout), and with `--others` those of umap-learn, PaCMAP and openTSNE by
themselves, which must be installed. Then 2,000 papers are held out of lunacy's, and placed as an update does.

"10 in 50" is the share of the ten nearest papers that are among the fifty nearest on the map; "category" that of the
ten nearest on the map that have the same first category.
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from scipy.spatial import cKDTree

import lunacy
from lunacy.derived.graph import open_graph
from lunacy.derived.map import open_map, positions_of
from lunacy.entry import Entry
from lunacy.pipeline import refresh_caches
from lunacy.progress import Progress
from lunacy.store import Store, Writer

HELD_OUT = 2000
_KEPT, _SHOWN = 10, 50
_BLOCK = 10_000
Places = np.ndarray  # (n, 2)


def by_lunacy(folder: Path) -> Places:
    """From the graph that is there."""
    lunacy.build_map(folder / "index")
    return _places_in(folder / "index")


def by_opentsne(folder: Path) -> Places:
    """As openTSNE does it by itself."""
    from openTSNE import TSNE

    return np.asarray(TSNE(metric="cosine", n_jobs=2, random_state=0).fit(np.load(folder / "vectors.npy")))


def by_umap(folder: Path) -> Places:
    """As umap-learn does it by itself."""
    from umap import UMAP

    return np.asarray(UMAP(metric="cosine", n_jobs=2).fit_transform(np.load(folder / "vectors.npy")))


def by_pacmap(folder: Path) -> Places:
    """As PaCMAP does it by itself; the vectors have length 1, so that Euclidean distances order as cosines do."""
    from pacmap import PaCMAP

    return np.asarray(PaCMAP().fit_transform(np.load(folder / "vectors.npy"), init="pca"))


def _places_in(index: Path) -> Places:
    with Store(index) as store, store.view() as view:
        found = open_map(view)
        assert found is not None
        return positions_of(found.points, np.arange(view.end_row))


WAYS: dict[str, Callable[[Path], Places]] = {
    "lunacy": by_lunacy,
    "openTSNE": by_opentsne,
    "umap-learn": by_umap,
    "PaCMAP": by_pacmap,
}


def main() -> None:
    """Print a line a layout."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.layouts")
    parser.add_argument("index", type=Path)
    parser.add_argument("--papers", type=int, default=20_000)
    parser.add_argument("--ivf", action="store_true", help="find lunacy's neighbours by IVF lists")
    parser.add_argument("--others", action="store_true")
    parser.add_argument("--only", choices=WAYS, help=argparse.SUPPRESS)
    parser.add_argument("--into", type=Path, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.only:
        np.save(asked.into / f"{asked.only}.npy", WAYS[asked.only](asked.into))
        print(f"{resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024**2:.2f} GB")
        return
    with tempfile.TemporaryDirectory() as folder:
        _measure(asked, Path(folder))


def _measure(asked: argparse.Namespace, folder: Path) -> None:
    n_all = _copied(asked.index, folder, asked.papers)
    print(f"{n_all:,} papers", flush=True)
    steps = {"graph": lambda: lunacy.build_graph(folder / "index", ivf=asked.ivf)}
    if asked.ivf:
        steps = {"IVF lists": lambda: lunacy.build_ivf(folder / "index"), **steps}
    for name, step in steps.items():
        started = time.perf_counter(), time.process_time()
        step()
        print(
            f"{name}: {time.perf_counter() - started[0]:.0f} s, {time.process_time() - started[1]:.0f} s CPU",
            flush=True,
        )
    with Store(folder / "index") as store, store.view() as view:
        graph = open_graph(view)
        assert graph is not None
        neighbours = graph.lists.rows[:, :_KEPT].copy()
        categories = np.array([text.partition(" ")[0] for _row, text in view.stream("categories")])
    np.save(folder / "vectors.npy", _vectors(folder / "index"))
    for name in WAYS if asked.others else ["lunacy"]:
        used = _in_a_process(name, folder, asked.index)
        places = np.load(folder / f"{name}.npy")
        print(f"{name}: {used}, {_told(places, neighbours, categories)}", flush=True)
    _placing(folder, np.load(folder / "lunacy.npy"), neighbours, categories)


def _copied(index: Path, folder: Path, n: int) -> int:
    """An index of the first `n` papers of `index` that were not withdrawn."""
    with Store(index) as store, store.view() as view:
        rows = np.array([row for row, withdrawn in view.stream("withdrawn") if not withdrawn][:n])
        with Writer(folder / "index", view.fingerprint, "copied") as writer:
            for start in range(0, len(rows), _BLOCK):
                some = rows[start : start + _BLOCK]
                writer.append([Entry.of(paper, "title+abstract") for paper in view.papers(some)], view.vectors(some))
            writer.commit()
    return len(rows)


def _vectors(index: Path) -> np.ndarray:
    with Store(index) as store, store.view() as view:
        return view.vectors(view.live_rows())


def _in_a_process(name: str, folder: Path, index: Path) -> str:
    before, started = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    again = [sys.executable, "-m", "tests.bench.layouts", str(index), "--only", name, "--into", str(folder)]
    with (folder / "rss").open("w") as told:
        subprocess.run(again, check=True, stdout=told)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu_s = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return f"{time.perf_counter() - started:.0f} s, {cpu_s:.0f} s CPU, {(folder / 'rss').read_text().strip()}"


def _told(places: Places, neighbours: np.ndarray, categories: np.ndarray) -> str:
    near = cKDTree(places).query(places, _SHOWN + 1, workers=-1)[1][:, 1:]
    kept = np.mean(shares_kept(near, neighbours))
    category = np.mean(categories[near[:, :_KEPT]] == categories[:, None])
    return f"10 in 50: {kept:.3f}, category: {category:.3f}"


def shares_kept(near: np.ndarray, neighbours: np.ndarray) -> np.ndarray:
    """(n,): the share of `neighbours`, (n, 10), that are `near` on the map, (n, 50)."""
    blocks = range(0, len(near), _BLOCK)
    found = [
        (neighbours[start : start + _BLOCK, :, None] == near[start : start + _BLOCK, None]).any(axis=2).mean(axis=1)
        for start in blocks
    ]
    return np.concatenate(found)


def _placing(folder: Path, together: Places, neighbours: np.ndarray, categories: np.ndarray) -> None:
    """Hold papers out of the layout, then add them. `together`: where all are that were laid out together."""
    n_old = len(neighbours) - HELD_OUT
    if n_old < HELD_OUT:
        return
    target = folder / "held-out"
    with Store(folder / "index") as store, store.view() as view:
        papers = view.papers(np.arange(len(neighbours)))
        vectors, fingerprint = view.vectors(np.arange(len(neighbours))), view.fingerprint

    def add(some: slice) -> None:
        with Writer(target, fingerprint, "copied") as writer:
            writer.append([Entry.of(paper, "title+abstract") for paper in papers[some]], vectors[some])
            writer.commit()

    add(slice(0, n_old))
    lunacy.build_graph(target)
    lunacy.build_map(target)
    before = _places_in(target)
    add(slice(n_old, None))
    began: list[float] = []

    def note(progress: Progress) -> None:
        if progress.doing == "placing papers on the map":
            began.append(time.perf_counter())

    refresh_caches(target, progress=note)  # the map is the last that it makes
    wait_s = time.perf_counter() - began[0]
    places = _places_in(target)
    moved = int((places[:n_old] != before[:n_old]).any(axis=1).sum())
    for name, some in (("placed", places), ("laid out with the others", together)):
        near = cKDTree(some).query(some[n_old:], _SHOWN + 1, workers=-1)[1][:, 1:]
        kept = shares_kept(near, neighbours[n_old:]).mean()
        category = np.mean(categories[near[:, :_KEPT]] == categories[n_old:, None])
        print(f"the {HELD_OUT:,} papers {name}: 10 in 50: {kept:.3f}, category: {category:.3f}")
    print(f"placing {HELD_OUT:,} papers: {wait_s:.1f} s, {moved} others moved")


if __name__ == "__main__":
    main()
