"""`lunacy lexical`."""

from __future__ import annotations

import click

from lunacy.cli.parameters import index_option
from lunacy.cli.progress import ProgressLine


@click.command(epilog="Example: lunacy lexical --index indexes/arxiv")
@index_option
def lexical(index_dir: str | None) -> None:
    """Build the word (BM25) index for `query --rank hybrid` later.

    `lunacy index` makes it by itself, unless it is told --no-lexical, and keeps it up to date.
    """
    with ProgressLine("reading the index") as progress:
        from lunacy import render
        from lunacy.pipeline import build_lexical
        from lunacy.query import find_index

        report = build_lexical(find_index(index_dir), progress=progress)
    click.echo(
        f"{report.folder}: the words of {report.n_papers:,} papers, {render.size(report.size_bytes)}, "
        f"made in {report.wait_s:.1f} s"
    )
