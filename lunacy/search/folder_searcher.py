"""Searching an index folder: FAISS over the segments of the store."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from lunacy.advice import command
from lunacy.answer import Info, Summary
from lunacy.arrays import NONE, Rows, Vectors
from lunacy.derived import once_per_view
from lunacy.derived.graph import state_of as graph_state
from lunacy.derived.ivf import open_ivf, require_ivf
from lunacy.derived.map import Map, open_map
from lunacy.derived.map import state_of as map_state
from lunacy.derived.neighbours import least_usual
from lunacy.derived.titles import rows_titled
from lunacy.errors import MissingExtra, UsageError
from lunacy.filter import Filter
from lunacy.fingerprint import Fingerprint
from lunacy.measured import QueryKind
from lunacy.paper import Paper
from lunacy.question import Options
from lunacy.search.approximate import search_ivf
from lunacy.search.background import N_DRAWN, Background
from lunacy.search.candidates import Candidates, candidates_of, qualify
from lunacy.search.exact import Found, nearest_to_all, search
from lunacy.search.ranking import Ranked, rank
from lunacy.search.searcher import LastCommit
from lunacy.search.target import Sides, Target
from lunacy.store import Store, View, caches, inventory

if TYPE_CHECKING:
    from lunacy.derived.lexical import Lexical
    from lunacy.search.worded import Worded

_BATCH = 256  # queries answered at a time: a few ms of waiting for the first, matrix products for the rest
_BATCH_HITS = 50_000  # hits at a time: bounds memory when long lists are asked for
_GPU_FROM = 2 * 10**9  # queries times rows: some ten seconds on two cores, where torch alone takes two to load
_GPU_BATCH, _GPU_HITS = 2**14, 200_000  # the same on a GPU, to which all rows go for each batch


def _gpu(wanted: str) -> str | None:
    """The device of torch that is wanted; None: the CPU. Raises MissingExtra for one that is named, without torch."""
    try:
        from lunacy.search.gpu import pick_device  # torch: seconds
    except ImportError:
        if wanted == "auto":
            return None
        raise MissingExtra("PyTorch", "torch") from None
    return pick_device(wanted)


@once_per_view
def _summary(view: View) -> Summary:
    return view.summary()


def _rows(by_segment: Sequence[Candidates]) -> Rows:
    return np.concatenate([NONE, *(one.rows() for one in by_segment)])


@once_per_view
def _background(view: View) -> Background:
    rows = _rows(candidates_of(view, Filter(), False))
    if len(rows) > N_DRAWN:
        rows = np.sort(np.random.default_rng(0).choice(rows, N_DRAWN, replace=False, shuffle=False))
    return Background.of(rows, view.vectors(rows))


class FolderSearcher:
    """A `Searcher` of an index folder. Each answer is of the last commit."""

    def __init__(self, folder: str | Path) -> None:
        """Open `folder`; raises NoIndex when there is none, StoreError if it is unreadable."""
        self.name = str(folder)
        self._store = Store(folder)
        self._held: View | None = None
        self._last = LastCommit(0)

    def last_commit(self) -> LastCommit:
        """The last commit; waits for no question that another thread asks."""
        generation, derived = self._store.state()
        last = self._last
        if (last.generation, last.derived) != (generation, derived):
            found = caches.read(self._store.folder)
            has_words = any(cache.kind == "lexical" for cache in found)
            has_map = any(cache.kind == "map" and cache.facts.get("generation") == generation for cache in found)
            last = self._last = LastCommit(generation, derived, has_words, has_map)
        return last

    @contextmanager
    def pinned(self) -> Iterator[FolderSearcher]:
        """Hold the last commit until the block ends."""
        with self._store.view() as view:
            self._held = view
            try:
                yield self
            finally:
                self._held = None

    def close(self) -> None:
        """Close the files."""
        self._store.close()

    @property
    def _view(self) -> View:
        assert self._held is not None, "only inside `pinned`"
        return self._held

    @property
    def n_papers(self) -> int:
        """How many papers the index holds."""
        return self._view.n_papers

    @property
    def fingerprint(self) -> Fingerprint:
        """What made the vectors."""
        return self._view.fingerprint

    def summary(self) -> Summary:
        """The index by category and date; counted once for each commit."""
        return _summary(self._view)

    def info(self) -> Info:
        """The index in figures."""
        view = self._view
        found = inventory(view.folder)
        ivf, graph, map_ = open_ivf(view), graph_state(view), map_state(view)
        unindexed = [one for one in view.segments if ivf and one.segment.number not in ivf.covered]
        return Info(
            name=self.name,
            generation=view.generation,
            summary=self.summary(),
            fingerprint=view.fingerprint,
            arithmetic=view.arithmetic,
            scope=view.scope,
            source=view.source,
            n_segments=len(view.segments),
            size_bytes=found.size_bytes,
            ivf=ivf.facts if ivf else None,
            n_unindexed=sum(one.n_live for one in unindexed),
            has_words=any(cache.kind == "lexical" for cache in view.caches),
            graph=graph.facts if graph else None,
            is_graph_current=graph is None or graph.is_current,
            map=map_.facts if map_ else None,
            is_map_current=map_ is None or map_.is_current,
            foreign=found.foreign,
        )

    def rows(self, ids: Sequence[str]) -> dict[str, int]:
        """The rows of those `ids` that the index holds."""
        return self._view.rows(ids)

    def with_doi(self, doi: str) -> list[int]:
        """The rows of the papers with that DOI."""
        return self._view.with_doi(doi)

    def titled(self, keys: Sequence[str]) -> dict[str, list[int]]:
        """The rows of the papers whose title has one of `keys` as its `title_key`, by key."""
        return rows_titled(self._view, keys) if keys else {}

    def worded_like(self, text: str, n: int) -> Rows:
        """The `n` rows that share most with `text` by words, best first; none where there is no lexical index."""
        lexical = self._lexical()
        if lexical is None:
            return NONE
        rows = lexical.best(text, n)[0]
        there = {row for row, _id in self._view.stream("id", rows)}
        return np.array([row for row in rows.tolist() if row in there], np.int64)

    def _lexical(self) -> Lexical | None:
        if not any(cache.kind == "lexical" for cache in self._view.caches):
            return None
        from lunacy.derived.lexical import open_lexical  # tantivy: only when asked for

        return open_lexical(self._view)

    def worded(self, target: Target, rows: Rows, options: Options) -> list[Worded] | None:
        """What words say of the papers at `rows`, for a target of one text; None where there is no lexical index."""
        lexical = self._lexical()
        if lexical is None:
            return None
        from lunacy.search.worded import worded

        return worded(self._sides(options, lexical), target, rows)

    def map(self) -> Map | None:
        """The map of the papers; opened once for each commit."""
        return open_map(self._view)

    def least_usual(self) -> float | None:
        """The cosine that 99 % of papers' nearest neighbours reach; None where there is no sample of them."""
        return least_usual(self._view)

    def n_qualified(self, wanted: Filter, include_withdrawn: bool) -> int:
        """How many papers may be hits."""
        return sum(one.n for one in candidates_of(self._view, wanted, include_withdrawn))

    def admitted(self, wanted: Filter, *, added_after: int = 0) -> Rows:
        """The rows of all papers that `wanted` admits, that first came after a commit, and are not withdrawn."""
        by_segment = candidates_of(self._view, wanted, False)
        if not added_after:
            return _rows(by_segment)
        rows = self._view.added_after(added_after)
        return rows[qualify(by_segment, rows)]

    def papers(self, rows: Rows) -> list[Paper]:
        """The papers at `rows`. Raises IndexDamaged for a row without a paper."""
        return self._view.papers(rows)

    def vectors(self, rows: Rows) -> Vectors:
        """The vectors at `rows`: (n, dim) float32."""
        return self._view.vectors(rows)

    def background(self) -> Background:
        """Papers drawn from all, the same for the same commit, without those that are withdrawn."""
        return _background(self._view)

    def batch(self, n_queries: int, options: Options, device: str) -> tuple[int, str | None]:
        """Small batches on the CPU; large ones on a GPU, where there is one and enough to do."""
        gpu = None
        if not options.ivf and device != "cpu" and n_queries * self.n_papers >= _GPU_FROM:
            gpu = _gpu(device)
        most, hits = (_BATCH, _BATCH_HITS) if gpu is None else (_GPU_BATCH, _GPU_HITS)
        return max(1, min(most, hits // options.top)), gpu

    def nearest(
        self,
        queries: Vectors,
        k: int,
        options: Options,
        *,
        query_kind: QueryKind,
        without: Sequence[int] | None = None,
        device: str | None = None,
    ) -> Sequence[Found]:
        """By the vectors alone. Raises UsageError where there are no IVF lists and `options.ivf` asks for them."""
        if not options.ivf:
            return search(
                self._view,
                queries,
                k,
                without=without,
                include_withdrawn=options.include_withdrawn,
                wanted=options.filter,
                device=device,
            )
        return search_ivf(
            self._view,
            require_ivf(self._view, self.name),
            queries,
            k,
            query_kind=query_kind,
            nprobe=options.nprobe,
            without=without,
            include_withdrawn=options.include_withdrawn,
            wanted=options.filter,
        )

    def rank(
        self,
        targets: Sequence[Target],
        options: Options,
        unlike: Target | None,
        *,
        query_kind: QueryKind,
        device: str | None = None,
    ) -> list[Ranked]:
        """By vectors, words or both. Raises UsageError where words are wanted and there is no lexical index."""
        lexical = None
        if options.rank != "dense":
            lexical = self._lexical()
            if lexical is None:
                hint = f"make it with: {command('lexical', '--index', self.name)}"
                raise UsageError("the index has no lexical index", where=self.name, hint=hint)
        return rank(self._sides(options, lexical, query_kind, device), targets, unlike, options)

    def _sides(
        self, options: Options, lexical: Lexical | None, query_kind: QueryKind = "paper", device: str | None = None
    ) -> Sides:
        by_segment = candidates_of(self._view, options.filter, options.include_withdrawn)
        return Sides(
            vectors=self.vectors,
            papers=self.papers,
            nearest=lambda vectors, n: self.nearest(vectors, n, options, query_kind=query_kind, device=device),
            nearest_to_all=lambda vectors, n: nearest_to_all(by_segment, vectors, n),
            background=self.background,
            lexical=lexical,
            qualify=lambda rows: qualify(by_segment, rows),
        )
