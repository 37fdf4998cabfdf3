"""The terms of titles: words that say something, and rows of up to five that are phrases.

A row is a phrase where its words stand together far more often than they would by chance, and where it is not cut off:
"graph neural" is always followed by "networks", and "gravitational waves" by many words (the idea of the C-value:
Frantzi, Ananiadou, Mima 2000, https://doi.org/10.1007/s007999900023).
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from lunacy.arrays import NONE, Rows
from lunacy.pipeline.mapping.title_words import BREAK, LINK, NUMBER, PREFIX, TELLING, WEAK, Numbers, TitleWords
from lunacy.progress import Progress, Report

_MOST_WORDS = 5
_FEWEST = 3  # titles with a term; in a few titles two
_FEW = 5_000
_LEAST_BOND, _OF_WEAK = 0.25, 0.32  # 0: by chance, 1: never apart; the latter for phrases with a weak word at an edge
_RANGES = 8
_MOST_CUT = 0.6  # share of those of a row of words that stand within one longer row


@dataclass(frozen=True, slots=True)
class Terms:
    """Where terms stand."""

    at: Numbers  # (m,): the first word of each, as a position in `TitleWords.words`
    terms: Numbers  # (m,): which it is, numbered from 0
    n_words: Rows  # (n_terms,): of each
    ends: npt.NDArray[np.float64]  # (n_terms,): the share of those of each behind which no other word stands
    begins: npt.NDArray[np.float64]  # (n_terms,): the share that do not begin behind a hyphen


@dataclass(frozen=True, slots=True)
class _Grams:
    """Rows of as many words that are frequent."""

    at: Numbers  # (m,) ascending: the first word of each, as a position in `TitleWords.words`
    grams: Numbers  # (m,): which of them it is
    counts: Rows  # (n_grams,)
    words: Rows  # (n_grams, n_words): frequent words, by number
    parts: Rows  # (n_grams, 2): all but the last word, and all but the first, among the shorter rows
    bonds: npt.NDArray[np.float64]  # (n_grams,): 0: by chance, 1: never apart


def terms_of(titles: TitleWords, n_titles: int, progress: Report) -> Terms:
    """All terms of `titles`, wherever they stand."""
    least = _FEWEST if n_titles >= _FEW else 2
    words, kinds = _frequent_words(titles, least)
    longer = _longer(words, words, least)
    at, terms, sizes, n_terms, level = [], [], [], 0, words
    for n_words in range(1, _MOST_WORDS + 1):
        progress(Progress("finding phrases in titles", n_words - 1, _MOST_WORDS))
        longest = _longer(longer, words, least)
        tells, is_cut = _tell(level, kinds), _cut_off(level, longer, longest, kinds)
        good = tells & ~is_cut
        number = np.where(good, np.cumsum(good) - 1 + n_terms, -1).astype(np.int32)
        held = good[level.grams]
        at.append(level.at[held])
        terms.append(number[level.grams[held]])
        sizes.append(np.full(np.count_nonzero(good), n_words))
        n_terms, level, longer = n_terms + len(sizes[-1]), longer, longest
    places, those, n_words_of = np.concatenate(at), np.concatenate(terms), np.concatenate(sizes)
    behind = titles.kinds[titles.words[places + n_words_of[those]]]  # there is one: each title ends with a break
    n_all = np.bincount(those, minlength=n_terms)
    ends = np.bincount(those, behind <= LINK, n_terms) / n_all
    begins = np.bincount(those, titles.forms[places] % 3 == 0, n_terms) / n_all
    return Terms(places, those, n_words_of, ends, begins)


def _frequent_words(titles: TitleWords, least: int) -> tuple[_Grams, npt.NDArray[np.uint8]]:
    """With the kind of each."""
    counts = np.bincount(titles.words, minlength=len(titles.kinds))
    frequent = (counts >= least) & (titles.kinds != BREAK)
    at = np.flatnonzero(frequent[titles.words]).astype(np.int32)
    grams = (np.cumsum(frequent) - 1).astype(np.int32)[titles.words[at]]
    n = int(np.count_nonzero(frequent))
    alone = np.arange(n)[:, None]
    return _Grams(at, grams, counts[frequent], alone, np.zeros((n, 2), np.int64), np.ones(n)), titles.kinds[frequent]


def _longer(shorter: _Grams, words: _Grams, least: int) -> _Grams:
    """Those of one word more."""
    first = np.flatnonzero(np.diff(shorter.at) == 1).astype(np.int32)
    n_shorter = len(shorter.counts)
    codes = shorter.grams[first].astype(np.int64) * n_shorter + shorter.grams[first + 1]
    found, grams, counts = _counted(codes, n_shorter**2, least)
    held = grams >= 0
    parts = np.stack(np.divmod(found, max(n_shorter, 1)), axis=1)
    rows = np.concatenate([shorter.words[parts[:, 0]], shorter.words[parts[:, 1], -1:]], axis=1)
    before = _bonds(counts, shorter.counts[parts[:, 0]], words.counts[rows[:, -1]], len(words.at))
    behind = _bonds(counts, words.counts[rows[:, 0]], shorter.counts[parts[:, 1]], len(words.at))
    return _Grams(shorter.at[first[held]], grams[held], counts, rows, parts, np.minimum(before, behind))


def _counted(codes: Rows, end: int, least: int) -> tuple[Rows, Numbers, Rows]:
    """The frequent ones of `codes`, which of these each of them is, -1 for none, and their counts.

    As `numpy.unique` does, but for a range of codes at a time, for the sake of memory.
    """
    found, counts, numbers, n_found = [NONE], [NONE], np.full(len(codes), -1, np.int32), 0
    step = end // _RANGES + 1
    for low, high in pairwise(range(0, end + step, step)):
        inside = np.flatnonzero((codes >= low) & (codes < high))
        values, at, n_each = np.unique(codes[inside], return_inverse=True, return_counts=True)
        frequent = n_each >= least
        numbers[inside] = np.where(frequent, np.cumsum(frequent) - 1 + n_found, -1)[at]
        found.append(values[frequent])
        counts.append(n_each[frequent])
        n_found += len(found[-1])
    return np.concatenate(found), numbers, np.concatenate(counts)


def _bonds(both: Rows, one: Rows, other: Rows, n: int) -> npt.NDArray[np.float64]:
    """Normalised pointwise mutual information (Bouma 2009) of two that stand beside each other `both` times of `n`."""
    bonds: npt.NDArray[np.float64] = np.log(both * (n / one / other)) / np.log((n + 1) / both)
    return bonds


def _tell(level: _Grams, kinds: npt.NDArray[np.uint8]) -> npt.NDArray[np.bool_]:
    """Which rows of words say something, and belong together."""
    of_words = kinds[level.words]
    first, last = of_words[:, 0], of_words[:, -1]
    least = np.where((first == WEAK) | (last == WEAK), _OF_WEAK, _LEAST_BOND)
    good = _may_begin(first) & _may_end(last) & (level.bonds >= least)
    return np.asarray(good & ((level.words.shape[1] > 1) | (first == TELLING)), np.bool_)


def _may_begin(kinds: npt.NDArray[np.uint8]) -> npt.NDArray[np.bool_]:
    return np.isin(kinds, (PREFIX, WEAK, TELLING))


def _may_end(kinds: npt.NDArray[np.uint8]) -> npt.NDArray[np.bool_]:
    return np.isin(kinds, (NUMBER, WEAK, TELLING))


def _cut_off(level: _Grams, longer: _Grams, longest: _Grams, kinds: npt.NDArray[np.uint8]) -> npt.NDArray[np.bool_]:
    """Which rows stand within one longer row mostly; within one of two words more if "of" is in between."""
    of_words = kinds[longer.words]
    is_link = (of_words[:, 0] == LINK) | (of_words[:, -1] == LINK)
    within = _most_within(longest, np.where(_is_whole(longest, kinds), longest.counts, 0), len(longer.counts))
    counts = np.where(is_link, within, np.where(_is_whole(longer, kinds), longer.counts, 0))
    return np.asarray(_most_within(longer, counts, len(level.counts)) > _MOST_CUT * level.counts, np.bool_)


def _is_whole(level: _Grams, kinds: npt.NDArray[np.uint8]) -> npt.NDArray[np.bool_]:
    of_words = kinds[level.words]
    return _may_begin(of_words[:, 0]) & _may_end(of_words[:, -1])


def _most_within(longer: _Grams, counts: Rows, n_shorter: int) -> Rows:
    """The highest of the `counts` of longer rows, of those that a shorter one begins or ends: (n_shorter,)."""
    most = np.zeros(n_shorter, np.int64)
    for part in longer.parts.T:
        np.maximum.at(most, part, counts)
    return most
