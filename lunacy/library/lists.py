"""Named reading lists, in one file: read, and changed line by line."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from lunacy.advice import command
from lunacy.errors import ListError, NotAnId, UsageError
from lunacy.keywords import canonical
from lunacy.library.entry import Entry, format_entry, name_fault, parse_entry, to_line
from lunacy.library.lines import change_lines, read_lines
from lunacy.library.places import lists_path
from lunacy.library.seen import forget
from lunacy.paper import id_fault, squeeze_spaces, why_no_id


@dataclass(frozen=True, slots=True)
class ReadingList:
    """A list: the papers that are on it, in the order of the file, and those that digests leave out."""

    name: str
    ids: tuple[str, ...]
    dismissed: frozenset[str] = frozenset()
    entries: tuple[Entry, ...] = field(default=(), repr=False, compare=False)  # of both, in the order of the file


def read_lists(path: Path | None = None) -> dict[str, ReadingList]:
    """The lists by name, as the file has them; none where there is no file.

    An id that stands in a list twice counts once, as its last line has it. Raises ListError, with line and reason, for
    a line that cannot be understood.
    """
    path = path or lists_path()
    by_name: dict[str, dict[str, Entry]] = {}
    for one in _parsed(read_lines(path), path):
        if one is not None:
            entry, _record = one
            by_name.setdefault(entry.name, {})[entry.id] = entry
    return {name: _list_of(name, tuple(entries.values())) for name, entries in by_name.items()}


def add(
    name: str, ids: Iterable[str], *, titles: Mapping[str, str] | None = None, path: Path | None = None
) -> list[str]:
    """Put papers, by their ids in any form, on a list, which is made if there is none; those that were not on it.

    One that was dismissed is no more. `titles`, by id as arXiv writes it, stand beside the ids for who reads the file.
    Raises UsageError for a name that no list can have, NotAnId for what can be no id, ListError as `read_lists`.
    """
    if fault := name_fault(name):
        raise UsageError(fault)
    return _put(path or lists_path(), squeeze_spaces(name), _readable(ids), titles or {}, is_dismissed=False)


def dismiss(
    name: str, ids: Iterable[str], *, titles: Mapping[str, str] | None = None, path: Path | None = None
) -> list[str]:
    """Have digests of a list leave papers out, and rank lower what is like them; those that were not dismissed yet.

    One that was on the list is no more. Raises UsageError where there is no such list, ListError as `read_lists`.
    """
    path = path or lists_path()
    name = require_list(name, read_lists(path), path).name
    return _put(path, name, _readable(ids), titles or {}, is_dismissed=True)


def remove(name: str, ids: Iterable[str] | None = None, *, path: Path | None = None) -> list[str]:
    """Take papers off a list, dismissed ones too, or the whole list for None; the ids that were taken off.

    Raises UsageError where there is no such list, ListError as `read_lists`.
    """
    path = path or lists_path()
    name = require_list(name, read_lists(path), path).name
    wanted = None if ids is None else set(_canonical(ids))
    gone: dict[str, None] = {}

    def change(lines: list[str]) -> list[str]:
        kept = []
        for line, one in zip(lines, _parsed(lines, path), strict=True):
            if one is not None and one[0].name == name and (wanted is None or one[0].id in wanted):
                gone[one[0].id] = None
            else:
                kept.append(line)
        return kept

    change_lines(path, change)
    if wanted is None:
        forget(name, path=path)
    return list(gone)


def require_list(name: str, lists: Mapping[str, ReadingList], path: Path | None = None) -> ReadingList:
    """The list with that name; "" where any would do. Raises UsageError, naming those that there are."""
    found = lists.get(squeeze_spaces(name))
    if found is not None:
        return found
    if not lists:
        hint = f"make one with: {command('list', 'add', 'NAME', '1802.05130')}"
        what = f"there is no list {name!r}, nor any other" if name else "there is no reading list"
        raise UsageError(what, where=path or "", hint=hint)
    near = get_close_matches(name, lists, n=3) or list(lists)[:5]
    more = "" if len(near) == len(lists) else f" and {len(lists) - len(near):,} more"
    raise UsageError(f"there is no list {name!r}; there are: {', '.join(near)}{more}", where=path or "")


def _put(path: Path, name: str, ids: list[str], titles: Mapping[str, str], *, is_dismissed: bool) -> list[str]:
    """Have each of `ids` on the list, dismissed or not; those that were not so before."""
    changed: list[str] = []

    def change(lines: list[str]) -> list[str]:
        parsed = _parsed(lines, path)
        mine = {}  # the last line of each id
        for place, one in enumerate(parsed):
            if one is not None and one[0].name == name:
                mine[one[0].id] = place
        new = []
        for identifier in ids:
            if identifier not in mine:
                new.append(format_entry(name, identifier, title=titles.get(identifier, ""), dismissed=is_dismissed))
            else:
                one = parsed[mine[identifier]]
                assert one is not None
                if one[0].dismissed == is_dismissed:
                    continue
                record = {key: value for key, value in one[1].items() if key != "dismissed"}
                lines[mine[identifier]] = to_line(record | ({"dismissed": True} if is_dismissed else {}))
            changed.append(identifier)
        end = max(mine.values(), default=len(lines) - 1) + 1
        return [*lines[:end], *new, *lines[end:]]

    change_lines(path, change)
    return changed


def _parsed(lines: Iterable[str], path: Path) -> list[tuple[Entry, dict[str, Any]] | None]:
    """As `parse_entry`, of each line. Raises ListError, with line and reason."""
    found = []
    for number, line in enumerate(lines, 1):
        try:
            found.append(parse_entry(line))
        except ListError as error:
            raise ListError(f"line {number}: {error}", where=path) from None
    return found


def _list_of(name: str, entries: tuple[Entry, ...]) -> ReadingList:
    ids = tuple(entry.id for entry in entries if not entry.dismissed)
    return ReadingList(name, ids, frozenset(entry.id for entry in entries if entry.dismissed), entries)


def _canonical(ids: Iterable[str]) -> list[str]:
    """As arXiv writes them, each once."""
    return list(dict.fromkeys(map(canonical, ids)))


def _readable(ids: Iterable[str]) -> list[str]:
    """As `_canonical`. Raises NotAnId for what could not be read back."""
    found = _canonical(ids)
    for one in found:
        if not one or not one.isprintable() or id_fault(one):
            raise NotAnId(f"{why_no_id(one)}: no list can hold it")
    return found
