"""A paper as a row of `papers.db`: its columns, and the hashes that tell whether it changed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
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


Counted = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Entry:
    """A paper as it is stored. Two entries with the same digest and record are the same."""

    columns: tuple[str, ...]  # PAPER_COLUMNS
    text: str  # that is embedded
    digest: bytes  # 16 bytes, of the text
    record: bytes  # 16 bytes (BLAKE2b), of everything that is stored
    is_withdrawn: bool

    @classmethod
    def of(cls, paper: Paper, recipe: str) -> Entry:
        """The entry for `paper` in an index whose text recipe is `recipe`."""
        columns, text = to_columns(paper), embedded_text(paper, recipe)
        hashed = digest(text)
        return cls(columns, text, hashed, record_hash(hashed, columns), is_withdrawn(paper))

    @property
    def id(self) -> str:
        """The paper's id."""
        return self.columns[0]

    @property
    def counted(self) -> Counted:
        """What the paper is counted by."""
        return counted(self.columns[4], self.columns[6], self.is_withdrawn)


@dataclass(frozen=True, slots=True)
class Known:
    """What the index holds for an id: the hashes that tell whether the paper changed."""

    digest: bytes  # of the embedded text
    record: bytes  # of everything that is stored
    is_met: bool  # the writer added it, or was asked for it before


def counted(categories: str, updated: str, withdrawn: bool) -> Counted:
    """What a paper with these columns is counted by: (kind, value), its categories still in one."""
    return ("categories", categories), ("updated", updated), ("withdrawn", "" if withdrawn else "not")


def count(papers: Mapping[tuple[str, str], int]) -> Counter[tuple[str, str]]:
    """The table `counts`, (kind, value) -> papers, from how many papers are `counted` by what."""
    counts: Counter[tuple[str, str]] = Counter()
    for (kind, value), n in papers.items():
        if kind == "categories":
            counts.update({("category", category): n for category in value.split()})
        elif (kind, value) != ("withdrawn", "not"):
            counts[kind, value] += n
    return Counter({key: n for key, n in counts.items() if n})


def record_hash(hashed_text: bytes, columns: Sequence[str]) -> bytes:
    """16 bytes (BLAKE2b) that change when anything stored of a paper does; the digest stands for its abstract."""
    identifier, title, _abstract, *others = columns
    return blake2b(hashed_text + "\x1f".join((identifier, title, *others)).encode(), digest_size=16).digest()


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
