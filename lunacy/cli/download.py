"""`lunacy download`."""

from __future__ import annotations

import click

from lunacy.cli.parameters import File
from lunacy.cli.progress import ProgressLine

_EXAMPLES = """\b
Examples:
  lunacy download
  lunacy index arxiv.zip --into indexes/arxiv
"""


@click.command(epilog=_EXAMPLES)
@click.option("--into", metavar="FILE", type=File(), default="arxiv.zip", show_default=True, help="Where it goes.")
@click.option("--from", "url", metavar="URL", envvar="LUNACY_KAGGLE", hidden=True)
def download(into: str, url: str | None) -> None:
    """Download Kaggle's snapshot of arXiv's metadata: all papers.

    It has some 1.5 GB. Run it again after an interruption: it goes on where it was. A file that is the newest already
    stays. Kaggle renews the snapshot every week; `lunacy update` brings an index from there to today.
    """
    from lunacy.harvest import SNAPSHOT
    from lunacy.harvest import download as bring

    with ProgressLine("asking Kaggle") as shown:
        report = bring(into, url=url or SNAPSHOT, progress=shown, note=shown.note)
    what = "came" if report.is_new else "are there already, and are the newest"
    click.echo(f"{report.path}: {report.size_bytes:,} bytes {what}")
    if report.is_new:
        click.echo(f"next: lunacy index {report.path} --into indexes/arxiv")
