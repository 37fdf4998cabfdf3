"""Token ids of many texts in one array, as tokenizers give and engines take them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Ids = npt.NDArray[np.int32]
Places = npt.NDArray[np.int64]

_OVERLAP = 8  # a window shares 1/8 of its tokens with the one before


@dataclass(frozen=True, slots=True)
class Tokens:
    """Rows of token ids, special tokens and all; a row is a text, or a window of one."""

    ids: Ids  # (n_tokens,) int32, the rows end to end
    bounds: Places  # (n_rows + 1,) int64: row i is ids[bounds[i] : bounds[i + 1]]
    owners: Places | None = None  # (n_rows,) int64, ascending: of which text a row is a window; None: row i is text i
    n_cut: int = 0  # texts that were longer than the model reads

    def __len__(self) -> int:
        return len(self.bounds) - 1

    @property
    def lengths(self) -> Places:
        """(n_rows,) int64."""
        return np.diff(self.bounds)

    @property
    def n_texts(self) -> int:
        """How many texts the rows come from."""
        if self.owners is None:
            return len(self)
        return int(self.owners[-1]) + 1 if len(self.owners) else 0

    def part(self, start: int, stop: int) -> Tokens:
        """The rows from `start` to `stop`, without their owners."""
        bounds = self.bounds[start : stop + 1]
        return Tokens(self.ids[bounds[0] : bounds[-1]], bounds - bounds[0])


@dataclass(frozen=True, slots=True)
class Frame:
    """The special tokens that a tokenizer puts around every text."""

    before: tuple[int, ...]
    after: tuple[int, ...]

    def __len__(self) -> int:
        return len(self.before) + len(self.after)


def cut(tokens: Tokens, max_tokens: int, frame: Frame) -> Tokens:
    """Rows of at most `max_tokens`, from rows that a tokenizer cut at one token more.

    That one token tells which texts are too long without tokenising them twice; here it goes, and it is always the last
    before the closing special tokens.
    """
    too_long = np.flatnonzero(tokens.lengths > max_tokens)
    if not len(too_long):
        return tokens
    if tokens.lengths.max() != max_tokens + 1:
        raise ValueError("the tokenizer does not cut a text where it is told to")
    ids = np.delete(tokens.ids, tokens.bounds[too_long] + max_tokens - len(frame.after))
    lengths = np.minimum(tokens.lengths, max_tokens)
    return Tokens(ids, _bounds(lengths), n_cut=len(too_long))


def windows(tokens: Tokens, max_tokens: int, frame: Frame) -> Tokens:
    """Every text in as many overlapping rows of at most `max_tokens` as it takes, from rows that were not cut."""
    size = max_tokens - len(frame)  # of the text's own tokens
    step = max(size - max(size // _OVERLAP, 1), 1)
    rows: list[Ids] = []
    owners: list[int] = []
    before, after = np.array(frame.before, np.int32), np.array(frame.after, np.int32)
    for text, (start, stop) in enumerate(zip(tokens.bounds[:-1].tolist(), tokens.bounds[1:].tolist(), strict=True)):
        row = tokens.ids[start:stop]
        if len(row) <= max_tokens:
            rows.append(row)
            owners.append(text)
            continue
        own = row[len(before) : len(row) - len(after)]
        for first in _window_starts(len(own), size, step):
            rows.append(np.concatenate([before, own[first : first + size], after]))
            owners.append(text)
    lengths = np.fromiter(map(len, rows), np.int64, len(rows))
    ids = np.concatenate(rows) if rows else np.empty(0, np.int32)
    n_long = int((tokens.lengths > max_tokens).sum())
    return Tokens(ids, _bounds(lengths), np.array(owners, np.int64), n_long)


def from_rows(rows: list[list[int]]) -> Tokens:
    """Tokens from one list of ids a text."""
    lengths = np.fromiter(map(len, rows), np.int64, len(rows))
    flat = (one for row in rows for one in row)
    return Tokens(np.fromiter(flat, np.int32, int(lengths.sum())), _bounds(lengths))


def _window_starts(n_tokens: int, size: int, step: int) -> Iterator[int]:
    """Where the windows start; the last one ends with the text and is as long as the others."""
    yield from range(0, n_tokens - size, step)
    yield n_tokens - size


def _bounds(lengths: Places) -> Places:
    return np.concatenate([np.zeros(1, np.int64), np.cumsum(lengths, dtype=np.int64)])
