"""`lunacy remove`."""

from __future__ import annotations

import click

from lunacy.cli.parameters import index_option
from lunacy.cli.progress import ProgressLine


@click.command(epilog="Example: lunacy remove 1802.05130 --index indexes/arxiv")
@click.argument("papers", metavar="ID...", nargs=-1, required=True)
@index_option
def remove(papers: tuple[str, ...], index_dir: str | None) -> None:
    """Remove papers from an index.

    A later `lunacy index` adds them again if they are in its snapshot.
    """
    with ProgressLine("removing papers") as progress:
        from lunacy import pipeline
        from lunacy.query import find_index

        folder = find_index(index_dir)
        removed = pipeline.remove(folder, papers, progress=progress).ids
    click.echo(f"{folder}: {len(removed):,} removed: {', '.join(removed)}")
