"""A line of the file of lists: a paper of a list, as JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from lunacy.errors import ListError
from lunacy.keywords import canonical
from lunacy.paper import id_fault, squeeze_spaces

_LONGEST_NAME = 100
_TYPES: dict[str, tuple[type, str]] = {
    "list": (str, "the name of a list, as text"),
    "id": (str, "an arXiv id, as text"),
    "title": (str, "text"),
    "note": (str, "text"),
    "tags": (list, "a list of texts"),
    "dismissed": (bool, "true or false"),
}


@dataclass(frozen=True, slots=True)
class Entry:
    """A paper of a list, as its line says."""

    name: str  # of the list
    id: str
    title: str = ""  # for the person who reads the file
    note: str = ""
    tags: tuple[str, ...] = ()
    dismissed: bool = False


def parse_entry(line: str) -> tuple[Entry, dict[str, Any]] | None:
    """The entry in a line, and the line's keys and values; None for a comment or a blank line. Raises ListError."""
    text = line.strip()
    if not text or text.startswith("#"):
        return None
    record = parse_object(text)
    for key, (kind, wanted) in _TYPES.items():
        if key in record and not isinstance(record[key], kind):
            raise ListError(f'"{key}" is {_shown(record[key])}; give {wanted}')
    for key in ("list", "id"):
        if not record.get(key, "").strip():
            raise ListError(f'has no "{key}"; an entry is like {format_entry("thesis", "1802.05130")}')
    if not all(isinstance(tag, str) for tag in record.get("tags", [])):
        raise ListError(f'"tags" is {_shown(record["tags"])}; give a list of texts')
    if fault := name_fault(record["list"]) or id_fault(record["id"]):
        raise ListError(f"{_shown(record['list' if name_fault(record['list']) else 'id'])}: {fault}")
    entry = Entry(
        squeeze_spaces(record["list"]),
        canonical(record["id"]),
        record.get("title", ""),
        record.get("note", ""),
        tuple(record.get("tags", ())),
        record.get("dismissed", False),
    )
    return entry, record


def parse_object(text: str) -> dict[str, Any]:
    """A JSON object, none of whose keys is lost. Raises ListError."""
    if text.startswith(("<<<<<<<", "=======", ">>>>>>>")):
        raise ListError("git left a conflict here; keep the lines that you want, and delete its marks")
    try:
        record = json.loads(text, object_pairs_hook=_without_repeats)
    except (json.JSONDecodeError, RecursionError) as error:
        what = error.msg if isinstance(error, json.JSONDecodeError) else "nested too deeply"
        raise ListError(f"not JSON: {what}; an entry is like {format_entry('thesis', '1802.05130')}") from None
    if not isinstance(record, dict):
        raise ListError(f"not an object; an entry is like {format_entry('thesis', '1802.05130')}")
    return record


def format_entry(name: str, identifier: str, **others: Any) -> str:
    """The line of an entry; of `others`, those that say something."""
    return to_line({"list": name, "id": identifier, **{key: value for key, value in others.items() if value}})


def to_line(record: Mapping[str, Any]) -> str:
    """A JSON object in a line, as people read it."""
    return json.dumps(record, ensure_ascii=False)


def name_fault(name: str) -> str:
    """What is wrong with the name of a list; "" where nothing is."""
    if not name.strip():
        return "the name of a list is empty"
    if len(name) > _LONGEST_NAME:
        return f"the name of a list has at most {_LONGEST_NAME} characters"
    if name.startswith("-"):
        return "the name of a list does not begin with a hyphen"
    return "" if name.isprintable() else "the name of a list has only letters that can be printed"


def _without_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    record = dict(pairs)
    if len(record) != len(pairs):
        keys = [key for key, _value in pairs]
        twice = next(key for key in keys if keys.count(key) > 1)
        raise ListError(f"{_shown(twice)} is given twice; give it once")
    return record


def _shown(value: object) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 60 else f"{text[:60]}..."
