"""`lunacy ivf`."""

from __future__ import annotations

import click

from lunacy.cli.parameters import device_option, index_option, recall_option
from lunacy.cli.progress import ProgressLine


@click.command(epilog="Example: lunacy ivf --index indexes/arxiv --recall 0.99")
@index_option
@recall_option(0.98, "Share of the true top 10 that an answer contains on average.")
@device_option("the model runs, which embeds titles to measure recall")
def ivf(index_dir: str | None, recall: float, device: str) -> None:
    """Build an approximate (IVF) index for faster queries.

    Its recall is measured, on papers and on titles of this index; `lunacy info` and each answer tell it. Ask it with:
    lunacy query ID --ivf.
    """
    with ProgressLine("reading the index") as progress:
        from lunacy import render
        from lunacy.pipeline import build_ivf
        from lunacy.query import find_index

        report = build_ivf(find_index(index_dir), recall=recall, device=device, progress=progress)
    facts = report.facts
    made_s = facts.build_s or 0.0
    click.echo(
        f"{report.folder}: {facts.nlist:,} lists, {render.size(report.size_bytes)}, made in {made_s:.1f} s, "
        f"recall measured in {report.wait_s - made_s:.1f} s"
    )
    for line in render.recalls(facts):
        click.echo(line)
