"""`lunacy compact`."""

from __future__ import annotations

import click

from lunacy.cli.parameters import index_option
from lunacy.cli.progress import ProgressLine


@click.command(epilog="Example: lunacy compact --index indexes/arxiv")
@index_option
def compact(index_dir: str | None) -> None:
    """Free the space of replaced and removed papers.

    This happens by itself when a quarter of a segment's rows belong to such papers.
    """
    with ProgressLine("compacting") as progress:
        from lunacy import pipeline
        from lunacy.query import find_index

        folder = find_index(index_dir)
        n_freed = pipeline.compact(folder, progress=progress).n_freed
    click.echo(f"{folder}: freed the space of {n_freed:,} paper{'s' if n_freed != 1 else ''}")
