"""`lunacy query`."""

from __future__ import annotations

import sys
from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import click

from lunacy.advice import command
from lunacy.cli.headings import GroupedCommand
from lunacy.cli.outcome import Outcome, tell
from lunacy.cli.output import form_for_reader, open_pages, opened, output_options
from lunacy.cli.parameters import (
    ONCE,
    Dependent,
    File,
    anywhere_option,
    device_option,
    filter_options,
    server,
    top_option,
)
from lunacy.cli.progress import LINE_S, ProgressLine
from lunacy.errors import UsageError
from lunacy.formats import FORMATS, WITHOUT_NOTES
from lunacy.question import RANKS, Question

if TYPE_CHECKING:
    from lunacy.query import Index
    from lunacy.query.fetched import Found


_HEADINGS = {
    "What to ask": "--index --text --batch --fetch --skip-unknown --together --not --model --device",
    "Which papers": "--category --since --until --older --newer --updated-since --author --same-authors "
    "--only-ids --not-ids --include-self --include-withdrawn",
    "How to rank": "--rank --ivf --nprobe --fold --diverse --min-score",
    "Output": "--top --explain --format --output --open",
}
_EXAMPLES = """\b
Examples:
  lunacy query https://arxiv.org/abs/1802.05130 --top 3
  lunacy query --text "graph neural networks" --category 'cs.*' --since 2024
  lunacy query 1802.05130 1801.06294 --together --diverse 0.5
  lunacy query 1802.05130 --not 1709.01687 --fold
  lunacy query --batch ids.txt --output similar.csv
"""
_STDIN = ("-", "/dev/stdin", "/dev/fd/0", "/proc/self/fd/0")


@click.command(cls=GroupedCommand, headings=_HEADINGS, epilog=_EXAMPLES)
@click.argument("papers", metavar="ID...", nargs=-1)
@anywhere_option
@top_option(10, "Number of hits per query.")
@click.option("--include-self", is_flag=True, help="List the paper itself too, first.")
@click.option("--include-withdrawn", is_flag=True, help="List withdrawn papers too.")
@click.option(
    "--text",
    metavar="TEXT",
    **ONCE,
    help="Find papers similar to this text, and to the IDs if there are any; - reads it from standard input.",
)
@click.option(
    "--batch",
    cls=Dependent,
    not_with=["--text"],
    metavar="FILE",
    type=File(),
    **ONCE,
    help="Read ids from FILE (one per line, CSV, JSON or BibTeX); - reads standard input.",
)
@click.option("--fetch", "fetches", is_flag=True, help="Ask arXiv for an ID that the index lacks.")
@click.option("--skip-unknown", is_flag=True, help="Exit 0 even if some ids are unknown.")
@output_options(FORMATS, "table on a terminal and jsonl elsewhere", "the first hit")
@click.option(
    "--model",
    metavar="NAME",
    help="Load the index's model from this name or folder, for texts and the titles of withdrawn papers.",
)
@device_option("the model and large batches of queries run")
@filter_options
@click.option(
    "--ivf",
    is_flag=True,
    help="Search the approximate index of `lunacy ivf`, one paper or text at a time: faster, not always exact.",
)
@click.option(
    "--rank",
    type=click.Choice(RANKS),
    envvar="LUNACY_RANK",
    show_envvar=True,
    default="dense",
    show_default=True,
    help="Rank by vectors, by vectors and words, or by words; the last two need the word index.",
)
@click.option(
    "--together",
    is_flag=True,
    help="One list for all IDs (and --text): papers that are like them all.",
)
@click.option(
    "--not", "unlike", metavar="ID", multiple=True, help="Push down papers similar to ID; repeat it for more."
)
@click.option(
    "--fold", is_flag=True, help="Merge near-duplicates into one hit: same authors, and one title or a cosine of 0.95."
)
@click.option(
    "--diverse",
    metavar="X",
    type=float,
    help="Prefer hits that differ from one another, from 0 (not at all) to 1; 0.5 is recommended.",
)
@click.option(
    "--min-score",
    metavar="X",
    type=float,
    help="Only hits with at least this score (a cosine, unless --rank, --not or --together).",
)
@click.option(
    "--explain",
    is_flag=True,
    help="Say why each hit is one: its places by vectors and words, shared words, the closest sentences.",
)
@click.option(
    "--nprobe",
    metavar="N",
    type=click.IntRange(min=1),
    help="With --ivf: number of lists to search  [default: enough for the index's target recall]",
)
def query(
    papers: tuple[str, ...],
    index_dir: str | None,
    text: str | None,
    batch: str | None,
    form: str | None,
    output: str | None,
    opens: bool,
    fetches: bool,
    skip_unknown: bool,
    together: bool,
    only_ids: str | None,
    not_ids: str | None,
    model: str | None,
    device: str,
    **options: Any,
) -> None:
    """List the papers most similar to each ID.

    ID is an arXiv id in any form, a link, the DOI or title of a paper in the index, or list:NAME for those of a reading
    list. The score is the cosine similarity of the two papers' vectors, and the list is exact, unless you give --rank
    or --ivf. --rank hybrid finds more; LUNACY_RANK=hybrid makes it the default of this command.
    """
    _require_a_question(papers, text, batch, skip_unknown=skip_unknown, has_unlike=bool(options["unlike"]))
    if fetches and (together or text is not None):
        raise UsageError("--fetch asks for each paper by itself; leave out --text and --together")
    together = together or (text is not None and bool(papers))
    shown = _show_progress(is_typed=_is_typed(text, batch, only_ids, not_ids))
    from lunacy import render
    from lunacy.idlist import read_ids, read_text
    from lunacy.query import find_index, open_index, read_not_ids, read_only_ids, with_lists

    form = form_for_reader(form, output)
    if options["explain"] and form in WITHOUT_NOTES:
        raise UsageError(f"--explain has no place in {form}; leave it out, or choose table, json, jsonl or md")
    _check_stdin(text, batch, only_ids, not_ids)
    outcome = Outcome(is_batch=batch is not None, tells_notes=form in WITHOUT_NOTES)
    with open_index(find_index(index_dir), progress=shown) as ix, opened(output) as out:
        if only_ids is not None:
            options["only_ids"] = read_only_ids(only_ids, ix, tell)
        if not_ids is not None:
            options["not_ids"] = read_not_ids(not_ids, ix, tell)
        options["together"] = together
        if text is not None:
            options["text"] = read_text("-") if text == "-" else text
        groups: Iterable[Sequence[str]] = [with_lists(papers, ix, tell)]
        if batch is not None:
            groups = ([one.text for one in group] for group in read_ids(batch, tell))
        if skip_unknown and together:
            groups = [_known([one for group in groups for one in group], ix)]
        found: Iterator[Found] = (
            pair
            for question in _questions(groups, options)
            for pair in zip(question.queries, ix.ask_many([question], model=model, device=device), strict=True)
        )
        if fetches:
            from lunacy.query.fetched import with_fetched

            found = with_fetched(found, ix, options, *server(), note=tell, model=model, device=device)
        out.write(render.answers(outcome.answers(shown.until_first(found)), form, **out.look), at_once=outcome.is_batch)
        _tell_unused(ix.used, model, device)
        code = outcome.exit_code(skip_unknown=skip_unknown, together=together)
        if code and not outcome.n_answers:
            sys.exit(code)  # and leave the output file as it is
    if opens:
        open_pages([outcome.first_page])
    sys.exit(code)


