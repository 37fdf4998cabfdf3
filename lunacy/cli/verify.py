"""`lunacy verify`."""

from __future__ import annotations

import os
import sys

import click

from lunacy.cli.options import index_option


@click.command(epilog="Example: lunacy verify --index indexes/arxiv")
@index_option
def verify(index_dir: str | None) -> None:
    """Check every file, vector and paper of an index; name what is wrong."""
    from lunacy.query import find_index
    from lunacy.store import verify as find_faults

    folder = find_index(index_dir, os.environ.get("LUNACY_INDEX"))
    faults = find_faults(folder)
    for fault in faults:
        click.echo(f"lunacy: {folder}: {fault}", err=True)
    if faults:
        sys.exit(1)
    click.echo(f"{folder}: all is well")
