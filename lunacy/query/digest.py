"""Digests: of the papers that are new, those that matter for a reading list."""

from __future__ import annotations

import datetime
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from lunacy.answer import Summary
from lunacy.arrays import NONE, Rows, Vectors
from lunacy.dates import resolve_date
from lunacy.digest import TOP, Digest, Item
from lunacy.filter import Filter
from lunacy.library import ReadingList, Seen
from lunacy.paper import Paper
from lunacy.query.index import Index
from lunacy.search import Searcher
from lunacy.search.near_duplicates import Work, authors_among, merged
from lunacy.search.several import Pool, text_of
from lunacy.search.words import shared_words

LAST = "last"
_FIRST_DAYS = 31  # that the first digest of a list looks back, from the last paper on
_POOL = 2000  # new papers whose words are compared: the nearest by vectors, for each list
_BLOCK = 2**14  # vectors at a time
_TYPICAL = 0.9  # share of papers in general that a listed one is more like the list than
_N_WORDS, _N_AUTHORS = 3, 3


@dataclass(frozen=True, slots=True)
class _Wanted:
    """A list, as the index has its papers, and what is new for it."""

    listed: ReadingList
    papers: Sequence[Paper]
    liked: Vectors  # (n, dim)
    unliked: Vectors  # (m, dim): of those that were dismissed
    new: Rows
    since: str
    notes: tuple[str, ...]


def make_digests(
    ix: Index,
    lists: Sequence[ReadingList],
    seen: Mapping[str, Seen],
    *,
    since: str = LAST,
    top: int = TOP,
    known: Collection[str] = (),
) -> list[Digest]:
    """A digest for each list, of one commit of the index: the same for the same lists, state and commit.

    `seen`: what digests have shown before, by list. `since`: "last" for what came into the index since then; a date
    for what was posted since. `known`: ids that no digest lists; nor does one what is on its list, or was dismissed.
    Raises UsageError for what is no date, and for an index that is published.
    """
    index = index_name(ix)
    with ix.view() as view:
        info = view.info()
        wanted = [_wanted(view, one, seen.get(one.name, Seen()), index, since, known) for one in lists]
        pool = Pool(view, _nearest(view, wanted))
        digests = []
        for one in wanted:
            generation = info.generation if len(one.papers) else 0
            digests.append(replace(_digest(pool, one, top), date=info.source[1], generation=generation))
        return digests


def index_name(ix: Index) -> str:
    """The name under which digests remember an index: its folder."""
    return str(Path(ix.name).resolve())


def _wanted(view: Searcher, listed: ReadingList, seen: Seen, index: str, since: str, known: Collection[str]) -> _Wanted:
    """What there is to be ranked for a list."""
    rows = view.rows([*listed.ids, *listed.dismissed])
    mine = np.array([rows[one] for one in listed.ids if one in rows], np.int64)
    dismissed = np.array(sorted(rows[one] for one in listed.dismissed if one in rows), np.int64)
    notes = []
    if lacking := len(listed.ids) - len(mine):
        notes.append(f"the index lacks {lacking:,} of the {len(listed.ids):,} papers of {listed.name}")
    new, described = _new(view, seen.generations.get(index), since)
    left_out = view.rows(sorted({*listed.ids, *listed.dismissed, *seen.ids, *known}))
    fresh = np.setdiff1d(new, np.array(list(left_out.values()), np.int64))
    if not len(mine):
        notes.append(f"so there is nothing to compare with; put papers of the index on {listed.name}")
    elif not len(new):
        notes.append(f"there is no paper {described}")
    elif not len(fresh):
        n = f"all {len(new):,} papers" if len(new) > 1 else "the only paper"
        notes.append(f"{n} {described} were listed before, or are yours, or were dismissed")
    fresh = fresh if len(mine) else NONE
    papers, vectors = view.papers(mine), view.vectors(mine)
    return _Wanted(listed, papers, vectors, view.vectors(dismissed), fresh, described, tuple(notes))


def _new(view: Searcher, last: int | None, since: str) -> tuple[Rows, str]:
    """The rows of the new papers, and which they are, in words."""
    if since != LAST:
        date = resolve_date(since)
        return view.admitted(Filter(since=date)), f"posted since {date}"
    generation = view.info().generation
    if last is not None and last <= generation:
        return view.admitted(Filter(), added_after=last), "that came into the index since the last digest"
    date = _first_day(view.summary())
    if not date:
        return NONE, "whose date is known"
    why = "the first digest of this list" if last is None else "the index was made anew since the last digest"
    return view.admitted(Filter(since=date)), f"posted since {date} ({why})"


def _first_day(summary: Summary) -> str:
    """From which day on papers are new for a first digest."""
    last = summary.last_posted
    if not last:
        return ""
    day = datetime.date.fromisoformat(last if len(last) == len("2024-05-31") else f"{last}-28")
    return (day - datetime.timedelta(days=_FIRST_DAYS)).isoformat()


def _nearest(view: Searcher, wanted: Sequence[_Wanted]) -> Rows:
    """Of the new papers of each list the nearest by vectors, all together."""
    chosen = [NONE]
    for one in wanted:
        if len(one.new) <= _POOL:
            chosen.append(one.new)
            continue
        direction = view.background().direction(one.liked, one.unliked)
        blocks = [one.new[start : start + _BLOCK] for start in range(0, len(one.new), _BLOCK)]
        products = np.concatenate([view.vectors(rows) @ direction for rows in blocks])
        chosen.append(one.new[np.argsort(-products, kind="stable")[:_POOL]])
    return np.unique(np.concatenate(chosen))


def _digest(pool: Pool, wanted: _Wanted, top: int) -> Digest:
    name, notes = wanted.listed.name, list(wanted.notes)
    if not len(wanted.new):
        return Digest(name, (), 0, wanted.since, tuple(notes))
    texts = [text_of(paper) for paper in wanted.papers]
    scores, typical = pool.scores_and_typical(wanted.liked, texts, wanted.unliked)  # (c,), (n,)
    least = float(np.quantile(typical, _TYPICAL))
    able = np.flatnonzero(np.isin(pool.rows, wanted.new) & (scores > least))
    order = able[np.argsort(-scores[able], kind="stable")]
    kept, copies = merged(order, pool.vectors, top, lambda indexes: [pool.papers[one] for one in indexes.tolist()])
    authors = frozenset[tuple[str, str]]().union(*(Work.of(one).authors for one in wanted.papers))
    items = []
    for one in kept.tolist():
        item = _item(pool, wanted, authors, one, float(scores[one]))
        items.append(replace(item, copies=tuple(pool.papers[other].id for other in copies.get(one, []))))
    if not items:
        share = f"{_TYPICAL:.0%} of papers"
        notes.append(f"none of the {len(wanted.new):,} papers {wanted.since} is more like {name} than {share} are")
    return Digest(name, items, len(wanted.new), wanted.since, tuple(notes))


def _item(pool: Pool, wanted: _Wanted, authors: Collection[tuple[str, str]], place: int, score: float) -> Item:
    """With the nearest paper of the list, and what both have in common. `authors`: of the list, as `Work` has them."""
    paper = pool.papers[place]
    cosines = wanted.liked.astype(np.float64) @ pool.vectors[place]
    nearest = int(cosines.argmax())
    near = wanted.papers[nearest]
    words = shared_words(text_of(paper), text_of(near), pool.rarity, _N_WORDS)
    known = authors_among(paper, authors)[:_N_AUTHORS]
    return Item(paper, score, near, float(cosines[nearest]), words, known)
