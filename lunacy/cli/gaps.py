"""`lunacy gaps`."""

from __future__ import annotations

import click

from lunacy.cli.failures import told_first
from lunacy.cli.output import form_for_reader, open_pages, opened, output_options
from lunacy.cli.parameters import File, anywhere_option, top_option
from lunacy.cli.progress import ProgressLine
from lunacy.formats import FORMATS

_EXAMPLES = """\b
Examples:
  lunacy gaps draft.tex
  lunacy gaps refs.bib --top 50 -o overlooked.bib
"""


@click.command(epilog=_EXAMPLES)
@click.argument("draft", type=File())
@anywhere_option
@top_option(20, "Number of papers.")
@click.option(
    "--any-date/--older",
    help="List papers of any date, or, by default, only those posted no later than the draft, where it says its date.",
)
@output_options(FORMATS, "table on a terminal and jsonl elsewhere", "the first paper")
def gaps(
    draft: str, index_dir: str | None, top: int, any_date: bool, form: str | None, output: str | None, opens: bool
) -> None:
    """Find papers that a draft may have overlooked.

    DRAFT is BibTeX, LaTeX (with its .bbl or .bib), RIS, CSL-JSON, Zotero's RDF, Markdown, text, PDF, or a list of ids.
    Its references are looked up in the index; papers near to several of them, or to its abstract, are listed with
    the references that speak for each.
    """

    from lunacy import render
    from lunacy.query import find_index, open_index
    from lunacy.query.drafts import read_references
    from lunacy.query.gaps import find_gaps

    form = form_for_reader(form, output)
    with ProgressLine("looking the references up") as shown, opened(output) as out:

        def say(text: str) -> None:
            shown.note(render.harmless(text))

        read = read_references(draft, say)
        with open_index(find_index(index_dir), progress=shown) as ix:
            found = find_gaps(ix, read, top=top, any_date=any_date)
        lacking = [one.told for one in found.references if one.paper is None]
        for line in told_first(lacking, "that were not found"):
            say(line)
        ways = ", ".join(f"{n:,} by {how}" for how, n in found.how.items())
        n_found = len(found.references) - len(lacking)
        say(f"{n_found:,} of {len(found.references):,} references are in the index" + (f": {ways}" if ways else ""))
        for note in found.notes:
            say(note)
        if form in ("json", "jsonl"):
            escaped = bool(out.look.get("escaped"))
            pieces = [render.to_json(found.as_record(), indent=form == "json", escaped=escaped) + "\n"]
            out.write(pieces, at_once=False)
        else:
            papers = [one.hit.paper for one in found.gaps]
            notes = {one.hit.id: one.why for one in found.gaps}
            out.write(render.paper_list(papers, form, notes, **out.look), at_once=False)
    if opens and found.gaps:
        open_pages([found.gaps[0].hit.paper.url])
