"""`lunacy publish`."""

from __future__ import annotations

import sys

import click

from lunacy.cli.parameters import device_option, index_option
from lunacy.cli.streams import takes_escapes


@click.command(epilog="Example: lunacy publish --index indexes/arxiv --to http://localhost:19530/arxiv")
@index_option
@click.option(
    "--to", metavar="ADDRESS", required=True, help="http://HOST:19530/NAME, or milvus:FILE.db/NAME (milvus-lite)."
)
@click.option("--ivf", is_flag=True, help="Make lists too, for quick answers; they are kept from then on.")
@click.option(
    "--recall",
    metavar="SHARE",
    type=float,
    default=0.98,
    show_default=True,
    help="Share of the ten best that --ivf shall find.",
)
@device_option
def publish(index_dir: str | None, to: str, ivf: bool, recall: float, device: str) -> None:
    """Bring a collection of a Milvus server up to an index.

    Only what is new or other there is sent, and what the index no longer holds is deleted, so the same command goes on
    after a failure. Ask it with: lunacy query ID --index ADDRESS. MILVUS_TOKEN is sent to servers that want one.
    """
    from lunacy import render
    from lunacy.pipeline import publish
    from lunacy.query import find_index

    is_on = takes_escapes(sys.stderr)

    def show(done: int, n_papers: int) -> None:
        if is_on:
            click.echo(f"\r\x1b[K{done:,} of {n_papers:,} papers compared", nl=False, err=True)

    try:
        report = publish(find_index(index_dir), to=to, ivf=ivf, recall=recall, device=device, progress=show)
    finally:
        if is_on:
            click.echo("\r\x1b[K", nl=False, err=True)
    click.echo(
        f"{report.name} holds {report.n_papers:,} papers: {report.n_sent:,} sent, {report.n_deleted:,} deleted, "
        f"after {report.wait_s:.1f} s"
    )
    if report.ivf:
        for line in render.recalls(report.ivf):
            click.echo(line)
