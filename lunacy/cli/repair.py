"""`lunacy repair`."""

from __future__ import annotations

import click

from lunacy.cli.parameters import index_option
from lunacy.cli.progress import ProgressLine


@click.command(epilog="Example: lunacy repair --index indexes/arxiv > lost.txt")
@index_option
def repair(index_dir: str | None) -> None:
    """Remove the broken parts of an index and keep the rest.

    Prints the ids of the papers that are lost; the next `lunacy index` embeds them again.
    """
    with ProgressLine("checking") as progress:
        from lunacy.query import find_index
        from lunacy.store import repair as mend

        folder = find_index(index_dir)
        done = mend(folder, progress=progress)
    for fault in done.faults:
        click.echo(f"was: {fault}", err=True)
    for identifier in done.lost:
        click.echo(identifier)
    click.echo(
        f"{folder}: {done.n_kept:,} papers kept, {len(done.lost) + done.n_unreadable:,} lost"
        + (f", {done.n_unreadable:,} of them without a readable id" if done.n_unreadable else "")
        + ("; run again the `lunacy index` that made it" if done.faults else ": nothing was wrong"),
        err=True,
    )
