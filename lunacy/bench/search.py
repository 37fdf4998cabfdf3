"""Compare lunacy's ways to search with other engines, over the same vectors, in the same run."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

from lunacy.arrays import Rows, Vectors
from lunacy.bench.engines import peers
from lunacy.bench.process import cost_of
from lunacy.derived.ivf import open_ivf
from lunacy.entry import Entry
from lunacy.errors import MissingExtra
from lunacy.paper import Paper
from lunacy.pipeline import build_ivf, refresh_caches
from lunacy.search import Found, search, search_ivf
from lunacy.search.recall import draw
from lunacy.store import Store, View, Writer

TOP = 10
RECALLS = (0.95, 0.98, 0.99)
BATCHES = (64, 1024)  # queries
_SPREAD = 0.3  # length of what is added to a copied vector
_CHUNK = 8192
_COLD_TURNS = 7
_BATCH_TURNS = 2


@dataclass(frozen=True, slots=True)
class Line:
    """What was measured of one way to search."""

    name: str
    p50_ms: float  # one query at a time
    p95_ms: float
    batch_ms: dict[str, float]  # a query, in batches of BATCHES
    recall: float  # against the exact answers, the paper itself left out
    build_s: float | None
    bytes_per_vector: float


@dataclass(frozen=True, slots=True)
class Cold:
    """What was measured of a whole process, with a warm page cache."""

    name: str
    wall_ms: float  # median
    peak_mb: float  # resident, with mapped files


@dataclass(frozen=True, slots=True)
class SearchReport:
    """All that was measured."""

    n_rows: int
    dim: int
    lines: list[Line]
    cold: list[Cold]


def bench_search(
    index: str | Path,
    *,
    rows: int | None = None,
    n_queries: int = 200,
    graphs: bool = True,
    say: Callable[[str], None] = lambda _text: None,
) -> SearchReport:
    """Measure over `rows` vectors: those of the index and, when it has fewer, perturbed copies of them."""
    with tempfile.TemporaryDirectory(prefix="lunacy-bench-") as name:
        folder = Path(name) / "index"
        say("copying the vectors into an index of their own")
        _copy(Path(index), folder, rows)
        lines = []
        with Store(folder) as store:
            with store.view() as view:
                asked = draw(view, n_queries)
                queries, truth = view.vectors(asked), search(view, view.vectors(asked), TOP, without=asked.tolist())
                n_rows, dim = view.end_row, view.fingerprint.dim
                say("flat scan")
                lines.append(_flat_line(view, queries, asked, truth))
            say("proved-exact scan")
            started = time.perf_counter()
            refresh_caches(folder)
            codes_s = time.perf_counter() - started
            with store.view() as view:
                lines.append(_exact_line(view, queries, asked, truth, codes_s))
            for recall in RECALLS:
                say(f"IVF at recall {recall}")
                build_ivf(folder, recall=recall)
                with store.view() as view:
                    lines.append(_ivf_line(view, queries, asked, truth))
            with store.view() as view:
                lines += _peer_lines(view, queries, asked, truth, graphs, say)
                [paper] = view.papers(asked[:1])
        say("cold start")
        return SearchReport(n_rows, dim, lines, _cold(folder, paper.id))


def _copy(source: Path, folder: Path, n_rows: int | None) -> None:
    """Make an index of `n_rows` papers without texts: the vectors of `source`, perturbed from the second copy on."""
    rng = np.random.default_rng(0)
    with Store(source) as store, store.view() as view:
        live, dim = view.live_rows(), view.fingerprint.dim
        n_rows = n_rows or len(live)
        with Writer(folder, replace(view.fingerprint, text="abstract"), view.arithmetic) as writer:
            for start in range(0, n_rows, _CHUNK):
                places = np.arange(start, min(start + _CHUNK, n_rows))
                vectors = view.vectors(live[places % len(live)])
                noise = rng.standard_normal(vectors.shape, np.float32) * np.float32(_SPREAD / np.sqrt(dim))
                vectors += noise * (places >= len(live))[:, None]
                vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
                ids = [f"{place // 90000:04}.{place % 90000:05}" for place in places.tolist()]
                titles = [paper.title for paper in view.papers(live[places % len(live)])]
                papers = [Paper(one, title, one) for one, title in zip(ids, titles, strict=True)]
                writer.append([Entry.of(paper, "abstract") for paper in papers], vectors)
                if writer.n_pending + _CHUNK > 2**16:
                    writer.commit()
            writer.commit()


def _times(ask: Callable[[Vectors, Rows], Any], queries: Vectors, asked: Rows) -> tuple[float, float, dict[str, float]]:
    """Milliseconds: p50 and p95 of single queries, and the time per query in batches, by their size."""
    single = []
    for place in range(len(queries)):
        started = time.perf_counter()
        ask(queries[place : place + 1], asked[place : place + 1])
        single.append(time.perf_counter() - started)
    batch_ms = {}
    for size in BATCHES:
        places = np.arange(size) % len(queries)
        passed = []
        for _turn in range(_BATCH_TURNS):
            started = time.perf_counter()
            ask(queries[places], asked[places])
            passed.append(time.perf_counter() - started)
        batch_ms[str(size)] = 1000 * min(passed) / size
    return 1000 * float(np.median(single)), 1000 * float(np.percentile(single, 95)), batch_ms


def _recall(truth: list[Found], found: list[Rows]) -> float:
    pairs = zip(truth, found, strict=True)
    return float(np.mean([len(np.intersect1d(true.rows, rows)) / max(len(true.rows), 1) for true, rows in pairs]))


def _line(
    name: str,
    ask: Callable[[Vectors, Rows], list[Found]],
    queries: Vectors,
    asked: Rows,
    truth: list[Found],
    build_s: float | None,
    n_bytes: float,
) -> Line:
    found = [ask(queries[place : place + 1], asked[place : place + 1])[0].rows for place in range(len(queries))]
    return Line(name, *_times(ask, queries, asked), _recall(truth, found), build_s, n_bytes)


def _flat_line(view: View, queries: Vectors, asked: Rows, truth: list[Found]) -> Line:
    def ask(some: Vectors, rows: Rows) -> list[Found]:
        return search(view, some, TOP, without=rows.tolist())

    return _line("lunacy, no caches", ask, queries, asked, truth, None, 4 * queries.shape[1])


def _exact_line(view: View, queries: Vectors, asked: Rows, truth: list[Found], build_s: float) -> Line:
    def ask(some: Vectors, rows: Rows) -> list[Found]:
        return search(view, some, TOP, without=rows.tolist())

    n_bytes = sum(cache.size_bytes for cache in view.caches if cache.kind == "codes") / view.end_row
    return _line("lunacy", ask, queries, asked, truth, build_s, n_bytes + 4 * queries.shape[1])


def _ivf_line(view: View, queries: Vectors, asked: Rows, truth: list[Found]) -> Line:
    ivf = open_ivf(view)
    assert ivf is not None
    facts = ivf.facts

    def ask(some: Vectors, rows: Rows) -> list[Found]:
        return search_ivf(view, ivf, some, TOP, query_kind="paper", without=rows.tolist())

    n_bytes = sum(cache.size_bytes for cache in view.caches if cache.kind == "ivf") / view.end_row
    name = f"lunacy --ivf {facts.wanted}, nprobe {facts.papers.nprobe}"
    return _line(name, ask, queries, asked, truth, facts.build_s, n_bytes)


def _peer_lines(
    view: View, queries: Vectors, asked: Rows, truth: list[Found], graphs: bool, say: Callable[[str], None]
) -> Iterator[Line]:
    vectors = view.vectors(np.arange(view.end_row))
    for peer in peers(graphs=graphs):
        say(peer.name)
        started = time.perf_counter()
        ask = peer.build(vectors)
        build_s = time.perf_counter() - started
        found = [ask(query[None], TOP + 1)[0] for query in queries]
        others = [rows[rows != row][:TOP] for rows, row in zip(found, asked, strict=True)]
        times = _times(lambda some, _rows, ask=ask: ask(some, TOP + 1), queries, asked)  # type: ignore[misc]
        built = None if peer.is_exact else build_s
        yield Line(peer.name, *times, _recall(truth, others), built, peer.bytes_per_vector(vectors.shape[1]))


def _cold(folder: Path, paper: str) -> list[Cold]:
    query = ["-m", "lunacy", "query", paper, "--index", str(folder)]
    ways = {"import faiss": ["-c", "import faiss"], "lunacy query": query, "lunacy query --ivf": [*query, "--ivf"]}
    measured: dict[str, list[tuple[float, float]]] = {name: [] for name in ways}
    for _ in range(_COLD_TURNS):
        for name, arguments in ways.items():
            cost = cost_of(arguments)
            assert cost is not None, arguments
            measured[name].append((1000 * cost.wall_s, cost.peak_mb))
    return [Cold(name, *np.median(found, axis=0).tolist()) for name, found in measured.items()]


def draw_plot(report: SearchReport, path: str | Path) -> None:
    """Draw recall against latency to `path`, in the format of its suffix. Raises UsageError without matplotlib."""
    try:
        pyplot: Any = import_module("matplotlib.pyplot")
    except ImportError:
        raise MissingExtra("matplotlib, which draws the plot,", "bench") from None
    figure, axes = pyplot.subplots(figsize=(8, 5))
    for line in report.lines:
        axes.plot(line.p50_ms, line.recall, "o")
        axes.annotate(line.name, (line.p50_ms, line.recall), fontsize=7, rotation=20)
    axes.set(xscale="log", xlabel="ms a query (p50)", ylabel="recall of the 10 best")
    axes.set_title(f"{report.n_rows:,} vectors")
    figure.savefig(path)
    pyplot.close(figure)
