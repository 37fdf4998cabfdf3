"""`lunacy graph`."""

from __future__ import annotations

import click

from lunacy.cli.parameters import index_option, recall_option
from lunacy.cli.progress import ProgressLine


@click.command(epilog="Example: lunacy graph --index indexes/arxiv --k 10")
@index_option
@click.option(
    "--k", metavar="N", type=click.IntRange(1, 1000), default=15, show_default=True, help="Neighbours of each paper."
)
@click.option("--ivf", is_flag=True, help="Find them by the lists of `lunacy ivf`: several times faster, not exact.")
@recall_option(0.95, "With --ivf: share of the true neighbours that is found on average.", needs=["--ivf"])
def graph(index_dir: str | None, k: int, ivf: bool, recall: float) -> None:
    """Find the nearest neighbours of every paper.

    They are those of `lunacy query ID --top N`. Run the same command again after an interruption; `lunacy index` and
    `lunacy update` keep the graph up to date. `lunacy duplicates` needs it.
    """
    try:
        with ProgressLine("reading the index") as progress:
            from lunacy import render
            from lunacy.pipeline import build_graph
            from lunacy.query import find_index

            report = build_graph(find_index(index_dir), k=k, ivf=ivf, recall=recall, progress=progress)
    except (KeyboardInterrupt, SystemExit):
        click.echo("lunacy: all but the last half minute's work is kept; the same command goes on from there", err=True)
        raise
    made = f"made in {report.wait_s:.1f} s" if report.is_new else "up to date already"
    click.echo(
        f"{report.folder}: the {report.facts.k} nearest neighbours of {report.n_papers:,} papers, "
        f"{render.size(report.size_bytes)}, {made}"
    )
    click.echo(render.graph_recall(report.facts))
