"""`lunacy fetch`."""

from __future__ import annotations

import click

from lunacy.cli.parameters import device_option, index_option, server_options
from lunacy.cli.progress import ProgressLine


@click.command(epilog="Example: lunacy fetch 2611.01234 --index indexes/arxiv")
@click.argument("papers", metavar="ID...", nargs=-1, required=True)
@index_option
@device_option()
@server_options
def fetch(papers: tuple[str, ...], index_dir: str | None, device: str, endpoint: str, contact: str) -> None:
    """Add papers to an index that arXiv has and it lacks.

    For a few papers, three seconds each; `lunacy update` takes in all that is new. Those that the index has are brought
    up to date.
    """
    from lunacy.pipeline.fetch import fetch as fetch_papers
    from lunacy.query import find_index

    folder = find_index(index_dir)
    with ProgressLine("asking arXiv") as shown:
        report = fetch_papers(
            folder, papers, endpoint=endpoint, contact=contact, device=device, progress=shown, note=shown.note
        )
    counts = report.counts
    click.echo(f"{folder}: {counts.added:,} added, {counts.updated:,} updated, {counts.unchanged:,} unchanged")
    if counts.filtered:
        click.echo(f"{counts.filtered:,} in other categories than those of the index were left out")
