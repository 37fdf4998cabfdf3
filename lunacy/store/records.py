"""A paper as a row of `papers.db`: its columns, and the hashes that tell whether it changed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import blake2b

from lunacy.errors import IndexDamaged
from lunacy.paper import Paper, digest, embedded_text, is_withdrawn
from lunacy.store.segments import Vectors

PAPER_COLUMNS = "id, title, abstract, authors, categories, submitted, updated, doi"
INSERT = (
    f"INSERT INTO papers (row, vector, digest, record, withdrawn, {PAPER_COLUMNS}) "
    "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
)
UPDATE = f"UPDATE papers SET (record, withdrawn, {PAPER_COLUMNS}) = (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) WHERE id = ?"


@dataclass(frozen=True, slots=True)
class Entry:
    """A paper as it is stored. Two entries with the same digest and record are the same."""

    paper: Paper
    columns: tuple[str, ...]  # PAPER_COLUMNS
    digest: bytes  # 16 bytes, of the embedded text
    record: bytes  # 16 bytes (BLAKE2b), of everything that is stored

    @classmethod
    def of(cls, paper: Paper, text: str) -> Entry:
        """The entry for `paper` in an index whose text recipe is `text`."""
        columns = to_columns(paper)
        return cls(paper, columns, digest(embedded_text(paper, text)), record_hash(columns))

    def counted(self) -> list[tuple[str, str]]:
        """What the paper counts under in the table `counts`: (kind, value)."""
        return counted(self.columns[4], self.columns[6], self.is_withdrawn)

    @property
    def is_withdrawn(self) -> bool:
        """Whether the paper is left out of answers."""
        return is_withdrawn(self.paper)


@dataclass(frozen=True, slots=True)
class Known:
    """What the index holds for an id: the hashes that tell whether the paper changed."""

    digest: bytes  # of the embedded text
    record: bytes  # of everything that is stored
    is_met: bool  # the writer added it, or was asked for it before


def counted(categories: str, updated: str, withdrawn: bool) -> list[tuple[str, str]]:
    """What a paper with these columns counts under in the table `counts`: (kind, value)."""
    kinds = [("updated", updated), *(("category", category) for category in categories.split())]
    return [*kinds, ("withdrawn", "")] if withdrawn else kinds


def record_hash(columns: Sequence[str]) -> bytes:
    """16 bytes (BLAKE2b) that change when anything stored of a paper does."""
    return blake2b("\x1f".join(columns).encode(), digest_size=16).digest()


def vector_hashes(vectors: Vectors) -> list[bytes]:
    """8 bytes (BLAKE2b) a row of (n, dim) float32: they bind a paper to its vector, so that a mix-up is found."""
    return [blake2b(row, digest_size=8).digest() for row in vectors]


def to_columns(paper: Paper) -> tuple[str, ...]:
    """PAPER_COLUMNS of a paper."""
    return (
        paper.id,
        paper.title,
        paper.abstract,
        paper.authors,
        " ".join(paper.categories),
        paper.submitted,
        paper.updated,
        paper.doi,
    )


def to_paper(columns: Sequence[str]) -> Paper:
    """The paper from PAPER_COLUMNS. Raises IndexDamaged for columns that no writer wrote."""
    if not all(isinstance(value, str) for value in columns):
        raise IndexDamaged(f"papers.db holds a paper with fields that are not text: {str(columns)[:200]}")
    identifier, title, abstract, authors, categories, submitted, updated, doi = columns
    return Paper(identifier, title, abstract, authors, tuple(categories.split()), submitted, updated, doi)
