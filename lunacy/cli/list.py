"""`lunacy list`."""

from __future__ import annotations

import sys
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import click
from click.shell_completion import CompletionItem

from lunacy.cli.failures import told_first
from lunacy.cli.output import form_of, open_pages, opened, output_options
from lunacy.cli.parameters import File, anywhere_option
from lunacy.errors import LunacyError, UsageError
from lunacy.formats import FORMATS

if TYPE_CHECKING:
    from lunacy.query import Index

_EXAMPLES = """\b
Examples:
  lunacy list add thesis 1802.05130 https://doi.org/10.1145/3292500.3330919
  lunacy list import thesis refs.bib
  lunacy list show thesis -o thesis.bib
"""


class ListName(click.ParamType[str]):
    """The name of a reading list; the shell completes those that there are."""

    name = "name"

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:  # noqa: ARG002
        """The names that begin so; none of a file that cannot be read, where nobody could be told."""
        from lunacy.library import read_lists

        try:
            return [CompletionItem(name) for name in read_lists() if name.startswith(incomplete)]
        except (LunacyError, OSError):
            return []


_NAME = click.argument("name", type=ListName())
_PAPERS = click.argument("papers", metavar="ID...", nargs=-1, required=True)


@click.group("list", invoke_without_command=True, epilog=_EXAMPLES)
@click.pass_context
def list_(ctx: click.Context) -> None:
    """Keep reading lists: named lists of papers.

    Without a command, the lists with their numbers of papers. They are in one file that you may edit: lists.jsonl in
    the folder for your data, or $LUNACY_LISTS.
    """
    if ctx.invoked_subcommand is not None:
        return
    from lunacy import render
    from lunacy.advice import command
    from lunacy.library import lists_path, read_lists

    lists = read_lists()
    if not lists:
        told = f"there are no lists in {lists_path()}; make one with: {command('list', 'add', 'NAME', 'ID')}"
        click.echo(f"lunacy: {told}", err=True)
        return
    rows = [
        (one.name, f"{len(one.ids):,}" + (f", {len(one.dismissed):,} dismissed" if one.dismissed else ""))
        for one in lists.values()
    ]
    click.echo(render.pairs(rows), nl=False)


@list_.command()
@_NAME
@_PAPERS
@anywhere_option
def add(name: str, papers: tuple[str, ...], index_dir: str | None) -> None:
    """Put papers on a list; it is made if there is none.

    ID is an arXiv id in any form, a link, or the DOI or title of a paper in the index. An id that the index lacks is
    put down too.
    """
    from lunacy import library

    _change(name, papers, index_dir, "added", "were there already", library.add)


@list_.command("import")
@_NAME
@click.argument("file", type=File())
@anywhere_option
def import_(name: str, file: str, index_dir: str | None) -> None:
    """Put the papers of a bibliography on a list.

    FILE is BibTeX, RIS, CSL-JSON, Zotero's RDF, or a list of ids (one a line, CSV, JSON); - reads ids or BibTeX from
    standard input. Of what has no arXiv id, the paper is found by DOI or title; what is not found is told.
    """
    from lunacy import library
    from lunacy.query.drafts import read_references
    from lunacy.query.reading_lists import look_up_references

    references = read_references(file, _say).references
    with ExitStack() as stack:
        looked = look_up_references(_open_index(index_dir, stack), references)
    for line in told_first(looked.notes, "that were not found"):
        _say(line)
    added = library.add(name, looked.titles, titles=looked.titles) if looked.titles else []
    told = f"{name}: {len(added):,} added of {len(references):,} references"
    others = {"were there already": len(looked.titles) - len(added), "were not found": len(looked.notes)}
    click.echo(told + "".join(f", {n:,} {what}" for what, n in others.items() if n))
    sys.exit(0 if looked.titles or not references else 1)


@list_.command()
@_NAME
@_PAPERS
@anywhere_option
def dismiss(name: str, papers: tuple[str, ...], index_dir: str | None) -> None:
    """Tell digests of a list to leave papers out.

    Papers that are like them are ranked lower there. `lunacy list add` takes it back.
    """
    from lunacy import library

    _change(name, papers, index_dir, "dismissed", "were dismissed already", library.dismiss)


@list_.command()
@_NAME
@click.argument("papers", metavar="[ID]...", nargs=-1)
def remove(name: str, papers: tuple[str, ...]) -> None:
    """Take papers off a list, or delete the whole list."""
    from lunacy import library, render
    from lunacy.keywords import canonical

    gone = library.remove(name, papers or None)
    for one in papers:
        if canonical(one) not in gone:
            click.echo(f"lunacy: {render.harmless(one)} is not on {name}", err=True)
    click.echo(f"{name}: {len(gone):,} removed" + ("" if papers else ", and the list is no more"))
    sys.exit(1 if papers and not gone else 0)


@list_.command()
@_NAME
@anywhere_option
@output_options(FORMATS, "table", "each paper")
def show(name: str, index_dir: str | None, form: str | None, output: str | None, opens: bool) -> None:
    """Show the papers of a list, or export them.

    What the index lacks is shown as the list has it.
    """
    from lunacy import render
    from lunacy.library import lists_path, read_lists, require_list
    from lunacy.query.reading_lists import papers_of

    wanted = require_list(name, read_lists(), lists_path())
    with ExitStack() as stack:
        ix = _open_index(index_dir, stack)
        papers, lacking = papers_of(ix, wanted)
    if ix is not None and lacking:
        _say(f"{len(lacking):,} of {len(papers):,} papers are not in the index: {render.names(lacking)}")
    form = form_of(form, output, "table")
    notes = {one.id: " ".join(filter(None, [one.note, *(f"#{tag}" for tag in one.tags)])) for one in wanted.entries}
    with opened(output) as out:
        out.write(render.paper_list(papers, form, notes, **out.look), at_once=False)
    if opens:
        open_pages(paper.url for paper in papers)


def _change(name: str, papers: tuple[str, ...], index_dir: str | None, done: str, not_done: str, change: Any) -> None:
    """Look the papers up, change the list, and say what became of each."""
    from lunacy.query.reading_lists import look_up

    with ExitStack() as stack:
        ix = _open_index(index_dir, stack)
        looked = look_up(ix, papers)
    for text in (*looked.notes, *(error.full_message for error in looked.errors)):
        _say(text)
    if looked.titles:
        changed = change(name, list(looked.titles), titles=looked.titles)
        others = len(looked.titles) - len(changed)
        click.echo(f"{name}: {len(changed):,} {done}" + (f", {others:,} {not_done}" if others else ""))
    sys.exit(max((error.exit_code for error in looked.errors), default=0))


def _open_index(index_dir: str | None, stack: ExitStack) -> Index | None:
    """The index to look papers up in; None where none is named and there is not just one, and a line says so."""
    from lunacy.query import find_index, open_index

    try:
        where = find_index(index_dir)
    except UsageError as error:
        click.echo(f"lunacy: {error}, so papers are not looked up; {error.hint}", err=True)
        return None
    return stack.enter_context(open_index(where))


def _say(text: str) -> None:
    from lunacy import render

    click.echo(f"lunacy: {render.harmless(text)}", err=True)
