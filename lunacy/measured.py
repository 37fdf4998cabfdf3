"""What was measured of approximate answers, and how the graph of neighbours and the map were made."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal, NamedTuple

QueryKind = Literal["paper", "text"]  # what a query is; recall differs between them


class Recall(NamedTuple):
    """The mean share of the true best that was found, and where it lies with 95 %."""

    mean: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Measured:
    """What was measured with queries of one kind."""

    nprobe: int  # the fewest lists that give the wanted recall
    recall: Recall  # with so many lists
    curve: tuple[tuple[int, Recall], ...]  # by other numbers of lists, ascending
    n_queries: int
    is_measured: bool = True  # False: for texts, taken from what was measured with papers

    def recall_with(self, nprobe: int) -> float:
        """The recall that was measured with the most lists up to `nprobe`; 0 when none was."""
        return max(((tried, recall.mean) for tried, recall in self.curve if tried <= nprobe), default=(0, 0.0))[1]

    def for_texts(self, nlist: int) -> Measured:
        """What texts get that were not measured: twice the lists of papers, and their recall with half of them."""
        doubled = tuple((min(2 * nprobe, nlist), recall) for nprobe, recall in self.curve)
        return replace(self, nprobe=min(2 * self.nprobe, nlist), curve=doubled, is_measured=False)

    def record(self) -> dict[str, Any]:
        """As it is stored (indexes/README.md)."""
        return {
            "nprobe": self.nprobe,
            "recall": self.recall.mean,
            "interval": [self.recall.low, self.recall.high],
            "curve": [[nprobe, *recall] for nprobe, recall in self.curve],
            "queries": self.n_queries,
            "measured": self.is_measured,
        }

    @classmethod
    def read(cls, record: Mapping[str, Any]) -> Measured:
        """Out of what `record` gives. Raises ValueError, TypeError or KeyError for anything else."""
        return cls(
            int(record["nprobe"]),
            Recall(float(record["recall"]), *map(float, record["interval"])),
            tuple((int(nprobe), Recall(*map(float, recall))) for nprobe, *recall in record["curve"]),
            int(record["queries"]),
            bool(record["measured"]),
        )


@dataclass(frozen=True, slots=True)
class IvfFacts:
    """IVF lists in figures."""

    nlist: int
    wanted: float  # the recall that they are tuned to
    top: int  # of how many best
    date: str  # of the measurement
    papers: Measured
    texts: Measured
    build_s: float | None = None  # without measuring; None: a server made them

    def of(self, query_kind: QueryKind) -> Measured:
        """What was measured with queries of this kind."""
        return self.papers if query_kind == "paper" else self.texts

    def record(self) -> dict[str, Any]:
        """As it is stored (indexes/README.md)."""
        facts = {"nlist": self.nlist, "wanted": self.wanted, "top": self.top, "date": self.date}
        built = {} if self.build_s is None else {"build_s": self.build_s}
        return {**facts, **built, "papers": self.papers.record(), "texts": self.texts.record()}

    @classmethod
    def read(cls, record: Mapping[str, Any]) -> IvfFacts:
        """Out of what `record` gives. Raises ValueError for anything else."""
        try:
            build_s = record.get("build_s")
            return cls(
                int(record["nlist"]),
                float(record["wanted"]),
                int(record["top"]),
                str(record["date"]),
                Measured.read(record["papers"]),
                Measured.read(record["texts"]),
                None if build_s is None else float(build_s),
            )
        except (KeyError, TypeError, AttributeError) as error:
            raise ValueError(f"these are no facts of IVF lists: {error!r}") from None


@dataclass(frozen=True, slots=True)
class GraphFacts:
    """How the graph of neighbours was made."""

    k: int  # neighbours of a paper
    wanted: float | None = None  # the recall that IVF lists were tuned to; None: it is exact
    nprobe: int | None = None  # lists searched for a paper; None: it is exact
    recall: Recall | None = None  # of the k nearest, with so many lists; None: it is exact
    n_queries: int = 0  # papers on which it was measured

    def record(self) -> dict[str, Any]:
        """As it is stored (indexes/README.md)."""
        if self.recall is None:
            return {"k": self.k, "recall": None}
        measured = {"recall": self.recall.mean, "interval": [self.recall.low, self.recall.high]}
        return {"k": self.k, "wanted": self.wanted, "nprobe": self.nprobe, **measured, "queries": self.n_queries}

    @classmethod
    def read(cls, record: Mapping[str, Any]) -> GraphFacts:
        """Out of what `record` gives. Raises ValueError for anything else."""
        try:
            if record["recall"] is None:
                return cls(int(record["k"]))
            recall = Recall(float(record["recall"]), *map(float, record["interval"]))
            wanted, nprobe = float(record["wanted"]), int(record["nprobe"])
            return cls(int(record["k"]), wanted, nprobe, recall, int(record["queries"]))
        except (KeyError, TypeError) as error:
            raise ValueError(f"these are no facts of a graph: {error!r}") from None


@dataclass(frozen=True, slots=True)
class MapFacts:
    """How the map was made."""

    n_papers: int
    n_placed: int  # of these, papers that came later, each placed among its neighbours
    seed: int
    recall: float | None = None  # of the neighbours that the layout was made from; None: they were exact

    def record(self) -> dict[str, Any]:
        """As it is stored (indexes/README.md)."""
        return {"n_papers": self.n_papers, "n_placed": self.n_placed, "seed": self.seed, "recall": self.recall}

    @classmethod
    def read(cls, record: Mapping[str, Any]) -> MapFacts:
        """Out of what `record` gives. Raises ValueError for anything else."""
        try:
            recall = None if record["recall"] is None else float(record["recall"])
            return cls(int(record["n_papers"]), int(record["n_placed"]), int(record["seed"]), recall)
        except (KeyError, TypeError) as error:
            raise ValueError(f"these are no facts of a map: {error!r}") from None
