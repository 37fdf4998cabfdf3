"""The graph of neighbours for SciPy (a sparse matrix), and for programs that draw graphs (GraphML)."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from lunacy.answer import SCORE_DIGITS
from lunacy.arrays import Rows
from lunacy.derived.graph import Graph, Lists
from lunacy.display import html_text
from lunacy.errors import UsageError
from lunacy.progress import Progress, Report
from lunacy.store import View
from lunacy.unicode import to_unicode

_MOST_DRAWN = 20_000  # papers: a file of some 40 MB, and more than programs for GraphML lay out
_GRAPHML = "http://graphml.graphdrawing.org/xmlns"


def live_blocks(graph: Graph, progress: Report) -> Iterator[tuple[Rows, Lists]]:
    """The papers' rows and lists, block by block."""
    for first, lists in graph.blocks():
        progress(Progress("exporting the graph", first, len(graph.lists), "rows"))
        live = np.flatnonzero(graph.keys[first : first + len(lists)])
        yield live + first, Lists(lists.rows[live], lists.cosines[live])


def write_csr(view: View, graph: Graph, path: Path, progress: Report) -> None:
    """Write the matrix of cosines, (n_papers, n_papers), as `scipy.sparse.save_npz` does, with `ids` of its rows.

    Papers are numbered in the order of the index.
    """
    place_of = np.cumsum(graph.keys != 0) - 1  # by row
    sizes, n_edges = np.zeros(view.n_papers, np.int64), 0
    for rows, lists in live_blocks(graph, progress):
        n_here = (lists.rows >= 0).sum(axis=1)
        sizes[place_of[rows]] = n_here
        n_edges += int(n_here.sum())
    ids = np.array([identifier for _row, identifier in view.stream("id")])
    small: dict[str, npt.NDArray[Any]] = {
        "format": np.array(b"csr"),
        "shape": np.array([view.n_papers, view.n_papers]),
        "indptr": np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64 if n_edges >= 2**31 else np.int32),
        "ids": ids,
    }
    index_type = small["indptr"].dtype
    with zipfile.ZipFile(path, "x") as archive:
        for name, array in small.items():
            with archive.open(f"{name}.npy", "w", force_zip64=True) as file:
                np.lib.format.write_array(file, array, allow_pickle=False)
        for name, dtype in (("indices", index_type), ("data", np.dtype("<f4"))):
            with archive.open(f"{name}.npy", "w", force_zip64=True) as file:
                header = {"descr": dtype.str, "fortran_order": False, "shape": (n_edges,)}
                np.lib.format.write_array_header_1_0(file, header)
                for _rows, lists in live_blocks(graph, progress):
                    there = lists.rows >= 0
                    found = place_of[lists.rows[there]] if name == "indices" else lists.cosines[there]
                    file.write(found.astype(dtype).tobytes())


def write_graphml(view: View, graph: Graph, path: Path) -> None:
    """Write it for programs that draw graphs. Raises UsageError for one that is too large to be drawn."""
    if view.n_papers > _MOST_DRAWN:
        raise UsageError(
            f"the index has {view.n_papers:,} papers, and GraphML is for up to {_MOST_DRAWN:,}",
            hint="write the graph to .npz or .parquet",
        )
    ids = dict(view.stream("id"))
    with path.open("x", encoding="utf-8") as file:
        file.write(f'<?xml version="1.0" encoding="UTF-8"?>\n<graphml xmlns="{_GRAPHML}">\n')
        for name, of, kind in (
            ("title", "node", "string"),
            ("categories", "node", "string"),
            ("cosine", "edge", "double"),
        ):
            file.write(f'<key id="{name}" for="{of}" attr.name="{name}" attr.type="{kind}"/>\n')
        file.write('<graph edgedefault="directed">\n')
        for _row, identifier, title, categories in view.stream("id, title, categories"):
            values = {"title": to_unicode(title), "categories": categories}
            data = "".join(f'<data key="{name}">{html_text(value)}</data>' for name, value in values.items())
            file.write(f'<node id="{html_text(identifier)}">{data}</node>\n')
        for row, lists in live_blocks(graph, lambda _progress: None):
            for place, source in enumerate(row.tolist()):
                for other, cosine in zip(lists.rows[place].tolist(), lists.cosines[place].tolist(), strict=True):
                    if other >= 0:
                        ends = f'source="{html_text(ids[source])}" target="{html_text(ids[other])}"'
                        file.write(f'<edge {ends}><data key="cosine">{cosine:.{SCORE_DIGITS}f}</data></edge>\n')
        file.write("</graph>\n</graphml>\n")
