"""`lunacy export`."""

from __future__ import annotations

import click

from lunacy.cli.parameters import File, index_option
from lunacy.cli.progress import ProgressLine


@click.command(epilog="Example: lunacy export papers.parquet --index indexes/arxiv")
@click.argument("out", metavar="OUT", type=File())
@index_option
@click.option("--graph", is_flag=True, help="Write the graph of neighbours that `lunacy graph` made.")
def export(out: str, index_dir: str | None, graph: bool) -> None:
    """Write the papers and vectors of an index to a file.

    The suffix of OUT says how: .parquet has all that the index knows of a paper, with its place on the map (x, y) if
    there is one, and `lunacy index --from` reads it; .arrow or .feather has the id and a column for each dimension;
    .npy the vectors, with the ids in a text file beside it. With --graph: .parquet has an edge a row; .npz is a sparse
    matrix of SciPy; .graphml is for small graphs. Parquet and Arrow need the extra `export`.
    """
    with ProgressLine("reading the index") as progress:
        from lunacy import pipeline, render
        from lunacy.query import find_index

        report = pipeline.export(find_index(index_dir), out, graph=graph, progress=progress)
    what = f"{report.n_papers:,} papers" + (f", {report.n_edges:,} edges" if report.n_edges is not None else "")
    files = " and ".join(str(path) for path in report.files)
    click.echo(f"{files}: {what}, {render.size(report.size_bytes)}, after {report.wait_s:.1f} s")
