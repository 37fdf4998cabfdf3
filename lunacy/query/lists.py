"""Lists of ids in the place of ids: files for the filters `only_ids` and `not_ids`, and reading lists by name.

A list that filters nothing, or of which the index has nothing, is refused, or told.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from lunacy.errors import ListError, UsageError
from lunacy.idlist import FORMS, name_of, read_ids
from lunacy.paper import canonical_id, why_no_id
from lunacy.query.index import Index

if TYPE_CHECKING:
    from lunacy.library import ReadingList

PREFIX = "list:"  # before the name of a reading list, in the place of an id


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


def with_lists(
    papers: Sequence[str],
    index: Index,
    note: Callable[[str], None],
    lists: Callable[[], Mapping[str, ReadingList]] | None = None,
) -> list[str]:
    """`papers` with those of a reading list, as far as the index has them, in the place of `list:NAME`.

    `note`: told how many it lacks. `lists`: reads the lists, by default those of `lunacy list`. Raises UsageError for a
    list that there is not, or of which the index has no paper, ListError for a file that is none.
    """
    if not any(one.startswith(PREFIX) for one in papers):
        return list(papers)
    from lunacy.library import read_lists, require_list

    by_name = (lists or read_lists)()
    found: list[str] = []
    for one in papers:
        if not one.startswith(PREFIX):
            found.append(one)
            continue
        listed = require_list(one.removeprefix(PREFIX), by_name)
        held = index.held(listed.ids)
        if not held:
            raise UsageError(f"the index has none of the papers on the list {listed.name!r}")
        if lacking := len(listed.ids) - len(held):
            note(f"the index lacks {lacking:,} of the {len(listed.ids):,} papers on the list {listed.name!r}")
        found += [each for each in listed.ids if each in held]
    return list(dict.fromkeys(found))