def _require_a_question(
    papers: Sequence[str], text: str | None, batch: str | None, *, skip_unknown: bool, has_unlike: bool
) -> None:
    """Raises UsageError where nothing is asked, or more than can be answered at once."""
    if batch is not None and papers:
        raise UsageError("--batch reads the ids from a file; leave out --batch, or the ids beside it")
    if not papers and text is None and batch is None:
        only = "--not only takes away; " if has_unlike else ""
        raise UsageError(
            f"{only}give one of: ids, --text TEXT, --batch FILE; for example: {command('query', '1802.05130')}"
        )
    if skip_unknown and not papers and batch is None:
        raise UsageError("--skip-unknown is for ids, and there are none beside --text; leave it out")


def _known(papers: Sequence[str], ix: Index) -> list[str]:
    """Those that the index has; the others are told in a line."""
    held = ix.named(papers)
    lacking = [one for one in papers if one not in held]
    if lacking:
        shown = ", ".join(" ".join(one.split())[:60] for one in lacking[:5]) + (", ..." if len(lacking) > 5 else "")
        tell(f"{len(lacking):,} of {len(papers):,} ids left out, as the index has no such papers: {shown}")
    return [one for one in papers if one in held]


def _tell_unused(used: Collection[str], model: str | None, device: str) -> None:
    if model is not None and "model" not in used:
        tell("--model was not used: nothing had to be embedded")
    if device not in ("auto", "cpu") and "device" not in used:
        tell(f"--device {device} was not used: the processor is quicker for so few ids")


def _questions(groups: Iterable[Sequence[str]], options: dict[str, Any]) -> Iterator[Question]:
    """A question for each group of ids, as they come; for one list, a single one."""
    if options["together"] or "text" in options:
        ids = [one for group in groups for one in group]
        yield Question.parse({**options, "papers": ids} if ids else options)
    else:
        yield from (Question.parse({**options, "papers": group}) for group in groups if group)


def _check_stdin(text: str | None, *files: str | None) -> None:
    """Raises UsageError where it is closed, or would be read twice: the second time it would be empty."""
    n_uses = (text == "-") + sum(file in _STDIN for file in files)
    if n_uses and sys.stdin is None:
        raise UsageError("standard input is closed")
    if n_uses > 1:
        raise UsageError(
            "standard input can be read only once; give - to one of --text, --batch, --only-ids, --not-ids"
        )


def _show_progress(*, is_typed: bool) -> ProgressLine:
    """The line of this command, which goes at its end; a script hears of it only when the answer takes long."""
    context = click.get_current_context()
    context.obj = shown = ProgressLine("searching", quiet_s=LINE_S)
    return shown if is_typed else context.with_resource(shown)


def _is_typed(*files: str | None) -> bool:
    """Whether somebody types what is read from standard input."""
    return any(file in _STDIN for file in files) and sys.stdin is not None and sys.stdin.isatty()
