"""Answers, papers and reports -> text. Pure: what comes from a snapshot is made harmless."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from lunacy.answer import Answer, paper_record
from lunacy.copies import Copies
from lunacy.digest import Digest
from lunacy.display import harmless
from lunacy.formats import BIBLIOGRAPHIES
from lunacy.paper import Paper
from lunacy.region import Standing
from lunacy.render.atom import digest_atom
from lunacy.render.bibliography import bibtex, csl_records, ris
from lunacy.render.copies import copies_csv, copies_table
from lunacy.render.digests import digest_html, digest_markdown, digest_table
from lunacy.render.markdown import markdown_of_answer, markdown_of_list, markdown_of_paper
from lunacy.render.records import CSV_COLUMNS, json_lines, json_list, papers_to_csv, to_csv, to_ids, to_json
from lunacy.render.reports import columns, graph_recall, names, pairs, recalls, size
from lunacy.render.table import answer_table, list_table, paper_table, standings_table

__all__ = [
    "CSV_COLUMNS",
    "answers",
    "columns",
    "copies",
    "digests",
    "graph_recall",
    "harmless",
    "names",
    "pairs",
    "paper_list",
    "papers",
    "recalls",
    "size",
    "standings",
    "to_json",
]


def answers(
    found: Iterable[Answer], form: str, *, width: int = 80, styled: bool = False, escaped: bool = False
) -> Iterator[str]:
    """The text of each answer in `form`, one of FORMATS, in pieces that end their lines.

    `width`: columns of a table. `styled`: it has bold letters and links. `escaped`: JSON is in ASCII. A bibliography
    has each paper once.
    """
    if form == "json":
        yield from json_list((answer.as_record() for answer in found), escaped=escaped)
    elif form == "jsonl":
        yield from json_lines((answer.as_record() for answer in found), escaped=escaped)
    elif form == "csv":
        yield from to_csv(found)
    elif form == "ids":
        yield from to_ids(found)
    elif form in BIBLIOGRAPHIES:
        yield from papers((hit.paper for answer in found for hit in answer.hits), form, escaped=escaped)
    elif form == "md":
        yield from _apart(map(markdown_of_answer, found))
    else:
        yield from _apart(answer_table(answer, width=width, styled=styled) for answer in found)


def papers(
    found: Iterable[Paper], form: str, *, width: int = 80, styled: bool = False, escaped: bool = False
) -> Iterator[str]:
    """The text of each paper in `form`, one of FORMATS, each paper once; as `answers`."""
    found = _once(found)
    if form == "json":
        yield from json_list((paper_record(paper, is_whole=True) for paper in found), escaped=escaped)
    elif form == "jsonl":
        yield from json_lines((paper_record(paper, is_whole=True) for paper in found), escaped=escaped)
    elif form == "csv":
        yield from papers_to_csv(found)
    elif form == "bibtex":
        yield from bibtex(found)
    elif form == "ris":
        yield from ris(found)
    elif form == "csljson":
        yield from json_list(csl_records(found), escaped=escaped)
    elif form == "ids":
        yield from (f"{paper.id}\n" for paper in found)
    elif form == "md":
        yield from _apart(map(markdown_of_paper, found))
    else:
        yield from _apart(paper_table(paper, width=width, styled=styled) for paper in found)


def paper_list(
    found: Sequence[Paper],
    form: str,
    notes: Mapping[str, str],
    *,
    width: int = 80,
    styled: bool = False,
    escaped: bool = False,
) -> Iterator[str]:
    """As `papers`, but a table or Markdown has a few lines a paper, with what `notes` has for its id."""
    if form == "table":
        yield list_table(list(_once(found)), notes, width=width, styled=styled)
    elif form == "md":
        yield markdown_of_list(_once(found), notes)
    else:
        yield from papers(found, form, width=width, styled=styled, escaped=escaped)


def copies(found: Sequence[Copies], form: str, *, escaped: bool = False) -> Iterator[str]:
    """The text of each group of near-copies in `form`: table, json or csv."""
    if form == "json":
        yield from json_list((one.as_record() for one in found), escaped=escaped)
    elif form == "csv":
        yield from copies_csv(found)
    else:
        yield from copies_table(found)


def digests(
    found: Sequence[Digest], form: str, *, width: int = 80, styled: bool = False, escaped: bool = False
) -> Iterator[str]:
    """The text of digests in `form`, one of DIGEST_FORMATS; as `answers`."""
    if form == "json":
        yield from json_list((one.as_record() for one in found), escaped=escaped)
    elif form == "html":
        yield from digest_html(found)
    elif form == "atom":
        yield digest_atom(found)
    elif form == "md":
        yield from digest_markdown(found)
    elif form == "table":
        yield from digest_table(found, width=width, styled=styled)
    else:
        yield from papers((item.paper for one in found for item in one.items), form, escaped=escaped)


def standings(
    found: Sequence[Standing],
    form: str,
    *,
    width: int = 80,
    styled: bool = False,
    escaped: bool = False,
) -> Iterator[str]:
    """Where each stands on the map, in `form`: table or json."""
    if form == "json":
        yield from json_list((one.as_record() for one in found), escaped=escaped)
    else:
        yield from _apart(standings_table(found, width=width, styled=styled))


def _once(found: Iterable[Paper]) -> Iterator[Paper]:
    seen: set[str] = set()
    for paper in found:
        if paper.id not in seen:
            seen.add(paper.id)
            yield paper


def _apart(texts: Iterable[str]) -> Iterator[str]:
    """With a blank line between."""
    for place, text in enumerate(texts):
        yield ("\n" if place else "") + text
