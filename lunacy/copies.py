"""Near-copies: papers that are one work."""

from __future__ import annotations

from dataclasses import dataclass

from lunacy.answer import SCORE_DIGITS, paper_record
from lunacy.paper import Paper


@dataclass(frozen=True, slots=True)
class Pair:
    """Two papers of one work."""

    ids: tuple[str, str]
    cosine: float
    has_one_title: bool


@dataclass(frozen=True, slots=True)
class Copies:
    """Papers of one work: each is a near-copy of another of them."""

    papers: tuple[Paper, ...]  # in the order of the index
    pairs: tuple[Pair, ...]

    def as_record(self) -> dict[str, object]:
        """As JSON has it."""
        return {
            "papers": [paper_record(paper, is_whole=False) for paper in self.papers],
            "pairs": [
                {"ids": list(one.ids), "cosine": round(one.cosine, SCORE_DIGITS), "one_title": one.has_one_title}
                for one in self.pairs
            ],
        }
