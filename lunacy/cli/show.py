"""`lunacy show`."""

from __future__ import annotations

import sys

import click

from lunacy.cli.output import form_of, open_pages, opened, output_options
from lunacy.cli.parameters import anywhere_option
from lunacy.errors import LunacyError
from lunacy.formats import FORMATS

_EXAMPLES = """\b
Examples:
  lunacy show 1802.05130
  lunacy show 1802.05130 hep-th/9108006 -o papers.bib
  lunacy query 1802.05130 --format ids | xargs lunacy show --format md
"""


@click.command(epilog=_EXAMPLES)
@click.argument("papers", metavar="ID...", nargs=-1, required=True)
@anywhere_option
@output_options(FORMATS, "table", "each paper")
def show(papers: tuple[str, ...], index_dir: str | None, form: str | None, output: str | None, opens: bool) -> None:
    """Show all that the index knows of each ID, with the abstract.

    ID is an arXiv id in any form, a link, or the DOI or title of a paper in the index.
    """
    from lunacy import render
    from lunacy.query import find_index, open_index

    found, failed = [], []
    with open_index(find_index(index_dir)) as ix:
        for one in ix.papers(papers):
            if isinstance(one, LunacyError):
                failed.append(one)
                click.echo(f"lunacy: {render.harmless(one.full_message)}", err=True)
            else:
                found.append(one)
    code = max((error.exit_code for error in failed), default=0)
    if found:
        with opened(output) as out:
            out.write(render.papers(found, form_of(form, output, "table"), **out.look), at_once=False)
        if opens:
            open_pages(paper.url for paper in found)
    sys.exit(code)
