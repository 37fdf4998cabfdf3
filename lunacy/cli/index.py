"""`lunacy index`."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING, Any

import click

from lunacy.cli.parameters import File, Folder, category_option, device_option
from lunacy.cli.streams import takes_escapes
from lunacy.errors import NoIndex, UsageError

if TYPE_CHECKING:
    from lunacy.pipeline import BuildReport, Progress

_SAMPLE_INDEX = "indexes/sample"
_EVERY_S = 0.2


@click.command(epilog="Example: lunacy index snapshot.json.zip --into indexes/cs --category 'cs.*'")
@click.argument("snapshot", nargs=-1, type=File())
@click.option("--into", metavar="DIR", type=Folder(), help=f"The index folder; for the sample {_SAMPLE_INDEX}.")
@category_option
@click.option(
    "--text",
    type=click.Choice(["title+abstract", "abstract"]),
    help="What is embedded of a paper  [title+abstract]",
)
@click.option("--limit", metavar="N", type=click.IntRange(min=1), help="Stop after N papers.")
@click.option("--model", metavar="NAME", help="A sentence-transformers model, by name or folder  [all-MiniLM-L6-v2]")
@device_option
@click.option("--batch-size", metavar="N", type=click.IntRange(min=1), help="Texts a batch  [by device]")
@click.option("--prompt", metavar="TEXT", help="What stands before each text  [as the model has it]")
@click.option("--dims", metavar="N", type=click.IntRange(min=1), help="Keep N dimensions, for Matryoshka models.")
@click.option(
    "--long-texts",
    type=click.Choice(["cut", "chunk"]),
    help="Texts longer than the model reads: cut, or averaged over windows  [cut]",
)
@click.option("--vectors", metavar="FILE.npy", type=File(), help="Bring your own vectors, one row a line.")
@click.option("--prune", is_flag=True, help="Remove the papers that the snapshot no longer holds.")
@click.option(
    "--prune-limit",
    metavar="SHARE",
    type=click.FloatRange(0, 1),
    default=0.05,
    show_default=True,
    help="Refuse to remove a larger share of the papers.",
)
@click.option(
    "--ray",
    metavar="[ADDRESS]",
    is_flag=False,
    flag_value="",
    help="Embed on a Ray cluster: auto, local, host:port  [as ray.init has it]",
)
@click.option("--strict", is_flag=True, help="Stop at the first bad line.")
def index(snapshot: tuple[str, ...], into: str | None, category: tuple[str, ...], **options: Any) -> None:
    """Build an index from a SNAPSHOT of arXiv's metadata, or bring it up to date.

    SNAPSHOT is JSON Lines as Kaggle's arXiv dataset has it: plain, .gz, .zst, .bz2, .xz, .zip, .tar, or - for standard
    input; several are read one after another. Without one, the sample of some 2,000 papers that lunacy ships is
    indexed. Run it again after a kill, or with a newer snapshot: only what is new or changed is embedded. An index
    remembers its categories, text and model, so a rerun need not repeat them; --category '*' takes in all papers again.
    """
    if into is None and snapshot:
        raise UsageError("say where the index goes: --into DIR")
    from lunacy.pipeline import build_index

    shown = _ProgressLine()
    folder = into or _SAMPLE_INDEX
    try:
        report = build_index(
            snapshot or None, into=folder, category=category or None, progress=shown.show, note=shown.note, **options
        )
    except (KeyboardInterrupt, SystemExit):
        n = _n_papers(folder)
        kept = f"{folder} keeps {n:,} papers" if n else f"no paper is in {folder} yet"
        click.echo(f"lunacy: {kept}; the same command goes on from there", err=True)
        raise
    finally:
        shown.clear()
    _print(report)
    if not snapshot:
        click.echo("try: lunacy query 1802.05130")


def _n_papers(folder: str) -> int:
    from lunacy.query import open_index

    try:
        with open_index(folder) as ix:
            return len(ix)
    except NoIndex:
        return 0


def _print(report: BuildReport) -> None:
    counts = report.counts
    click.echo(
        f"read {counts.read:,} = added {counts.added:,} + updated {counts.updated:,} + unchanged {counts.unchanged:,} "
        f"+ filtered {counts.filtered:,} + quarantined {counts.quarantined:,}"
    )
    besides = [
        (counts.metadata_only, "updated in metadata only"),
        (counts.repeated, "with an id that came before (the later line wins)"),
        (counts.cut, "with a text longer than the model reads (cut)"),
    ]
    for n, what in besides:
        if n:
            click.echo(f"{n:,} {what}")
    if counts.pruned:
        click.echo(f"{counts.pruned:,} papers that the snapshot no longer holds were removed")
    if report.quarantine:
        click.echo(f"bad lines are in {report.quarantine}")
    click.echo(f"{report.folder} is up to date, after {report.wait_s:.1f} s")


class _ProgressLine:
    """One line on a terminal, rewritten: how much is read, how fast, how long it will take. Quiet when piped."""

    def __init__(self) -> None:
        self._started = time.monotonic()
        self._shown = 0.0
        self._is_on = takes_escapes(sys.stderr)

    def show(self, progress: Progress) -> None:
        now = time.monotonic()
        if not self._is_on or now - self._shown < _EVERY_S:
            return
        self._shown = now
        passed_s = now - self._started
        text = f"{progress.counts.read:,} lines, {progress.counts.read / passed_s:,.0f}/s"
        if progress.size_bytes:
            share = progress.position_bytes / progress.size_bytes
            left_s = passed_s * (1 - share) / share if share else 0
            text += f", {share:.0%}, {int(left_s) // 60}:{int(left_s) % 60:02} left"
        click.echo(f"\r\x1b[K{text}", nl=False, err=True)

    def note(self, text: str) -> None:
        self.clear()
        click.echo(f"lunacy: {text}", err=True)

    def clear(self) -> None:
        if self._is_on:
            click.echo("\r\x1b[K", nl=False, err=True)
