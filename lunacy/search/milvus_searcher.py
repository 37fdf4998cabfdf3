"""Searching an index that was published to Milvus.

The server's scan is in float32; what it lists is scored again in float64, from the rows themselves, as in `exact.py`:
scores are those of the index folder to the last digit, and lists differ among ties alone.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import numpy as np

from lunacy.advice import command
from lunacy.answer import Info, Summary
from lunacy.arrays import Rows, Scores, Vectors
from lunacy.errors import ServerError, UsageError
from lunacy.filter import Filter
from lunacy.fingerprint import Fingerprint
from lunacy.measured import IvfFacts, Measured, QueryKind
from lunacy.milvus import MOST_HITS, Address, Collection, Published, expression
from lunacy.paper import Paper
from lunacy.question import Options
from lunacy.search.approximate import require_lists
from lunacy.search.background import N_DRAWN, Background
from lunacy.search.exact import MARGIN, ROUNDING, Found, rows_left_out
from lunacy.search.ranking import Ranked, rank
from lunacy.search.searcher import LastCommit
from lunacy.search.target import Sides, Target
from lunacy.search.unsearched import Unsearched

_BATCH, _BATCH_HITS = 64, 5_000  # queries, hits at a time: a reply stays far below the 64 MB of gRPC
_WAIT_S = 10.0  # for a server that is starting
_MARGIN = MARGIN + 1  # rows asked for beyond k: the server does not leave out the paper itself
_STEP = 6.0  # of the weights, against differences of cosines


class MilvusSearcher(Unsearched):
    """A `Searcher` of a collection of a Milvus server. It holds no commit: answers are of what the server has now."""

    def __init__(self, address: Address) -> None:
        """Connect. Raises MissingExtra, ServerError."""
        self._address = address
        self._collection = Collection(address, wait_s=_WAIT_S)
        self._lists: Collection | None = None
        self._published: Published | None = None
        self._lock = threading.Lock()
        self._is_closed = False
        self._forget()

    @property
    def name(self) -> str:
        """The address."""
        return self._address.name

    @contextmanager
    def pinned(self) -> Iterator[MilvusSearcher]:
        """What the server has at the moment, for one thread at a time; rows number the papers as they are met."""
        with self._lock:
            if self._is_closed:
                raise UsageError("the index is closed; open it again")
            if self._published is None:
                published = self._collection.published()
                if published.n_papers is None:
                    hint = f"publish it once more: {command('publish', '--to', self.name)}"
                    raise ServerError("the index is only partly published", where=self.name, hint=hint)
                self._collection.load()
                self._published = published
            try:
                yield self
            finally:
                self._forget()

    def last_commit(self) -> LastCommit:
        """The commit that was published when it was opened."""
        if self._published is None:
            with self.pinned():
                pass
        return LastCommit(self._facts.generation)

    def _forget(self) -> None:
        self._ids: list[str] = []
        self._rows: dict[str, int] = {}
        self._fetched: dict[int, tuple[Paper, Vectors]] = {}

    def close(self) -> None:
        """Close the connections."""
        with self._lock:
            self._is_closed = True
            self._collection.close()
            if self._lists is not None:
                self._lists.close()

    @property
    def _facts(self) -> Published:
        assert self._published is not None, "only inside `pinned`"
        return self._published

    @property
    def n_papers(self) -> int:
        """How many papers there are."""
        return self._collection.count()

    @property
    def fingerprint(self) -> Fingerprint:
        """What made the vectors."""
        return self._facts.fingerprint

    def summary(self) -> Summary:
        """The papers by category and month, as they were published."""
        return self._facts.summary

    def info(self) -> Info:
        """The collection in figures."""
        facts = self._facts
        return Info(self.name, facts.generation, self.summary(), facts.fingerprint, facts.arithmetic, ivf=facts.ivf)

    def rows(self, ids: Sequence[str]) -> dict[str, int]:
        """The rows of those `ids` that are there."""
        return {one: self._row(one) for one in self._collection.held(ids)}

    def _row(self, identifier: str) -> int:
        if identifier not in self._rows:
            self._rows[identifier] = len(self._ids)
            self._ids.append(identifier)
        return self._rows[identifier]

    def least_usual(self) -> float | None:
        """The cosine that 99 % of papers' nearest neighbours reach; None where the index had no sample of them."""
        return self._facts.least_usual

    def n_qualified(self, wanted: Filter, include_withdrawn: bool) -> int:
        """How many papers may be hits."""
        return self._collection.count(expression(wanted, include_withdrawn, self._facts.summary.by_category))

    def admitted(self, wanted: Filter, *, added_after: int = 0) -> Rows:  # noqa: ARG002
        """Raises UsageError: a server lists the nearest, not all."""
        raise UsageError("a Milvus collection cannot list what is new; ask the index folder for that", where=self.name)

    def papers(self, rows: Rows) -> list[Paper]:
        """The papers at `rows`, without their abstracts."""
        self._fetch(rows)
        return [self._fetched[row][0] for row in rows.tolist()]

    def vectors(self, rows: Rows) -> Vectors:
        """The vectors at `rows`: (n, dim) float32."""
        self._fetch(rows)
        return np.array([self._fetched[row][1] for row in rows.tolist()], np.float32).reshape(-1, self.fingerprint.dim)

    def _fetch(self, rows: Rows) -> None:
        lacking = [row for row in dict.fromkeys(rows.tolist()) if row not in self._fetched]
        found = self._collection.fetch([self._ids[row] for row in lacking])
        self._fetched.update((self._rows[identifier], one) for identifier, one in found.items())
        if len(found) < len(lacking):
            raise ServerError(f"{self.name} was changed while it was read; ask again")

    def background(self) -> Background:
        """Papers drawn by their stamps, which are hashes; fewer where the server has taken in others since."""
        rows = np.array([self._row(one) for one in self._collection.draw(N_DRAWN)], np.int64)
        return Background.of(rows, self.vectors(rows))

    def batch(self, n_queries: int, options: Options, device: str) -> tuple[int, str | None]:  # noqa: ARG002 (the server's)
        """As many queries as one reply can hold the answers of."""
        return max(1, min(_BATCH, _BATCH_HITS // options.top)), None

    def nearest(
        self,
        queries: Vectors,
        k: int,
        options: Options,
        *,
        query_kind: QueryKind,
        without: Sequence[int] | None = None,
        device: str | None = None,  # noqa: ARG002 (the server's)
    ) -> Sequence[Found]:
        """By the vectors alone: exact, but for `options.ivf` without a filter. Raises UsageError beyond MOST_HITS."""
        _check_listed(k)
        left_out, found = rows_left_out(without, len(queries)), list[Found | None]([None] * len(queries))
        if options.ivf and (facts := self._ivf()) and options.filter.admits_all:
            require_lists(options.nprobe, facts.nlist)
            found = self._in_lists(queries, k, options, left_out, facts.of(query_kind))
        admitted = expression(options.filter, options.include_withdrawn, self._facts.summary.by_category)
        n = k + _MARGIN
        while undecided := [query for query, one in enumerate(found) if one is None]:
            listed = self._collection.search(queries[undecided], n, admitted)
            self._fetch(np.array([self._row(one) for ids, _scores in listed for one in ids], np.int64))
            for query, (ids, scores) in zip(undecided, listed, strict=True):
                one = self._scored(ids, queries[query], k, left_out[query])
                is_all = len(ids) < n or n == MOST_HITS
                if is_all or one.scores[-1] > scores[-1] + ROUNDING:  # else many are tied
                    found[query] = one
            n = min(4 * n, MOST_HITS)
        return [one for one in found if one is not None]

    def _scored(self, ids: Sequence[str], query: Vectors, k: int, left_out: int, recall: float | None = None) -> Found:
        """The best `k` of `ids`, by cosines in float64."""
        rows = np.array([row for one in ids if (row := self._row(one)) != left_out], np.int64)
        scores: Scores = (self.vectors(rows).astype(np.float64) * query).sum(axis=1)
        best = np.lexsort((rows, -scores))[:k]
        return Found(rows[best], scores[best], recall)

    def _in_lists(
        self, queries: Vectors, k: int, options: Options, left_out: Rows, measured: Measured
    ) -> list[Found | None]:
        """The best `k` in the nearest lists, which hold codes alone; None where these are too few."""
        assert self._lists is not None
        nprobe, n = options.nprobe or measured.nprobe, min(2 * k + _MARGIN, MOST_HITS)
        recall = measured.recall_with(nprobe)
        listed = self._lists.search(queries, n, expression(Filter(), options.include_withdrawn), nprobe)
        there = self._collection.held(list({one for ids, _scores in listed for one in ids}))
        self._fetch(np.array([self._row(one) for one in sorted(there)], np.int64))
        found = [
            self._scored([one for one in ids if one in there], queries[query], k, left_out[query], recall)
            for query, (ids, _scores) in enumerate(listed)
        ]
        return [one if len(one.rows) == k else None for one in found]

    def _ivf(self) -> IvfFacts:
        """What was measured of the lists; opens them."""
        if self._facts.ivf is None:
            hint = f"make them with: {command('publish', '--to', self.name, '--ivf')}"
            raise UsageError("the index has no IVF lists", where=self.name, hint=hint)
        if self._lists is None:
            self._lists = Collection(self._address.lists, wait_s=_WAIT_S)
            self._lists.load()
        return self._facts.ivf

    def _nearest_to_all(self, vectors: Vectors, n: int, enough: int, options: Options) -> Found:
        """The `n` rows whose least product with any of (m, dim) `vectors` is highest; `enough` of them will do.

        The least product is at most any weighted mean of them, which is one product. So who is not among the nearest
        to the weighted mean of the vectors is bounded by the last of these, and the weights are moved towards where
        the bound is lowest. Raises UsageError when as many as a server lists do not prove the list.
        """
        _check_listed(enough)
        admitted = expression(options.filter, options.include_withdrawn, self._facts.summary.by_category)
        weights = np.full(len(vectors), 1 / len(vectors))
        n_listed = min(8 * enough, MOST_HITS)
        while True:
            [(ids, scores)] = self._collection.search((weights @ vectors).astype(np.float32)[None], n_listed, admitted)
            rows = np.array([self._row(one) for one in ids], np.int64)
            products = self.vectors(rows).astype(np.float64) @ vectors.T.astype(np.float64)  # (c, m)
            least: Scores = products.min(axis=1, initial=np.inf)  # (c,)
            best = np.lexsort((rows, -least))[:n]
            if len(ids) == n_listed:
                best = best[least[best] > scores[-1] + ROUNDING]
            if len(ids) < n_listed or len(best) >= enough:
                return Found(rows[best], least[best])
            if n_listed == MOST_HITS:
                raise UsageError(
                    f"these are too far apart for Milvus: the {MOST_HITS:,} nearest do not prove the list; "
                    "narrow it by category or date, ask for fewer, or ask an index folder"
                )
            rivals = products[products @ weights >= -np.partition(-least, enough - 1)[enough - 1]].mean(axis=0)  # (m,)
            weights *= np.exp(-_STEP * (rivals - rivals.mean()))
            weights /= weights.sum()
            n_listed = min(2 * n_listed, MOST_HITS)

    def rank(
        self,
        targets: Sequence[Target],
        options: Options,
        unlike: Target | None,
        *,
        query_kind: QueryKind,
        device: str | None = None,  # noqa: ARG002 (the server's)
    ) -> list[Ranked]:
        """By vectors. Raises UsageError where words are wanted."""
        if options.rank != "dense":
            raise UsageError(f"a Milvus collection has no words; rank {options.rank} needs a folder", where=self.name)
        n_least = options.top + max((len(one.left_out) for one in targets), default=0)
        needs_all = options.fold or options.diverse
        sides = Sides(
            vectors=self.vectors,
            papers=self.papers,
            nearest=lambda vectors, n: self.nearest(vectors, n, options, query_kind=query_kind),
            nearest_to_all=lambda vectors, n: self._nearest_to_all(vectors, n, n if needs_all else n_least, options),
            background=self.background,
        )
        return rank(sides, targets, unlike, options)


def _check_listed(n: int) -> None:
    if n + _MARGIN > MOST_HITS:
        raise UsageError(f"Milvus lists at most {MOST_HITS - _MARGIN:,} hits; ask for fewer, or an index folder")
