"""The interface of what can be searched: an index folder, or a collection of a Milvus server."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from lunacy.answer import Info, Summary
from lunacy.arrays import Rows, Vectors
from lunacy.filter import Filter
from lunacy.fingerprint import Fingerprint
from lunacy.measured import QueryKind
from lunacy.paper import Paper
from lunacy.question import Options
from lunacy.search.background import Background
from lunacy.search.exact import Found
from lunacy.search.ranking import Ranked
from lunacy.search.target import Target

if TYPE_CHECKING:
    from lunacy.derived.map import Map
    from lunacy.search.worded import Worded  # tantivy: only when asked for


@dataclass(frozen=True, slots=True)
class LastCommit:
    """What answers depend on, beside the question: two that are equal give the same."""

    generation: int  # the number of the commit
    derived: tuple[int, int] | None = None  # changes with the derived data, which what is approximate depends on
    has_words: bool = False  # whether there is a lexical index
    has_map: bool = False  # whether there is a map that is up to date


class Searcher(Protocol):
    """Papers with their vectors, open for queries. For one thread.

    A row is a number that stands for a paper, inside one block of `pinned`.
    """

    @property
    def name(self) -> str:
        """Its name in messages."""

    def pinned(self) -> AbstractContextManager[Searcher]:
        """A consistent view of the index, inside whose block rows are valid. All needs one but `name`,
        `last_commit` and `close`.
        """

    def last_commit(self) -> LastCommit:
        """The last commit; waits for no question that another thread asks."""

    def close(self) -> None:
        """Close files or connections."""

    @property
    def n_papers(self) -> int:
        """How many papers there are."""

    @property
    def fingerprint(self) -> Fingerprint:
        """What made the vectors."""

    def summary(self) -> Summary:
        """The papers by category and date."""

    def info(self) -> Info:
        """The index in figures."""

    def rows(self, ids: Sequence[str]) -> dict[str, int]:
        """The rows of those `ids` that are there."""

    def with_doi(self, doi: str) -> list[int]:
        """The rows of the papers with that DOI; none where DOIs are not known."""

    def titled(self, keys: Sequence[str]) -> dict[str, list[int]]:
        """The rows of the papers whose title has one of `keys` as its `title_key`, by key; none where none is known."""

    def worded_like(self, text: str, n: int) -> Rows:
        """The `n` rows that share most with `text` by words, best first; none where there is no lexical index."""

    def worded(self, target: Target, rows: Rows, options: Options) -> list[Worded] | None:
        """What words say of the papers at `rows`, for a target of one text; None where there is no lexical index."""

    def map(self) -> Map | None:
        """The map of the papers, of which rows are those of this view; None where there is none."""

    def least_usual(self) -> float | None:
        """The cosine that 99 % of papers' nearest neighbours reach; None where that is not known."""

    def n_qualified(self, wanted: Filter, include_withdrawn: bool) -> int:
        """How many papers may be hits."""

    def admitted(self, wanted: Filter, *, added_after: int = 0) -> Rows:
        """The rows of all papers that `wanted` admits, that first came after a commit, and are not withdrawn.

        Ascending. Raises UsageError where they cannot be listed.
        """

    def papers(self, rows: Rows) -> list[Paper]:
        """The papers at `rows`, in that order. Raises StoreError for one that is not there."""

    def vectors(self, rows: Rows) -> Vectors:
        """The vectors at `rows`: (n, dim) float32."""

    def background(self) -> Background:
        """A sample of the papers, the same for the same papers, without those that are withdrawn."""

    def batch(self, n_queries: int, options: Options, device: str) -> tuple[int, str | None]:
        """How many of `n_queries` (0: not known) to ask at a time, and the device for `nearest`."""

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
        """The `k` nearest rows of each query, (n, dim) float32, that `options` admit.

        `query_kind`: recall differs between them. `without`: for each query one row to leave out, or -1.
        """

    def rank(
        self,
        targets: Sequence[Target],
        options: Options,
        unlike: Target | None,
        *,
        query_kind: QueryKind,
        device: str | None = None,
    ) -> list[Ranked]:
        """As `options` say, for targets of one or several papers and texts; less of what is like `unlike`."""
