"""What a list is searched for, and where candidates for it come from."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from lunacy.arrays import NONE, Rows, Vectors
from lunacy.paper import Paper
from lunacy.same_authors import SameAuthors
from lunacy.search.background import Background
from lunacy.search.exact import Found

if TYPE_CHECKING:
    from lunacy.derived.lexical import Lexical  # tantivy: only when asked for


@dataclass(frozen=True, slots=True)
class Text:
    """Words that are asked for: those of a title count more than others."""

    text: str
    title: str = ""


@dataclass(frozen=True, slots=True)
class Target:
    """What a list is searched for: the vectors and words of one or several papers and texts."""

    vectors: Vectors  # (q, dim); not a number for a text that is asked for by its words alone
    texts: Sequence[Text]  # q
    left_out: Rows  # rows that are no answers: the papers themselves
    first: Rows = field(default_factory=lambda: NONE)  # rows that stand first all the same
    authors: SameAuthors | None = None  # those whose papers are raised


@dataclass(frozen=True, slots=True)
class Sides:
    """The sources of candidates, which give only papers that `options` admit."""

    vectors: Callable[[Rows], Vectors]  # of rows
    papers: Callable[[Rows], Sequence[Paper]]  # of rows
    nearest: Callable[[Vectors, int], Sequence[Found]]  # the nearest n rows of each vector
    nearest_to_all: Callable[[Vectors, int], Found]  # the n rows whose least product with any vector is highest
    background: Callable[[], Background]  # for several papers
    lexical: Lexical | None = None  # not None where words are wanted
    qualify: Callable[[Rows], npt.NDArray[np.bool_]] = lambda rows: np.ones(rows.shape, np.bool_)  # what words found
