"""A line of the snapshot -> a paper, in the schema of the Kaggle arXiv dataset."""

from __future__ import annotations

from datetime import date
from functools import lru_cache
from typing import Any

import orjson

from lunacy.categories import split_categories
from lunacy.letters import plain
from lunacy.names import authors_of
from lunacy.paper import Paper, canonical_id, squeeze_spaces
from lunacy.snapshot.lines import Line

# Raise it when some line becomes another entry than before: a line that an index knows is not parsed again.
VERSION = 1
_LONGEST_ID = 200  # characters
_MONTHS = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split()


class BadLine(Exception):
    """A line that is no paper; the message is the reason."""


def parse(line: Line) -> Paper:
    """The paper in `line`, in the schema of the Kaggle arXiv dataset. Raises BadLine with the reason."""
    if line.fault.startswith("longer"):
        raise BadLine(line.fault)
    try:
        record = orjson.loads(line.raw)
    except orjson.JSONDecodeError as error:
        raise BadLine(line.fault + _why_not_json(line.raw, error)) from None
    if not isinstance(record, dict):
        raise BadLine(f"not a JSON object but {_kind(record)}")
    written = _text(record, "id", required=True)
    identifier = canonical_id(written) or written  # one that is not arXiv's stays as it is
    if len(identifier) > _LONGEST_ID or not identifier.isprintable() or " " in identifier:
        raise BadLine("id is not one printable word")
    authors, versions = _text(record, "authors"), record.get("versions")
    return Paper(
        id=identifier,
        title=_text(record, "title", required=True),
        abstract=_text(record, "abstract", required=True),
        authors=authors,
        categories=_categories(record.get("categories")),
        submitted=_submitted(versions) or _iso_date(_text(record, "created")),
        updated=_iso_date(_text(record, "update_date")),
        doi=_text(record, "doi"),
        comments=_text(record, "comments"),
        names=_names(record.get("authors_parsed"), authors),
        journal_ref=_text(record, "journal-ref"),
        n_versions=len(versions) if isinstance(versions, list) else 0,
    )


def _why_not_json(raw: bytes, error: orjson.JSONDecodeError) -> str:
    try:
        raw.decode()
    except UnicodeDecodeError as wrong:
        return f"invalid UTF-8 at byte {wrong.start} of the line"
    return f"not JSON: {error.msg} at character {error.pos}"


def _kind(value: Any) -> str:
    kinds = {dict: "an object", list: "a list", str: "text", bool: "true or false", type(None): "null"}
    return kinds.get(type(value), "a number")


def _text(record: dict[str, Any], name: str, *, required: bool = False) -> str:
    value = record.get(name)
    if value is None:
        if required:
            raise BadLine(f"{name} is missing")
        return ""
    if not isinstance(value, str):
        raise BadLine(f"{name} is {_kind(value)}, not text")
    text = squeeze_spaces(value)
    if required and not text:
        raise BadLine(f"{name} is empty")
    return text


def _names(parsed: Any, authors: str) -> str:
    """`Paper.names` from [[last, first, suffix, ...], ...]; "" where `authors` says the same, or for another shape.

    It does, if the same names in plain letters can be read from it: then they are found without.
    """
    if not isinstance(parsed, list) or {*map(type, parsed)} != {list}:
        return ""
    try:
        said = [name[1] + name[0] + name[2] for name in parsed]
        if ",".join(said).replace(" ", "") == authors.replace(", and ", ",").replace(" and ", ",").replace(" ", ""):
            return ""
        if _plain(said) == _plain(authors_of(authors)):
            return ""
        return "; ".join(", ".join(filter(None, map(_name_part, name[:3]))) for name in parsed)
    except (TypeError, IndexError):
        return ""


def _plain(names: list[str]) -> list[str]:
    return [plain(name).replace(" ", "") for name in names]


def _name_part(text: str) -> str:
    return squeeze_spaces(text.replace(",", " ").replace(";", " "))


def _categories(value: Any) -> tuple[str, ...]:
    if value is None:
        return ()
    if isinstance(value, list) and all(isinstance(one, str) for one in value):  # early versions of the dataset
        value = " ".join(value)
    if not isinstance(value, str):
        raise BadLine(f"categories is {_kind(value)}, not text")
    return split_categories(value)


def _iso_date(text: str) -> str:
    if not text:
        return ""
    try:
        return date.fromisoformat(text).isoformat()
    except ValueError:
        return ""


def _submitted(versions: Any) -> str:
    """The day of the first version: its `created` is like "Mon, 2 Apr 2007 19:18:42 GMT"."""
    try:
        return _day(*versions[0]["created"].split()[1:4])
    except (TypeError, KeyError, IndexError, ValueError, AttributeError, OverflowError):  # null, or another shape
        return ""


@lru_cache(maxsize=2**14)  # arXiv began fewer days ago
def _day(day: str, month: str, year: str) -> str:
    return date(int(year), _MONTHS.index(month) + 1, int(day)).isoformat()
