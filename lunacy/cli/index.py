"""`lunacy index`."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from lunacy.cli.headings import GroupedCommand
from lunacy.cli.parameters import Dependent, File, Folder, category_option, device_option
from lunacy.cli.progress import ProgressLine
from lunacy.cli.streams import width
from lunacy.errors import NoIndex, UsageError
from lunacy.paper import RECIPES

if TYPE_CHECKING:
    from lunacy import pipeline

_SAMPLE_INDEX = "indexes/sample"
_HEADINGS = {
    "Index and papers": "--into --category --limit --strict --from --no-lexical",
    "Updating": "--prune --prune-limit",
    "Embedding": "--text --model --prompt --dims --long-texts --vectors --device --batch-size --ray",
}


@click.command(
    cls=GroupedCommand,
    headings=_HEADINGS,
    epilog="Example: lunacy index snapshot.json.zip --into indexes/cs --category 'cs.*'",
)
@click.argument("snapshot", nargs=-1, type=File())
@click.option(
    "--into", metavar="DIR", type=Folder(), help=f"The index folder  [default for the sample: {_SAMPLE_INDEX}]"
)
@category_option
@click.option(
    "--text",
    type=click.Choice(RECIPES),
    help="Which text of a paper is embedded  [default: title+abstract]",
)
@click.option("--limit", metavar="N", type=click.IntRange(min=1), help="Stop after N papers.")
@click.option(
    "--model", metavar="NAME", help="A sentence-transformers model: name or folder  [default: all-MiniLM-L6-v2]"
)
@device_option()
@click.option(
    "--batch-size",
    metavar="N",
    type=click.IntRange(min=1),
    hidden=True,
    help="Texts per batch  [default: depends on the device]",
)
@click.option("--prompt", metavar="TEXT", help="Prefix put before each text  [default: the model's own]")
@click.option(
    "--dims", metavar="N", type=click.IntRange(min=1), help="Keep the first N dimensions (for Matryoshka models)."
)
@click.option(
    "--long-texts",
    type=click.Choice(["cut", "chunk"]),
    help="Texts longer than the model reads: cut them, or average over overlapping chunks  [default: cut]",
)
@click.option(
    "--vectors",
    metavar="FILE.npy",
    type=File(),
    help="Use these vectors, one row per line of the snapshot, instead of the model.",
)
@click.option(
    "--prune",
    is_flag=True,
    help="Remove papers that the snapshot lacks; those in it stay, whatever their category.",
)
@click.option(
    "--prune-limit",
    cls=Dependent,
    needs=["--prune"],
    metavar="SHARE",
    type=click.FloatRange(0, 1),
    default=0.05,
    show_default=True,
    help="With --prune: refuse to remove more than this share of the papers.",
)
@click.option(
    "--ray",
    metavar="[ADDRESS]",
    is_flag=False,
    flag_value="",
    help="Embed on a Ray cluster: auto, local or HOST:PORT  [default: Ray's own choice]",
)
@click.option(
    "--from",
    "exported",
    metavar="FILE.parquet",
    type=File(),
    help="Instead of a snapshot: papers and vectors of another index, as `lunacy export` wrote them.",
)
@click.option(
    "--no-lexical",
    "lexical",
    flag_value=False,
    default=True,
    help="Make no word index, which `query --rank hybrid` needs; `lunacy lexical` makes it later.",
)
@click.option("--strict", is_flag=True, help="Refuse a snapshot with a bad line, instead of skipping the line.")
def index(
    snapshot: tuple[str, ...], into: str | None, category: tuple[str, ...], exported: str | None, **options: Any
) -> None:
    """Build an index from a snapshot of arXiv's metadata, or update it.

    SNAPSHOT is a file of JSON Lines in the form of Kaggle's arXiv dataset, plain or packed (.gz, .zst, .bz2, .xz,
    .zip, .tar); - reads standard input, and several files are read one after another. Without SNAPSHOT, the sample of
    2,000 papers that comes with lunacy is indexed.

    Run the same command again after an interruption, or with a newer snapshot: only new and changed papers are
    embedded. An index remembers its categories, text, model and --no-lexical; --category '*' adds papers of all
    categories again.
    """
    if exported is not None:
        _require_alone(snapshot)
    if into is None and (snapshot or exported is not None):
        raise UsageError("say where the index goes: --into DIR")
    folder = into or _SAMPLE_INDEX
    if exported is not None:
        _rebuild(exported, folder, lexical=options["lexical"])
        return
    try:
        with ProgressLine("reading the snapshot") as shown:
            from lunacy.pipeline import build_index

            report = build_index(
                snapshot or None,
                into=folder,
                category=category or None,
                progress=shown,
                note=shown.note,
                **options,
            )
    except (KeyboardInterrupt, SystemExit):
        n = _n_papers(folder)
        kept = f"{folder} keeps {n:,} papers" if n else f"no paper is in {folder} yet"
        click.echo(f"lunacy: {kept}; the same command goes on from there", err=True)
        raise
    _print(report)
    n_known = report.counts.updated + report.counts.unchanged
    if (report.counts.added and not n_known) or (n_known and not snapshot):  # a new index, or the sample
        from lunacy.query import example_query

        click.echo(f"try: {example_query(folder)}")


def _require_alone(snapshot: tuple[str, ...]) -> None:
    """Raise UsageError if more than --from and --into is given."""
    ctx = click.get_current_context()
    given = [
        one for one in ctx.command.params if ctx.get_parameter_source(one.name or "") is ParameterSource.COMMANDLINE
    ]
    others = [one.opts[0] for one in given if one.name not in ("snapshot", "into", "exported", "lexical")]
    if snapshot or others:
        what = ", ".join([*snapshot, *others])
        raise UsageError(f"--from takes the place of a snapshot and what belongs to it; leave {what} out")


def _rebuild(exported: str, folder: str, *, lexical: bool) -> None:
    with ProgressLine("reading the file") as shown:
        from lunacy.pipeline import rebuild

        report = rebuild(exported, into=folder, lexical=lexical, progress=shown, note=shown.note)
    click.echo(
        f"read {report.n_papers:,} papers = added {report.n_added:,} + unchanged {report.n_papers - report.n_added:,}"
    )
    click.echo(f"{report.folder} is up to date, after {report.wait_s:.1f} s")


def _n_papers(folder: str) -> int:
    from lunacy.query import open_index

    try:
        with open_index(folder) as ix:
            return len(ix)
    except NoIndex:
        return 0


def _print(report: pipeline.BuildReport) -> None:
    counts = report.counts
    print_counts(counts)
    if counts.pruned:
        click.echo(f"{counts.pruned:,} papers that the snapshot no longer holds were removed")
    if report.quarantine:
        click.echo(f"bad lines are in {report.quarantine}")
    click.echo(f"{report.folder} is up to date, after {report.wait_s:.1f} s")


def print_counts(counts: pipeline.Counts) -> None:
    """What became of each line, and what is worth knowing besides."""
    from lunacy.render.wrapping import joined

    kinds = ("added", "updated", "unchanged", "older", "filtered", "quarantined")
    parts = [f"+ {kind} {getattr(counts, kind):,}" for kind in kinds]
    parts = [f"read {counts.read:,} =", parts[0].removeprefix("+ "), *parts[1:]]
    lines = joined(parts, width(), " ") if sys.stdout is not None and sys.stdout.isatty() else [" ".join(parts)]
    click.echo("\n".join(lines))
    besides = [
        (counts.metadata_only, "updated in metadata only"),
        (counts.repeated, "with an id that came before (the later line wins, unless it is older)"),
        (counts.cut, "texts were cut to what the model reads (--long-texts chunk reads all)"),
    ]
    for n, what in besides:
        if n:
            click.echo(f"{n:,} {what}")
