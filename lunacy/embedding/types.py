"""What an embedder is: all that the rest of lunacy knows of one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

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

    @property
    def window(self) -> int:
        """How many texts it likes to be given at a time."""

    def prepare(self, texts: Sequence[str]) -> Any:
        """The half that needs no model; may run in another thread than `run`, and ahead of it."""

    def run(self, prepared: Any) -> Embedded:
        """The half that needs the model: one unit vector a text, in order. For one thread at a time."""

    def embed(self, texts: Sequence[str]) -> Embedded:
        """Both halves."""
