"""`lunacy update`."""

from __future__ import annotations

from contextlib import nullcontext
from typing import TYPE_CHECKING, Any

import click

from lunacy.cli.index import print_counts
from lunacy.cli.parameters import device_option, index_option, server_options
from lunacy.cli.progress import ProgressLine
from lunacy.errors import UsageError

if TYPE_CHECKING:
    from lunacy.pipeline import DiffReport
    from lunacy.pipeline.update import UpdateReport


@click.command(epilog="Example: lunacy update --index indexes/arxiv --contact you@example.org")
@index_option
@click.option("--since", metavar="DATE", help="Ask for changes from this day on  [default: since the last update]")
@click.option("--dry-run", is_flag=True, help="Show what would change; change nothing.")
@click.option("--quiet", is_flag=True, help="Print one line, and no progress.")
@device_option()
@server_options
def update(
    index_dir: str | None,
    since: str | None,
    dry_run: bool,
    quiet: bool,
    device: str,
    endpoint: str,
    contact: str,
) -> None:
    """Take in what changed on arXiv since the last update.

    Asks arXiv's own interface (OAI-PMH) for new and revised papers, a page every 3 seconds, and embeds those of the
    index's categories whose text is new. An update that was stopped goes on where it was.

    The first update of an index made from a snapshot begins a week before the newest date in it. What comes is kept in
    the folder harvest/ of the index, as snapshots that `lunacy index` reads.
    """
    if dry_run and device != "auto":
        raise UsageError("--dry-run embeds nothing, so --device has no effect; leave one of them out")
    from lunacy.pipeline.update import preview_update
    from lunacy.pipeline.update import update as bring_up_to_date
    from lunacy.query import find_index

    folder = find_index(index_dir)
    options: dict[str, Any] = {"since": since, "endpoint": endpoint, "contact": contact}
    with nullcontext() if quiet else ProgressLine("asking arXiv") as shown:
        if shown is not None:
            options |= {"progress": shown, "note": shown.note}
        if dry_run:
            found = preview_update(folder, **options)
        else:
            report = bring_up_to_date(folder, device=device, **options)
    if dry_run:
        _print_preview(found)
    else:
        _print(report, quiet=quiet)


def _print(report: UpdateReport, *, quiet: bool) -> None:
    counts = report.counts
    known = f"all changes until {report.up_to}" if report.up_to else "changes"
    if quiet:
        click.echo(
            f"{report.folder}: {counts.added:,} new, {counts.updated:,} updated, {counts.older:,} older, "
            f"{counts.unchanged:,} unchanged; it has {known}"
        )
        return
    print_counts(counts)
    if report.quarantine:
        click.echo(f"bad records are in {report.quarantine}")
    click.echo(f"{report.folder} has {known}, after {report.wait_s:.1f} s")


def _print_preview(found: DiffReport) -> None:
    kinds = {
        "new": found.new,
        "changed": found.changed,
        "metadata only": found.metadata_only,
        "older": found.older,
    }
    for kind, papers in kinds.items():
        click.echo(f"{kind:13}  {len(papers):,}")
    click.echo(f"unchanged      {found.n_unchanged:,}")
