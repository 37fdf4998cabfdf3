"""What digests have shown: beside the file of lists, not in it, as only the program has to do with it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path

from lunacy.errors import ListError
from lunacy.keywords import canonical
from lunacy.library.entry import parse_object, to_line
from lunacy.library.lines import change_lines, read_lines
from lunacy.library.places import lists_path, seen_path


@dataclass(frozen=True, slots=True)
class Seen:
    """What digests of a list have shown so far."""

    ids: frozenset[str] = frozenset()
    generations: dict[str, int] = field(default_factory=dict)  # by index, up to which commit papers were looked at


def seen(name: str, *, path: Path | None = None) -> Seen:
    """What digests of a list have shown. `path` is that of the lists. Raises ListError for a damaged file."""
    file = seen_path(path or lists_path())
    return _parsed(read_lines(file), file).get(name, Seen())


def mark_seen(name: str, ids: Iterable[str], generation: int, *, index: str = "", path: Path | None = None) -> None:
    """Add what a digest of a list has shown, up to `generation` of `index`, which is any name of one's own.

    Raises ListError for a damaged file.
    """
    shown = frozenset(map(canonical, ids))

    def mark(known: dict[str, Seen]) -> None:
        before = known.get(name, Seen())
        known[name] = Seen(before.ids | shown, before.generations | {index: generation})

    _change(path, mark)


def forget(name: str, *, path: Path | None = None) -> None:
    """Delete what is known of a list, which is no more."""
    if name in _parsed(read_lines(file := seen_path(path or lists_path())), file):
        _change(path, lambda known: known.pop(name, None))


def _change(path: Path | None, change: Callable[[dict[str, Seen]], object]) -> None:
    file = seen_path(path or lists_path())

    def change_all(lines: list[str]) -> list[str]:
        known = _parsed(lines, file)
        change(known)
        return [
            to_line({"list": one, "generations": dict(sorted(state.generations.items())), "seen": sorted(state.ids)})
            for one, state in sorted(known.items())
        ]

    change_lines(file, change_all)


def _parsed(lines: Iterable[str], path: Path) -> dict[str, Seen]:
    known = {}
    for number, line in enumerate(lines, 1):
        try:
            record = parse_object(line)
            if not (
                isinstance(name := record.get("list"), str)
                and isinstance(ids := record.get("seen"), list)
                and all(isinstance(one, str) for one in ids)
                and isinstance(generations := record.get("generations"), dict)
                and all(type(one) is int for one in generations.values())
            ):
                raise ListError('not like {"list": "thesis", "generations": {"": 1}, "seen": ["1802.05130"]}')
        except ListError as error:
            hint = "delete the line: the next digest of that list begins anew"
            raise ListError(f"line {number}: {error}", where=path, hint=hint) from None
        known[name] = Seen(frozenset(ids), generations)
    return known
