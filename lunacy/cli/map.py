"""`lunacy map`."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from lunacy.advice import command
from lunacy.cli.headings import GroupedCommand
from lunacy.cli.output import open_pages, opened
from lunacy.cli.parameters import Dependent, File, device_option, format_option, index_option, top_option
from lunacy.cli.progress import ProgressLine
from lunacy.errors import LunacyError, UsageError
from lunacy.progress import Progress

if TYPE_CHECKING:
    from lunacy.draw.palette import Colour, Ground
    from lunacy.pipeline import MapReport
    from lunacy.query import Index
    from lunacy.region import Standing

_HEADINGS = {
    "What to show": "--index --text --top --format --model --device",
    "Pictures and pages": "--output --colour --ground --open",
    "Layout": "--anew --seed",
}
_EXAMPLES = """\b
Examples:
  lunacy map --open
  lunacy map 1802.05130 --text "graph neural networks"
  lunacy map -o map.html
  lunacy map -o slide.png --colour year
  lunacy map 1802.05130 --text "dark matter" -o poster.pdf
"""
_PAGE, _PICTURES = ".html", (".png", ".svg", ".pdf")
_LARGE_PAGE = 50 * 10**6  # bytes
_PICTURE_ZOOM = 2  # of its tiles: 2,048 pixels a side
_MANY_PLACED = 0.2  # of all papers: with more placed since the layout, a new one pays


@click.command("map", cls=GroupedCommand, headings=_HEADINGS, epilog=_EXAMPLES)
@click.argument("papers", metavar="[ID]...", nargs=-1)
@index_option
@click.option("--text", metavar="TEXT", help="Say where this text stands.")
@top_option(10, "Number of papers that are listed around each.")
@format_option
@click.option(
    "--model",
    cls=Dependent,
    needs=["--text"],
    metavar="NAME",
    help="With --text: load the index's model from this name or folder.",
)
@device_option("the model runs", needs=["--text"])
@click.option(
    "-o",
    "--output",
    metavar="FILE",
    type=File(),
    help="Write the map to FILE: a page that needs no server (.html), or a picture (.png, .svg, .pdf). Each ID and "
    "the text are marked.",
)
@click.option(
    "--colour",
    cls=Dependent,
    needs=["--output"],
    type=click.Choice(["archive", "year"]),
    default="archive",
    show_default=True,
    help="What the colours of a picture mean.",
)
@click.option(
    "--ground",
    cls=Dependent,
    needs=["--output"],
    type=click.Choice(["light", "dark"]),
    default="light",
    show_default=True,
    help="The ground of a picture.",
)
@click.option("--open", "opens", is_flag=True, help="Open the page in a browser.")
@click.option("--anew", is_flag=True, help="Lay the map out again, even if there is one.")
@click.option(
    "--seed",
    metavar="N",
    type=click.IntRange(0, 2**32 - 1),
    default=0,
    show_default=True,
    help="For a new layout; the same papers and seed give the same map.",
)
def map_(
    papers: tuple[str, ...],
    index_dir: str | None,
    text: str | None,
    top: int,
    form: str,
    model: str | None,
    device: str,
    output: str | None,
    colour: Colour,
    ground: Ground,
    opens: bool,
    anew: bool,
    seed: int,
) -> None:
    """Lay all papers out in two dimensions, and look at them.

    Papers that are alike lie together. The map is made once, and kept up to date by `lunacy index` and `lunacy update`;
    `lunacy serve` shows it too, at /map. With an ID (an arXiv id in any form, the DOI or title of a paper) or --text:
    where it stands, and which papers lie around it.
    """
    suffix = Path(output or "").suffix.lower()
    if output is not None and suffix not in (_PAGE, *_PICTURES):
        known = ", ".join((_PAGE, *_PICTURES))
        raise UsageError(f"the name of the file ends in {known}, not {suffix or 'nothing'!r}", where=output)
    if opens and output is not None and suffix != _PAGE:
        raise UsageError("--open opens a page; leave it out, or let FILE end in .html")
    with ProgressLine("reading the index") as progress:
        from lunacy.pipeline import build_map
        from lunacy.query import find_index, open_index

        report = build_map(find_index(index_dir), anew=anew, seed=seed, progress=progress)
        asks = bool(papers) or text is not None or output is not None or opens
        _tell(report, progress, asks=asks)
        with open_index(report.folder, progress=progress) as ix:
            stand: list[Standing] = []
            code = 0
            if papers or text is not None:
                from lunacy.query.standing import standings

                found = standings(ix, papers, text, top=top, model=model, device=device)
                stand, code = _print(found, form, progress)
            if suffix in _PICTURES:
                _draw(ix, Path(str(output)), colour, ground, stand, progress)
            elif output is not None or opens:
                page = Path(output) if output is not None else Path(tempfile.mkdtemp(prefix="lunacy-")) / "map.html"
                _write_page(ix, page, stand, progress)
    if opens:
        open_pages([page.resolve().as_uri()])
    sys.exit(code)


def _tell(report: MapReport, progress: ProgressLine, *, asks: bool) -> None:
    """What became of the map, if it is new or nothing else was asked, and whether a new layout would pay."""
    from lunacy import render

    facts, folder = report.facts, report.folder
    made = f"made in {report.wait_s:.1f} s" if report.is_new else "up to date already"
    told = f"{render.harmless(str(folder))}: the map of {facts.n_papers:,} papers, {report.n_regions:,} regions, {made}"
    if not asks:
        progress.__exit__(None)
        click.echo(f"{told}\nlook at it with: {command('map', '--open', '--index', folder)}")
    elif report.is_new:
        progress.note(told)
    if report.is_new and facts.recall is not None:
        progress.note(f"it was made from neighbours by IVF lists, {facts.recall:.1%} of which are the true ones")
    if facts.n_placed > _MANY_PLACED * facts.n_papers:
        share = f"{facts.n_placed:,} of the papers came after the map was laid out"
        progress.note(f"{share}; lay it out again with: {command('map', '--anew', '--index', folder)}")


def _print(found: Iterable[Standing | LunacyError], form: str, progress: ProgressLine) -> tuple[list[Standing], int]:
    """Print where each stands; those that were found, and the exit code."""
    from lunacy import render

    standings, code = [], 0
    for one in found:
        if isinstance(one, LunacyError):
            progress.note(render.harmless(one.full_message))
            code = max(code, one.exit_code)
        else:
            standings.append(one)
            for note in one.notes:
                progress.note(render.harmless(note))
    if standings:
        with opened(None) as out:
            out.write(render.standings(standings, form, **out.look), at_once=False)
    return standings, code


def _draw(
    ix: Index, path: Path, colour: Colour, ground: Ground, stand: Sequence[Standing], progress: ProgressLine
) -> None:
    from lunacy import render
    from lunacy.draw.picture import write_picture
    from lunacy.pipeline.exports.target import whole_file
    from lunacy.query.map_view import MapReader

    progress(Progress("drawing the map"))
    with ix.view() as view, whole_file(path) as part:
        found = MapReader().require(view)
        pixels = found.picture(_PICTURE_ZOOM, colour=colour, ground=ground)
        legend = found.legend(colour, ground)
        regions = found.map.regions
        write_picture(part, path.suffix.lower(), pixels, regions, legend, standings=stand, ground=ground)
    progress.note(f"{render.harmless(str(path))}: {render.size(path.stat().st_size)}")


def _write_page(ix: Index, path: Path, stand: Sequence[Standing], progress: ProgressLine) -> None:
    from lunacy import render
    from lunacy.serve.map.alone import BYTES_OF_A_PAPER, write_map_file

    if (size := len(ix) * BYTES_OF_A_PAPER) > _LARGE_PAGE:
        better = command("serve", "--open", "--index", ix.name)
        progress.note(f"the file will have some {render.size(size)}, which is much for a browser; better: {better}")
    written = write_map_file(ix, path, standings=stand, progress=progress)
    progress.note(f"{render.harmless(str(path))}: {written.n_papers:,} papers, {render.size(written.size_bytes)}")
