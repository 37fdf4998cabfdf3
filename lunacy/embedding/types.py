"""What an embedder is: all that the rest of lunacy knows of one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

from lunacy.fingerprint import Fingerprint

Vectors = npt.NDArray[np.float32]  # (n, dim), unit rows


@dataclass(frozen=True, slots=True)
class Embedded:
    """The vectors of some texts, in their order."""

    vectors: Vectors  # (n, dim) float32, unit rows
    n_cut: int  # how many of the texts were longer than the model reads


class Embedder(Protocol):
    """A model that turns texts into unit vectors."""

    @property
    def fingerprint(self) -> Fingerprint:
        """What decides its vectors, but for the text recipe, which is the pipeline's."""

    @property
    def arithmetic(self) -> str:
        """Device and number format, as recorded beside the fingerprint."""

    def embed(self, texts: Sequence[str]) -> Embedded:
        """One unit vector a text."""
