"""Read files of ids for the filters `only_ids` and `not_ids`; a list that filters nothing is refused, or told."""

from __future__ import annotations

from collections.abc import Callable

from lunacy.errors import ListError
from lunacy.idlist import FORMS, name_of, read_ids
from lunacy.paper import canonical_id, why_no_id
from lunacy.query.index import Index


def read_only_ids(source: str, index: Index, note: Callable[[str], None]) -> list[str]:
    """The ids of a file for `only_ids`. `note`: told what is passed over. Raises ListError for what is no such list."""
    ids, _held = _read(source, index, note)
    if not ids:
        raise ListError(f"{name_of(source)}: holds no id, so there is nothing to choose from; give {FORMS}")
    return ids


def read_not_ids(source: str, index: Index, note: Callable[[str], None]) -> list[str]:
    """The ids of a file for `not_ids`. `note`: also told when it takes nothing away. Raises ListError likewise."""
    ids, held = _read(source, index, note)
    if not held:
        which = f"none of its {len(ids):,} ids is in {index.name}" if ids else "it holds no id"
        note(f"{name_of(source)}: {which}, so it takes nothing away")
    return ids


def _read(source: str, index: Index, note: Callable[[str], None]) -> tuple[list[str], set[str]]:
    """The ids, and those that the index has."""
    listed = [one for group in read_ids(source, note) for one in group]
    held = index.held([one.text for one in listed])
    for one in listed:
        if one.text not in held and canonical_id(one.text) is None:
            raise ListError(f"{name_of(source)}, {one.where}: {why_no_id(one.text)}; a list has {FORMS}")
    return [one.text for one in listed], held
