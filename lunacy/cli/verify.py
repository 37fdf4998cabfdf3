"""`lunacy verify`."""

from __future__ import annotations

import sys

import click

from lunacy.advice import command
from lunacy.cli.parameters import Dependent, device_option, index_option
from lunacy.cli.progress import ProgressLine


@click.command(epilog="Example: lunacy verify --index indexes/arxiv --reembed 100")
@index_option
@click.option(
    "--reembed",
    "n_papers",
    metavar="N",
    type=click.IntRange(min=1),
    help="Also embed N papers again and compare the vectors.",
)
@click.option(
    "--model",
    cls=Dependent,
    needs=["--reembed"],
    metavar="NAME",
    help="With --reembed: load the index's model from this name or folder.",
)
@device_option("the model of --reembed runs", needs=["--reembed"])
def verify(index_dir: str | None, n_papers: int | None, model: str | None, device: str) -> None:
    """Check every file, vector and paper of an index.

    Lists what is damaged, and files in its folder that lunacy did not write.
    """
    with ProgressLine("checking") as progress:
        from lunacy import render
        from lunacy.pipeline import verify
        from lunacy.query import find_index

        folder = find_index(index_dir)
        found = verify(folder, reembed=n_papers or 0, model=model, device=device, progress=progress)
    for fault in found.faults:
        click.echo(f"lunacy: {folder}: {fault}", err=True)
    if found.foreign:
        click.echo(f"{folder}: not lunacy's: {render.names(found.foreign)}")
    if found.faults:
        click.echo(f"lunacy: mend it with: {command('repair', '--index', folder)}", err=True)
        sys.exit(1)
    again = f", {found.n_reembedded:,} embedded again" if n_papers else ""
    click.echo(f"{folder}: all is well ({found.n_papers:,} papers checked{again})")
