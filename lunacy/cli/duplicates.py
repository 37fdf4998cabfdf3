"""`lunacy duplicates`."""

from __future__ import annotations

import click

from lunacy.cli.output import form_of, opened
from lunacy.cli.parameters import File, index_option
from lunacy.cli.progress import ProgressLine


@click.command(epilog="Example: lunacy duplicates --index indexes/arxiv --output copies.csv")
@index_option
@click.option(
    "--format",
    "form",
    type=click.Choice(["table", "json", "csv"]),
    help="How the output is written  [default: that of FILE's suffix, else table]",
)
@click.option(
    "-o",
    "--output",
    metavar="FILE",
    type=File(),
    help="Write to FILE instead of standard output; it is replaced only by a whole answer.",
)
def duplicates(index_dir: str | None, form: str | None, output: str | None) -> None:
    """List the papers that are one work.

    They share an author, and either have one title, or are nearly the same (a cosine of 0.95 or more, with the same
    numbers in their titles). Withdrawn papers are left out. The index needs a graph of neighbours: `lunacy graph`.
    """
    with ProgressLine("reading the index") as progress:
        from lunacy import pipeline, render
        from lunacy.query import find_index

        found = pipeline.duplicates(find_index(index_dir), progress=progress)
    with opened(output) as out:
        form = form_of(form, output, "table")
        out.write(render.copies(found, form, escaped=bool(out.look.get("escaped"))), at_once=False)
    n_papers = sum(len(one.papers) for one in found)
    click.echo(f"works that are there more than once: {len(found):,}, papers: {n_papers:,}", err=True)
