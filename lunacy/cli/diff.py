"""`lunacy diff`."""

from __future__ import annotations

import click

from lunacy.cli.parameters import File, category_option, index_option
from lunacy.cli.progress import ProgressLine


@click.command(epilog="Example: lunacy diff snapshot.json.zip --index indexes/arxiv --ids")
@click.argument("snapshot", type=File())
@index_option
@category_option
@click.option("--ids", is_flag=True, help="List the papers, one per line: what would happen to it, and its id.")
def diff(snapshot: str, index_dir: str | None, category: tuple[str, ...], ids: bool) -> None:
    """Show what `lunacy index SNAPSHOT` would change.

    Changes nothing itself. "gone" are papers of the index that the snapshot lacks; only `lunacy index --prune` removes
    them.
    """
    with ProgressLine("reading the snapshot") as progress:
        from lunacy import pipeline
        from lunacy.query import find_index

        found = pipeline.diff(
            find_index(index_dir),
            snapshot,
            category=category or None,
            progress=progress,
        )
    kinds = [
        ("new", found.new),
        ("changed", found.changed),
        ("metadata only", found.metadata_only),
        ("older", found.older),
        ("gone", found.gone),
    ]
    if ids:
        for kind, papers in kinds:
            for paper in papers:
                click.echo(f"{kind}\t{paper}")
        return
    for kind, papers in kinds:
        click.echo(f"{kind:13}  {len(papers):,}")
    click.echo(f"unchanged      {found.n_unchanged:,}")
    if found.n_filtered:
        click.echo(f"filtered       {found.n_filtered:,} lines")
    if found.n_bad:
        click.echo(f"bad            {found.n_bad:,} lines", err=True)
