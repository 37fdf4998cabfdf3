"""The ids in JSON: a list, or a line each, of ids or of objects; also what `lunacy query` prints: those of its hits."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import orjson

from lunacy.errors import ListError
from lunacy.idlist.words import Listed, id_name


def ids_of_json(text: str, name: str, note: Callable[[str], None]) -> list[Listed]:
    """The ids; objects whose id is null are passed over. Raises ListError, naming line or item, for other things."""
    try:
        value = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        parsed = list(_parsed_lines(text, name, error))
    else:
        values = value if isinstance(value, list) else [value]
        parsed = [(f"item {place}", one) for place, one in enumerate(values, 1)]
    ids_of = [(where, _ids_of(one, f"{name}, {where}")) for where, one in parsed]
    if n_without := sum(not ids for _where, ids in ids_of):
        note(f"{name}: {n_without:,} of {len(ids_of):,} objects have no id and are passed over")
    return [Listed(one, where) for where, ids in ids_of for one in ids]


def _parsed_lines(text: str, name: str, of_all: orjson.JSONDecodeError) -> Iterator[tuple[str, Any]]:
    """Each line that is not blank, parsed. `of_all`: what is wrong if the text is not lines but one value."""
    is_first = True
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip():
            continue
        try:
            yield f"line {number}", orjson.loads(line)
        except orjson.JSONDecodeError as error:
            place = f"line {of_all.lineno}" if is_first else f"line {number}"
            raise ListError(f"{name}, {place}: not JSON: {(of_all if is_first else error).msg}") from None
        is_first = False


def _ids_of(value: Any, where: str) -> list[str]:
    """The id in a value, or those in its hits."""
    is_answer = isinstance(value, dict) and isinstance(value.get("hits"), list)
    ids = [_id_of(one, where) for one in (value["hits"] if is_answer else [value])]
    return [one for one in ids if one is not None]


def _id_of(value: Any, where: str) -> str | None:
    if isinstance(value, dict) and (key := id_name(value)):
        value = value[key]
        if value is None:
            return None
    if isinstance(value, str):
        return value
    if isinstance(value, int | float) and not isinstance(value, bool):
        raise ListError(f"{where}: {value} is a number, and may have lost a zero; write ids as text: '1802.05130'")
    raise ListError(f'{where}: has no "id"; give a list of ids, or of objects with "id" or "arxiv_id"')
