"""Answers and papers for programs: JSON, lines of JSON, CSV, ids."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterable, Iterator
from contextlib import suppress
from typing import Any

import orjson

from lunacy.answer import SCORE_DIGITS, Answer, Hit
from lunacy.display import harmless
from lunacy.paper import Paper
from lunacy.withdrawn import is_withdrawn

PAPER_COLUMNS = tuple("id title authors categories posted updated withdrawn doi journal_ref url".split())
CSV_COLUMNS = ("query", "rank", "id", "score", "cosine", "lexical", *PAPER_COLUMNS[1:], "ranking")


def json_list(records: Iterable[dict[str, object]], *, escaped: bool) -> Iterator[str]:
    """A list over several lines, item by item as they come."""
    yield "["
    is_first = True
    for record in records:
        item = to_json(record, indent=True, escaped=escaped).replace("\n", "\n  ")
        yield f"{'' if is_first else ','}\n  {item}"
        is_first = False
    yield "]\n" if is_first else "\n]\n"


def json_lines(records: Iterable[dict[str, object]], *, escaped: bool) -> Iterator[str]:
    """A record a line."""
    for record in records:
        yield to_json(record, escaped=escaped) + "\n"


def to_json(record: Any, *, indent: bool = False, escaped: bool = False) -> str:
    """`record` as JSON; `escaped`: in ASCII, for an output that is not in UTF-8."""
    if not escaped:
        with suppress(orjson.JSONEncodeError):  # a name of a file that is not UTF-8 needs an escape
            return orjson.dumps(record, option=orjson.OPT_INDENT_2 if indent else None).decode()
    return json.dumps(record, indent=2 if indent else None, separators=None if indent else (",", ":"))


def to_csv(found: Iterable[Answer]) -> Iterator[str]:
    """A line a hit, of all answers."""
    yield csv_line(CSV_COLUMNS)
    for answer in found:
        yield from (csv_line(_csv_row(answer, hit)) for hit in answer.hits)


def _csv_row(answer: Answer, hit: Hit) -> list[str]:
    """The cells of CSV_COLUMNS."""
    scores = ["" if one is None else f"{one:.{SCORE_DIGITS}f}" for one in (hit.score, hit.cosine, hit.lexical)]
    return [answer.asked, str(hit.rank), hit.id, *scores, *_paper_row(hit.paper)[1:], answer.ranking]


def papers_to_csv(found: Iterable[Paper]) -> Iterator[str]:
    """A line a paper."""
    yield csv_line(PAPER_COLUMNS)
    yield from map(csv_line, map(_paper_row, found))


def _paper_row(paper: Paper) -> list[str]:
    """The cells of PAPER_COLUMNS."""
    texts = paper.title, paper.authors, " ".join(paper.categories), paper.posted, paper.updated
    withdrawn = "true" if is_withdrawn(paper) else "false"
    return [paper.id, *texts, withdrawn, paper.doi, paper.journal_ref, paper.url]


def csv_line(cells: Iterable[str]) -> str:
    """A line of CSV, harmless to a spreadsheet."""
    line = io.StringIO()
    csv.writer(line).writerow([_harmless_cell(cell) for cell in cells])
    return line.getvalue().removesuffix("\r\n") + "\n"


def _harmless_cell(cell: str) -> str:
    """A spreadsheet runs a cell that begins like a formula (OWASP, CSV injection); negative scores stay numbers."""
    cell = harmless(cell)
    if cell.startswith(("=", "+", "-", "@", "\t", "\r")) and not re.fullmatch(r"-?\d+\.\d+", cell):
        return f"'{cell}"
    return cell


def to_ids(found: Iterable[Answer]) -> Iterator[str]:
    """The id of a hit a line."""
    for answer in found:
        yield from (f"{hit.id}\n" for hit in answer.hits)
