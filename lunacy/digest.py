"""What a digest says: for a reading list, which of the new papers matter, and why."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from lunacy.answer import SCORE_DIGITS, paper_record
from lunacy.paper import Paper

TOP = 25  # papers of a list, unless asked otherwise


@dataclass(frozen=True, slots=True)
class Item:
    """A new paper, and which paper of the list it is nearest to."""

    paper: Paper
    score: float  # in deviations from papers in general, by vectors and by words
    near: Paper
    cosine: float  # with `near`
    words: tuple[str, ...] = ()  # that it shares with `near`, the rarest first
    authors: tuple[str, ...] = ()  # of it who wrote papers of the list
    copies: tuple[str, ...] = ()  # ids of near-copies that are folded into it

    def as_record(self) -> dict[str, object]:
        """As JSON has it."""
        return {
            "id": self.paper.id,
            "score": round(self.score, SCORE_DIGITS),
            **paper_record(self.paper, is_whole=True),
            "near": {
                "id": self.near.id,
                "title": self.near.title,
                "cosine": round(self.cosine, SCORE_DIGITS),
                "words": list(self.words),
                "authors": list(self.authors),
            },
            "copies": list(self.copies),
        }

    @property
    def why(self) -> str:
        """In words: why it is listed."""
        parts = [f"near {self.near.id} ({self.cosine:.2f})"]
        parts += [f"both on {', '.join(self.words)}"] if self.words else []
        parts += [f"by {', '.join(self.authors)}, of your list"] if self.authors else []
        return "; ".join(parts)


@dataclass(frozen=True, slots=True)
class Digest:
    """The new papers for one list, best first."""

    name: str  # of the list
    items: Sequence[Item]
    n_new: int  # papers that were looked at
    since: str  # which they are: "posted since 2026-06"
    notes: tuple[str, ...] = ()  # what the reader should know, in whole sentences
    date: str = ""  # up to which the index was told of changes; "" if unknown
    generation: int = 0  # of the index; 0: it has no paper of the list, and nothing was compared

    @property
    def summary(self) -> str:
        """How many papers, in a line."""
        n, papers = len(self.items), "paper" if self.n_new == 1 else "papers"
        return f"{n:,} of {self.n_new:,} {papers} {self.since}"

    def as_record(self) -> dict[str, object]:
        """As JSON has it."""
        return {
            "list": self.name,
            "new": self.n_new,
            "since": self.since,
            "up_to": self.date or None,
            "generation": self.generation,
            "notes": list(self.notes),
            "papers": [one.as_record() for one in self.items],
        }
