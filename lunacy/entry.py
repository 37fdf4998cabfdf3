"""A paper as it is stored, with the hashes that tell whether it changed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields
from hashlib import blake2b
from typing import Any, NamedTuple

from lunacy.paper import Paper, embedded_text, hash_text
from lunacy.withdrawn import is_withdrawn

FIELDS = tuple(field.name for field in fields(Paper))
HASH_BYTES = 16
NO_LINE = bytes(HASH_BYTES)


class Entry(NamedTuple):
    """Two entries with the same hashes are the same.

    A plain tuple inside: millions are made, and handed from one process to another.
    """

    columns: tuple[Any, ...]  # FIELDS: text, the categories with a space between them; n_versions is an int
    text_hash: bytes  # 16 bytes (BLAKE2b), of the embedded text
    content_hash: bytes  # 16 bytes (BLAKE2b), of everything that is stored; the text hash stands for the abstract
    is_withdrawn: bool
    line_hash: bytes = NO_LINE  # `hash_line` of the line of a snapshot that says this; zeros where none is known

    @classmethod
    def of(cls, paper: Paper, recipe: str, line_hash: bytes = NO_LINE) -> Entry:
        """The entry for `paper` in an index whose text recipe is `recipe`."""
        return cls.with_notice(paper, recipe, withdrawn=is_withdrawn(paper), line_hash=line_hash)

    @classmethod
    def with_notice(cls, paper: Paper, recipe: str, *, withdrawn: bool, line_hash: bytes = NO_LINE) -> Entry:
        """As `of`, for a paper of which it is known whether it was withdrawn."""
        categories = " ".join(paper.categories)
        others = paper.submitted, paper.updated, paper.doi, paper.comments, paper.names, paper.journal_ref
        n_versions = paper.n_versions
        text_hash = hash_text(embedded_text(paper, recipe))
        flags = f"{n_versions} withdrawn" if withdrawn else str(n_versions)
        stored = "\x1f".join((paper.id, paper.title, paper.authors, categories, *others, flags))
        return cls(
            (paper.id, paper.title, paper.abstract, paper.authors, categories, *others, n_versions),
            text_hash,
            blake2b(text_hash + stored.encode(), digest_size=HASH_BYTES).digest(),
            withdrawn,
            line_hash,
        )

    @property
    def id(self) -> str:
        """The paper's id."""
        identifier: str = self.columns[0]
        return identifier

    @property
    def updated(self) -> str:
        """ISO date of the paper's last change; "" if unknown."""
        date: str = self.columns[6]
        return date

    @property
    def n_versions(self) -> int:
        """How many versions the paper has; 0 if unknown."""
        n: int = self.columns[-1]
        return n

    @property
    def paper(self) -> Paper:
        """The paper."""
        return to_paper(self.columns)


def hash_line(raw: bytes) -> bytes:
    """16 bytes (BLAKE2b) that change when a line of a snapshot does."""
    return blake2b(raw, digest_size=HASH_BYTES).digest()


def text_key(identifier: str, text_hash: bytes) -> bytes:
    """8 bytes (BLAKE2b) for a paper with this embedded text: papers with the same key need no other vector."""
    return blake2b(text_hash + identifier.encode(), digest_size=8).digest()


def to_paper(columns: Sequence[Any]) -> Paper:
    """The paper from the columns of its entry."""
    identifier, title, abstract, authors, categories, *others = columns
    return Paper(identifier, title, abstract, authors, tuple(categories.split()), *others)
