"""Text in lines of a width, as terminals count it."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Iterator


def width_of(text: str) -> int:
    """The columns of `text` on a terminal: East Asian characters and emoji take two, accents none."""
    return len(text) if text.isascii() else sum(map(_columns, text))


def _columns(char: str) -> int:
    if unicodedata.category(char) in ("Mn", "Me", "Cf"):
        return 0
    return 2 if unicodedata.east_asian_width(char) in "WF" else 1


def wrapped(text: str, width: int) -> list[str]:
    """`text` in lines of at most `width` columns, cut between words; a longer word is cut where the line ends."""
    return joined(text.split(" "), width, " ")


def joined(units: Iterable[str], width: int, separator: str) -> list[str]:
    """`units` with `separator` between, in lines of at most `width` columns; one that is too long is cut."""
    lines, free = [""], width
    for unit in units:
        needed = width_of(unit) + (len(separator) if lines[-1] else 0)
        if needed <= free:
            lines[-1] += (separator if lines[-1] else "") + unit
            free -= needed
            continue
        pieces = [unit] if width_of(unit) <= width else list(_cut(unit, width))
        lines = [*filter(None, lines), *pieces]
        free = width - width_of(lines[-1])
    return lines


def _cut(unit: str, width: int) -> Iterator[str]:
    """A unit of several words between them, a word anywhere, but no link: terminals know one by its whole."""
    if " " in unit or "://" in unit:
        yield from wrapped(unit, width) if " " in unit else [unit]
        return
    line, free = "", width
    for char in unit:
        if _columns(char) > free:
            yield line
            line, free = "", width
        line += char
        free -= _columns(char)
    yield line


def shortened(text: str, width: int) -> str:
    """`text`, cut off where a line ends."""
    lines = wrapped(text, width)
    return lines[0] if len(lines) == 1 else wrapped(text, width - 3)[0] + "..."
