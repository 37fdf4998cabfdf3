"""`lunacy publish`."""

from __future__ import annotations

import click

from lunacy.cli.parameters import device_option, index_option, recall_option
from lunacy.cli.progress import ProgressLine


@click.command(epilog="Example: lunacy publish --index indexes/arxiv --to http://localhost:19530/arxiv")
@index_option
@click.option(
    "--to",
    metavar="ADDRESS",
    required=True,
    help="Where to: http://HOST:19530/NAME, or milvus:FILE.db/NAME for milvus-lite.",
)
@click.option(
    "--ivf", is_flag=True, help="Build an approximate (IVF) index there too, and keep it up to date from then on."
)
@recall_option(0.98, "With --ivf: share of the true top 10 that an answer contains on average.", needs=["--ivf"])
@device_option("the model runs, when the recall of an IVF index is measured")
def publish(index_dir: str | None, to: str, ivf: bool, recall: float, device: str) -> None:
    """Publish an index to Milvus, or update what was published.

    Sends only what is new or changed, and deletes what the index no longer holds; after a failure, run the same
    command again. Ask the published index with: lunacy query ID --index ADDRESS. If the server wants a token, set
    MILVUS_TOKEN.
    """
    with ProgressLine("publishing") as progress:
        from lunacy import render
        from lunacy.pipeline import publish
        from lunacy.query import find_index

        report = publish(find_index(index_dir), to=to, ivf=ivf, recall=recall, device=device, progress=progress)
    click.echo(
        f"{report.name} holds {report.n_papers:,} papers: {report.n_sent:,} sent, {report.n_deleted:,} deleted, "
        f"after {report.wait_s:.1f} s"
    )
    if report.ivf:
        for line in render.recalls(report.ivf):
            click.echo(line)
