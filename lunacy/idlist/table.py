"""The ids in a table: CSV, TSV, or with semicolons as spreadsheets of many countries write them."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterable, Iterator
from typing import Literal

from lunacy.errors import ListError
from lunacy.idlist.words import Listed, id_name, lines_of, says_something

_DELIMITERS = ",;\t|"


def delimiter_of(header: str) -> str:
    """What stands between the columns of a table with this header; "" where it names no column of ids."""
    try:
        split = {delimiter: next(csv.reader([header], delimiter=delimiter), []) for delimiter in _DELIMITERS}
    except csv.Error:  # too long for any header
        return ""
    found = [delimiter for delimiter, names in split.items() if id_name(names)]
    return max(found, key=lambda delimiter: len(split[delimiter]), default="")


def ids_of_table(text: str, name: str, note: Callable[[str], None]) -> list[Listed]:
    """The ids in the column that has them; cells without one are passed over. Raises ListError for what is no table."""
    lines = lines_of(text)
    n_before = next(n for n, line in enumerate(lines) if says_something(line))
    delimiter = delimiter_of(lines[n_before])
    try:
        rows = list(_rows(lines[n_before:], delimiter, csv.QUOTE_MINIMAL))
    except csv.Error as error:
        if delimiter != "\t":
            raise ListError(f"{name}: not a table that can be read: {error}") from None
        rows = list(_rows(lines[n_before:], delimiter, csv.QUOTE_NONE))  # as `cut` and `awk` take them
    [(_first, names), *others] = rows
    if (name_of_ids := id_name(names)) is None:
        raise ListError(f"{name}, line {n_before + 1}: no column is called id, arxiv_id or eprint")
    column = names.index(name_of_ids)
    cells = [(line, row[column].strip() if len(row) > column else "") for line, row in others if row]
    if n_without := sum(not cell for _line, cell in cells):
        note(f"{name}: {n_without:,} of {len(cells):,} rows have no {name_of_ids} and are passed over")
    return [Listed(cell, f"line {n_before + line}") for line, cell in cells if cell]


def _rows(lines: Iterable[str], delimiter: str, quoting: Literal[0, 3]) -> Iterator[tuple[int, list[str]]]:
    """Each row, with the number of the line it begins in. Raises csv.Error where a quote is never closed."""
    reader = csv.reader(lines, delimiter=delimiter, quoting=quoting, strict=True)
    line = 1
    try:
        for row in reader:
            yield line, row
            line = reader.line_num + 1
    except csv.Error as error:
        raise csv.Error(f"the row of line {line}: {error}") from None
