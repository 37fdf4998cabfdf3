"""Rows of `papers.db`: the columns of a paper, and what it is counted by."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from operator import ge
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from lunacy.arrays import Rows, Vectors
from lunacy.entry import FIELDS, Entry, to_paper
from lunacy.errors import IndexDamaged
from lunacy.paper import Paper, month_of, posted_on
from lunacy.store.database import Database
from lunacy.store.meta import MOST_ROWS
from lunacy.store.own_database import see_verify
from lunacy.store.segments import Segment

COUNTED = "id, submitted, categories, updated, withdrawn, added"
PAPER_COLUMNS = ", ".join(FIELDS)
INTO_PAPERS = f"papers (row, vector_hash, text_hash, content_hash, withdrawn, added, {PAPER_COLUMNS})"
_VALUES = ", ".join("?" * (len(FIELDS) + 2))
KNOWN = "text_hash, content_hash, updated, n_versions"
UPDATE = f"UPDATE papers SET (content_hash, withdrawn, {PAPER_COLUMNS}) = ({_VALUES}) WHERE id = ?"

Counted = Counter[tuple[str, str]]  # (kind, value) -> papers


class Known(NamedTuple):
    """What the index holds for an id, as far as it tells whether the paper changed, and which record is newer."""

    row: int  # -1: it has none yet
    text_hash: bytes  # of the embedded text
    content_hash: bytes  # of everything that is stored
    updated: str  # ISO date of the last change, "" if unknown
    n_versions: int  # 0 if unknown
    is_seen: bool  # the writer added it, or `mark_seen` was told of it


@dataclass(frozen=True, slots=True)
class Changes:
    """What happened to the papers since a commit."""

    generation: int  # of the commit
    segments: tuple[Segment, ...]  # of the commit
    rows: Rows  # (n,), ascending: they have other metadata, another paper, or none; later ones are new
    said: Rows  # (m,), ascending: lines were read that say just what these rows hold
    line_hashes: npt.NDArray[np.uint64]  # (m, 2): `hash_line` of these lines, in halves, as this machine orders bytes


def to_row(row: int, vector_hash: bytes, entry: Entry, added: int) -> tuple[Any, ...]:
    """The columns of INTO_PAPERS; `added` is the generation in which the paper first came."""
    return row, vector_hash, entry.text_hash, entry.content_hash, entry.is_withdrawn, added, *entry.columns


def count(papers: Iterable[Sequence[Any]]) -> Counted:
    """How many papers the table `counts` has of each kind and value, from their COUNTED columns."""
    ids, submitted, together, updated, withdrawn, added = tuple(zip(*papers, strict=True)) or ((),) * 6
    counts = Counter({("updated", date): n for date, n in Counter(updated).items()})
    counts.update({("posted", date): n for date, n in Counter(map(posted_on, map(month_of, ids), submitted)).items()})
    counts.update({("added", str(generation)): n for generation, n in Counter(added).items()})
    for categories, n in Counter(together).items():
        for category in categories.split():
            counts["category", category] += n
    if n_withdrawn := sum(map(bool, withdrawn)):
        counts["withdrawn", ""] = n_withdrawn
    return counts


def add_counts(database: Database, counts: Counted) -> None:
    """Add to the table `counts`; what comes to nothing goes."""
    database.run_many(
        "INSERT INTO counts VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET n_papers = n_papers + excluded.n_papers",
        [(*key, n) for key, n in counts.items() if n],
    )
    database.run("DELETE FROM counts WHERE n_papers = 0")


def counted(entry: Entry, added: int) -> tuple[str, str, str, str, bool, int]:
    """The COUNTED columns of an entry."""
    return entry.id, entry.columns[5], entry.columns[4], entry.updated, entry.is_withdrawn, added


def vector_hashes(vectors: Vectors) -> list[bytes]:
    """8 bytes (BLAKE2b) a row of (n, dim) float32: they bind a paper to its vector, so that a mix-up is found."""
    values, step = memoryview(vectors.tobytes()), vectors.shape[1] * vectors.itemsize
    return [blake2b(values[at : at + step], digest_size=8).digest() for at in range(0, len(values), step)]


def read_paper(columns: Sequence[Any]) -> Paper:
    """The paper from PAPER_COLUMNS. Raises IndexDamaged for columns that no writer wrote."""
    *texts, n_versions = columns
    if set(map(type, texts)) != {str} or type(n_versions) is not int:  # a quarter of the time of `all(isinstance(...))`
        raise IndexDamaged(f"papers.db holds a paper with fields of another type: {str(columns)[:200]}")
    return to_paper(columns)


def read_rows(database: Database, sql: str, parameters: Sequence[int] = ()) -> Rows:
    """The row numbers that a query gives, which must be ascending."""
    rows = [row for [row] in database.all(sql, parameters)]
    is_right = all(isinstance(row, int) and 0 <= row < MOST_ROWS for row in rows)
    if not is_right or any(map(ge, rows, rows[1:])):
        raise IndexDamaged(
            "papers.db holds rows that cannot be", where=database.folder, hint=see_verify(database.folder)
        )
    return np.array(rows, np.int64)
