"""Answers and reports -> text. Pure: strings in, strings out; what comes from a snapshot is made harmless."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from typing import Any

import orjson

from lunacy.answer import SCORE_DIGITS, Answer, Hit
from lunacy.display import harmless as harmless
from lunacy.measured import IvfFacts

FORMATS = ("table", "json", "jsonl", "csv", "ids")
WITHOUT_NOTES = ("csv", "ids")  # formats that have no place for what the asker should know
CSV_COLUMNS = ("query", "rank", "id", "score", "title", "authors", "categories", "updated", "url")
_MOST_NAMES = 20
_LONGEST = 400  # characters of a title in a table


def names(found: Sequence[str]) -> str:
    """The first of many."""
    more = f" and {len(found) - _MOST_NAMES:,} more" if len(found) > _MOST_NAMES else ""
    return harmless(", ".join(found[:_MOST_NAMES])) + more


def _shown(text: str) -> str:
    """As `harmless`, and not endless."""
    return harmless(text if len(text) <= _LONGEST else f"{text[:_LONGEST]}...")


def answers(found: Iterable[Answer], form: str, *, styled: bool = False, escaped: bool = False) -> Iterator[str]:
    """The text of each answer in `form`, one of FORMATS, in pieces that end their lines.

    `escaped`: JSON is in ASCII.
    """
    if form == "json":
        yield "["
        is_first = True
        for answer in found:
            record = to_json(answer.as_record(), indent=True, escaped=escaped).replace("\n", "\n  ")
            yield f"{'' if is_first else ','}\n  {record}"
            is_first = False
        yield "]\n" if is_first else "\n]\n"
    elif form == "jsonl":
        for answer in found:
            yield to_json(answer.as_record(), escaped=escaped) + "\n"
    elif form == "csv":
        yield _csv_line(CSV_COLUMNS)
        for answer in found:
            yield from (_csv_line(_csv_row(answer.asked, hit)) for hit in answer.hits)
    elif form == "ids":
        for answer in found:
            yield from (f"{hit.id}\n" for hit in answer.hits)
    else:
        for place, answer in enumerate(found):
            yield ("\n" if place else "") + _table(answer, styled=styled)


def to_json(record: Any, *, indent: bool = False, escaped: bool = False) -> str:
    """`record` as JSON; `escaped`: in ASCII, for an output that is not in UTF-8."""
    if not escaped:
        with suppress(orjson.JSONEncodeError):  # a name of a file that is not UTF-8 needs an escape
            return orjson.dumps(record, option=orjson.OPT_INDENT_2 if indent else None).decode()
    return json.dumps(record, indent=2 if indent else None, separators=None if indent else (",", ":"))


def _csv_row(asked: str, hit: Hit) -> list[str]:
    score = f"{hit.score:.{SCORE_DIGITS}f}"
    categories = " ".join(hit.categories)
    return [asked, str(hit.rank), hit.id, score, hit.title, hit.authors, categories, hit.updated, hit.url]


def _csv_line(cells: Iterable[str]) -> str:
    line = io.StringIO()
    csv.writer(line).writerow([_harmless_cell(cell) for cell in cells])
    return line.getvalue().removesuffix("\r\n") + "\n"


def _harmless_cell(cell: str) -> str:
    """A spreadsheet runs a cell that begins like a formula (OWASP, CSV injection); negative scores stay numbers."""
    cell = harmless(cell)
    if cell.startswith(("=", "+", "-", "@", "\t", "\r")) and not re.fullmatch(r"-?\d+\.\d+", cell):
        return f"'{cell}"
    return cell


def _table(answer: Answer, *, styled: bool) -> str:
    """A heading, then two lines a hit: rank, score, id, title; categories, date, link."""
    head = f"{answer.paper.id}  {_shown(answer.paper.title)}" if answer.paper else _shown(answer.asked)
    lines = [_style(head, "1", styled=styled)]
    id_width = max((len(hit.id) for hit in answer.hits), default=0)
    for hit in answer.hits:
        parts = "  ".join(f"{name} {part:.4g}" for name, part in hit.parts.items())
        link = "  ".join(filter(None, [parts, " ".join(hit.categories), hit.updated, hit.url]))
        if hit.copies:
            link += "  with " + " ".join(hit.copies)
        lines.append(f"{hit.rank:3}  {hit.score:6.3f}  {harmless(hit.id):{id_width}}  {_shown(hit.title)}")
        lines.append(_style(f"{'':{13 + id_width + 2}}{harmless(link)}", "2", styled=styled))
    if answer.recall is not None:
        share = f"     approximate (--ivf): on average {100 * answer.recall:.1f} % of the true top 10"
        lines.append(_style(share, "2", styled=styled))
    if not answer.hits:
        lines.append("     no hits")
    lines += [_style(f"     {harmless(note)}", "2", styled=styled) for note in answer.notes]
    return "\n".join(lines) + "\n"


def _style(text: str, code: str, *, styled: bool) -> str:
    return f"\x1b[{code}m{text}\x1b[0m" if styled else text


def recalls(facts: IvfFacts) -> list[str]:
    """What was measured of IVF lists: a line for papers and one for texts."""
    lines = []
    for name, found in (("papers", facts.papers), ("texts", facts.texts)):
        mean, low, high = found.recall
        lines.append(
            f"{name}: recall {mean:.3f} ({low:.3f} to {high:.3f}) of the {facts.top} best with nprobe {found.nprobe}, "
            + (
                f"measured on {found.n_queries:,} queries on {facts.date}"
                if found.is_measured
                else "guessed: the index's model could not be had, so twice as many lists as for papers"
            )
        )
    return lines


def pairs(rows: Iterable[tuple[str, str]]) -> str:
    """Names and values, aligned: one a line."""
    rows = list(rows)
    width = max((len(name) for name, _value in rows), default=0)
    return "".join(f"{name:{width}}  {harmless(value)}\n" for name, value in rows)


def columns(rows: Sequence[tuple[str, ...]]) -> str:
    """A table of words and figures: the first column on the left, the others on the right."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = []
    for first, *others in rows:
        figures = [f"{cell:>{width}}" for cell, width in zip(others, widths[1:], strict=True)]
        lines.append("  ".join([f"{first:{widths[0]}}", *figures]).rstrip())
    return "\n".join(lines) + "\n"


def size(n_bytes: float) -> str:
    """Bytes for a person: 1.5 MB."""
    if n_bytes < 1000:
        return f"{n_bytes:.0f} bytes"
    for unit in ("kB", "MB", "GB"):
        n_bytes /= 1000
        if round(n_bytes, 1) < 1000:
            return f"{n_bytes:.1f} {unit}"
    return f"{n_bytes / 1000:.1f} TB"
