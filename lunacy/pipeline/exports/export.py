"""Exporting an index: which form a file has, by its suffix."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

from lunacy.derived.graph import Graph, require_graph
from lunacy.errors import MissingExtra, UsageError
from lunacy.pipeline.exports.graph_files import write_csr, write_graphml
from lunacy.pipeline.exports.npy import ids_beside, write_npy
from lunacy.pipeline.exports.target import whole_file
from lunacy.progress import Report, no_report
from lunacy.store import Store, View, expanded

PAPERS = (".parquet", ".arrow", ".feather", ".npy")  # suffixes of files with papers
GRAPHS = (".parquet", ".npz", ".graphml")  # of files with the graph


@dataclass(frozen=True, slots=True)
class ExportReport:
    """What was written."""

    files: tuple[Path, ...]
    n_papers: int
    n_edges: int | None  # of the graph; None: it is not what was written
    size_bytes: int  # of all files
    wait_s: float


def export(index: str | Path, to: str | Path, *, graph: bool = False, progress: Report = no_report) -> ExportReport:
    """Write the papers of the index in the folder `index` with their vectors, as they are, to the file `to`.

    Its suffix says in which form: .parquet: all that the index knows of a paper, its place on the map too, which
    `rebuild` reads; .arrow or .feather: id and a column for each dimension; .npy: the vectors, with the ids in a text
    file beside it. All papers are written, withdrawn ones too, in the order of the index. The file is there whole or,
    after a failure, as it was.
    `graph`: write the graph of neighbours, which `build_graph` makes: .parquet: an edge a row; .npz: a sparse matrix of
    SciPy; .graphml for small ones. For .npz and .graphml it need not be given.

    Raises NoIndex, UsageError, and MissingExtra without pyarrow.

    >>> [path.name for path in lunacy.export("indexes/sample", "sample.npy").files]
    ['sample.npy', 'sample.ids.txt']
    """
    started = time.monotonic()
    path = expanded(to)
    suffix = path.suffix.lower()
    is_graph = graph or suffix in (".npz", ".graphml")
    known = GRAPHS if is_graph else PAPERS
    if suffix not in known:
        what = "the graph" if is_graph else "papers"
        raise UsageError(f"the name of a file with {what} ends in {', '.join(known)}, not {suffix or 'nothing'!r}")
    with Store(index) as store, store.view() as view:
        view.require_papers(index)
        write: Callable[[Path], object]
        files: tuple[Path, ...] = (path,)
        n_edges = None
        if is_graph:
            found = require_graph(view, index)
            n_edges = sum(int((lists.rows >= 0).sum()) for _first, lists in found.blocks())
            write = _graph_writer(suffix, view, found, progress)
        elif suffix == ".npy":
            files = path, ids_beside(path)
            with whole_file(ids_beside(path)) as ids_part, whole_file(path) as part:
                write_npy(view, part, ids_part, progress)
        else:
            write = _paper_writer(suffix, view, progress)
        if suffix != ".npy":
            with whole_file(path) as part:
                write(part)
        size_bytes = sum(os.path.getsize(one) for one in files)
        return ExportReport(files, view.n_papers, n_edges, size_bytes, time.monotonic() - started)


def _graph_writer(suffix: str, view: View, graph: Graph, progress: Report) -> Callable[[Path], object]:
    if suffix == ".npz":
        return lambda part: write_csr(view, graph, part, progress)
    if suffix == ".graphml":
        return lambda part: write_graphml(view, graph, part)
    columns = columnar()
    return lambda part: columns.write_edges(view, graph, part, progress)


def _paper_writer(suffix: str, view: View, progress: Report) -> Callable[[Path], object]:
    columns = columnar()
    if suffix == ".parquet":
        return lambda part: columns.write_papers(view, part, progress)
    return lambda part: columns.write_dimensions(view, part, progress)


def columnar() -> ModuleType:
    """The module that knows Parquet and Arrow. Raises MissingExtra without pyarrow."""
    try:
        from lunacy.pipeline.exports import columnar
    except ImportError as error:
        if (error.name or "").partition(".")[0] != "pyarrow":
            raise
        raise MissingExtra("pyarrow, which Parquet and Arrow need,", "export") from None
    return columnar
