"""What is answered: hits for a question, and an index in figures."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from lunacy.fingerprint import Fingerprint
from lunacy.paper import Paper
from lunacy.scope import Scope


@dataclass(frozen=True, slots=True)
class Hit:
    """One answer: a paper, its place in the list (1 is best) and its score: the cosine, unless ranked otherwise."""

    rank: int
    id: str
    score: float
    title: str
    authors: str
    categories: tuple[str, ...]
    updated: str
    cosine: float | None = None  # both parts of a score that is not the cosine alone
    lexical: float | None = None  # BM25
    percentile: float | None = None  # of random pairs of the index, so many percent have a lower cosine
    copies: tuple[str, ...] = ()  # ids of near-copies that are folded into this one

    @property
    def url(self) -> str:
        """The paper's page on arXiv."""
        return f"https://arxiv.org/abs/{self.id}"


@dataclass(frozen=True, slots=True)
class Answer:
    """The hits for one query: a paper of the index, or a text."""

    hits: list[Hit]
    paper: Paper | None = None
    text: str | None = None
    recall: float | None = None  # measured: the share of the true best that is expected among the hits; None: all

    @property
    def exact(self) -> bool:
        """Whether the hits are proved to be the best."""
        return self.recall is None


@dataclass(frozen=True, slots=True)
class Summary:
    """What an index holds: papers by category, and by the date of their last change."""

    n_papers: int
    n_dead: int
    n_withdrawn: int
    by_category: dict[str, int]
    by_date: dict[str, int]

    @property
    def first_date(self) -> str:
        """The earliest date of a last change; "" if none is known."""
        return min(filter(None, self.by_date), default="")

    @property
    def last_date(self) -> str:
        """The latest date of a last change; "" if none is known."""
        return max(self.by_date, default="")


@dataclass(frozen=True, slots=True)
class Info:
    """What there is, and what made it."""

    name: str
    generation: int  # commits of the index folder
    summary: Summary
    fingerprint: Fingerprint
    arithmetic: str
    scope: Scope = field(default_factory=Scope)
    n_segments: int = 0
    size_bytes: dict[str, int] = field(default_factory=dict)  # by file
    ivf: dict[str, Any] | None = None  # what was measured of the IVF lists (indexes/README.md); None: there are none
    n_unindexed: int = 0  # papers that are not in the lists, and are searched exactly beside them
    has_words: bool = False  # whether there is a lexical index
    foreign: tuple[str, ...] = ()  # what is in the index folder and not lunacy's
