"""What a collection stores: papers, and a description of itself, as records of pymilvus and back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import orjson

from lunacy.answer import Summary
from lunacy.dates import date_number
from lunacy.errors import ServerError
from lunacy.fingerprint import Fingerprint
from lunacy.measured import IvfFacts
from lunacy.milvus.address import Address
from lunacy.milvus.expression import key_of
from lunacy.paper import Paper

FIELD_BYTES = 65_535  # the most that a text field holds
_PIECE = FIELD_BYTES // 4  # characters
_VERSION = 3


class Row(NamedTuple):
    """A paper as it is published. Its abstract is not: no answer shows it."""

    paper: Paper
    is_withdrawn: bool
    stamp: bytes  # changes when the paper or its vector does
    vector: npt.NDArray[np.float32]  # (dim,)


@dataclass(frozen=True, slots=True)
class Published:
    """What a collection holds, as it says itself."""

    fingerprint: Fingerprint
    arithmetic: str = ""
    generation: int = 0  # of the index, when it was published
    n_papers: int | None = None  # None: it was never published completely
    summary: Summary = field(default_factory=Summary)  # of the index, when it was published
    least_usual: float | None = None  # the cosine that 99 % of papers' nearest neighbours reach
    ivf: IvfFacts | None = None  # None: it has no IVF collection beside it


def from_row(row: Row, *, is_whole: bool) -> dict[str, Any]:
    """The record of a paper. `is_whole`: with all that answers and filters need, not for the IVF collection."""
    paper = row.paper
    record = {
        "id": key_of(paper.id),
        "vector": row.vector,
        "stamp": row.stamp.hex(),
        "withdrawn": row.is_withdrawn,
    }
    if is_whole:
        others = paper.submitted, paper.updated, paper.doi, paper.comments
        text = orjson.dumps((paper.id, paper.title, paper.authors, paper.categories, *others)).decode()
        record["posted"] = date_number(paper.posted) if paper.posted else 0
        record["updated"] = date_number(paper.updated) if paper.updated else 0
        record["categories"] = list(paper.categories)
        record["paper"] = _pieces(text)
    return record


def to_paper(pieces: Sequence[str]) -> Paper:
    """The paper, but for its abstract, from its field in a record."""
    identifier, title, authors, categories, *others = orjson.loads("".join(pieces))
    return Paper(identifier, title, "", authors, tuple(categories), *others)


def from_published(published: Published) -> list[str]:
    """The field that describes a collection."""
    ivf = published.ivf and published.ivf.record()
    return _pieces(orjson.dumps({"version": _VERSION, **asdict(published), "ivf": ivf}).decode())


def to_published(pieces: Sequence[str], address: Address) -> Published:
    """The description, from its field in a record.

    Raises ServerError for that of another version of lunacy, and for what is none.
    """
    try:
        facts = orjson.loads("".join(pieces))
        if facts.pop("version") != _VERSION:
            raise ServerError(
                f"{address.name} was published by another version of lunacy",
                hint="use that version, or publish under another name",
            )
        ivf = facts["ivf"] and IvfFacts.read(facts["ivf"])
        fingerprint = Fingerprint(**facts["fingerprint"])
        return Published(**{**facts, "fingerprint": fingerprint, "summary": Summary(**facts["summary"]), "ivf": ivf})
    except (KeyError, TypeError, ValueError, AttributeError):  # of JSON that says something else
        raise ServerError(
            f"the description of {address.name} on the server is damaged", hint="publish under another name"
        ) from None


def _pieces(text: str) -> list[str]:
    return [text[start : start + _PIECE] for start in range(0, len(text), _PIECE)]
