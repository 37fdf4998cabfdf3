"""The authors of many papers at once, folded: what `authors_of` and `folded` say, in a fraction of the time.

Nearly all lists are plain, and nearly all names are of plain words. So all are one text, which is folded as a whole;
the lists, names and words that need more are done one by one.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from itertools import compress
from typing import Final

import numpy as np
import numpy.typing as npt

from lunacy.arrays import Rows
from lunacy.names import authors_of, folded, folded_word

_NAME, _PAPER = b"\x1f", b"\n"  # behind a name of which another one follows, and behind the last of a paper
_LONGEST = 190  # bytes: a longer name may have more words than are kept
# What makes a list one that is not split at its commas alone, as `authors_of` has it: these words, and some characters
_ODD_WORD = re.compile(rb" (?=[fAoJjSsIia])(?:for|AND|on behalf|[JjSs][Nn]?[Rr]|[Ii]{2,3}|[Ii][Vv]|[Aa][Ll])\b")
_GLUED = re.compile(rb"\.(?=[a-z])")

_LETTERS, _UPPER = b"abcdefghijklmnopqrstuvwxyz", b"ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_BREAK, _CAPITAL, _STOP, _SPECIAL, _NAME_ODD, _LIST_ODD, _COMMA = (1 << bit for bit in range(7))
_KINDS: Final = {
    _BREAK: b" " + _NAME + _PAPER,
    _CAPITAL: _UPPER,
    _STOP: b".",
    _SPECIAL: bytes(set(range(256)) - {*_LETTERS, *_UPPER, *b". ", *_NAME, *_PAPER}),
    _NAME_ODD: rb"\{}$~`,",
    _LIST_ODD: rb"\{}$~();:&",
    _COMMA: b",",
}  # of bytes
_KIND = bytes(sum(kind for kind, members in _KINDS.items() if byte in members) for byte in range(256))
_IN_LOWER_CASE = bytes.maketrans(_UPPER + _NAME, _LETTERS + _PAPER)
_HIDDEN = str.maketrans(" ,.", "\x01\x02\x03")  # what is folded already, while the rest is
_SHOWN = bytes.maketrans(b"\x01\x02\x03", b" ,.")


def folded_lists(authors: Sequence[str], names: Sequence[str]) -> tuple[bytes, Rows]:
    """All names, folded, a line each, and for each paper where its lines end: (n,) int64.

    `authors` and `names` are fields of papers.
    """
    data = "\n".join([*authors, ""]).encode()
    if data.count(_PAPER) > len(authors) or _NAME in data:  # no writer of ours leaves these inside of a list
        authors = [" ".join(one.split()) for one in authors]
        data = "\n".join([*authors, ""]).encode()
    lists = data.replace(b", and ", b", ").replace(b" and ", b", ").replace(b", ", _NAME).split(_PAPER)[:-1]
    for place in {*_odd_lists(data), *(place for place, one in enumerate(names) if one)}:
        lists[place] = _NAME.join(" ".join(one.split()).encode() for one in authors_of(authors[place], names[place]))
    data = _PAPER.join([*lists, b""])
    marks = data.translate(None, bytes(set(range(256)) - {*_NAME, *_PAPER}))  # one behind each name
    lines = _folded(data)
    return lines, _places(lines, _PAPER)[_places(marks, _PAPER)] + 1


def _kinds(data: bytes) -> npt.NDArray[np.uint8]:
    return np.frombuffer(data.translate(_KIND), np.uint8)


def _places(data: bytes, byte: bytes) -> Rows:
    return np.flatnonzero(np.frombuffer(data, np.uint8) == byte[0])


def _odd_lists(data: bytes) -> list[int]:
    """Which lists, a line each, may need `authors_of`."""
    kinds = _kinds(data)
    is_odd = (kinds & _LIST_ODD) != 0
    is_odd[:-1] |= ((kinds[:-1] & _COMMA) != 0) & (np.frombuffer(data, np.uint8)[1:] != ord(" "))
    odd = np.append(np.flatnonzero(is_odd), [match.start() for match in _ODD_WORD.finditer(data)])
    lists: list[int] = np.unique(np.searchsorted(_places(data, _PAPER), odd)).tolist()
    return lists


def _folded(data: bytes) -> bytes:
    """`data` has names, each with a mark behind it; as `folded` writes them, a line each."""
    kinds = _kinds(data)
    breaks = np.flatnonzero(kinds & _BREAK)
    ends = breaks[np.frombuffer(data, np.uint8)[breaks] != ord(" ")]
    words = np.unique(np.searchsorted(breaks, np.flatnonzero(kinds & _SPECIAL)))  # (w,): the break behind each
    new_words = _each_folded(data, breaks, words, folded_word)
    in_names = np.searchsorted(ends, breaks[words])  # (w,)
    is_open = np.array([one is None for one in new_words], np.bool_)
    names = np.unique(np.concatenate([_odd_names(kinds, ends), in_names[is_open]]))
    is_kept = ~np.isin(in_names, names)
    new = [*compress(new_words, is_kept.tolist()), *_each_folded(data, ends, names, folded)]
    words = words[is_kept]
    begins = np.concatenate([_begins(breaks, words), _begins(ends, names)])
    stops = np.concatenate([breaks[words], ends[names]])
    text = _replaced(data, begins, stops, new).translate(_IN_LOWER_CASE)
    text = _GLUED.sub(b". ", text).replace(b" ", b", ").replace(_PAPER, _PAPER + b" ").translate(_SHOWN)
    return b" " + text[:-1] if text else b""


def _odd_names(kinds: npt.NDArray[np.uint8], ends: Rows) -> Rows:
    """Which names are more than their words, one by one: with a comma, or two capitals, which may be initials."""
    before = np.append(np.uint8(_BREAK), kinds[:-1])
    is_odd = kinds & before & (_CAPITAL | _BREAK)
    is_lone_stop = (kinds & _STOP) * (before & (_STOP | _BREAK))
    odd = np.flatnonzero(is_odd | is_lone_stop | (kinds & _NAME_ODD))
    return np.append(np.searchsorted(ends, odd), np.flatnonzero(np.diff(ends, prepend=-1) > _LONGEST))


def _begins(ends: Rows, places: Rows) -> Rows:
    """Where the piece before each of the `ends` begins."""
    return np.where(places > 0, ends[places - 1] + 1, 0)


def _each_folded(data: bytes, ends: Rows, places: Rows, fold: Callable[[str], str | None]) -> list[bytes | None]:
    """The pieces before some of the `ends`, folded, and hidden from what is done to the rest."""
    spans = zip(_begins(ends, places).tolist(), ends[places].tolist(), strict=True)
    pieces = [data[begin:end] for begin, end in spans]
    new: dict[bytes, bytes | None] = {}
    for piece in dict.fromkeys(pieces):
        text = fold(piece.decode())
        new[piece] = None if text is None else text[1:].translate(_HIDDEN).encode()
    return [new[piece] for piece in pieces]


def _replaced(data: bytes, begins: Rows, stops: Rows, new: Sequence[bytes | None]) -> bytes:
    """`data` with what is `new` instead of some pieces."""
    order = np.argsort(begins)
    pieces, at = [], 0
    for place, begin, stop in zip(order.tolist(), begins[order].tolist(), stops[order].tolist(), strict=True):
        pieces += [data[at:begin], new[place] or b""]
        at = stop
    return b"".join([*pieces, data[at:]])
